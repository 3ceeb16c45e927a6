// Where arguments are in a component's memory and where its results go, by the canonical ABI.

import { NOT_TEXT, codeOf, exchange, putBytes, settle, waits } from '../exchange.js';
import { type HandleTable, handleOf, trap } from './handles.js';
import type { Linkage } from './linkage.js';
import type { GuestMemory } from './memory.js';

/** Puts a call's answer where the guest looks for its result. */
export type Finish = (guest: GuestMemory, at: number, answer: number) => void;

/** The code of an answer below 0. */
export function code(answer: number): number {
  return answer === NOT_TEXT ? trap('a text is not UTF-8') : codeOf(answer);
}

export function answered(guest: GuestMemory, at: number, answer: number, finish: Finish): unknown {
  if (waits(answer)) {
    return settle(answer, (answer) => finish(guest, at >>> 0, answer));
  }
  return finish(guest, at >>> 0, answer);
}

/** `result<_, error-code>`, or of one byte. */
export const byte: Finish = (guest, at, answer) => {
  guest.reach(at, 2, 1);
  const { bytes } = guest;
  bytes[at] = answer < 0 ? 1 : 0;
  bytes[at + 1] = answer < 0 ? code(answer) : answer;
};

/** `result<T, error-code>` of what is `words` long at what goes out and aligned to 8. */
const record =
  (words: number): Finish =>
  (guest, at, answer) => {
    guest.reach(at, 8 + 4 * words, 8);
    guest.bytes[at] = answer < 0 ? 1 : 0;
    if (answer < 0) {
      guest.bytes[at + 8] = code(answer);
      return;
    }
    const out = exchange().words;
    const into = guest.words;
    const first = (at + 8) >>> 2;
    for (let word = 0; word < words; word += 1) {
      into[first + word] = out[word]!;
    }
  };

export const stat = record(24);
export const hash = record(4);

/** `result<u64, error-code>`. */
export const count: Finish = (guest, at, answer) => {
  guest.reach(at, 16, 8);
  guest.bytes[at] = answer < 0 ? 1 : 0;
  if (answer < 0) {
    guest.bytes[at + 8] = code(answer);
  } else {
    guest.words[(at + 8) >>> 2] = answer;
    guest.words[(at + 12) >>> 2] = 0;
  }
};

/** `result<own<T>, error-code>`. */
export const handle =
  (table: HandleTable): Finish =>
  (guest, at, answer) => {
    guest.reach(at, 8, 4);
    guest.bytes[at] = answer < 0 ? 1 : 0;
    if (answer < 0) {
      guest.bytes[at + 4] = code(answer);
    } else {
      guest.words[(at + 4) >>> 2] = handleOf(table, answer);
    }
  };

/** Makes sure that an argument is one of so many cases: another is a trap. */
export function insist(argument: number, cases: number): void {
  if (argument >>> 0 >= cases) {
    trap('a case is none');
  }
}

/** Puts in a path of the guest's; its length. */
export function path(guest: GuestMemory, which: 0 | 1, at: number, length: number): number {
  const [start, count] = [at >>> 0, length >>> 0];
  guest.reach(start, count, 1);
  putBytes(which, guest.bytes, start, start + count);
  return count;
}

/** Copies what goes out into memory that the guest makes room for; where that is. */
export function outToGuest(
  guest: GuestMemory,
  realloc: Linkage['realloc'],
  length: number,
): number {
  // What goes out is first copied: the guest runs meanwhile.
  const bytes = exchange().out.slice(0, length);
  const place = realloc(0, 0, 1, length) >>> 0;
  guest.reach(place, length, 1);
  guest.bytes.set(bytes, place);
  return place;
}
