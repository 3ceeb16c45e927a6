// The runner's page: starts a worker for each job, watches the clock, and brings
// what the program writes to the host in order.

import { parseMount } from '../../mount.js';
import { place } from '../place.js';
import {
  type Modules,
  type Output,
  type PageJob,
  TIMED_OUT,
  TRAPPED,
  type TaskOrder,
  type WorkerMessage,
  type WorkerOrder,
} from '../protocol.js';

const core = WebAssembly.compileStreaming(fetch('core.wasm'));

/** How many programs stay compiled. */
const COMPILED_PROGRAMS = 8;

const programs = new Map<string, Promise<Modules>>();

/** Compiles a program, once if it is run several times. */
function compile({ program, modules }: PageJob): Promise<Modules> {
  const compiled =
    programs.get(program) ??
    Promise.all(
      modules.map(async (name): Promise<Modules[number]> => [
        name,
        await WebAssembly.compileStreaming(fetch(`${program}${name}`)),
      ]),
    );
  programs.delete(program);
  programs.set(program, compiled);
  const [oldest] = programs.keys();
  if (programs.size > COMPILED_PROGRAMS && oldest !== undefined) {
    programs.delete(oldest);
  }
  return compiled;
}

/** Brings bytes to the host: what gathers while one request is under way goes together. */
class Outlet {
  readonly #path: string;
  #waiting: [Output, Uint8Array[]][] = [];
  #sending: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  write(to: Output, bytes: Uint8Array): void {
    const last = this.#waiting.at(-1);
    if (last?.[0] === to) {
      last[1].push(bytes);
    } else {
      this.#waiting.push([to, [bytes]]);
    }
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const [to, chunks] = next;
      await fetch(`${this.#path}${to}`, { method: 'POST', body: new Blob(chunks as BlobPart[]) });
    }
    this.#sending = undefined;
  }

  say(text: string): void {
    this.write('stderr', new TextEncoder().encode(`wasi-opfs: ${text}\n`));
  }

  /** Returns when all is there. */
  async drained(): Promise<void> {
    await this.#sending;
  }
}

globalThis.runJob = async (job: PageJob): Promise<number> => {
  const outlet = new Outlet(job.path);
  const order: WorkerOrder = {
    job,
    core: await core,
    modules: await compile(job),
  };
  const exitCode = await work('worker.js', order, outlet, job.timeoutMs);
  if (exitCode === TIMED_OUT && job.exports.length > 0) {
    await rescue(order, outlet);
  }
  await outlet.drained();
  return exitCode;
};

/** Copies out what a program that was ended has left: its worker could not. */
async function rescue(order: WorkerOrder, outlet: Outlet): Promise<void> {
  const { mounts, exports } = order.job;
  const lost = exports.filter((guest) => {
    const held = place(Object.keys(mounts), guest);
    return held && parseMount(mounts[held.mount]!).kind === 'memory';
  });
  for (const guest of lost) {
    outlet.say(`cannot export '${guest}': it was in memory, which went with the program`);
  }
  const kept = exports.filter((guest) => !lost.includes(guest));
  if (kept.length > 0) {
    const job = { ...order.job, exports: kept };
    await work('worker.js', { ...order, job, modules: undefined }, outlet);
  }
}

globalThis.runTask = async (order: TaskOrder): Promise<number> => {
  const outlet = new Outlet(order.path);
  const exitCode = await work('task.js', { ...order, core: await core }, outlet);
  await outlet.drained();
  return exitCode;
};

/** Has a worker of its own carry an order out. */
function work(
  script: string,
  order: WorkerOrder | TaskOrder,
  outlet: Outlet,
  timeoutMs?: number,
): Promise<number> {
  const worker = new Worker(script, { type: 'module' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new Promise<number>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>): void => {
      switch (data.type) {
        case 'output':
          outlet.write(data.to, data.bytes);
          break;
        case 'started':
          if (timeoutMs !== undefined) {
            // A timer holds no more than 31 bits: 24 days, and none waits longer.
            timer = setTimeout(
              () => {
                outlet.say(`the program was ended after ${timeoutMs} ms`);
                resolve(TIMED_OUT);
              },
              Math.min(timeoutMs, 2 ** 31 - 1),
            );
          }
          break;
        case 'ended':
          clearTimeout(timer);
          break;
        case 'done':
          resolve(data.exitCode);
          break;
      }
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      outlet.say(`the worker failed: ${event.message}`);
      resolve(TRAPPED);
    };
    worker.postMessage(order);
  }).finally(() => {
    clearTimeout(timer);
    worker.terminate();
  });
}
