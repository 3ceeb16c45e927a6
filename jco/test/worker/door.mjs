// Checks of the door itself: what a transpiled guest calls, called directly.

import * as io from '@bytecodealliance/preview2-shim/io';
import { Filesystem, asyncImports } from 'wasi-opfs';

import { ok, run, same, shown, thrown } from './checks.mjs';

const ERROR_CODES = new Set(
  `access would-block already bad-descriptor busy deadlock quota exist file-too-large
   illegal-byte-sequence in-progress interrupted invalid io is-directory loop too-many-links
   message-size name-too-long no-device no-entry no-lock insufficient-memory insufficient-space
   not-directory not-empty not-recoverable unsupported no-tty no-such-device overflow
   not-permitted pipe read-only invalid-seek text-file-busy cross-device`.split(/\s+/),
);

const READ = { read: true };
const WRITE = { write: true };
const CREATE = { create: true };
const now = { tag: 'now' };

const memory = (options = {}) => Filesystem.open({ mounts: { '/': 'memory' }, ...options });
const top = (fs) => fs.wasi.preopens.getDirectories()[0][0];

async function withMemory(check, options) {
  const fs = await memory(options);
  try {
    await check(top(fs), fs);
  } finally {
    fs.close();
  }
}

/** Each method with arguments that it takes. */
const calls = (other) => ({
  readViaStream: [0n],
  writeViaStream: [0n],
  appendViaStream: [],
  advise: [0n, 1n, 'normal'],
  syncData: [],
  getFlags: [],
  getType: [],
  setSize: [3n],
  setTimes: [now, { tag: 'timestamp', val: { seconds: 1n, nanoseconds: 2 } }],
  read: [1n, 0n],
  write: [new Uint8Array([1]), 0n],
  readDirectory: [],
  sync: [],
  createDirectoryAt: ['made'],
  stat: [],
  statAt: [{}, 'file'],
  setTimesAt: [{}, 'file', now, now],
  linkAt: [{}, 'file', other, 'linked'],
  openAt: [{}, 'file', {}, READ],
  readlinkAt: ['link'],
  removeDirectoryAt: ['directory'],
  renameAt: ['file', other, 'renamed'],
  symlinkAt: ['target', 'symlink'],
  unlinkFileAt: ['file'],
  isSameObject: [other],
  metadataHash: [],
  metadataHashAt: [{}, 'file'],
});

// The page is not isolated and has no SharedArrayBuffer, but memory like it.
const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

const HOSTILE = [
  undefined, null, true, -1, 0, 1.5, NaN, Infinity, 2 ** 53, 2 ** 64, -1n, 1n << 63n,
  (1n << 64n) - 1n, 1n << 64n, '', '.', '..', '/', '__proto__', 'constructor', 'toString',
  'a\0b', '\ud800', '\ufeff', 'x'.repeat(5000), '1', {}, [], () => 1, Symbol('x'),
  new Uint8Array(3), new Uint8Array(shared.buffer, 0, 3), new ArrayBuffer(3),
  { tag: 'timestamp' }, { tag: 'timestamp', val: { seconds: -1n, nanoseconds: -1 } },
  { tag: 'timestamp', val: { seconds: (1n << 64n) - 1n, nanoseconds: 0xffffffff } },
  Object.create(null), { __proto__: null, symlinkFollow: true }, { [Symbol.for('cabiRep')]: 7 },
  { [Symbol.for('cabiRep')]: NaN },
];

/** Calls, and insists that what is thrown is an error code. */
function outcome(object, method, args) {
  try {
    const answer = object[method](...args);
    answer?.[Symbol.dispose]?.();
    return 'ok';
  } catch (error) {
    ok(ERROR_CODES.has(error), `${method} threw ${String(error?.stack ?? shown(error))}`);
    return error;
  }
}

async function furnished(root) {
  root.openAt({}, 'file', CREATE, WRITE)[Symbol.dispose]();
  root.createDirectoryAt('directory');
  root.symlinkAt('file', 'link');
}

run({
  'no argument makes a method throw anything but an error code': async () => {
    for (const on of ['/', 'file']) {
      for (const method of Object.keys(calls())) {
        await withMemory(async (root) => {
          await furnished(root);
          const object = on === '/' ? root : root.openAt({}, on, {}, { read: true, write: true });
          const args = calls(root)[method];
          outcome(object, method, args);
          for (const position of args.keys()) {
            for (const hostile of HOSTILE) {
              outcome(object, method, args.with(position, hostile));
            }
          }
          for (const hostile of HOSTILE) {
            outcome(object, method, args.map(() => hostile));
          }
          outcome(object, method, []);
        });
      }
    }
  },

  'a descriptor that was dropped, or never was, is a bad descriptor': () =>
    withMemory(async (root, fs) => {
      await furnished(root);
      const { Descriptor, DirectoryEntryStream } = fs.wasi.types;
      const dropped = root.openAt({}, 'file', {}, READ);
      dropped[Symbol.dispose]();
      dropped[Symbol.dispose]();
      const shell = Object.create(Descriptor.prototype);
      // It stands where the dropped one stood.
      const next = root.openAt({}, 'directory', {}, READ);
      for (const object of [dropped, shell, new Descriptor()]) {
        for (const [method, args] of Object.entries(calls(root))) {
          if (method !== 'isSameObject') {
            same(outcome(object, method, args), 'bad-descriptor', method);
          }
        }
        same(object.isSameObject(object), false);
        same(outcome(root, 'renameAt', ['file', object, 'x']), 'bad-descriptor');
        same(outcome(root, 'linkAt', [{}, 'file', object, 'x']), 'bad-descriptor');
      }
      same(next.getType(), 'directory');
      same(thrown(() => new DirectoryEntryStream().readDirectoryEntry()), 'bad-descriptor');
      const entries = root.readDirectory();
      entries[Symbol.dispose]();
      same(thrown(() => entries.readDirectoryEntry()), 'bad-descriptor');
      same(thrown(() => entries.readDirectoryEntry.call(root)), 'bad-descriptor');
    }),

  'offsets and sizes are refused, not rounded': () =>
    withMemory((root) => {
      const file = root.openAt({}, 'f', CREATE, { read: true, write: true });
      for (const [method, args, answer] of [
        ['write', [new Uint8Array([1, 2]), 2n], 'ok'],
        ['write', [new Uint8Array([1, 2]), 2], 'ok'],
        ['write', [new Uint8Array([1]), -1n], 'invalid'],
        ['write', [new Uint8Array([1]), 1n << 63n], 'invalid'],
        ['write', [new Uint8Array([1]), (1n << 64n) + 2n], 'invalid'],
        ['write', [[1], 0n], 'invalid'],
        ['read', [4n, -1], 'invalid'],
        ['read', [4n, 1.5], 'invalid'],
        ['read', [4n, (1n << 64n) - 1n], 'invalid'],
        ['read', [(1n << 64n) - 1n, 0n], 'ok'],
        ['read', [1n << 64n, 0n], 'invalid'],
        ['setSize', [1n << 63n], 'invalid'],
        ['setSize', [(1n << 64n) + 1n], 'invalid'],
        ['setSize', [-1n], 'invalid'],
        ['advise', [(1n << 64n) - 1n, 1n, 'normal'], 'invalid'],
        ['setTimes', [now, { tag: 'timestamp', val: { seconds: (1n << 64n) - 1n, nanoseconds: 0 } }], 'overflow'],
        ['setTimes', [now, { tag: 'timestamp', val: { seconds: 1n, nanoseconds: -1 } }], 'invalid'],
        ['setTimes', [now, { tag: 'later' }], 'invalid'],
      ]) {
        same(outcome(file, method, args), answer, `${method} ${shown(args)}`);
      }
      same(file.read(9n, 0n), [new Uint8Array([0, 0, 1, 2]), false]);
      same(file.stat().size, 4n);
    }),

  'names that JavaScript knows are names like others': () =>
    withMemory((root) => {
      const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '\ufeffmark', 'ü'];
      for (const name of names) {
        same(outcome(root, 'statAt', [{}, name]), 'no-entry', name);
        root.createDirectoryAt(name);
        same(root.statAt({}, name).type, 'directory');
      }
      const entries = root.readDirectory();
      const found = names.map(() => entries.readDirectoryEntry().name);
      same(found.sort(), names.toSorted());
      same(entries.readDirectoryEntry(), undefined);
      for (const [name, code] of [
        ['a\0', 'invalid'],
        ['\ud800', 'illegal-byte-sequence'],
        ['a\udc00b', 'illegal-byte-sequence'],
        ['x'.repeat(256), 'name-too-long'],
        ['', 'no-entry'],
        ['/a', 'not-permitted'],
        [Object('a'), 'invalid'],
      ]) {
        same(outcome(root, 'createDirectoryAt', [name]), code, shown(name));
      }
    }),

  'mounts may have any name': async () => {
    const fs = await Filesystem.open({ mounts: { ['__proto__']: 'memory', constructor: 'memory' } });
    same(fs.wasi.preopens.getDirectories().map(([, name]) => name), ['__proto__', 'constructor']);
    fs.close();
  },

  'every call has its answer at once where no mount waits': () =>
    withMemory(async (root) => {
      await furnished(root);
      for (const [method, args] of Object.entries(calls(root))) {
        const object = ['read', 'write', 'setSize'].includes(method)
          ? root.openAt({}, 'file', CREATE, { read: true, write: true })
          : root;
        try {
          ok(!(object[method](...args) instanceof Promise), `${method} made a promise`);
        } catch (error) {
          ok(ERROR_CODES.has(error), `${method}: ${shown(error)}`);
        }
      }
    }),

  'a mount that waits answers the methods that jco is told of with promises': async () => {
    const fs = await Filesystem.open({ mounts: { '/m': 'memory', '/': 'tree:door-waits' } });
    same(fs.waits, '/');
    same(fs.asyncImports, asyncImports);
    const root = fs.wasi.preopens.getDirectories()[1][0];
    (await root.openAt({}, 'file', CREATE, WRITE))[Symbol.dispose]();
    const names = new Set(asyncImports.map((name) => name.split('.').at(-1)));
    const waited = new Set();
    for (const [method, args] of Object.entries(calls(root))) {
      const name = method.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      const file = await root.openAt({}, 'file', CREATE, { read: true, write: true });
      for (const object of [root, file]) {
        try {
          const answer = object[method](...args);
          if (answer instanceof Promise) {
            ok(names.has(name), `${name} is not in the list`);
            waited.add(name);
            await answer;
          }
        } catch (error) {
          ok(ERROR_CODES.has(error), `${method}: ${shown(error)}`);
        }
      }
      file[Symbol.dispose]();
    }
    ok(waited.has('rename-at') && waited.has('unlink-file-at'), [...waited].join(' '));
    fs.close();
  },

  'a mount that waits is refused where nobody can wait': async () => {
    const options = { mounts: { '/': 'memory', '/data': 'tree:door-sync' }, sync: true };
    const error = await Filesystem.open(options).then(() => undefined, (error) => error);
    ok(error instanceof Error && error.message.includes(`'/data'`), String(error));
    same(error.code, 'unsupported');
    const fs = await memory({ sync: true });
    same([fs.waits, fs.asyncImports], [undefined, []]);
    fs.close();
  },

  'a mount that cannot be says why': async () => {
    for (const [mounts, message] of [
      [{ '/': 'disk:x' }, /no kind of mount 'disk'/],
      [{ '/': 'tree:' }, /OPFS/],
      [{ '/': 'volume' }, /1 to 64 letters/],
      [{ '/a/../b': 'memory' }, /cannot mount at '\/a\/..\/b'/],
      [{ '/a': 'memory', '/a/': 'memory' }, /the same place/],
    ]) {
      const error = await Filesystem.open({ mounts }).then(() => undefined, (error) => error);
      ok(error instanceof Error && message.test(error.message), `${shown(mounts)}: ${error}`);
    }
  },

  'streams fail as streams do': () =>
    withMemory((root, fs) => {
      const written = root.openAt({}, 'f', CREATE, WRITE);
      const unreadable = written.readViaStream(0n);
      const failed = thrown(() => unreadable.blockingRead(1n));
      same(failed.tag, 'last-operation-failed');
      ok(failed.val instanceof io.error.Error, 'an error of the shim');
      same(fs.wasi.types.filesystemErrorCode(failed.val), 'bad-descriptor');
      same(fs.wasi.types.filesystemErrorCode(io.ioErrorCreate('x')), undefined);
      for (const strange of [undefined, null, 1, 'io', {}]) {
        same(fs.wasi.types.filesystemErrorCode(strange), undefined);
      }
      same(thrown(() => unreadable.blockingRead(1n)), { tag: 'closed' });
      const out = written.writeViaStream(0n);
      for (const length of [-1n, 1.5, 1n << 64n, '1', null]) {
        same(thrown(() => written.readViaStream(0n).read(length)).tag, 'last-operation-failed');
        same(thrown(() => out.writeZeroes(length)).tag, 'last-operation-failed');
      }
      same(thrown(() => out.write('text')).tag, 'last-operation-failed');
      for (const stream of [unreadable, out]) {
        stream[Symbol.dispose]();
        stream[Symbol.dispose]();
      }
      same(thrown(() => unreadable.read(1n)), { tag: 'closed' });
      same(thrown(() => unreadable.skip(1n)), { tag: 'closed' });
      for (const method of ['checkWrite', 'flush', 'blockingFlush']) {
        same(thrown(() => out[method]()), { tag: 'closed' }, method);
      }
      same(thrown(() => out.write(new Uint8Array(1))), { tag: 'closed' });
      const all = written.readViaStream((1n << 64n) - 1n);
      same(thrown(() => all.blockingRead((1n << 64n) - 1n)).tag, 'last-operation-failed');
    }),

  'files mix with the streams and pollables of the shim': () =>
    withMemory(async (root) => {
      const file = root.openAt({}, 'f', CREATE, { read: true, write: true });
      const stdin = io.inputStreamCreate({ blockingRead: () => new Uint8Array([7, 8, 9]) });
      const out = file.writeViaStream(0n);
      ok(out instanceof io.streams.OutputStream, 'an output stream of the shim');
      same(out.splice(stdin, 10n), 3n);
      same(out.blockingSplice(stdin, (1n << 64n) - 1n), 3n);
      out.blockingFlush();
      const back = file.readViaStream(1n);
      ok(back instanceof io.streams.InputStream, 'an input stream of the shim');
      const seen = [];
      const stdout = io.outputStreamCreate({ write: (bytes) => void seen.push(...bytes) });
      same(stdout.splice(back, 4n), 4n);
      same(seen, [8, 9, 7, 8]);
      // From one file to another, and from a file to itself.
      const copy = root.openAt({}, 'g', CREATE, { read: true, write: true });
      same(copy.writeViaStream(1n).splice(file.readViaStream(0n), 100n), 6n);
      same(copy.read(9n, 0n)[0], new Uint8Array([0, 7, 8, 9, 7, 8, 9]));
      same(file.appendViaStream().splice(file.readViaStream(0n), 100n), 6n);
      same(file.stat().size, 12n);
      const pollables = [back.subscribe(), stdin.subscribe(), out.subscribe()];
      ok(pollables.every((pollable) => pollable instanceof io.poll.Pollable), 'of the shim');
      same([...(await io.poll.poll(pollables))], [0, 1, 2]);
    }),

  'bytes that were read stay while others are read': () =>
    withMemory((root) => {
      const file = root.openAt({}, 'f', CREATE, { read: true, write: true });
      const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
      file.write(bytes, 0n);
      const stream = file.readViaStream(0n);
      const first = stream.blockingRead(65_536n);
      const kept = first.slice();
      for (let offset = 0n; offset < 10n; offset += 1n) {
        file.read(65_536n, offset);
      }
      same(first.length, 65_536);
      ok(first.every((byte, index) => byte === kept[index]), 'overwritten');
      let total = first.length;
      for (;;) {
        try {
          const next = stream.blockingRead(100_000n);
          ok(next.every((byte, index) => byte === bytes[total + index]), `at ${total}`);
          total += next.length;
        } catch (error) {
          same(error, { tag: 'closed' });
          break;
        }
      }
      same(total, bytes.length);
    }),

  'resources are counted, and go with their file system': async () => {
    const [one, other] = [await memory(), await memory()];
    const [root] = [top(one), top(other)];
    same([one.resources, other.resources], [1, 1]);
    const file = root.openAt({}, 'f', CREATE, { read: true, write: true });
    const stream = file.readViaStream(0n);
    same(one.resources, 3);
    stream[Symbol.dispose]();
    file.constructor[Symbol.for('cabiDispose')](file[Symbol.for('cabiRep')]);
    same(one.resources, 1);
    root.readDirectory();
    one.release();
    same([one.resources, other.resources], [0, 1]);
    same(top(one).statAt({}, 'f').size, 0n);
    one.close();
    one.close();
    same([one.resources, other.resources], [0, 1]);
    ok(thrown(() => one.wasi.preopens.getDirectories()) instanceof Error, 'closed');
    same(outcome(root, 'stat', []), 'bad-descriptor');
    other.close();
  },

  'an open that ends after its file system was closed leaves nothing': async () => {
    const fs = await Filesystem.open({ mounts: { '/': 'tree:door-closing' } });
    const answer = top(fs).openAt({}, 'f', CREATE, WRITE);
    ok(answer instanceof Promise, 'it waits');
    fs.close();
    same(await answer.then(() => 'opened', (error) => error), 'bad-descriptor');
    same(fs.resources, 0);
    const again = await Filesystem.open({ mounts: { '/': 'tree:door-closing' } });
    (await top(again).openAt({}, 'f', CREATE, WRITE))[Symbol.dispose]();
    again.close();
  },

  'the page reaches a mount past the rights of guests': async () => {
    const fs = await Filesystem.open({
      mounts: { '/': 'memory:same:ro', rw: { kind: 'memory', name: 'same' } },
    });
    same(outcome(top(fs), 'createDirectoryAt', ['d']), 'not-permitted');
    fs.mkdirSync('/d');
    same(top(fs).statAt({}, 'd').type, 'directory');
    fs.wasi.preopens.getDirectories()[1][0].removeDirectoryAt('d');
    fs.close();
  },

  'a trace tells each call, and others nothing': async () => {
    const events = [];
    const plain = await memory();
    const open = top(plain).openAt;
    const fs = await memory({ trace: (event) => events.push(event) });
    const root = top(fs);
    ok(root instanceof fs.wasi.types.Descriptor, 'of the class that is imported');
    const file = root.openAt({}, 'f', CREATE, { read: true, write: true });
    ok(file instanceof fs.wasi.types.Descriptor, 'what is opened too');
    const out = file.writeViaStream(0n);
    out.blockingWriteAndFlush(new Uint8Array(5));
    thrown(() => root.unlinkFileAt('nothing'));
    root.renameAt('f', root, 'g');
    thrown(() => file.readViaStream(9n).blockingRead(7n));
    const told = events.map(({ us, ...event }) => {
      ok(typeof us === 'number' && us >= 0, 'microseconds');
      return event;
    });
    const n = (object) => object[Symbol.for('cabiRep')] & 0xfffff;
    const [r, f] = [n(root), n(file)];
    for (const [index, event] of [
      { call: 'preopens.get-directories', answer: 'ok', result: 1 },
      { call: 'descriptor.open-at', descriptor: r, path: 'f', answer: 'ok', result: f },
      { call: 'descriptor.write-via-stream', descriptor: f, offset: 0n, answer: 'ok' },
      { call: 'output-stream.blocking-write-and-flush', descriptor: f, length: 5n, answer: 'ok' },
      { call: 'descriptor.unlink-file-at', descriptor: r, path: 'nothing', answer: 'no-entry' },
      { call: 'descriptor.rename-at', descriptor: r, path: 'f', to: 'g', answer: 'ok' },
      { call: 'descriptor.read-via-stream', descriptor: f, offset: 9n, answer: 'ok' },
      { call: 'input-stream.blocking-read', descriptor: f, length: 7n, answer: 'closed' },
    ].entries()) {
      same(told[index], event, String(index));
    }
    same(told.length, 8);
    ok(top(plain).openAt === open, 'the plain classes are as they were');
    top(plain).stat();
    same(events.length, 8);
    plain.close();
    fs.close();
  },

  'a traced call that waits is told when it has ended': async () => {
    const events = [];
    const fs = await Filesystem.open({
      mounts: { '/': 'tree:door-traced' },
      trace: ({ call, answer }) => events.push(`${call} ${answer}`),
    });
    const root = top(fs);
    const file = await root.openAt({}, 'f', CREATE, WRITE);
    ok(file instanceof fs.wasi.types.Descriptor, 'of the class that is imported');
    await root.statAt({}, 'nothing').catch(() => undefined);
    same(events.slice(1), ['descriptor.open-at ok', 'descriptor.stat-at no-entry']);
    fs.close();
  },
});
