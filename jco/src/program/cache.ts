// Transpiled programs, kept in a volume. They are JavaScript that runs with the page's rights,
// so they lie where no guest writes: in a volume of their own, which is never mounted for one.

import { type Filesystem, openPrograms } from '../host.js';
import { PROGRAMS } from '../mount.js';
import type { Files } from './transpile.js';

/** How many bytes are kept, and how many programs. */
const BYTES = 128 << 20;
const COUNT = 100;

const DIGEST = 32;

const encoder = new TextEncoder();

async function digest(...parts: Uint8Array<ArrayBuffer>[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', await joined(parts).bytes()));
}

function joined(parts: Uint8Array<ArrayBuffer>[]): Response {
  return new Response(new Blob(parts));
}

/** By what a program is found again: all that it was made from. */
export async function keyOf(bytes: Uint8Array<ArrayBuffer>, recipe: string): Promise<string> {
  const made = await digest(encoder.encode(recipe), bytes);
  return Array.from(made, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Does something with the volume; nothing, if it cannot be had. */
async function use<T>(act: (files: Filesystem) => T | Promise<T>): Promise<T | undefined> {
  try {
    const files = await openPrograms();
    try {
      return await act(files);
    } finally {
      files.close();
    }
  } catch (error) {
    // What is transpiled again is not worth a repair; whatever else it was, it may pass.
    if ((error as { code?: unknown }).code === 'not-recoverable') {
      const top = await navigator.storage.getDirectory();
      await top.removeEntry(`${PROGRAMS}.volume`).catch(() => undefined);
    }
    return undefined;
  }
}

/** A program that was kept whole. */
export function load(key: string): Promise<Files | undefined> {
  return use(async (files) => {
    const path = `/${key}`;
    if (!files.readdirSync('/').some(({ name }) => name === key)) {
      return undefined;
    }
    const found = await unpack(key, files.readFileSync(path));
    if (found) {
      const now = Date.now();
      files.utimesSync(path, now, now);
    } else {
      files.rmSync(path);
    }
    return found;
  });
}

/** Keeps a program, and forgets those that were not used for longest. */
export async function store(key: string, program: Files): Promise<void> {
  const packed = await pack(key, program);
  if (packed.length <= BYTES) {
    await use((files) => {
      forget(files, packed.length);
      const path = `/${key}`;
      files.writeFileSync(`${path}.new`, packed);
      files.renameSync(`${path}.new`, path);
    });
  }
}

/** Makes room for one more program of so many bytes. */
function forget(files: Filesystem, bytes: number): void {
  const kept = files.readdirSync('/').map(({ name }) => {
    const { size, mtimeMs = 0 } = files.statSync(`/${name}`);
    return { path: `/${name}`, size, used: mtimeMs };
  });
  kept.sort((one, other) => other.used - one.used);
  let [left, room] = [COUNT - 1, BYTES - bytes];
  for (const { path, size } of kept) {
    room -= size;
    left -= 1;
    if (room < 0 || left < 0) {
      files.rmSync(path);
    }
  }
}

type Names = [name: string, length: number][];

/** A digest of the key and all that follows; the length of the list of names; that; contents. */
async function pack(key: string, program: Files): Promise<Uint8Array<ArrayBuffer>> {
  const names: Names = Array.from(program, ([name, { length }]) => [name, length]);
  const list = encoder.encode(JSON.stringify(names));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, list.length, true);
  const parts = [length, list, ...program.values()];
  const whole = await digest(encoder.encode(key), ...parts);
  return joined([whole, ...parts]).bytes() as Promise<Uint8Array<ArrayBuffer>>;
}

/** The program, if it is what was packed under this key. */
async function unpack(key: string, packed: Uint8Array<ArrayBuffer>): Promise<Files | undefined> {
  const rest = packed.subarray(DIGEST);
  const whole = await digest(encoder.encode(key), rest);
  if (packed.length < DIGEST + 4 || whole.some((byte, at) => byte !== packed[at])) {
    return undefined;
  }
  // From here on it is what this file wrote.
  const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0, true);
  let at = 4 + length;
  const names = JSON.parse(new TextDecoder().decode(rest.subarray(4, at))) as Names;
  return new Map(names.map(([name, size]) => [name, rest.subarray(at, (at += size))]));
}
