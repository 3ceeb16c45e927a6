// Streams over files. They are subclasses of the shim's, so that they go wherever
// its stdin and stdout go, and only shells: what they do is in the core.

// As a namespace: the shim for Node has not all of these, and there nobody asks for them.
import * as io from '@bytecodealliance/preview2-shim/io';

import * as core from './core/wasi_opfs.js';
import { DISPOSE, DROP, REP, bytes, u64 } from './convert.js';
import type { ErrorCode } from './wit/interfaces/wasi-filesystem-types.js';
import type * as wit from './wit/interfaces/wasi-io-streams.js';

/** Where an error of a stream keeps its `error-code`. */
const CODE = Symbol('wasi-opfs error code');

/** `filesystem-error-code`: nothing for an error that is not of a file. */
export function filesystemErrorCode(error: wit.Error): ErrorCode | undefined {
  return (error as { [CODE]?: ErrorCode } | null | undefined)?.[CODE];
}

/** `stream-error`, from what the core threw. */
function streamError(thrown: unknown): unknown {
  if (thrown === undefined) {
    return { tag: 'closed' };
  }
  if (typeof thrown !== 'string') {
    return thrown;
  }
  const error = Object.assign(io.ioErrorCreate(thrown), { [CODE]: thrown });
  return { tag: 'last-operation-failed', val: error };
}

// The shim makes its streams by functions that wrap a handler in checks of its own;
// its constructors take nothing.
const ShimInput = io.streams.InputStream as unknown as new () => wit.InputStream;
const ShimOutput = io.streams.OutputStream as unknown as new () => wit.OutputStream;

export class InputStream extends ShimInput {
  readonly [REP]: number;

  constructor(number: number) {
    super();
    this[REP] = number;
  }

  override read(length: bigint): Uint8Array {
    try {
      return core.inputRead(this[REP], u64(length));
    } catch (thrown) {
      throw streamError(thrown);
    }
  }

  override blockingRead(length: bigint): Uint8Array {
    return this.read(length);
  }

  override skip(length: bigint): bigint {
    try {
      return core.inputSkip(this[REP], u64(length));
    } catch (thrown) {
      throw streamError(thrown);
    }
  }

  override blockingSkip(length: bigint): bigint {
    return this.skip(length);
  }

  override subscribe(): ReturnType<typeof io.pollableCreate> {
    return io.pollableCreate();
  }

  [DISPOSE](): void {
    core.dropResource(this[REP]);
  }

  static [DROP](number: number): void {
    core.dropResource(number);
  }
}

export class OutputStream extends ShimOutput {
  readonly [REP]: number;

  constructor(number: number) {
    super();
    this[REP] = number;
  }

  override checkWrite(): bigint {
    try {
      return core.outputCheckWrite(this[REP]);
    } catch (thrown) {
      throw streamError(thrown);
    }
  }

  override write(contents: Uint8Array): void {
    try {
      core.outputWrite(this[REP], bytes(contents));
    } catch (thrown) {
      throw streamError(thrown);
    }
  }

  override blockingWriteAndFlush(contents: Uint8Array): void {
    this.write(contents);
  }

  override flush(): void {
    try {
      core.outputFlush(this[REP]);
    } catch (thrown) {
      throw streamError(thrown);
    }
  }

  override blockingFlush(): void {
    this.flush();
  }

  override writeZeroes(length: bigint): void {
    try {
      core.outputWriteZeroes(this[REP], u64(length));
    } catch (thrown) {
      throw streamError(thrown);
    }
  }

  override blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length);
  }

  override splice(source: wit.InputStream, length: bigint): bigint {
    return this.#pass(source.read(this.#permitted(length)));
  }

  override blockingSplice(source: wit.InputStream, length: bigint): bigint {
    return this.#pass(source.blockingRead(this.#permitted(length)));
  }

  override subscribe(): ReturnType<typeof io.pollableCreate> {
    return io.pollableCreate();
  }

  [DISPOSE](): void {
    core.dropResource(this[REP]);
  }

  static [DROP](number: number): void {
    core.dropResource(number);
  }

  #permitted(length: bigint): bigint {
    const permit = this.checkWrite();
    return length < permit ? length : permit;
  }

  #pass(contents: Uint8Array): bigint {
    this.write(contents);
    return BigInt(contents.byteLength);
  }
}
