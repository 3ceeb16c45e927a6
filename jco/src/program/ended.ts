// How a program can end otherwise than by an exit code of its own.

import { describe } from './trap.js';

/** It is there and cannot be run. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';

  constructor(why: string, cause?: unknown) {
    super(cause === undefined ? why : `${why}: ${describe(cause)}`, { cause });
  }
}

/** Carries what a device threw through a guest, which must not take it for a result. */
export class Thrown extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('a device of the program failed');
    // Undefined would be an end like others.
    this.thrown = thrown ?? null;
  }
}

/** A trap ended it, or something that its host threw. */
export class Trapped extends Error {
  override readonly name = 'Trapped';

  constructor(error: unknown) {
    const cause = error instanceof Thrown ? error.thrown : error;
    super(`the program trapped: ${describe(cause)}`, { cause });
  }
}
