// A job's worker: mounts, imports, the program itself, exports.

import * as wasi from '@bytecodealliance/preview2-shim';
import { createCli } from '@bytecodealliance/preview2-shim/cli';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';

import { Filesystem } from '../../host.js';
import type { TraceEvent } from '../../trace.js';
import {
  NOT_RUNNABLE,
  NO_FILES,
  type Output,
  type PageJob,
  TRAPPED,
  type WorkerOrder,
} from '../protocol.js';
import { clocks, onSleep, poll } from './clocks.js';
import { copyIn, copyOut } from './copy.js';
import * as host from './host.js';
import { say, tell } from './host.js';

const encoder = new TextEncoder();

/** How long a program that makes other calls than on files may leave them unwritten. */
const WRITE_OUT_MS = 500;

let files: Filesystem | undefined;
let writtenOut = -Infinity;

/** Hands what the program has written to the browser: it may be ended at any time. */
function writeOut(): void {
  writtenOut = performance.now();
  try {
    files?.syncSync({ flush: false });
  } catch {
    // The next change on files is told.
  }
}

function output(to: Output, bytes: Uint8Array): void {
  if (performance.now() - writtenOut > WRITE_OUT_MS) {
    writeOut();
  }
  host.output(to, bytes);
}

function traceLine({ call, answer, result, us, ...names }: TraceEvent): void {
  const line = { call, ...names, answer, result, us: Math.round(us * 10) / 10 };
  const text = JSON.stringify(line, (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
  output('trace', encoder.encode(`${text}\n`));
}

function imports(job: PageJob, filesystem: Filesystem): Record<string, unknown> {
  const cli = createCli({
    arguments: job.argv,
    environment: job.env,
    stdin: {
      blockingRead: (length) => {
        const bytes = host.ask(`stdin?length=${Math.min(Number(length), 1 << 20)}`);
        if (bytes.length === 0) {
          throw { tag: 'closed' };
        }
        return bytes;
      },
    },
    stdout: { write: (bytes) => output('stdout', bytes) },
    stderr: { write: (bytes) => output('stderr', bytes) },
  });
  const environment = { ...cli.environment, initialCwd: () => undefined };
  const shim = new WASIShim({
    cli: { ...cli, environment },
    clocks,
    filesystem: filesystem.wasi,
    io: { ...wasi.io, poll },
  });
  return shim.getImportObject() as unknown as Record<string, unknown>;
}

/** Runs the program; its exit code. */
async function run(
  program: NonNullable<WorkerOrder['program']>,
  imports: Record<string, unknown>,
): Promise<number> {
  const modules = new Map(program.modules);
  const { instantiate } = (await import(program.url)) as {
    instantiate: (
      module: (name: string) => WebAssembly.Module | undefined,
      imports: Record<string, unknown>,
    ) => Promise<{ run: { run(): unknown } }>;
  };
  let instance;
  try {
    instance = await instantiate((name) => modules.get(name), imports);
  } catch (error) {
    say(`the program could not be instantiated: ${describe(error)}`);
    return NOT_RUNNABLE;
  }
  try {
    await instance.run.run();
    return 0;
  } catch (error) {
    // `run` answered with its error, which carries nothing.
    if (error === undefined) {
      return 1;
    }
    // What the shim's `exit` throws.
    const { exitError, code } = error as { exitError?: boolean; code?: number };
    if (exitError) {
      return code ?? 1;
    }
    say(`the program trapped: ${describe(error)}`);
    return TRAPPED;
  }
}

/** What happened, and in a program where: the names of its innermost functions. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const frames = error.stack?.split('\n').filter((line) => line.includes('wasm-function')) ?? [];
  const names = frames.slice(0, 8).map((line) => `    at ${functionOf(line)}`);
  return [`${error.name}: ${error.message}`, ...names].join('\n');
}

/** What a line of a stack names: `at NAME (URL)` in Chromium, `NAME@URL` in Firefox. */
function functionOf(line: string): string {
  const name = line.replace(/^\s*at /, '').replace(/(\s*\(.*\)|@\w+:\/\/.*)$/, '');
  const [index = ''] = /wasm-function\[\d+\]/.exec(line) ?? [];
  // One that has no name is where it is.
  return name === '' || name.includes(index) ? index : name;
}

async function obey({ job, core, program }: WorkerOrder): Promise<void> {
  host.connect(job.path, writeOut);
  let exitCode = NO_FILES;
  try {
    const filesystem = (files = await Filesystem.open({
      mounts: job.mounts,
      wasm: core,
      ...(job.trace && program ? { trace: traceLine } : {}),
    }));
    onSleep(writeOut);
    if (program) {
      for (const guest of job.imports) {
        await copyIn(filesystem, guest, job.path);
      }
      const host = imports(job, filesystem);
      tell({ type: 'started' });
      exitCode = await run(program, host);
      tell({ type: 'ended' });
      filesystem.release();
    }
    for (const guest of job.exports) {
      await copyOut(filesystem, guest, job.path);
    }
    filesystem.close();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    exitCode ||= NO_FILES;
  }
  tell({ type: 'done', exitCode });
}

addEventListener('message', ({ data }: MessageEvent<WorkerOrder>) => {
  void obey(data);
});
