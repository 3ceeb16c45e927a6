// A component's memory, where results go by the canonical ABI. A pointer that leads outside,
// or to no multiple of what it has to be one of, is a trap.

import { trap } from './handles.js';

/** Of 4 GiB the last byte is out of reach: behind it, an end has no number in 32 bits. */
const REACH = 2 ** 32 - 1;

function bytesOf({ buffer }: WebAssembly.Memory): Uint8Array {
  return new Uint8Array(buffer, 0, Math.min(buffer.byteLength, REACH));
}

export class GuestMemory {
  readonly #memory: WebAssembly.Memory;
  bytes: Uint8Array;
  words: Int32Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.bytes = bytesOf(memory);
    this.words = new Int32Array(memory.buffer);
  }

  /** Makes sure that `length` bytes are at `at`, with the memory as it is now. */
  reach(at: number, length: number, align: number): void {
    if ((at & (align - 1)) !== 0) {
      trap('a pointer is not aligned');
    }
    // Views of a memory that has grown have no length, or, if it is shared, the old one.
    if (at + length > this.bytes.length) {
      this.bytes = bytesOf(this.#memory);
      this.words = new Int32Array(this.#memory.buffer);
      if (at + length > this.bytes.length) {
        trap('a pointer leads out of the memory');
      }
    }
  }
}

const memories = new WeakMap<WebAssembly.Memory, GuestMemory>();

/** The same for all functions of one component. */
export function guestMemory(memory: WebAssembly.Memory): GuestMemory {
  let known = memories.get(memory);
  if (!known) {
    known = new GuestMemory(memory);
    memories.set(memory, known);
  }
  return known;
}
