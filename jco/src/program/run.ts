// Programs of a page, or of a worker: each is run in a worker of its own, which is ended when
// it is to stop.

import { consoleLines } from '../device.js';
import { argumentsOf, environmentOf } from '../given.js';
import type { FilesystemOptions } from '../host.js';
import { checkMounts } from '../mount.js';
import type { Step } from './execute.js';
import type { Order, Reason, Sink, Tells, Told } from './messages.js';

/** Where a program comes from: its bytes, a compiled module, or what they are fetched by. */
export type ProgramSource = BufferSource | Blob | Response | URL | string | WebAssembly.Module;

/** Where output goes: each piece is waited for, so that no more is made than is taken. */
export type RunOutput = ((bytes: Uint8Array) => unknown) | WritableStream<Uint8Array>;

type Mounting = Pick<FilesystemOptions, 'mounts' | 'waitMs' | 'gather' | 'cacheBytes'>;

export interface RunOptions extends Mounting {
  /** The arguments; the first is the program's own name. */
  args?: readonly string[];
  /** The environment. */
  env?: Readonly<Record<string, string>>;
  /**
   * Standard input: at its end if left out. Of a stream, pieces are read as the program wants
   * them; those that it did not want stay there. The program has to be suspended meanwhile:
   * the engine needs JSPI (Chromium 137, Firefox 153).
   */
  stdin?: string | Uint8Array | ReadableStream<Uint8Array>;
  /** Standard output: the console if left out. A stream stays open. */
  stdout?: RunOutput;
  /** Standard error: the console if left out. A stream stays open. */
  stderr?: RunOutput;
  /**
   * Somebody sits in front of all three: programs make columns, colours and prompts for them,
   * and a piece of no bytes in the stream `stdin` ends one read, as Ctrl+D does.
   */
  terminal?: boolean;
  /** Ends the program, wherever it is; `run` throws its reason. */
  signal?: AbortSignal;
  /** Is told what is done. */
  progress?: (step: Step | 'fetching') => void;
  /** Keep no transpiled form of a component, and look for none. */
  cache?: false;
  /**
   * Makes the worker, of the package's module `wasi-opfs/worker`, where the bundler does not
   * find it by itself.
   */
  worker?: () => Worker;
}

/** How a program ended. */
export interface RunResult {
  /** 0 to 255. */
  exitCode: number;
}

/** Why a program did not end by itself. */
export class RunError extends Error {
  override readonly name = 'RunError';
  /**
   * `not-runnable`: it is no program, or cannot run here. `trapped`: it was ended by a trap.
   * `files`: its mounts could not be opened, or not be closed. `worker`: there was none, or it
   * failed.
   */
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Runs a program, a component for WASI 0.2 or a preview1 module, in a worker of its own, and
 * answers how it ended. A component is transpiled first, once: the form is kept in OPFS.
 *
 * A program that cannot be run, or traps, is a {@link RunError}; one that `signal` ends is its
 * reason. What it wrote to a volume and synced is there, and the volume is free.
 */
export async function run(program: ProgramSource, options: RunOptions): Promise<RunResult> {
  const files = mounting(options);
  const { signal, stdin = '', terminal = false, cache = true } = options;
  const args = argumentsOf(options.args ?? []);
  const env = environmentOf(options.env ?? {});
  const input = typeof stdin === 'string' ? new TextEncoder().encode(stdin) : bytesIn(stdin);
  callable(options);
  signal?.throwIfAborted();
  if (typeof Worker === 'undefined') {
    throw new RunError('worker', 'there are no workers here: run it in a browser');
  }
  const streams = new Streams(options);
  try {
    const bytes = await abortable(bytesOf(program, options), signal);
    const order: Order = {
      type: 'order',
      program: bytes,
      args,
      env,
      files,
      stdin: input,
      terminal,
      cache,
    };
    return { exitCode: await work(order, options, streams) };
  } finally {
    streams.release();
  }
}

/** What of the options mounts are opened with; functions cannot be sent. */
function mounting(options: RunOptions | undefined): Mounting {
  const { mounts, waitMs, gather, cacheBytes } = options ?? ({} as Partial<RunOptions>);
  checkMounts(mounts);
  return {
    mounts,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(gather === undefined ? {} : { gather }),
    ...(cacheBytes === undefined ? {} : { cacheBytes }),
  };
}

/** Refuses options that would be called, and cannot be. */
function callable({ signal, progress, worker }: RunOptions): void {
  if (signal && typeof signal.throwIfAborted !== 'function') {
    throw new TypeError(`signal is an AbortSignal, as of an AbortController, and not ${signal}`);
  }
  for (const [name, given] of Object.entries({ progress, worker })) {
    if (given !== undefined && typeof given !== 'function') {
      throw new TypeError(`${name} is a function, and not ${given}`);
    }
  }
}

function bytesIn(stdin: unknown): Uint8Array | undefined {
  if (stdin instanceof Uint8Array) {
    return stdin;
  }
  if (stdin instanceof ReadableStream) {
    return undefined;
  }
  throw new TypeError('stdin is a string, a Uint8Array, or a ReadableStream of Uint8Arrays');
}

/** Fails as soon as the signal is given. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) {
    return promise;
  }
  // Nobody else hears of what becomes of it.
  promise.catch(() => undefined);
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function bytesOf(
  program: ProgramSource,
  { signal, progress }: RunOptions,
): Promise<Order['program']> {
  if (program instanceof WebAssembly.Module) {
    return program;
  }
  if (program instanceof ArrayBuffer) {
    return program;
  }
  if (ArrayBuffer.isView(program)) {
    return new Uint8Array(program.buffer, program.byteOffset, program.byteLength).slice().buffer;
  }
  if (program instanceof Blob) {
    return program.arrayBuffer();
  }
  if (program instanceof Response) {
    return content(program);
  }
  if (typeof program !== 'string' && !(program instanceof URL)) {
    throw new TypeError('a program is bytes, a Blob, a Response, a URL, or a WebAssembly.Module');
  }
  progress?.('fetching');
  const response = await fetch(program, signal ? { signal } : {}).catch((error: unknown) => {
    signal?.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new RunError('not-runnable', `'${program}' could not be fetched: ${why}`);
  });
  return content(response);
}

async function content(response: Response): Promise<ArrayBuffer> {
  if (!response.ok) {
    const { url, status, statusText } = response;
    throw new RunError('not-runnable', `'${url}' could not be fetched: ${status} ${statusText}`);
  }
  return response.arrayBuffer();
}

/** The page's ends of the standard streams. */
class Streams {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #terminal: boolean;
  readonly #writers = new Map<WritableStream, WritableStreamDefaultWriter<Uint8Array>>();
  readonly #write: Record<Sink, (bytes: Uint8Array) => unknown>;
  readonly #lines: (() => void)[] = [];

  constructor({ stdin, stdout, stderr, terminal = false }: RunOptions) {
    for (const [name, given] of Object.entries({ stdout, stderr })) {
      const fits = typeof given === 'function' || given instanceof WritableStream;
      if (given !== undefined && !fits) {
        throw new TypeError(`${name} is a function, or a WritableStream`);
      }
    }
    this.#terminal = terminal;
    this.#write = {
      stdout: this.#sink(stdout, console.log),
      stderr: this.#sink(stderr, console.error),
    };
    this.#reader = stdin instanceof ReadableStream ? stdin.getReader() : undefined;
  }

  #sink(
    given: RunOutput | undefined,
    log: (line: string) => void,
  ): (bytes: Uint8Array) => unknown {
    if (given === undefined) {
      const { write, end } = consoleLines(log);
      this.#lines.push(end);
      return (bytes) => write!(bytes);
    }
    if (typeof given === 'function') {
      return given;
    }
    const writer = this.#writers.get(given) ?? given.getWriter();
    this.#writers.set(given, writer);
    return (bytes) => writer.write(bytes);
  }

  /** Returns when it is where it goes. */
  async write(to: Sink, bytes: Uint8Array): Promise<void> {
    await this.#write[to](bytes);
  }

  /** The next bytes of standard input; nothing at its end. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#reader!.read();
      if (done) {
        return undefined;
      }
      if (!(value instanceof Uint8Array)) {
        throw new TypeError('the stream of stdin has something else than Uint8Arrays');
      }
      if (value.length > 0 || this.#terminal) {
        return value;
      }
    }
  }

  release(): void {
    this.#lines.forEach((end) => end());
    // Who still reads is told, which nobody hears.
    this.#reader?.releaseLock();
    for (const writer of this.#writers.values()) {
      writer.releaseLock();
    }
  }
}

/** How much output is taken before the worker is told, in bytes: far less than it may send. */
const TOLD = 64 * 1024;

/** How long a worker may take until it has understood what it is to do. */
const HERE_MS = 10_000;

/** Has a worker run the program; its exit code. */
async function work(order: Order, options: RunOptions, streams: Streams): Promise<number> {
  const make = options.worker ?? defaultWorker;
  const worker = make();
  if (typeof worker?.postMessage !== 'function' || typeof worker.terminate !== 'function') {
    throw new TypeError(`worker is a function that makes a Worker, and it made ${worker}`);
  }
  const ended = Promise.withResolvers<number>();
  const silent = setTimeout(() => {
    const why =
      `it has not answered for ${HERE_MS / 1000} seconds: its script is not that of ` +
      "'wasi-opfs/worker', which is to be bundled as an entry of its own, or is of another " +
      'version, or did not come in that time';
    ended.reject(new RunError('worker', `the worker of the program failed: ${why}`));
  }, HERE_MS);
  const tell = (message: Told): void => worker.postMessage(message);
  /** One piece of output after the other. */
  let written: Promise<void> = Promise.resolve();
  let taken = 0;
  worker.onmessage = ({ data }: MessageEvent<Tells>) => {
    switch (data?.type) {
      case 'here':
        clearTimeout(silent);
        break;
      case 'progress':
        options.progress?.(data.step);
        break;
      case 'wants':
        streams.read().then((bytes) => tell({ type: 'input', bytes }), ended.reject);
        break;
      case 'output': {
        const { to, bytes } = data;
        written = written.then(async () => {
          await streams.write(to, bytes);
          taken += bytes.length;
          if (taken >= TOLD) {
            tell({ type: 'taken', bytes: taken });
            taken = 0;
          }
        });
        // What its receiver throws ends the program.
        written.catch(ended.reject);
        break;
      }
      case 'ended':
        written.then(() => ended.resolve(data.exitCode), ended.reject);
        break;
      case 'failed': {
        const error = new RunError(data.reason, data.message);
        written.then(() => ended.reject(error), ended.reject);
        break;
      }
    }
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const why = event.message || "its script could not be loaded: give 'worker', which makes it";
    ended.reject(new RunError('worker', `the worker of the program failed: ${why}`));
  };
  worker.onmessageerror = () => {
    ended.reject(new RunError('worker', 'what the worker of the program said cannot be read'));
  };
  try {
    tell(order);
    return await abortable(ended.promise, options.signal);
  } finally {
    clearTimeout(silent);
    worker.terminate();
  }
}

function defaultWorker(): Worker {
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}
