// Devices as a component's standard streams: the shim's handlers, whose methods answer with
// promises where a device does.

import type { inputStreamCreate, outputStreamCreate } from '@bytecodealliance/preview2-shim/io';

import { type Device, codeOf } from '../device.js';
import { failed } from '../streams.js';
import { type Maybe, type Waiting, drive, suspend } from './clocks.js';
import { Thrown, Trapped } from './ended.js';
import type { Waits } from './suspend.js';

export type InputHandler = Parameters<typeof inputStreamCreate>[0];
export type OutputHandler = Parameters<typeof outputStreamCreate>[0];

type Ready = Waiting['ready'];
type Answer = Waits['answer'];

/** How much a stream reads, or takes, at once. */
const PIECE = 64 * 1024;

/** `stream-error`, of what a device threw with a code; everything else ends the guest. */
function streamError(thrown: unknown): unknown {
  const code = codeOf(thrown);
  return code === undefined ? new Thrown(thrown) : failed(code);
}

/** The same of a device that is written to: what leads nowhere is a stream that is closed. */
function outputError(thrown: unknown): unknown {
  return codeOf(thrown) === 'pipe' ? { tag: 'closed' } : streamError(thrown);
}

/** What a stream reads from. */
export function inlet(device: Required<Device>, ready: Ready, answer: Answer): InputHandler {
  const none = new Uint8Array();
  function* take(length: bigint, waits: boolean): Generator<unknown, Uint8Array, never> {
    const buffer = new Uint8Array(Number(length < PIECE ? length : PIECE));
    let count: number;
    try {
      if (!waits && ((yield device.poll('read', 0)) as number) === 0) {
        return buffer.subarray(0, 0);
      }
      count = yield device.read(buffer);
    } catch (error) {
      throw streamError(error);
    }
    if (count === 0 && buffer.length > 0) {
      throw { tag: 'closed' };
    }
    return buffer.subarray(0, count);
  }

  function* skip(length: bigint, waits: boolean): Generator<unknown, bigint, never> {
    return BigInt((yield* take(length, waits)).length);
  }

  const handler = {
    read: (length: bigint) => answer(() => drive(take(length, false)), none),
    blockingRead: (length: bigint) => answer(() => drive(take(length, true)), none),
    skip: (length: bigint) => answer(() => drive(skip(length, false)), 0n),
    blockingSkip: (length: bigint) => answer(() => drive(skip(length, true)), 0n),
    subscribe: () => ready(device, 'read'),
  };
  return handler as unknown as InputHandler;
}

/** A device that is written to: one write after the other. */
export class Outlet {
  readonly handler: OutputHandler;
  readonly #device: Required<Device>;
  /** What is not yet taken of the last write. */
  #busy: Promise<void> | undefined;
  /** What became of it, if the guest was not told. */
  #failure: { thrown: unknown } | undefined;

  constructor(device: Required<Device>, ready: Ready, answer: Answer) {
    this.#device = device;
    // Ready when there is room behind what is being written.
    const room: Device = { poll: (_, ms) => this.#room(ms) };
    const handler = {
      checkWrite: () => (this.#told(), this.#busy ? 0n : BigInt(PIECE)),
      write: (bytes: Uint8Array) => this.#write(bytes),
      blockingWriteAndFlush: (bytes: Uint8Array) =>
        answer(() => (this.#write(bytes), this.#flushed()), undefined),
      flush: () => this.#told(),
      blockingFlush: () => answer(() => this.#flushed(), undefined),
      subscribe: () => ready(room, 'write'),
    };
    this.handler = handler as unknown as OutputHandler;
  }

  /** Returns when all is taken; throws what the guest was not told. */
  async end(): Promise<void> {
    await this.#busy;
    if (this.#failure && codeOf(this.#failure.thrown) === undefined) {
      throw new Trapped(this.#failure.thrown ?? null);
    }
  }

  #told(): void {
    if (this.#failure) {
      const { thrown } = this.#failure;
      this.#failure = undefined;
      throw outputError(thrown);
    }
  }

  #flushed(): Maybe<void> {
    return this.#busy ? this.#busy.then(() => this.#told()) : this.#told();
  }

  /** Writes at once, or behind what is being written: the guest goes on. */
  #write(bytes: Uint8Array): void {
    this.#told();
    // The guest's own memory is not to be kept.
    const copy = bytes.slice();
    const all = (): Maybe<void> => drive(this.#all(copy));
    let waited: Maybe<void>;
    try {
      waited = this.#busy ? this.#busy.then(all) : all();
    } catch (thrown) {
      throw outputError(thrown);
    }
    const busy = waited
      ?.catch((thrown: unknown) => void (this.#failure = { thrown }))
      .finally(() => {
        if (this.#busy === busy) {
          this.#busy = undefined;
        }
      });
    this.#busy = busy;
  }

  *#all(bytes: Uint8Array): Generator<unknown, void, never> {
    for (let rest = bytes; rest.length > 0; ) {
      const count: number = yield this.#device.write(rest);
      rest = rest.subarray(count);
      if (count === 0) {
        yield this.#device.poll('write', 1000);
      }
    }
  }

  #room(ms: number): Maybe<number> {
    return this.#busy
      ? Promise.race([this.#busy.then(() => 1), suspend(ms).then(() => 0)])
      : (this.#device.poll('write', ms) as Maybe<number>);
  }
}
