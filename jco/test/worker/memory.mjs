// The memory of preview1 guests: it grows between calls and while one waits, threads may share
// it, a guest may be called while it waits or calls, and random calls do no harm.

import { Filesystem } from 'wasi-opfs';

import { run as start, same } from './checks.mjs';


const PAGE = 65_536;

/**
 * Calls by their arguments: a descriptor, one of a directory, a place in memory, a path (two),
 * buffers (two), a number; in capitals if it has 64 bits. What may wait for years is left out.
 */
const CALLS = {
  args_get: 'mm', args_sizes_get: 'mm', clock_time_get: 'nNm', environ_get: 'mm',
  fd_advise: 'fNNn', fd_allocate: 'fNN', fd_close: 'f', fd_datasync: 'f', fd_fdstat_get: 'fm',
  fd_fdstat_set_flags: 'fn', fd_filestat_get: 'fm', fd_filestat_set_size: 'fN',
  fd_filestat_set_times: 'fNNn', fd_pread: 'fbNm', fd_prestat_get: 'fm',
  fd_prestat_dir_name: 'fmn', fd_pwrite: 'fbNm', fd_read: 'fbm', fd_readdir: 'dmnNm',
  fd_renumber: 'ff', fd_seek: 'fNnm', fd_sync: 'f', fd_tell: 'fm', fd_write: 'fbm',
  path_create_directory: 'dp', path_filestat_get: 'dnpm', path_filestat_set_times: 'dnpNNn',
  path_link: 'dnpdp', path_open: 'dnpnNNnm', path_readlink: 'dpmnm',
  path_remove_directory: 'dp', path_rename: 'dpdp', path_symlink: 'pdp', path_unlink_file: 'dp',
  random_get: 'mn', sched_yield: '', sock_recv: 'fbnmm', sock_shutdown: 'fn',
};

/** Numbers from a seed, and arguments of them. */
class Random {
  #state;

  constructor(seed) {
    this.#state = seed;
  }

  below(bound) {
    // A linear congruential generator: a test needs no better one.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  pick(values) {
    return values[this.below(values.length)];
  }

  /** As WebAssembly hands them on: 32 bits with a sign. */
  number() {
    const edges = [PAGE - 1, PAGE, PAGE + 1, 2 ** 31, -8, -1];
    return (this.below(6) === 0 ? this.pick(edges) : this.below(this.pick([2, 16, 64]))) | 0;
  }

  arguments(kind) {
    switch (kind) {
      case 'd':
        return this.below(5) === 0 ? this.arguments('f') : [3];
      case 'f':
        return [this.below(8) === 0 ? this.number() : 3 + this.below(5)];
      case 'm':
        return [this.below(8) === 0 ? this.number() : 8192 + this.below(PAGE - 16_384)];
      case 'p':
        return this.below(8) === 0 ? [this.number(), this.number()] : [4096 + this.below(6), this.pick([1, 1, 2])];
      case 'b':
        return [0, this.pick([0, 1, 2, 100, 1025, -1])];
      case 'n':
        return [this.number()];
      default:
        return [this.pick([0n, 66n, 66n, 1n << 40n, (1n << 63n) - 1n, -1n, BigInt(this.below(99))])];
    }
  }
}

/** The checks; `load` answers with the module that makes calls, or that of shared memory. */
export function checks(load, kind) {
  const waits = kind.startsWith('tree');
  let count = 0;

  /** A guest on a mount of its own, and what reads and writes its memory as text. */
  const guest = async (use, { name = 'calls', ...options } = {}) => {
    const mount = kind.includes(':') ? `${kind}-${(count += 1)}` : kind;
    const fs = await Filesystem.open({ mounts: { '/': mount } });
    try {
      const wasi = fs.preview1({ jspi: waits, ...options });
      const instance = await WebAssembly.instantiate(await load(name), {
        wasi_snapshot_preview1: wasi.wasiImport,
        env: { memory: options.memory },
      });
      wasi.initialize(instance);
      const memory = options.memory ?? instance.exports.memory;
      const suspends = options.jspi ?? waits;
      // Each call has places of its own for what it says and is told.
      let place = 0;
      const call = (name) => {
        const plain = instance.exports[name];
        const called = suspends ? WebAssembly.promising(plain) : plain;
        return (...args) => called((place += 16), ...args);
      };
      const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);
      await use({
        read: call('read'),
        write: call('write'),
        open: call('open'),
        grow: instance.exports.grow,
        put: (at, text) => bytes(at, text.length).set(new TextEncoder().encode(text)),
        text: (at, length) => new TextDecoder().decode(bytes(at, length).slice()),
      });
      wasi.close();
    } finally {
      fs.close();
    }
  };

  /** A file that is written and read, from before and behind where the memory ended. */
  const files = async ({ read, write, open, grow, put, text }) => {
    put(1024, 'file');
    const fd = await open(1024, 4);
    const again = await open(1024, 4);
    put(2048, 'first');
    same(await write(fd, 2048, 5), 5);
    grow();
    put(PAGE + 7, ' and second');
    same(await write(fd, PAGE + 7, 11), 11);
    grow();
    same(await read(again, 2 * PAGE - 3, 100), 16);
    same(text(2 * PAGE - 3, 16), 'first and second');
  };

  const later = () => new Promise((resolve) => setTimeout(resolve, 5));

  const all = {
    'memory grows between calls': () => guest(files),

    'memory is shared': async () => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 20, shared: true });
      const written = [];
      const stdout = (bytes) => void written.push(new TextDecoder().decode(bytes.slice()));
      await guest(
        async (guest) => {
          await files(guest);
          guest.put(4 * 1024, 'to a device');
          same(await guest.write(1, 4 * 1024, 11), 11);
          same(written, ['to a device']);
          same(await guest.read(0, PAGE, 9), 5);
          same(guest.text(PAGE, 5), 'typed');
        },
        { name: 'shared', memory, stdout, stdin: 'typed' },
      );
    },

    'a device lets memory grow, and calls the guest': async () => {
      const guests = [];
      let depth = 0;
      const stdout = (bytes) => {
        const text = new TextDecoder().decode(bytes);
        guests[0].grow();
        if (!waits && depth < 3) {
          depth += 1;
          guests[0].put(3 * 1024 + depth * 16, `${text}+`);
          same(guests[0].write(1, 3 * 1024 + depth * 16, text.length + 1), text.length + 1);
        }
      };
      await guest(
        async (guest) => {
          guests.push(guest);
          guest.put(2048, 'x');
          same(await guest.write(1, 2048, 1), 1);
          same(depth, waits ? 0 : 3);
          await files(guest);
        },
        { stdout },
      );
    },
  };
  const harmless = (fs, seed, succeeded) => {
    const random = new Random(seed);
    const [stdout, stderr] = [() => {}, () => {}];
    const wasi = fs.preview1({ args: ['hostile'], env: { A: 'b' }, stdout, stderr });
    const memory = new WebAssembly.Memory({ initial: 1 });
    wasi.attach({ exports: { memory } });
    const view = new DataView(memory.buffer);
    for (let step = 0; step < 1000; step += 1) {
      for (let at = 0; at < 2048; at += 8) {
        view.setInt32(at, random.below(4) === 0 ? random.number() : random.below(PAGE), true);
        view.setInt32(at + 4, random.below(4) === 0 ? random.number() : random.below(512), true);
      }
      for (let at = 4096; at < 4104; at += 1) {
        view.setUint8(at, random.pick([97, 98, 99, 100, 46, 47, 0, 255]));
      }
      const name = random.below(3) === 0 ? 'path_open' : random.pick(Object.keys(CALLS));
      if (['fd_close', 'fd_renumber'].includes(name) && random.below(4) !== 0) {
        continue;
      }
      const args = [...CALLS[name]].flatMap((kind) => random.arguments(kind));
      if (name === 'path_open' && random.below(4) !== 0) {
        // One of its flags alone would spoil most.
        args.splice(0, 2, 3, random.below(2));
        args.splice(4, 4, random.below(16), 66n, 0n, random.pick([0, 0, 1, 4]));
      }
      const what = `seed ${seed}, step ${step}: ${name} ${args}`;
      try {
        if (wasi.wasiImport[name](...args) === 0) {
          succeeded.add(name);
        }
      } catch (error) {
        same(error.message.includes("outside of the guest's memory"), true, `${what}: ${error}`);
      }
    }
    wasi.close();
  };
  if (!waits) {
    all['random calls do no harm'] = async () => {
      const mount = kind.includes(':') ? `${kind}-random` : kind;
      const fs = await Filesystem.open({ mounts: { '/': mount } });
      const succeeded = new Set();
      try {
        for (let seed = 1; seed <= 40; seed += 1) {
          harmless(fs, seed, succeeded);
          await fs.writeFile('/good', 'text');
          same(new TextDecoder().decode(await fs.readFile('/good')), 'text', `seed ${seed}`);
        }
      } finally {
        fs.close();
      }
      // They get far enough to do harm.
      const never = ['fd_allocate', 'sock_recv', 'sock_shutdown'];
      same(Object.keys(CALLS).filter((name) => !succeeded.has(name)), never);
    };
  }
  if (!('Suspending' in WebAssembly)) {
    return all;
  }
  return {
    ...all,

    'memory grows while a device is waited for': () => {
      const guests = [];
      const written = [];
      const device = {
        async read(buffer) {
          await later();
          guests[0].grow();
          await later();
          return new TextEncoder().encodeInto('typed', buffer).written;
        },
        async write(bytes) {
          await later();
          guests[0].grow();
          await later();
          written.push(new TextDecoder().decode(bytes));
        },
      };
      return guest(
        async (guest) => {
          guests.push(guest);
          same(await guest.read(0, 2048, 100), 5);
          same(guest.text(2048, 5), 'typed');
          guest.put(4096, 'printed');
          same(await guest.write(1, 4096, 7), 7);
          same(written, ['printed']);
          await files(guest);
        },
        { jspi: true, stdin: device, stdout: device },
      );
    },

    'a guest is called while it waits': () => {
      const waiting = [];
      const stdin = {
        read: (buffer) =>
          new Promise((resolve) => {
            waiting.push((text) => resolve(new TextEncoder().encodeInto(text, buffer).written));
          }),
      };
      return guest(
        async (guest) => {
          const [first, second] = [guest.read(0, 2048, 100), guest.read(0, 3072, 100)];
          await files(guest);
          waiting[1]('second');
          same(await second, 6);
          waiting[0]('first');
          same(await first, 5);
          same([guest.text(2048, 5), guest.text(3072, 6)], ['first', 'second']);
        },
        { jspi: true, stdin },
      );
    },

    'what a device throws goes to who waits for it': () => {
      const waiting = [];
      const stdin = {
        read: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
      };
      return guest(
        async (guest) => {
          const [first, second] = [guest.read(0, 2048, 100), guest.read(0, 3072, 100)];
          const thrown = first.catch((error) => error);
          waiting[0].reject(new RangeError('as was asked'));
          waiting[1].resolve(3);
          same(await second, 3);
          same((await thrown).constructor === RangeError, true, 'who is told');
          await files(guest);
        },
        { jspi: true, stdin },
      );
    },
  };
}

if (typeof WorkerGlobalScope !== 'undefined') {
  const load = (name) => WebAssembly.compileStreaming(fetch(`${name}.wasm`));
  start((kind) => checks(load, kind));
}
