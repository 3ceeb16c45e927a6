// What goes between the core and JavaScript beside numbers: texts come in and results go out
// in a part of the core's memory that both know, and an answer below 0 says why there is none.

import * as core from './core/wasi_opfs.js';
import { loadedCore } from './load.js';
import type { ErrorCode } from './wit/interfaces/wasi-filesystem-types.js';

/** Bytes for each of the two texts that come in, and for what goes out. */
const PART = 4096;

// Answers that are no number of a call's. Others below 0 are error codes.
export const CLOSED = -100;
export const NOT_TEXT = -101;
const WAITS = -102;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The exchange, for as long as the core's memory does not grow. */
class Views {
  readonly texts: readonly [Uint8Array, Uint8Array];
  readonly out: Uint8Array;
  readonly words: Int32Array;
  readonly fields: DataView<ArrayBuffer>;

  constructor() {
    // The first call makes room, for which the memory may grow.
    const start = core.exchange();
    const { buffer } = loadedCore().memory;
    this.texts = [new Uint8Array(buffer, start, PART), new Uint8Array(buffer, start + PART, PART)];
    this.out = new Uint8Array(buffer, start + 2 * PART, PART);
    this.words = new Int32Array(buffer, start + 2 * PART, PART / 4);
    this.fields = new DataView(buffer, start + 2 * PART, PART);
  }
}

let views: Views | undefined;

/** The exchange as it is now. Views of a memory that has grown have no length. */
export function exchange(): Views {
  return views && views.out.length > 0 ? views : (views = new Views());
}

/** Puts `text` in as number `which`; its length. Of a longer one than any path only the beginning. */
export function putText(which: 0 | 1, text: string): number {
  const { read, written } = encoder.encodeInto(text, exchange().texts[which]);
  return read === text.length ? written : PART;
}

/** The same of bytes `start` to `end` of a guest's memory. */
export function putBytes(which: 0 | 1, from: Uint8Array, start: number, end: number): void {
  const into = exchange().texts[which];
  const length = Math.min(end - start, PART);
  // Most paths are short: a view of them would cost more.
  if (length > 64) {
    into.set(from.subarray(start, start + length));
  } else {
    for (let index = 0; index < length; index += 1) {
      into[index] = from[start + index]!;
    }
  }
}

/** The text that goes out. */
export function outText(length: number): string {
  return decoder.decode(exchange().out.subarray(0, length));
}

/** Whether an answer has to be waited for. */
export function waits(answer: number): boolean {
  return answer === WAITS;
}

/** What `take` makes of an answer, or a promise of it where the answer has to be waited for. */
export function settle<T>(answer: number, take: (answer: number) => T): T {
  if (!waits(answer)) {
    return take(answer);
  }
  return core.waited().then(([answer, out]: [number, Uint8Array]) => {
    exchange().out.set(out);
    return take(answer);
  }) as T;
}

const names: ErrorCode[] = [];

/** The case of `error-code` with this number in the WIT. */
export function errorName(code: number): ErrorCode {
  return (names[code] ??= core.errorName(code) as ErrorCode);
}

/** Whether a text is a case of `error-code`. */
export function isErrorCode(text: string): text is ErrorCode {
  for (let code = 0; errorName(code) !== undefined; code += 1) {
    if (errorName(code) === text) {
      return true;
    }
  }
  return false;
}

/** The number of the case that an answer below 0 stands for. */
export function codeOf(answer: number): number {
  return -1 - answer;
}
