// Resources that are not ours but the shim's, as its stdin and stdout: the fast form, which
// has only numbers, finds them by numbers of their own. Ours are all below these.

import { REP } from '../convert.js';

/** The first number that is none of the core's. */
const FIRST = 2 ** 29;

/** Numbers from the first on that stand for error codes. */
const CODES = 64;

/** Numbers stay below jco's flags. */
const END = 2 ** 30;

/** Objects that somebody else keeps, and such that only a guest has a handle of. */
const known = new Map<number, WeakRef<object> | object>();
const gone = new FinalizationRegistry((number: number) => known.delete(number));
let next = FIRST + CODES;

function insert(entry: WeakRef<object> | object): number {
  do {
    next = next + 1 < END ? next + 1 : FIRST + CODES;
  } while (known.has(next));
  known.set(next, entry);
  return next;
}

/** Whether `number` is none of the core's. */
export function isForeign(number: number): boolean {
  return number >= FIRST;
}

/** Gives an object a number, unless it has one, for as long as it is there. */
export function adopt(object: { [REP]?: number }): void {
  if (object[REP] === undefined) {
    const number = insert(new WeakRef(object));
    gone.register(object, number);
    object[REP] = number;
  }
}

/** Keeps an object until it is forgotten; its number. */
export function keep(object: object): number {
  return insert(object);
}

export function forget(number: number): void {
  known.delete(number);
}

/** The object that a number was given to. */
export function foreign<T extends object>(number: number): T | undefined {
  const entry = known.get(number);
  return (entry instanceof WeakRef ? entry.deref() : entry) as T | undefined;
}

/** The number of an error of a file: it stands for the code and needs no object. */
export function numberOfCode(code: number): number {
  return FIRST + code;
}

/** The code of an error with this number, if it is a file's. */
export function codeOfNumber(number: number): number | undefined {
  return number >= FIRST && number < FIRST + CODES ? number - FIRST : undefined;
}
