// A component that passes on what it is told to call, and whose memory is looked into: with any
// arguments, and on either form of what it imports.

import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { Filesystem } from 'wasi-opfs';

const LOWER = Symbol.for('cabiLower');
const FLAG = 1 << 30;

/** Where results go, if nothing else is said. */
export const RESULT = 512;

/** Where arguments are put. */
const ARGUMENTS = 4096;

const encoder = new TextEncoder();
const compiled = new Map();

/** The core module `name` beside this worker. */
function load(name) {
  if (!compiled.has(name)) {
    compiled.set(name, WebAssembly.compileStreaming(fetch(`/${name}`)));
  }
  return compiled.get(name);
}

export class Guest {
  #views;

  /** `form`: of which transpilation, as `hybrid` or `classes`. */
  static async start(form, fs, options = {}) {
    const guest = new Guest();
    const { io = fs.io, ...others } = options;
    const shim = new WASIShim({ filesystem: fs.wasi, io, ...others });
    const { instantiate } = await import(`/${form}.js`);
    const restore = guest.#watch(fs.wasi.types, io.streams);
    guest.instance = await instantiate(load, shim.getImportObject(), async (module, imports) => {
      const instance = await WebAssembly.instantiate(module, imports);
      if (instance.exports.mode) {
        guest.core = instance.exports;
        guest.cores.push(instance.exports);
      }
      return instance;
    });
    restore();
    return guest;
  }

  /** The exports of its core modules; those that are called are `core`. */
  cores = [];

  /** Its tables of handles, if it is linked directly. */
  tables = {};

  /** Looks at what is handed over for one function of each type until that is undone. */
  #watch({ Descriptor, DirectoryEntryStream }, { InputStream, OutputStream }) {
    const seen = [
      [Descriptor.prototype.getType, ([descriptor]) => ({ descriptor })],
      [DirectoryEntryStream.prototype.readDirectoryEntry, ([entries]) => ({ entries })],
      [InputStream.prototype.read, ([errors, input]) => ({ errors, input })],
      [OutputStream.prototype.write, ([errors, output]) => ({ errors, output })],
    ].map(([method, named]) => {
      const lower = method[LOWER];
      if (lower) {
        method[LOWER] = (linkage) => {
          Object.assign(this.tables, named(linkage.resourceTables));
          return lower(linkage);
        };
      }
      return () => lower && (method[LOWER] = lower);
    });
    return () => seen.forEach((restore) => restore());
  }

  /** How many handles are in use, by type. */
  handles() {
    const used = (table) => {
      let free = 0;
      for (let next = table[0] & ~FLAG; next !== 0; next = table[next << 1] & ~FLAG) {
        free += 1;
      }
      return (table.length >> 1) - 1 - free;
    };
    const entries = Object.entries(this.tables).map(([name, table]) => [name, used(table)]);
    return Object.fromEntries(entries);
  }

  get memory() {
    return this.core.memory;
  }

  get view() {
    if (this.#views?.buffer !== this.memory.buffer) {
      this.#views = new DataView(this.memory.buffer);
    }
    return this.#views;
  }

  bytes(at, length) {
    return new Uint8Array(this.memory.buffer, at, length);
  }

  /** Puts bytes, or text, somewhere in the memory; where, and how many. */
  put(value, at = ARGUMENTS) {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value;
    this.bytes(at, bytes.length).set(bytes);
    return [at, bytes.length];
  }

  /** Calls, with flat arguments; what it answers directly, or that it is a trap. */
  call(name, ...args) {
    this.core.next.value = 65_536;
    this.core.count.value = 0;
    this.core.last.value = -1;
    try {
      return { answer: this.core[name](...args) };
    } catch (trap) {
      return { trap: trap ?? new Error(`thrown: ${trap}`) };
    }
  }

  /** Calls, and reads what is at the place for results; of a trap, only that it was one. */
  ask(name, ...args) {
    const { trap, answer } = this.call(name, ...args, RESULT);
    return trap ? { trap: true } : (answer ?? this.result(name));
  }

  /** As `ask`, of a guest that is suspended meanwhile, with a place of its own for the result. */
  async wait(name, ...args) {
    this.core.next.value = 65_536;
    const at = (this.#place = (this.#place + 128) % 2048) + RESULT;
    try {
      const answer = await WebAssembly.promising(this.core[name])(...args, at);
      return answer ?? this.result(name, at);
    } catch (trap) {
      return { trap: String(trap) };
    }
  }

  #place = 0;

  /** The result of `name` at `at`, taken apart. */
  result(name, at = RESULT) {
    return RESULTS[name].read(this, at);
  }

  text(at) {
    const [start, length] = [this.view.getUint32(at, true), this.view.getUint32(at + 4, true)];
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      this.bytes(start, length),
    );
  }

  list(at) {
    const [start, length] = [this.view.getUint32(at, true), this.view.getUint32(at + 4, true)];
    return this.bytes(start, length).slice();
  }
}

/** `result<T, error-code>` that holds something at `payload`. */
const result = (payload, read) => (guest, at) =>
  guest.view.getUint8(at) === 0
    ? { ok: read?.(guest, at + payload) ?? null }
    : { error: guest.view.getUint8(at + payload) };

/** The same of `stream-error`. */
const streamed = (payload, read) => (guest, at) => {
  const { view } = guest;
  if (view.getUint8(at) === 0) {
    return { ok: read?.(guest, at + payload) ?? null };
  }
  const closed = view.getUint8(at + payload) === 1;
  return closed ? { closed } : { failed: view.getUint32(at + payload + 4, true) };
};

const u8 = (guest, at) => guest.view.getUint8(at);
const u32 = (guest, at) => guest.view.getUint32(at, true);
const u64 = (guest, at) => guest.view.getBigUint64(at, true);
const bytes = (guest, at) => guest.list(at);

function time(guest, at) {
  return u8(guest, at) === 0 ? null : [u64(guest, at + 8), u32(guest, at + 16)];
}

function stat(guest, at) {
  return {
    type: u8(guest, at),
    links: u64(guest, at + 8),
    size: u64(guest, at + 16),
    times: [24, 48, 72].map((offset) => time(guest, at + offset)),
  };
}

function entry(guest, at) {
  return u8(guest, at) === 0 ? null : [u8(guest, at + 4), guest.text(at + 8)];
}

function words(guest, at) {
  return Array.from({ length: u32(guest, at + 4) }, (_, index) =>
    u32(guest, u32(guest, at) + 4 * index),
  );
}

function directories(guest, at) {
  const [start, length] = [u32(guest, at), u32(guest, at + 4)];
  return Array.from({ length }, (_, index) => {
    const place = start + 12 * index;
    return [u32(guest, place), guest.text(place + 4)];
  });
}

/** A type of results: how to read it, its size and what its place is a multiple of. */
const type = (size, align, read) => ({ size, align, read });

const code = type(2, 1, result(1));
const byte = type(2, 1, result(1, u8));
const made = type(8, 4, result(4, u32));
const count = type(16, 8, result(8, u64));
const stated = type(104, 8, result(8, stat));
const hash = type(
  24,
  8,
  result(8, (guest, at) => [u64(guest, at), u64(guest, at + 8)]),
);
const done = type(12, 4, streamed(4));
const list = type(12, 4, streamed(4, bytes));
const passed = type(16, 8, streamed(8, u64));

export const RESULTS = {
  'error.to-debug-string': type(8, 4, (guest, at) => guest.text(at)),
  'input-stream.read': list,
  'input-stream.blocking-read': list,
  'input-stream.skip': passed,
  'input-stream.blocking-skip': passed,
  'output-stream.check-write': passed,
  'output-stream.write': done,
  'output-stream.blocking-write-and-flush': done,
  'output-stream.flush': done,
  'output-stream.blocking-flush': done,
  'output-stream.write-zeroes': done,
  'output-stream.blocking-write-zeroes-and-flush': done,
  'output-stream.splice': passed,
  'output-stream.blocking-splice': passed,
  'descriptor.read-via-stream': made,
  'descriptor.write-via-stream': made,
  'descriptor.append-via-stream': made,
  'descriptor.advise': code,
  'descriptor.sync-data': code,
  'descriptor.get-flags': byte,
  'descriptor.get-type': byte,
  'descriptor.set-size': code,
  'descriptor.set-times': code,
  'descriptor.read': type(
    16,
    4,
    result(4, (guest, at) => [guest.list(at), u8(guest, at + 8)]),
  ),
  'descriptor.write': count,
  'descriptor.read-directory': made,
  'descriptor.sync': code,
  'descriptor.create-directory-at': code,
  'descriptor.stat': stated,
  'descriptor.stat-at': stated,
  'descriptor.set-times-at': code,
  'descriptor.link-at': code,
  'descriptor.open-at': made,
  'descriptor.readlink-at': type(
    12,
    4,
    result(4, (guest, at) => guest.text(at)),
  ),
  'descriptor.remove-directory-at': code,
  'descriptor.rename-at': code,
  'descriptor.symlink-at': code,
  'descriptor.unlink-file-at': code,
  'descriptor.metadata-hash': hash,
  'descriptor.metadata-hash-at': hash,
  'directory-entry-stream.read-directory-entry': type(20, 4, result(4, entry)),
  'filesystem-error-code': type(2, 1, (guest, at) => (u8(guest, at) ? u8(guest, at + 1) : null)),
  'get-directories': type(8, 4, directories),
  poll: type(8, 4, (guest, at) => words(guest, at)),
};

let opened = 0;

/** A file system that nothing is in yet. */
export function empty(kind = 'memory', { mounts: others, ...options } = {}) {
  opened += 1;
  const mount = kind === 'memory' ? kind : `${kind}:linked-${opened}`;
  return Filesystem.open({ mounts: { '/': mount, ...others }, ...options });
}

/** A guest on a mount of its own, and the handle of its root. */
export async function withGuest(check, { form = 'hybrid', fs, kind, ...options } = {}) {
  const own = fs ?? (await empty(kind));
  try {
    const guest = await Guest.start(form, own, options);
    const [[root]] = guest.ask('get-directories');
    await check(guest, root, own);
  } finally {
    if (!fs) {
      own.close();
    }
  }
}
