// Suspends a component in the fast form only where it has to wait. A function that may suspend
// its caller does so at every call, so no guest is linked to one: between guest and function
// stands a small module that calls it, and, if it has to be waited for, waits and calls again.

import { isLowered, relinked } from '../fast/linkage.js';
import type { WasiIo } from '../host.js';
import type { Maybe } from './clocks.js';

/** What a device's methods answer with, for streams that a guest is linked to. */
export interface Waits {
  streams: WasiIo['streams'];
  /** The answer of `call`; while it is waited for, `meanwhile`, which no guest sees. */
  answer<T>(call: () => Maybe<T>, meanwhile: T): Maybe<T>;
}

/** Methods that may have to be waited for, with what they take: `i` is 32 bits, `I` 64. */
const INPUT = { read: 'iIi', blockingRead: 'iIi', skip: 'iIi', blockingSkip: 'iIi' };
const OUTPUT = { blockingFlush: 'ii', blockingWriteAndFlush: 'iiii' };
const TAKEN: Record<string, string> = { ...INPUT, ...OUTPUT };

type Linked = (...args: never[]) => unknown;

/** The streams of one guest, which is suspended where it waits for a device. */
export function suspended(plain: WasiIo['streams']): Waits {
  if (!isLowered(plain.InputStream.prototype)) {
    // jco awaits what the methods of the classes answer.
    return { streams: plain, answer: (call) => call() };
  }
  const pending = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  let awaited: Promise<unknown> | undefined;
  let come: { value: unknown } | { thrown: unknown } | undefined;
  const wait = async (): Promise<void> => {
    try {
      come = { value: await awaited };
    } catch (thrown) {
      come = { thrown };
    }
    pending.value = 0;
  };
  const { Suspending } = WebAssembly as unknown as { Suspending: new (wait: Linked) => Linked };
  const waiting = new Suspending(wait) as WebAssembly.ImportValue;
  const between = (linked: Linked, method: string): Linked => {
    const imports = { linked: linked as WebAssembly.ImportValue, wait: waiting, pending };
    const { exports } = new WebAssembly.Instance(module(TAKEN[method]!), { guest: imports });
    return exports.call as Linked;
  };
  return {
    streams: {
      InputStream: relinked(plain.InputStream, Object.keys(INPUT), between),
      OutputStream: relinked(plain.OutputStream, Object.keys(OUTPUT), between),
    },
    answer<T>(call: () => Maybe<T>, meanwhile: T): T {
      if (come) {
        const now = come;
        come = undefined;
        if ('thrown' in now) {
          throw now.thrown;
        }
        return now.value as T;
      }
      const answer = call();
      if (!(answer instanceof Promise)) {
        return answer;
      }
      awaited = answer;
      pending.value = 1;
      return meanwhile;
    },
  };
}

const modules = new Map<string, WebAssembly.Module>();

/** The module between, for functions that take `taken`. */
function module(taken: string): WebAssembly.Module {
  const known = modules.get(taken) ?? new WebAssembly.Module(encode(taken));
  modules.set(taken, known);
  return known;
}

const I32 = 0x7f;
const I64 = 0x7e;

/** `call`: calls `linked`, and while then `pending` is set, waits and calls again. */
function encode(taken: string): Uint8Array<ArrayBuffer> {
  const section = (id: number, ...bytes: number[]): number[] => [id, bytes.length, ...bytes];
  const text = (name: string): number[] => [name.length, ...new TextEncoder().encode(name)];
  const imported = (name: string, ...kind: number[]): number[] => [
    ...text('guest'),
    ...text(name),
    ...kind,
  ];
  const types = [...taken].map((one) => (one === 'i' ? I32 : I64));
  const args = types.flatMap((_, index) => [0x20, index]);
  const again = [0x23, 0, 0x04, 0x40, 0x10, 1, 0x0c, 1, 0x0b];
  const code = [0, 0x03, 0x40, ...args, 0x10, 0, ...again, 0x0b, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, types.length, ...types, 0, 0x60, 0, 0),
    ...section(
      2,
      3,
      ...imported('linked', 0, 0),
      ...imported('wait', 0, 1),
      ...imported('pending', 3, I32, 1),
    ),
    ...section(3, 1, 0),
    ...section(7, 1, ...text('call'), 0, 2),
    ...section(10, 1, code.length, ...code),
  ]);
}
