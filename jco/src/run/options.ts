// The command line: what is asked for, or why it cannot be.

import { basename } from 'node:path';

import type { Engine } from './engines.js';
import { place } from './place.js';
import { type TaskOptions, parseTask } from './tasks.js';
import { UsageError, checkMounts, cutFirst, cutLast, engineOf, parse, record } from './words.js';

/** One run of a program. */
export interface Job {
  name: string;
  /** A component, or a preview1 module. */
  program: string;
  /** Whether a preview1 module is made a component. */
  adapter: boolean;
  /** Whether jco binds a component's imports to classes, without the fast form. */
  classes: boolean;
  /** Without the name of the program. */
  args: string[];
  env: Record<string, string>;
  /** From a guest name to `KIND:NAME[:ro]`. */
  mounts: Record<string, string>;
  /** From a guest name to a directory of the host. */
  imports: Record<string, string>;
  exports: Record<string, string>;
  timeoutMs: number | undefined;
}

export interface RunOptions {
  /** The one job, or the file that lists them. */
  work: { job: Job } | { batch: string };
  engine: Engine;
  profile: string | undefined;
  /** A file, or `-` for stderr. */
  trace: string | undefined;
  timeoutMs: number | undefined;
}

export type Command =
  | { help: string }
  | { run: RunOptions }
  | { task: TaskOptions }
  | { jcoFlags: JcoFlags };

/** What a program that jco transpiles is to be made for. */
export interface JcoFlags {
  /** It is given its imports. */
  instantiation: boolean;
  /** Mounts may wait. */
  jspi: boolean;
}

export const HELP = `Runs WebAssembly programs in a headless browser, with files in OPFS.

Usage:
  wasi-opfs run PROGRAM.wasm [OPTIONS] [-- ARGS...]
  wasi-opfs run --batch FILE [--browser NAME] [--profile DIR] [--timeout MS]
                [--trace[=FILE]]
  wasi-opfs jco-flags [--instantiation] [--jspi]
  wasi-opfs volume info|check|compact NAME --profile DIR
  wasi-opfs ls|cat|import|export --mount GUEST=KIND --profile DIR PATH...

PROGRAM.wasm is a component for WASI 0.2 or a preview1 module, binary or text.

Options of run:
  --mount GUEST=KIND[:ro]   What the program sees as GUEST ('/', '/tmp', '.'):
                            volume:NAME   a whole file system in one file of OPFS
                            tree:NAME     the directory NAME of OPFS as it is
                            memory        nothing at first, gone at the end
                            memory:NAME   the same in every mount of that name
                            With :ro the program may change nothing there.
  --env NAME=VALUE          An environment variable of the program.
  --adapter                 Make a preview1 module a component, with the adapter of the
                            WASI project, instead of giving it its calls directly.
  --classes                 Give a component its calls by classes, as jco does by itself,
                            and not on its memory: slower, to compare.
  --import HOSTDIR=GUEST    Copy what is in a directory of this machine into the
                            program's directory GUEST before it starts, also
                            where the program may not write.
  --export GUEST=HOSTDIR    Copy what is in the program's directory GUEST into a
                            directory of this machine when the program has ended,
                            however. A time-out loses what is in memory.
  --browser NAME            chromium (if nothing is said) or firefox.
  --profile DIR             Keep the browser's profile, with all of OPFS, in DIR;
                            without it a temporary one is used and removed.
  --timeout MS              End the program after so many milliseconds; in a
                            batch, where a line says nothing.
  --trace[=FILE]            Write each call on files as a line of JSON, to FILE
                            or to stderr.
  --batch FILE              Run what FILE ('-': standard input) lists, one JSON
                            object a line, of which only "program" has to be:
                            {"name", "program", "adapter": false,
                             "classes": false, "args": [], "env": {},
                             "mounts": {"GUEST": "KIND:NAME[:ro]"},
                             "imports": {"GUEST": "HOSTDIR"},
                             "exports": {"GUEST": "HOSTDIR"}, "timeout_ms"}
                            and print a line for each as it ends:
                            {"name", "exit_code", "stdout", "stderr", "ms"}
  -h, --help                Show this.

volume, ls, cat, import and export look after the files of a profile without a
program; each has a --help of its own.

jco-flags prints the flags with which 'jco transpile' makes a program use
'wasi-opfs/filesystem'; with --instantiation, a program that is given its imports,
as by WASIShim. A program that is to use a 'tree', which waits, needs --jspi.

Exit code: the program's own (a component older than WASI 0.2.12 can say but 0 or 1);
134 after a trap, 124 after the time-out; 127 if there is no such program, 126 if it
cannot be run, 125 if its files cannot be made ready. The browser is the one that CHROME
or FIREFOX names, or a Chromium or Firefox on the PATH.
`;

/** Reads a command line. */
export function parseCommand(argv: readonly string[]): Command {
  const [command, ...rest] = argv;
  switch (command) {
    case 'run':
      return parseRun(rest);
    case 'jco-flags':
      return { jcoFlags: parseJcoFlags(rest) };
    case 'volume':
    case 'ls':
    case 'cat':
    case 'import':
    case 'export':
      return parseTask(command, rest);
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      return { help: HELP };
    default:
      throw new UsageError(`there is no command '${command}'; try 'wasi-opfs --help'`);
  }
}

function parseJcoFlags(argv: readonly string[]): JcoFlags {
  const stray = argv.find((word) => word !== '--instantiation' && word !== '--jspi');
  if (stray !== undefined) {
    throw new UsageError(`jco-flags does not know '${stray}'; try 'wasi-opfs --help'`);
  }
  return { instantiation: argv.includes('--instantiation'), jspi: argv.includes('--jspi') };
}

const OPTIONS = {
  adapter: { type: 'boolean', default: false },
  batch: { type: 'string' },
  browser: { type: 'string' },
  classes: { type: 'boolean', default: false },
  env: { type: 'string', multiple: true },
  export: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
  import: { type: 'string', multiple: true },
  mount: { type: 'string', multiple: true },
  profile: { type: 'string' },
  timeout: { type: 'string' },
  trace: { type: 'string' },
} as const;

function parseRun(argv: readonly string[]): Command {
  const split = argv.indexOf('--');
  const own = split < 0 ? argv : argv.slice(0, split);
  const args = split < 0 ? [] : argv.slice(split + 1);
  // The only option whose value may be left out.
  const { values, positionals } = parse(
    own.map((word) => (word === '--trace' ? '--trace=-' : word)),
    OPTIONS,
  );
  if (values.help) {
    return { help: HELP };
  }
  const timeoutMs = values.timeout === undefined ? undefined : milliseconds(values.timeout);
  const engine = engineOf(values.browser);
  const shared = { engine, profile: values.profile, trace: values.trace, timeoutMs };
  if (values.batch !== undefined) {
    const stray = [...positionals, ...args];
    const { adapter, classes, env, mount } = values;
    const more = adapter || classes || mount || env || values.import || values.export;
    if (stray.length > 0 || more) {
      throw new UsageError('--batch takes programs, mounts and the like from its file alone');
    }
    return { run: { work: { batch: values.batch }, ...shared } };
  }
  const [program, stray] = positionals;
  if (program === undefined) {
    throw new UsageError('which program? wasi-opfs run PROGRAM.wasm [OPTIONS] [-- ARGS...]');
  }
  if (stray !== undefined) {
    throw new UsageError(`'${stray}' is too much; the program's own arguments stand behind '--'`);
  }
  const job = {
    name: basename(program),
    program,
    adapter: values.adapter,
    classes: values.classes,
    args,
    env: record('--env', 'NAME=VALUE', values.env, cutFirst),
    mounts: record('--mount', 'GUEST=KIND:NAME', values.mount, cutFirst),
    imports: record('--import', 'HOSTDIR=GUEST', values.import, (text) =>
      cutLast(text)?.reverse() as [string, string] | undefined,
    ),
    exports: record('--export', 'GUEST=HOSTDIR', values.export, cutFirst),
    timeoutMs,
  };
  checkJob(job);
  return { run: { work: { job }, ...shared } };
}

function milliseconds(value: unknown): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number <= 0) {
    throw new UsageError(`a timeout is a number of milliseconds, not '${String(value)}'`);
  }
  return number;
}

/** Refuses what can be known to be wrong before anything is started. */
function checkJob(job: Job): void {
  checkMounts(job.mounts);
  for (const guest of [...Object.keys(job.imports), ...Object.keys(job.exports)]) {
    if (!place(Object.keys(job.mounts), guest)) {
      throw new UsageError(`no mount holds '${guest}'; add one, as --mount ${guest}=memory`);
    }
  }
}

/** The name of a batch's job, also if something else in its line is wrong. */
export function batchName(line: string, number: number): string {
  try {
    const { name } = JSON.parse(line) as { name?: unknown };
    return typeof name === 'string' ? name : `line ${number}`;
  } catch {
    return `line ${number}`;
  }
}

/** Reads one line of a batch. */
export function parseBatchLine(line: string, number: number): Job {
  try {
    return batchJob(JSON.parse(line), batchName(line, number));
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(`line ${number} of the batch is no job: ${message}`);
  }
}

function batchJob(value: unknown, name: string): Job {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError('it is not an object');
  }
  const given = value as Record<string, unknown>;
  const { name: _, program, adapter, classes, args, env, ...files } = given;
  const { mounts, imports, exports, timeout_ms, ...others } = files;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new UsageError(`'${unknown}' is not known`);
  }
  if (typeof program !== 'string') {
    throw new UsageError(`'program' has to be a string`);
  }
  for (const [option, given] of Object.entries({ adapter, classes })) {
    if (typeof (given ?? false) !== 'boolean') {
      throw new UsageError(`'${option}' has to be true or false`);
    }
  }
  const job = {
    name,
    program,
    adapter: adapter === true,
    classes: classes === true,
    args: strings('args', args ?? []),
    env: stringsByName('env', env ?? {}),
    mounts: stringsByName('mounts', mounts ?? {}),
    imports: stringsByName('imports', imports ?? {}),
    exports: stringsByName('exports', exports ?? {}),
    timeoutMs: timeout_ms == null ? undefined : milliseconds(timeout_ms),
  };
  checkJob(job);
  return job;
}

function strings(what: string, list: unknown): string[] {
  if (!Array.isArray(list) || list.some((text) => typeof text !== 'string')) {
    throw new UsageError(`'${what}' has to be a list of strings`);
  }
  return list as string[];
}

function stringsByName(what: string, map: unknown): Record<string, string> {
  if (typeof map !== 'object' || map === null) {
    throw new UsageError(`'${what}' has to be an object of strings`);
  }
  strings(what, Object.values(map));
  return map as Record<string, string>;
}
