// Streams over files, and their errors. They are subclasses of the shim's, so that they go
// wherever its stdin and stdout go, and only shells: what they do is in the core.

// As a namespace: the shim for Node has not all of these, and there nobody asks for them.
import * as io from '@bytecodealliance/preview2-shim/io';

import * as core from './core/wasi_opfs.js';
import { DISPOSE, DROP, NOBODY, REP, bytes, u64 } from './convert.js';
import { CLOSED, codeOf, errorName } from './exchange.js';
import { adopt, codeOfNumber, foreign, forget } from './fast/foreign.js';
import type { ErrorCode } from './wit/interfaces/wasi-filesystem-types.js';
import type * as wit from './wit/interfaces/wasi-io-streams.js';

/** Where an error of a stream keeps its `error-code`. */
const CODE = Symbol('wasi-opfs error code');

/** `filesystem-error-code`: nothing for an error that is not of a file. */
export function filesystemErrorCode(error: wit.Error): ErrorCode | undefined {
  const { [CODE]: code, [REP]: number } = Object(error) as { [CODE]?: ErrorCode; [REP]?: number };
  if (code !== undefined || number === undefined) {
    return code;
  }
  const known = codeOfNumber(number);
  return known === undefined ? foreign<{ [CODE]?: ErrorCode }>(number)?.[CODE] : errorName(known);
}

/** Whether `value` is the shim's, which the fast form then finds by a number. */
function isShims(Shim: object, value: unknown): boolean {
  const is = Function.prototype[Symbol.hasInstance].call(Shim, value);
  if (is) {
    adopt(value as object);
  }
  return is;
}

/** In the place of the shim's class: an error of which a guest has only the number. */
export class IoError extends (io.error.Error as new () => wit.Error) {
  declare readonly [REP]?: number;

  override toDebugString(): string {
    const number = this[REP] ?? NOBODY;
    const code = codeOfNumber(number);
    return code === undefined
      ? (foreign<wit.Error>(number)?.toDebugString() ?? '')
      : errorName(code);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(io.error.Error, value);
  }

  static [DROP](number: number): void {
    forget(number);
  }
}

/** A stream's failure, as it is thrown. */
export function failed(code: ErrorCode): unknown {
  const error = Object.assign(io.ioErrorCreate(code), { [CODE]: code });
  return { tag: 'last-operation-failed', val: error };
}

/** The number that the core answered; a `stream-error` is thrown. */
function ok(answer: number): number {
  if (answer < 0) {
    throw answer === CLOSED ? { tag: 'closed' } : failed(errorName(codeOf(answer)));
  }
  return answer;
}

/** An argument that `convert` checks: one that has no meaning is a failure of the stream. */
function argument<T>(convert: (value: unknown) => T, value: unknown): T {
  try {
    return convert(value);
  } catch (code) {
    throw failed(code as ErrorCode);
  }
}

/** The most that one read gives, in bytes. */
const CHUNK = 64 * 1024;

/** A length as the size of a buffer. */
export function chunk(length: bigint): number {
  return length < CHUNK ? Number(length) : CHUNK;
}

/**
 * The room that reads are given, one after the other: jco copies what a read answers at once,
 * or after a turn of the event loop if it awaits; others may read by then, but not this much.
 */
const RING = 16 * CHUNK;

let ring: Uint8Array | undefined;
let next = 0;

/** Lets `read` fill up to `length` bytes of a buffer from a start on, and gives those it did. */
export function readInto(
  length: number,
  read: (into: Uint8Array, start: number) => number,
): Uint8Array {
  ring ??= new Uint8Array(RING);
  const start = RING - next < length ? 0 : next;
  next = start + read(ring, start);
  return ring.subarray(start, next);
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

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isShims(ShimInput, value);
  }

  override read(length: bigint): Uint8Array {
    const count = chunk(argument(u64, length));
    return readInto(count, (into, start) => ok(core.inputRead(this[REP], into, start, count)));
  }

  override blockingRead(length: bigint): Uint8Array {
    return this.read(length);
  }

  override skip(length: bigint): bigint {
    return BigInt(ok(core.inputSkip(this[REP], argument(u64, length))));
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

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isShims(ShimOutput, value);
  }

  override checkWrite(): bigint {
    return BigInt(ok(core.outputCheckWrite(this[REP])));
  }

  override write(contents: Uint8Array): void {
    const { length } = argument(bytes, contents);
    ok(core.outputWrite(this[REP], contents, 0, length));
  }

  override blockingWriteAndFlush(contents: Uint8Array): void {
    this.write(contents);
  }

  override flush(): void {
    ok(core.outputFlush(this[REP]));
  }

  override blockingFlush(): void {
    this.flush();
  }

  override writeZeroes(length: bigint): void {
    ok(core.outputWriteZeroes(this[REP], argument(u64, length)));
  }

  override blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length);
  }

  override splice(source: wit.InputStream, length: bigint): bigint {
    return pass(this, source.read(permitted(this, length)));
  }

  override blockingSplice(source: wit.InputStream, length: bigint): bigint {
    return pass(this, source.blockingRead(permitted(this, length)));
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

// No private methods of the class: jco calls methods also on objects that have but its
// prototype.

function permitted(stream: OutputStream, length: bigint): bigint {
  const permit = stream.checkWrite();
  return length < permit ? length : permit;
}

function pass(stream: OutputStream, contents: Uint8Array): bigint {
  stream.write(contents);
  return BigInt(contents.byteLength);
}
