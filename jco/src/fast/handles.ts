// The handles of a component, as jco keeps them. What jco gives functions that are linked
// directly is its own tables, whose layout is its private affair: this is the only place that
// knows it, and jco's version is pinned.

import { NOBODY } from '../convert.js';

/**
 * A table of one type of resource: pairs, of which the second is a resource's number. Of a
 * free pair the first has the flag and the next free one; the pair at 0 begins that list.
 */
export interface HandleTable extends Array<number> {
  /** All numbers that handles were ever made for. */
  _createdReps: Set<number>;
}

/** On the number of an owned resource, and on whatever is free. */
const FLAG = 1 << 30;

/** What the engine throws where a component does what it must not. */
export function trap(why: string): never {
  throw new WebAssembly.RuntimeError(why);
}

/** The number of the resource with this handle, or `NOBODY`. */
export function findNumber(table: HandleTable, handle: number): number {
  const index = handle >>> 0;
  const isHandle = index < table.length >> 1 && (table[index << 1]! & FLAG) === 0;
  return isHandle ? table[(index << 1) + 1]! & ~FLAG : NOBODY;
}

/** The same, where a handle that is none is a trap. */
export function numberOfHandle(table: HandleTable, handle: number): number {
  const number = findNumber(table, handle);
  return number === NOBODY ? trap(`unknown handle index ${handle >>> 0}`) : number;
}

/** A handle that owns the resource `number`. */
export function handleOf(table: HandleTable, number: number): number {
  table._createdReps.add(number);
  const free = table[0]! & ~FLAG;
  if (free === 0) {
    table.push(0, number | FLAG);
    return (table.length >> 1) - 1;
  }
  table[0] = table[free << 1]!;
  table[free << 1] = 0;
  table[(free << 1) + 1] = number | FLAG;
  return free;
}
