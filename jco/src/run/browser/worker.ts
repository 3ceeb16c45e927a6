// A job's worker: mounts, imports, the program itself, exports.

import { Filesystem } from '../../host.js';
import { unfit } from '../../program/module.js';
import type { TraceEvent } from '../../trace.js';
import { NOT_RUNNABLE, NO_FILES, type Output, type WorkerOrder } from '../protocol.js';
import { copyIn, copyOut } from './copy.js';
import * as host from './host.js';
import { say, tell } from './host.js';
import { runProgram } from './program.js';

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

async function obey(order: WorkerOrder): Promise<number> {
  const { job, core, modules } = order;
  const [[, module] = []] = modules ?? [];
  const why = job.kind === 'module' && module ? unfit(module) : undefined;
  if (why !== undefined) {
    say(`cannot run '${job.name}': ${why}`);
    return NOT_RUNNABLE;
  }
  const filesystem = (files = await Filesystem.open({
    mounts: job.mounts,
    wasm: core,
    ...(job.trace && modules ? { trace: traceLine } : {}),
  }));
  let exitCode = 0;
  try {
    if (modules) {
      for (const guest of job.imports) {
        await copyIn(filesystem, guest, job.path);
      }
      tell({ type: 'started' });
      exitCode = await runProgram(modules, job, filesystem, output);
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
  return exitCode;
}

addEventListener('message', ({ data }: MessageEvent<WorkerOrder>) => {
  host.connect(data.job.path, writeOut);
  obey(data)
    .catch((error: unknown) => {
      say(error instanceof Error ? error.message : String(error));
      return NO_FILES;
    })
    .then((exitCode) => tell({ type: 'done', exitCode }));
});
