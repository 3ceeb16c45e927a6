// Clocks and polling that really wait: where a guest cannot be suspended its worker sleeps.

import * as wasi from '@bytecodealliance/preview2-shim';

import { type Device, codeOf } from '../device.js';
import { Thrown } from './ended.js';

/** What may have to be awaited. */
export type Maybe<T> = T | Promise<T>;

/** Runs steps of which each may have to be awaited: at once, as far as none has. */
export function drive<T>(steps: Generator<unknown, T, never>): Maybe<T> {
  const go = (next: () => IteratorResult<unknown, T>): Maybe<T> => {
    for (let { value, done } = next(); ; ) {
      if (done) {
        return value as T;
      }
      if (value instanceof Promise) {
        return value.then(
          (answer) => go(() => steps.next(answer as never)),
          (error) => go(() => steps.throw(error)),
        );
      }
      ({ value, done } = steps.next(value as never));
    }
  };
  return go(() => steps.next());
}

/** The longest that a timer, or a device, waits at once: what fits into 31 bits. */
const LONGEST = 2 ** 31 - 1;

/** How long one of several devices is waited for, in milliseconds. */
const TURN = 10;

const cell = new Int32Array(
  new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer,
);

/** Has the worker sleep for milliseconds; pages need not be isolated for it. */
export function sleep(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}

/** Suspends the guest for milliseconds. */
export function suspend(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const Shim = wasi.io.poll.Pollable as unknown as new () => { ready(): boolean; block(): unknown };

export type Pollable = InstanceType<typeof Shim>;

const NANOSECONDS = 1e6;

/** Waits for so many milliseconds. */
export type Pause = (ms: number) => Maybe<void>;

/** What a guest waits with. */
export interface Waiting {
  /** `wasi:clocks`. */
  clocks: object;
  /** `wasi:io/poll#poll`. */
  poll(list: readonly Pollable[]): Maybe<Uint32Array>;
  /** What is ready when `device` can be read, or written. */
  ready(device: Device, want: 'read' | 'write'): Pollable;
}

/** The clocks and pollables of one guest, which waits by `pause`. */
export function waiting(pause: Pause): Waiting {
  /** Ready from a moment on. */
  class Timer extends Shim {
    readonly #due: number;

    constructor(due: number) {
      super();
      this.#due = due;
    }

    /** In milliseconds. */
    left(): number {
      return this.#due - performance.now();
    }

    override ready(): boolean {
      return this.left() <= 0;
    }

    override block(): unknown {
      return poll([this]);
    }
  }

  /** Ready when a device can be read, or written. */
  class Ready extends Shim {
    readonly #device: Device;
    readonly #want: 'read' | 'write';

    constructor(device: Device, want: 'read' | 'write') {
      super();
      this.#device = device;
      this.#want = want;
    }

    /** How many bytes can be, after so many milliseconds. */
    wait(ms: number): Maybe<number> {
      return drive(this.#count(ms));
    }

    *#count(ms: number): Generator<unknown, number, never> {
      try {
        return (yield this.#device.poll?.(this.#want, ms) ?? 1) as number;
      } catch (thrown) {
        if (codeOf(thrown) === undefined) {
          throw new Thrown(thrown);
        }
        // Who reads then, or writes, is told.
        return 1;
      }
    }

    override ready(): boolean {
      const count = this.wait(0);
      // Who only asks is told no; who blocks, or polls, waits, and hears of what is wrong.
      if (typeof count !== 'number') {
        count.catch(() => undefined);
        return false;
      }
      return count > 0;
    }

    override block(): unknown {
      return poll([this]);
    }
  }

  function* ready(list: readonly Pollable[]): Generator<unknown, number[], never> {
    const found = [];
    for (const [index, one] of list.entries()) {
      const is: boolean = one instanceof Ready ? ((yield one.wait(0)) as number) > 0 : one.ready();
      if (is) {
        found.push(index);
      }
    }
    return found;
  }

  function* first(list: readonly Pollable[]): Generator<unknown, Uint32Array, never> {
    if (list.length === 0) {
      throw new Error('poll of nothing');
    }
    const devices = list.filter((one) => one instanceof Ready);
    const timers = list.filter((one) => one instanceof Timer);
    for (;;) {
      const found = yield* ready(list);
      if (found.length > 0) {
        return Uint32Array.from(found);
      }
      const left = Math.max(Math.min(LONGEST, ...timers.map((timer) => timer.left())), 0);
      const [device] = devices;
      if (!device) {
        yield pause(left);
      } else if (devices.length === 1) {
        yield device.wait(left);
      } else {
        yield device.wait(Math.min(left, TURN));
        devices.push(devices.shift()!);
      }
    }
  }

  const poll = (list: readonly Pollable[]): Maybe<Uint32Array> => drive(first(list));

  const clocks = {
    ...wasi.clocks,
    monotonicClock: {
      ...wasi.clocks.monotonicClock,
      resolution: () => 1000n,
      subscribeInstant: (instant: bigint) => new Timer(Number(instant) / NANOSECONDS),
      subscribeDuration: (duration: bigint) =>
        new Timer(performance.now() + Number(duration) / NANOSECONDS),
    },
  };

  return { clocks, poll, ready: (device, want) => new Ready(device, want) };
}
