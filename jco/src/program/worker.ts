// The worker of one program, which a page's `run` starts, and ends.

import type { Device } from '../device.js';
import { Filesystem } from '../host.js';
import { loadCore } from '../load.js';
import { NotRunnable, Trapped } from './ended.js';
import { execute } from './execute.js';
import type { Order, Reason, Sink, Tells, Told } from './messages.js';

/** How much output may be under way to the page, and how much goes at once, in bytes. */
const UNDER_WAY = 1 << 20;
const PIECE = 256 * 1024;

function tell(message: Tells): void {
  postMessage(message);
}

/** Something that others wait for, again and again. */
class Signal {
  #next = Promise.withResolvers<void>();

  give(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /** Returns when it is given, or after so many milliseconds. */
  wait(ms?: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    });
    return Promise.race([this.#next.promise, late]).finally(() => clearTimeout(timer));
  }
}

/** Standard input of a page that hands over a piece whenever one is wanted. */
class Incoming implements Device {
  readonly terminal: boolean;
  readonly #came = new Signal();
  #piece: Uint8Array | undefined;
  #ended = false;
  #asked = false;

  constructor(terminal: boolean) {
    this.terminal = terminal;
  }

  take(bytes: Uint8Array | undefined): void {
    this.#asked = false;
    this.#piece = bytes;
    this.#ended = bytes === undefined;
    this.#came.give();
  }

  #ready(): boolean {
    const ready = this.#piece !== undefined || this.#ended;
    if (!ready && !this.#asked) {
      this.#asked = true;
      tell({ type: 'wants' });
    }
    return ready;
  }

  async read(buffer: Uint8Array): Promise<number> {
    while (!this.#ready()) {
      await this.#came.wait();
    }
    const piece = this.#piece ?? new Uint8Array();
    const taken = piece.subarray(0, buffer.length);
    buffer.set(taken);
    // A piece of no bytes ends one read.
    this.#piece = taken.length < piece.length ? piece.subarray(taken.length) : undefined;
    return taken.length;
  }

  async poll(want: 'read' | 'write', ms: number): Promise<number> {
    if (want === 'read' && !this.#ready()) {
      // Also a program that never waits has to hear of what comes.
      await this.#came.wait(ms);
    }
    return this.#ready() ? Math.max(this.#piece?.length ?? 0, 1) : 0;
  }
}

let sent = 0;
let taken = 0;
const room = new Signal();

/** Where a program's output goes: the page, which says what it has taken. */
class Outgoing implements Device {
  readonly terminal: boolean;
  readonly #to: Sink;

  constructor(to: Sink, terminal: boolean) {
    this.#to = to;
    this.terminal = terminal;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    const piece = bytes.slice(0, PIECE);
    sent += piece.length;
    tell({ type: 'output', to: this.#to, bytes: piece });
    return sent - taken > UNDER_WAY && 'Suspending' in WebAssembly
      ? this.#wait(piece.length)
      : piece.length;
  }

  async #wait(written: number): Promise<number> {
    while (sent - taken > UNDER_WAY) {
      await room.wait();
    }
    return written;
  }
}

/** The mounts could not be opened, or not be closed. */
class FilesFailed {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

async function obey(order: Order, incoming: Incoming): Promise<number> {
  const { program, args, env, files, stdin, terminal, cache } = order;
  // What keeps the core from being loaded is nothing about files.
  await loadCore();
  const filesystem = await Filesystem.open(files).catch((error: unknown) => {
    throw new FilesFailed(error);
  });
  try {
    return await execute(filesystem, program, {
      args,
      env,
      stdin: stdin ?? incoming,
      stdout: new Outgoing('stdout', terminal),
      stderr: new Outgoing('stderr', terminal),
      cache,
      progress: (step) => tell({ type: 'progress', step }),
    });
  } finally {
    try {
      filesystem.close();
    } catch (error) {
      throw new FilesFailed(error);
    }
  }
}

function failed(thrown: unknown): Tells {
  const reasons: [new (...args: never) => object, Reason][] = [
    [NotRunnable, 'not-runnable'],
    [Trapped, 'trapped'],
    [FilesFailed, 'files'],
  ];
  const reason = reasons.find(([kind]) => thrown instanceof kind)?.[1] ?? 'worker';
  const error = thrown instanceof FilesFailed ? thrown.cause : thrown;
  const message = error instanceof Error ? error.message : String(error);
  return { type: 'failed', reason, message };
}

let incoming: Incoming | undefined;

addEventListener('message', ({ data }: MessageEvent<Told>) => {
  switch (data.type) {
    case 'order': {
      tell({ type: 'here' });
      // Others who want the volume are told who has it.
      Object.defineProperty(globalThis, 'name', { value: data.args[0] ?? '', configurable: true });
      incoming = new Incoming(data.terminal);
      obey(data, incoming).then(
        (exitCode) => tell({ type: 'ended', exitCode }),
        (error: unknown) => tell(failed(error)),
      );
      break;
    }
    case 'input':
      incoming?.take(data.bytes);
      break;
    case 'taken':
      taken += data.bytes;
      room.give();
      break;
  }
});
