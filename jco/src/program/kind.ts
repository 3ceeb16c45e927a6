// What a program's bytes are, as their first eight tell it.

import { NotRunnable } from './ended.js';

/** For WASI 0.2, or a plain module for preview1. */
export type Kind = 'component' | 'module';

const HEADERS: readonly [Kind, readonly number[]][] = [
  ['component', [0x0d, 0, 1, 0]],
  ['module', [1, 0, 0, 0]],
];

const MAGIC = [0, 0x61, 0x73, 0x6d];

const begins = (bytes: Uint8Array, at: number, what: readonly number[]): boolean =>
  what.every((byte, index) => bytes[at + index] === byte);

/** Whether bytes are WebAssembly's binary format, whichever. */
export function isBinary(bytes: Uint8Array): boolean {
  return begins(bytes, 0, MAGIC);
}

/** Whether bytes are a module. */
export function isModule(bytes: Uint8Array): boolean {
  return isBinary(bytes) && begins(bytes, MAGIC.length, [1, 0, 0, 0]);
}

/** What a program is; what is none is an error that says why. */
export function kindOf(bytes: Uint8Array): Kind {
  if (!isBinary(bytes)) {
    throw new NotRunnable(
      bytes.length === 0
        ? 'it is empty: what was to bring it brought nothing'
        : "it is no WebAssembly: it does not begin with '\\0asm'; give a .wasm file",
    );
  }
  const found = HEADERS.find(([, version]) => begins(bytes, MAGIC.length, version));
  if (!found) {
    throw new NotRunnable(
      bytes.length < 8
        ? 'it ends in its header: it was cut off; fetch it again'
        : 'it is WebAssembly of another version than modules, and components of WASI 0.2, have',
    );
  }
  return found[0];
}
