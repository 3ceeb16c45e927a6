// Tells of each call of a guest, in the same words as the native host. The plain
// classes know nothing of it: a traced file system has subclasses of its own.

import { REP } from './convert.js';
import { Descriptor, DirectoryEntryStream } from './descriptor.js';
import { InputStream, OutputStream, filesystemErrorCode } from './streams.js';
import type { WasiFilesystem, WasiIo } from './host.js';

/** One call of a guest. */
export interface TraceEvent {
  /** The function, as `descriptor.open-at` or `path_open`. */
  call: string;
  /** The descriptor it was called on, or that the stream was made of. */
  descriptor?: number;
  /** The path it is about. */
  path?: string;
  /** The new path of a link or a rename, the target of a symbolic link. */
  to?: string;
  /** Where in the file. */
  offset?: bigint;
  /** How many bytes were asked for or given, or the new size. */
  length?: bigint;
  /**
   * `ok`, `closed` of a stream, or the case of `error-code`; of a preview1 program, the name of
   * its `errno`.
   */
  answer: string;
  /** How many bytes it was, or the descriptor that was made. */
  result?: number;
  /** How long it took, in microseconds. */
  us: number;
}

export type TraceListener = (event: TraceEvent) => void;

type Named = Pick<TraceEvent, 'path' | 'to' | 'offset' | 'length'>;
type Describe = (...args: never[]) => Named;

const none: Describe = () => ({});
const at: Describe = (path: string) => ({ path });
const flagsAt: Describe = (_: unknown, path: string) => ({ path });
const offset: Describe = (offset: bigint) => ({ offset });
const length: Describe = (length: bigint) => ({ length });
const contents: Describe = (bytes: Uint8Array) => ({ length: BigInt(bytes.length) });

const descriptor: Record<string, Describe> = {
  readViaStream: offset,
  writeViaStream: offset,
  appendViaStream: none,
  advise: (offset: bigint, length: bigint) => ({ offset, length }),
  syncData: none,
  getFlags: none,
  getType: none,
  setSize: length,
  setTimes: none,
  read: (length: bigint, offset: bigint) => ({ offset, length }),
  write: (bytes: Uint8Array, offset: bigint) => ({ offset, length: BigInt(bytes.length) }),
  readDirectory: none,
  sync: none,
  createDirectoryAt: at,
  stat: none,
  statAt: flagsAt,
  setTimesAt: flagsAt,
  linkAt: (_: unknown, path: string, __: unknown, to: string) => ({ path, to }),
  openAt: flagsAt,
  readlinkAt: at,
  removeDirectoryAt: at,
  renameAt: (path: string, _: unknown, to: string) => ({ path, to }),
  symlinkAt: (to: string, path: string) => ({ path, to }),
  unlinkFileAt: at,
  isSameObject: none,
  metadataHash: none,
  metadataHashAt: flagsAt,
};

const entries: Record<string, Describe> = { readDirectoryEntry: none };

// What the others are made of: a call within a call is not told.
const input: Record<string, Describe> = {
  read: length,
  blockingRead: length,
  skip: length,
  blockingSkip: length,
};

const output: Record<string, Describe> = {
  write: contents,
  blockingWriteAndFlush: contents,
  writeZeroes: length,
  blockingWriteZeroesAndFlush: length,
  splice: (_: unknown, length: bigint) => ({ length }),
  blockingSplice: (_: unknown, length: bigint) => ({ length }),
};

/** The same file system, and what goes with it, with classes that tell of each call. */
export function traced(
  plain: WasiFilesystem,
  io: WasiIo,
  listener: TraceListener,
): [WasiFilesystem, WasiIo] {
  const tracer = new Tracer(listener);
  const filesystem: WasiFilesystem = {
    types: {
      Descriptor: tracer.wrap('descriptor', Descriptor, descriptor),
      DirectoryEntryStream: tracer.wrap('directory-entry-stream', DirectoryEntryStream, entries),
      filesystemErrorCode,
    } as unknown as WasiFilesystem['types'],
    preopens: {
      getDirectories: () => {
        const call = { call: 'preopens.get-directories' };
        const all = tracer.run(call, () => plain.preopens.getDirectories());
        for (const [root] of all) {
          tracer.adopt(root);
        }
        return all;
      },
    },
  };
  return [filesystem, { ...io, streams: tracer.streams }];
}

type Shell = { [REP]: number };
type ShellClass = abstract new (...args: never[]) => Shell;

class Tracer {
  readonly #listener: TraceListener;
  /** From each plain class to the one that tells. */
  readonly #classes = new Map<unknown, object>();
  /** Of a stream, the descriptor it was made of. */
  readonly #origins = new WeakMap<object, number>();
  #depth = 0;

  readonly streams: WasiIo['streams'];

  constructor(listener: TraceListener) {
    this.#listener = listener;
    this.streams = {
      InputStream: this.wrap('input-stream', InputStream, input),
      OutputStream: this.wrap('output-stream', OutputStream, output),
    };
  }

  wrap<C extends ShellClass>(name: string, Plain: C, calls: Record<string, Describe>): C {
    const methods = Plain.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
    const tracer = this;
    const Traced = class extends (Plain as unknown as new (number: number) => Shell) {};
    for (const [method, describe] of Object.entries(calls)) {
      const call = `${name}.${method.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      const plain = methods[method]!;
      const value = function (this: Shell, ...args: unknown[]): unknown {
        const origin = tracer.#origins.get(this) ?? index(this);
        const event = { call, descriptor: origin, ...describe(...(args as never[])) };
        return tracer.run(event, () => plain.apply(this, args), this);
      };
      Object.defineProperty(Traced.prototype, method, { value, writable: true });
    }
    this.#classes.set(Plain, Traced.prototype);
    return Traced as unknown as C;
  }

  /** Makes a plain object tell of its calls too. */
  adopt(made: unknown, origin?: Shell): void {
    const prototype = this.#classes.get((made as object | null)?.constructor);
    if (prototype) {
      Object.setPrototypeOf(made, prototype);
      if (origin && !(made instanceof Descriptor)) {
        this.#origins.set(made as object, index(origin));
      }
    }
  }

  run<T>(event: Omit<TraceEvent, 'answer' | 'us'>, call: () => T, origin?: Shell): T {
    if (this.#depth > 0) {
      return call();
    }
    const start = performance.now();
    const end = (answer: string, result?: number): void => {
      const us = (performance.now() - start) * 1000;
      this.#listener({ ...event, answer, ...(result === undefined ? {} : { result }), us });
    };
    const ok = (value: unknown): void => {
      end('ok', size(value));
      this.adopt(value, origin);
    };
    this.#depth += 1;
    try {
      const answer = call();
      if (answer instanceof Promise) {
        return answer.then(
          (value) => (ok(value), value),
          (thrown) => (end(reason(thrown)), Promise.reject(thrown)),
        ) as T;
      }
      ok(answer);
      return answer;
    } catch (thrown) {
      end(reason(thrown));
      throw thrown;
    } finally {
      this.#depth -= 1;
    }
  }
}

/** A short number for a resource: that of its place in the core's table. */
function index(shell: Shell): number {
  return shell[REP] & 0xfffff;
}

function size(value: unknown): number | undefined {
  if (typeof value === 'bigint') {
    return Number(value);
  }
  if (value instanceof Uint8Array) {
    return value.length;
  }
  if (Array.isArray(value)) {
    return value[0] instanceof Uint8Array ? value[0].length : value.length;
  }
  return value instanceof Descriptor ? index(value) : undefined;
}

function reason(thrown: unknown): string {
  if (typeof thrown === 'string') {
    return thrown;
  }
  const error = thrown as { tag?: string; val?: { message?: string } } | null | undefined;
  return error?.tag === 'last-operation-failed' ? String(error.val?.message) : String(error?.tag);
}
