// How a program can end otherwise than by an exit code of its own.

import { describe } from './trap.js';

/** It is there and cannot be run. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';

  constructor(why: string, cause?: unknown) {
    super(cause === undefined ? why : `${why}: ${describe(cause)}`, { cause });
  }
}

/** A trap ended it, or something that its host threw. */
export class Trapped extends Error {
  override readonly name = 'Trapped';

  constructor(cause: unknown) {
    super(`the program trapped: ${describe(cause)}`, { cause });
  }
}
