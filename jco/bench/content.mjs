// What is written, so that whoever reads can tell whether it is the same: bytes that
// follow from a number, and a tree that looks like somebody's sources.

export const BLOCK = 4096;

/** Numbers that look random, the same ones each time: below `bound`, from a seed. */
export function random(seed) {
  let state = seed >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** Fills bytes so that they tell which block this is, and which writing of it. */
export function stamp(words, block, version) {
  let state = Math.imul(block + 1, 0x9e3779b1) ^ Math.imul(version + 1, 0x85ebca6b);
  words[0] = block;
  words[1] = version;
  for (let index = 2; index < words.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[index] = state;
  }
}

/** Bytes of a file that has a number. */
export function bytesOf(number, length) {
  const words = new Uint32Array(Math.ceil(length / 4) + 2);
  stamp(words, number, 0);
  return new Uint8Array(words.buffer, 0, length);
}

/** Stops if a file's bytes are not those of its number. */
export function verify(what, bytes, number, length) {
  const wanted = bytesOf(number, length);
  if (bytes.length !== length) {
    throw new Error(`${what} has ${bytes.length} bytes, not ${length}`);
  }
  for (let at = 0; at < length; at++) {
    if (bytes[at] !== wanted[at]) {
      throw new Error(`${what} differs at byte ${at}`);
    }
  }
}

/** Stops if blocks are not the writings of them that `versions` tells. */
export function verifyBlocks(what, bytes, first, versions) {
  const found = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const wanted = new Uint32Array(BLOCK / 4);
  for (let block = 0; block * BLOCK < bytes.byteLength; block++) {
    stamp(wanted, first + block, versions[first + block]);
    const from = (block * BLOCK) / 4;
    for (let index = 0; index < wanted.length; index++) {
      if (found[from + index] !== wanted[index]) {
        throw new Error(`block ${first + block} of ${what} differs at word ${index}`);
      }
    }
  }
}

/**
 * `files` files of 2 KiB in the median, one directory for each seven of them, in the order of
 * an archive: each directory before what is in it.
 */
export function sources(top, files) {
  const next = random(11);
  const directories = [top];
  while (directories.length < Math.max(2, Math.round((files * 3) / 20))) {
    const parent = directories[next(Math.min(directories.length, 60))];
    directories.push(`${parent}/dir${directories.length}`);
  }
  const items = [];
  directories.forEach((directory, index) => {
    items.push({ path: directory });
    for (let number = index; number < files; number += directories.length) {
      // Sums of evenly spread numbers are close to a normal distribution.
      const normal = (next(1000) + next(1000) + next(1000) + next(1000) - 2000) / 577;
      const length = Math.min(256 * 1024, Math.round(2048 * Math.exp(1.1 * normal)));
      const bytes = bytesOf(number, length);
      items.push({ path: `${directory}/file${number}.txt`, number, bytes });
    }
  });
  return items;
}

/** Stops if something is not so. */
export function ensure(is, what) {
  if (!is) {
    throw new Error(what);
  }
}
