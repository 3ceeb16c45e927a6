// Values as they come from a guest, or from anybody else: what has no meaning is
// refused with an error code, as the WIT's methods refuse it.

import type {
  DescriptorType,
  ErrorCode,
  NewTimestamp,
} from './wit/interfaces/wasi-filesystem-types.js';

/** Where jco looks for a resource's number: the only state that our classes have. */
export const REP: unique symbol = Symbol.for('cabiRep') as never;

/** Where jco looks for what drops a resource of which it knows only the number. */
export const DROP: unique symbol = Symbol.for('cabiDispose') as never;

/** Where jco looks for what drops a resource. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('dispose');

/** Where jco looks for a function to link directly, in the place of its own binding. */
export const LOWER: unique symbol = Symbol.for('cabiLower') as never;

/** The number that no resource has. */
export const NOBODY = 0;

/** Something of ours that has a number. */
export interface Numbered {
  readonly [REP]: number;
}

function refuse(code: ErrorCode): never {
  throw code;
}

const BEYOND_U64 = 1n << 64n;

/** A 64-bit number, also from a JavaScript number. */
export function u64(value: unknown): bigint {
  if (typeof value === 'bigint') {
    return value >= 0n && value < BEYOND_U64 ? value : refuse('invalid');
  }
  if (typeof value === 'number' && Number.isInteger(value)) {
    return u64(BigInt(value));
  }
  return refuse('invalid');
}

function u32(value: unknown): number {
  const number = typeof value === 'number' && value >>> 0 === value;
  return number ? value : refuse('invalid');
}

/** Text that UTF-8 can hold. */
export function text(value: unknown): string {
  if (typeof value !== 'string') {
    return refuse('invalid');
  }
  return value.isWellFormed() ? value : refuse('illegal-byte-sequence');
}

/** Bytes, in whatever memory. */
export function bytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : refuse('invalid');
}

/** The number of a resource that is an argument. */
export function numberOf(value: unknown): number {
  return (value as Numbered | null | undefined)?.[REP] ?? NOBODY;
}

/** `path-flags`, as bits. */
export function follows(flags: unknown): number {
  return (flags as { symlinkFollow?: boolean } | undefined)?.symlinkFollow ? 1 : 0;
}

/** Flags as bits, in the order of `names`. */
export function bits(flags: unknown, names: readonly string[]): number {
  const given = Object(flags) as Record<string, unknown>;
  return names.reduce((all, name, bit) => (given[name] ? all | (1 << bit) : all), 0);
}

export const OPEN_FLAGS = ['create', 'directory', 'exclusive', 'truncate'] as const;

export const DESCRIPTOR_FLAGS = [
  'read',
  'write',
  'fileIntegritySync',
  'dataIntegritySync',
  'requestedWriteSync',
  'mutateDirectory',
] as const;

/** `descriptor-type`, in the order of the WIT. */
export const KINDS: readonly DescriptorType[] = [
  'unknown',
  'block-device',
  'character-device',
  'directory',
  'fifo',
  'symbolic-link',
  'regular-file',
  'socket',
];

/** `new-timestamp` as the number of its case, seconds and nanoseconds. */
export function newTimestamp(value: unknown): [number, bigint, number] {
  const time = value as NewTimestamp | null | undefined;
  switch (time?.tag) {
    case 'no-change':
      return [0, 0n, 0];
    case 'now':
      return [1, 0n, 0];
    case 'timestamp':
      return [2, u64(time.val?.seconds), u32(time.val?.nanoseconds)];
    default:
      return refuse('invalid');
  }
}
