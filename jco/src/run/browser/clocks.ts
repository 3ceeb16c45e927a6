// Clocks and polling that really wait, without JSPI: a worker of an isolated page
// may sleep.

import * as wasi from '@bytecodealliance/preview2-shim';

const cell = new Int32Array(new SharedArrayBuffer(4));

let beforeSleeping = (): void => undefined;

/** Has something done before any sleep. */
export function onSleep(act: () => void): void {
  beforeSleeping = act;
}

function sleep(ms: number): void {
  beforeSleeping();
  Atomics.wait(cell, 0, 0, ms);
}

const Shim = wasi.io.poll.Pollable as unknown as new () => { ready(): boolean; block(): void };

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

  override block(): void {
    while (!this.ready()) {
      sleep(this.left());
    }
  }
}

const NANOSECONDS = 1e6;

export const clocks = {
  ...wasi.clocks,
  monotonicClock: {
    ...wasi.clocks.monotonicClock,
    resolution: () => 1000n,
    subscribeInstant: (instant: bigint) => new Timer(Number(instant) / NANOSECONDS),
    subscribeDuration: (duration: bigint) =>
      new Timer(performance.now() + Number(duration) / NANOSECONDS),
  },
};

export const poll = {
  ...wasi.io.poll,
  poll(list: { ready(): boolean; block(): void }[]): Uint32Array {
    if (list.length === 0) {
      throw new Error('poll of nothing');
    }
    for (;;) {
      const ready = [...list.keys()].filter((index) => list[index]!.ready());
      if (ready.length > 0) {
        return Uint32Array.from(ready);
      }
      const timers = list.filter((pollable) => pollable instanceof Timer);
      sleep(Math.min(...timers.map((timer) => timer.left())));
    }
  },
};
