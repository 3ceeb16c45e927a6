// The command `wasi-opfs`: a command line in, exit code out.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Writable } from 'node:stream';

import { asyncImports } from '../jspi.js';
import {
  type JcoFlags,
  type Job,
  type RunOptions,
  batchName,
  parseBatchLine,
  parseCommand,
} from './options.js';
import { NO_FILES, type Output } from './protocol.js';
import { type Outcome, type Place, Runner } from './runner.js';
import type { Streams } from './server.js';
import type { TaskOptions } from './tasks.js';
import { UsageError } from './words.js';

/** Runs a command line; its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const command = parseCommand(argv);
    if ('run' in command) {
      return await run(command.run);
    }
    if ('task' in command) {
      return await tend(command.task);
    }
    const answer =
      'help' in command
        ? command.help
        : `${jcoFlags(command.jcoFlags).join(' ')}\n`;
    await put(process.stdout, answer);
    return 0;
  } catch (error) {
    await put(process.stderr, `wasi-opfs: ${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : NO_FILES;
  }
}

/**
 * With these, `jco transpile` makes a program use `wasi-opfs/filesystem`, or what it is
 * instantiated with.
 */
function jcoFlags({ instantiation, jspi }: JcoFlags): string[] {
  const waiting = ['--async-mode', 'jspi', '--async-imports', ...asyncImports];
  return [
    ...(instantiation
      ? ['--instantiation', 'async']
      : ['filesystem', 'io'].flatMap((name) => ['--map', `wasi:${name}/*=wasi-opfs/filesystem#*`])),
    '--import-bindings',
    'hybrid',
    '--no-nodejs-compat',
    ...(jspi ? [...waiting, '--async-exports', 'wasi:cli/run#run'] : []),
  ];
}

/** By convention: 128 and the signal's number. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** As if SIGPIPE had ended this process, which node ignores. */
const NO_READER = 141;

async function run(options: RunOptions): Promise<number> {
  const trace = await traceTo(options.trace);
  try {
    return await withRunner(options, (runner) =>
      'job' in options.work
        ? runAlone(runner, options.work.job, trace)
        : runBatch(runner, options.work.batch, options.timeoutMs, trace),
    );
  } finally {
    await trace?.end();
  }
}

async function tend({ task, ...place }: TaskOptions): Promise<number> {
  const streams = ownStreams(undefined);
  return withRunner(place, async (runner) => said(await runner.tend(task, streams)));
}

/** Takes the browser down whatever happens. */
async function withRunner(
  place: Place,
  work: (runner: Runner) => Promise<number>,
): Promise<number> {
  const runner = new Runner(place);
  let stopping: Promise<never> | undefined;
  const stop = (code: number): void => {
    stopping ??= runner.close().then(() => process.exit(code));
  };
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => stop(code));
  }
  // Who reads the output has gone.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => stop(NO_READER));
  }
  try {
    return await work(runner);
  } finally {
    await stopping;
    await runner.close();
  }
}

async function runAlone(runner: Runner, job: Job, trace: Trace | undefined): Promise<number> {
  return said(await runner.run(job, trace !== undefined, ownStreams(trace)));
}

/** The streams of this process. */
function ownStreams(trace: Trace | undefined): Streams {
  const { stdin, stdout, stderr } = process;
  const streams = { stdout, stderr };
  return {
    write: (to, bytes) => (to === 'trace' ? trace!.write(bytes) : put(streams[to], bytes)),
    read: readStdin,
    ready: stdinReady,
    // Of what is none, node says nothing.
    terminals: { stdin: !!stdin.isTTY, stdout: !!stdout.isTTY, stderr: !!stderr.isTTY },
  };
}

/** Says what there is to say; the exit code. */
async function said({ exitCode, message }: Outcome): Promise<number> {
  if (message !== undefined) {
    await put(process.stderr, `wasi-opfs: ${message}\n`);
  }
  return exitCode;
}

/** Runs the jobs that `file` lists, and prints a line for each as it ends. */
async function runBatch(
  runner: Runner,
  file: string,
  timeoutMs: number | undefined,
  trace: Trace | undefined,
): Promise<number> {
  const lines = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch(
    (error: Error) => {
      throw new Error(`cannot read the batch '${file}': ${error.message}`);
    },
  );
  for (const [index, line] of lines.split('\n').entries()) {
    if (line.trim() !== '') {
      await runLine(runner, line, index + 1, timeoutMs, trace);
    }
  }
  return 0;
}

async function runLine(
  runner: Runner,
  line: string,
  number: number,
  timeoutMs: number | undefined,
  trace: Trace | undefined,
): Promise<void> {
  const start = performance.now();
  const name = batchName(line, number);
  const output: Record<Exclude<Output, 'trace'>, Uint8Array[]> = { stdout: [], stderr: [] };
  let exitCode = NO_FILES;
  let message: string | undefined;
  try {
    const job = parseBatchLine(line, number);
    job.timeoutMs ??= timeoutMs;
    ({ exitCode, message } = await runner.run(job, trace !== undefined, {
      write: async (to, bytes) =>
        to === 'trace' ? trace!.write(bytes, name) : void output[to].push(bytes),
      read: () => Promise.resolve(new Uint8Array()),
      ready: () => Promise.resolve(1),
      terminals: { stdin: false, stdout: false, stderr: false },
    }));
  } catch (error) {
    message = (error as Error).message;
  }
  const stdout = Buffer.concat(output.stdout).toString();
  let stderr = Buffer.concat(output.stderr).toString();
  if (message !== undefined) {
    stderr += `${stderr === '' || stderr.endsWith('\n') ? '' : '\n'}${message}\n`;
  }
  const ms = Math.round(performance.now() - start);
  const result = { name, exit_code: exitCode, stdout, stderr, ms };
  await put(process.stdout, `${JSON.stringify(result)}\n`);
}

/** Where `--trace` writes: lines of JSON, with the name of their job if there are several. */
interface Trace {
  write(lines: Uint8Array, job?: string): Promise<void>;
  end(): Promise<void>;
}

async function traceTo(file: string | undefined): Promise<Trace | undefined> {
  if (file === undefined) {
    return undefined;
  }
  const stream = file === '-' ? process.stderr : createWriteStream(file);
  if (stream !== process.stderr) {
    await once(stream, 'open').catch((error: Error) => {
      throw new Error(`cannot write the trace to '${file}': ${error.message}`);
    });
  }
  return {
    write: async (lines, job) => {
      const head = job === undefined ? '{' : `{"job":${JSON.stringify(job)},`;
      await put(stream, Buffer.from(lines).toString().replace(/^\{/gm, head));
    },
    end: async () => {
      if (stream !== process.stderr) {
        await new Promise<void>((resolve) => stream.end(() => resolve()));
      }
    },
  };
}

/** Writes, and waits until it is written. */
function put(stream: Writable, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

let input: AsyncIterator<Buffer> | undefined;
let coming: Promise<void> | undefined;
let rest: Uint8Array = new Uint8Array();
let ended = false;

/** Waits until there is something of stdin, which is not touched before a program asks. */
async function fill(): Promise<void> {
  if (rest.length > 0 || ended) {
    return;
  }
  input ??= process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  coming ??= input.next().then((next) => {
    ended = next.done === true;
    rest = next.done ? rest : next.value;
    coming = undefined;
  });
  await coming;
}

/** The next bytes of stdin. */
async function readStdin(length: number): Promise<Uint8Array> {
  await fill();
  const bytes = rest.subarray(0, length);
  rest = rest.subarray(length);
  return bytes;
}

/** A timer holds no more than 31 bits. */
const LONGEST_MS = 2 ** 31 - 1;

/** How many bytes there are, waiting for some; 1 at the end, 0 if they are late. */
async function stdinReady(ms: number): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, LONGEST_MS));
  });
  await Promise.race([fill(), late]);
  clearTimeout(timer);
  return ended ? Math.max(rest.length, 1) : rest.length;
}
