// The memory of preview1 guests: it grows between calls and while one waits, threads may share
// it, and a guest may be called while it waits or calls.

import { Filesystem } from 'wasi-opfs';

import { run as start, same } from './checks.mjs';


const PAGE = 65_536;

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
  };
}

if (typeof WorkerGlobalScope !== 'undefined') {
  const load = (name) => WebAssembly.compileStreaming(fetch(`${name}.wasm`));
  start((kind) => checks(load, kind));
}
