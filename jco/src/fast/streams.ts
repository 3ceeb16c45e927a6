// The fast form of `wasi:io/streams` and of the errors in it. A component's streams may be
// the shim's, as its stdin and stdout: such an object is called as it is.

import * as core from '../core/wasi_opfs.js';
import { CLOSED } from '../exchange.js';
import type * as wit from '../wit/interfaces/wasi-io-streams.js';
import { foreign, isForeign, keep, numberOfCode } from './foreign.js';
import { type HandleTable, handleOf, numberOfHandle, trap } from './handles.js';
import type { Lowering } from './linkage.js';
import { type GuestMemory, guestMemory } from './memory.js';
import { code } from './results.js';

/** Whether anybody has been given the classes that know our streams. */
let given = false;

/** Notes that somebody is given them. */
export function give(): void {
  given = true;
}

/** Makes sure that they were given before a stream is made: the shim's classes know none. */
export function assertGiven(): void {
  if (!given) {
    throw new TypeError(
      "the component's streams are not those of wasi-opfs; give WASIShim `io: fs.io`, too, or " +
        "transpile without '--import-bindings hybrid'",
    );
  }
}

/** Where the results of one component's streams go. */
interface Results {
  guest: GuestMemory;
  errors: HandleTable;
}

// The cases of `stream-error`.
const FAILED = 0;
const ENDED = 1;

/** `error` of a result; `payload` is where that has what it holds. */
function fail({ guest, errors }: Results, at: number, payload: number, error: number): void {
  guest.bytes[at] = 1;
  guest.bytes[at + payload] = error === CLOSED ? ENDED : FAILED;
  if (error !== CLOSED) {
    guest.words[(at + payload + 4) >>> 2] = handleOf(errors, error);
  }
}

/** The number of the error that an answer below 0 stands for, or that it is closed. */
function errorOf(answer: number): number {
  return answer === CLOSED ? CLOSED : numberOfCode(code(answer));
}

/** `result<_, stream-error>`, `result<u64, stream-error>`. */
interface Shape {
  length: number;
  align: number;
  /** Where what it holds is. */
  payload: number;
}

const NOTHING: Shape = { length: 12, align: 4, payload: 4 };
const COUNT: Shape = { length: 16, align: 8, payload: 8 };

function put(results: Results, at: number, shape: Shape, answer: number): void {
  const { guest } = results;
  guest.reach(at, shape.length, shape.align);
  if (answer < 0) {
    return fail(results, at, shape.payload, errorOf(answer));
  }
  guest.bytes[at] = 0;
  if (shape === COUNT) {
    guest.words[(at + 8) >>> 2] = answer;
    guest.words[(at + 12) >>> 2] = 0;
  }
}

/** `result<list<u8>, stream-error>`, of bytes that are there. */
function putList({ guest }: Results, at: number, place: number, length: number): void {
  guest.reach(at, 12, 4);
  guest.bytes[at] = 0;
  guest.words[(at + 4) >>> 2] = place;
  guest.words[(at + 8) >>> 2] = length;
}

/** What an object of the shim's answers. */
function asked<T>(call: () => T): { value: T } | { error: number } {
  let value;
  try {
    value = call();
  } catch (thrown) {
    return { error: errorOfThrown(thrown) };
  }
  if (value instanceof Promise) {
    throw new TypeError(
      "a stream answered with a promise; leave 'io' out and transpile with '--async-wasi-imports'",
    );
  }
  return { value };
}

/** The number of a `stream-error` that was thrown; what is none ends the guest. */
function errorOfThrown(thrown: unknown): number {
  const own = Object(thrown) as { payload?: unknown };
  const error = (Object.hasOwn(own, 'payload') ? own.payload : thrown) as
    | { tag?: string; val?: object }
    | null
    | undefined;
  if (error?.tag === 'closed') {
    return CLOSED;
  }
  if (error?.tag === 'last-operation-failed' && error.val) {
    return keep(error.val);
  }
  throw thrown;
}

function putForeign<T>(results: Results, at: number, shape: Shape, call: () => T): void {
  const answer = asked(call);
  results.guest.reach(at, shape.length, shape.align);
  if ('error' in answer) {
    return fail(results, at, shape.payload, answer.error);
  }
  results.guest.bytes[at] = 0;
  if (shape === COUNT) {
    const count = BigInt(answer.value as bigint);
    results.guest.words[(at + 8) >>> 2] = Number(BigInt.asIntN(32, count));
    results.guest.words[(at + 12) >>> 2] = Number(BigInt.asIntN(32, count >> 32n));
  }
}

type Method<S> = {
  [K in keyof S]: S[K] extends (...args: never[]) => unknown ? K : never;
}[keyof S];

function object<S extends object>(number: number): S {
  return foreign<S>(number) ?? trap(`unknown stream ${number}`);
}

/** A method that takes nothing, or a number of bytes. */
function plain<S extends object>(
  call: (number: number, length: bigint) => number,
  method: Method<S>,
  shape: Shape,
  takes: 'nothing' | 'length',
): Lowering {
  return ({ memory, resourceTables: [errors, streams] }) => {
    const results = { guest: guestMemory(memory), errors: errors! };
    const linked = (self: number, length: bigint, result: number): void => {
      const number = numberOfHandle(streams!, self);
      if (!isForeign(number)) {
        return put(results, result >>> 0, shape, call(number, length));
      }
      const stream = object<Record<Method<S>, (length?: bigint) => unknown>>(number);
      const argument = takes === 'length' ? [BigInt.asUintN(64, length)] : [];
      putForeign(results, result >>> 0, shape, () => stream[method](...argument));
    };
    return takes === 'length'
      ? linked
      : (self: number, result: number) => linked(self, 0n, result);
  };
}

const input = (
  call: (number: number, length: bigint) => number,
  method: Method<wit.InputStream>,
): Lowering => plain<wit.InputStream>(call, method, COUNT, 'length');

const output = (
  call: (number: number, length: bigint) => number,
  method: Method<wit.OutputStream>,
  shape: Shape,
  takes: 'nothing' | 'length',
): Lowering => plain<wit.OutputStream>(call, method, shape, takes);

const reading =
  (method: 'read' | 'blockingRead'): Lowering =>
  ({ memory, realloc, resourceTables: [errors, streams] }) => {
    const guest = guestMemory(memory);
    const results = { guest, errors: errors! };
    /** Room for a list. */
    const room = (length: number): number => {
      const place = length === 0 ? 1 : realloc(0, 0, 1, length) >>> 0;
      guest.reach(place, length, 1);
      return place;
    };
    const readForeign = (number: number, length: bigint, at: number): void => {
      const stream = object<wit.InputStream>(number);
      const answer = asked(() => stream[method](BigInt.asUintN(64, length)));
      if ('error' in answer) {
        guest.reach(at, 12, 4);
        return fail(results, at, 4, answer.error);
      }
      const bytes = new Uint8Array(answer.value);
      const place = room(bytes.length);
      guest.bytes.set(bytes, place);
      putList(results, at, place, bytes.length);
    };
    return (self: number, length: bigint, result: number) => {
      const at = result >>> 0;
      const number = numberOfHandle(streams!, self);
      if (isForeign(number)) {
        return readForeign(number, length, at);
      }
      let answer = core.inputReadable(number, length);
      let place = 1;
      if (answer > 0) {
        place = room(answer);
        answer = core.inputRead(number, guest.bytes, place, answer);
      }
      if (answer < 0) {
        return put(results, at, NOTHING, answer);
      }
      putList(results, at, place, answer);
    };
  };

const writing =
  (method: 'write' | 'blockingWriteAndFlush'): Lowering =>
  ({ memory, resourceTables: [errors, streams] }) => {
    const guest = guestMemory(memory);
    const results = { guest, errors: errors! };
    return (self: number, start: number, length: number, result: number) => {
      const [from, size, at] = [start >>> 0, length >>> 0, result >>> 0];
      const number = numberOfHandle(streams!, self);
      guest.reach(from, size, 1);
      if (!isForeign(number)) {
        return put(results, at, NOTHING, core.outputWrite(number, guest.bytes, from, size));
      }
      const stream = object<wit.OutputStream>(number);
      const bytes = guest.bytes.slice(from, from + size);
      putForeign(results, at, NOTHING, () => stream[method](bytes));
    };
  };

/** Of `InputStream`, method by method; the others are not worth it. */
export const inputStream: Record<string, Lowering> = {
  read: reading('read'),
  blockingRead: reading('blockingRead'),
  skip: input(core.inputSkip, 'skip'),
  blockingSkip: input(core.inputSkip, 'blockingSkip'),
};

/** The same of `OutputStream`. */
export const outputStream: Record<string, Lowering> = {
  checkWrite: output(core.outputCheckWrite, 'checkWrite', COUNT, 'nothing'),
  write: writing('write'),
  blockingWriteAndFlush: writing('blockingWriteAndFlush'),
  flush: output(core.outputFlush, 'flush', NOTHING, 'nothing'),
  blockingFlush: output(core.outputFlush, 'blockingFlush', NOTHING, 'nothing'),
  writeZeroes: output(core.outputWriteZeroes, 'writeZeroes', NOTHING, 'length'),
  blockingWriteZeroesAndFlush: output(
    core.outputWriteZeroes,
    'blockingWriteZeroesAndFlush',
    NOTHING,
    'length',
  ),
};
