// Both forms of what a component imports, called with the same arguments, and the fast form
// with what a component should not do.

import { ok, run, same, shown, thrown } from './checks.mjs';
import { CALLS } from './calls.mjs';
import { RESULT, RESULTS, empty, withGuest as withAny } from './guest.mjs';

const ERRORS = `access would-block already bad-descriptor busy deadlock quota exist
  file-too-large illegal-byte-sequence in-progress interrupted invalid io is-directory loop
  too-many-links message-size name-too-long no-device no-entry no-lock insufficient-memory
  insufficient-space not-directory not-empty not-recoverable unsupported no-tty no-such-device
  overflow not-permitted pipe read-only invalid-seek text-file-busy cross-device`.split(/\s+/);

const PAGE = 65_536;
const GOOD = { read: 1, write: 2, directory: 32 };
const CREATE = 1;

/** Opens a path, with all rights that a file may have. */
function open(guest, root, name, flags = CREATE, rights = GOOD.read | GOOD.write) {
  const answer = guest.ask('descriptor.open-at', root, 0, ...guest.put(name), flags, rights);
  ok('ok' in answer, `${name}: ${shown(answer)}`);
  return answer.ok;
}

function write(guest, file, text, offset = 0n) {
  const { ok: count } = guest.ask('descriptor.write', file, ...guest.put(text), offset);
  same(count, BigInt(text.length));
}

const read = (guest, file, length, offset = 0n) => {
  const { ok: answer } = guest.ask('descriptor.read', file, length, offset);
  return [new TextDecoder().decode(answer[0]), answer[1]];
};

function isTrap(guest, what, ...call) {
  const { trap, answer } = guest.call(...call);
  ok(trap instanceof WebAssembly.RuntimeError, `${what}: ${shown(answer)} ${String(trap)}`);
}

/** One of each, by the letters of `calls.mjs`. */
function furnished(guest, root) {
  const file = open(guest, root, 'file');
  write(guest, file, 'contents of a file');
  guest.ask('descriptor.symlink-at', root, ...guest.put('file'), ...guest.put('link', 5000));
  return {
    d: file,
    root,
    e: guest.ask('descriptor.read-directory', root).ok,
    i: guest.ask('descriptor.read-via-stream', file, 0n).ok,
    o: guest.ask('descriptor.write-via-stream', file, 0n).ok,
  };
}

/** Arguments that are fine, from the letters, for a call of `name`. */
function fine(guest, name, kinds, handles) {
  const path = guest.put(name.includes('readlink') ? 'link' : 'file');
  const values = { P: path, B: guest.put('bytes', 5000), T: [1, 0n, 0], N: [1n], F: [1] };
  const onRoot = kinds.includes('P') || name.endsWith('read-directory');
  return [...kinds].flatMap((kind) => {
    if (kind === 'd') {
      return [onRoot ? handles.root : handles.d];
    }
    return values[kind] ?? [handles[kind] ?? 0];
  });
}

/** The functions that are linked directly. */
const LINKED = CALLS.filter(
  ({ name }) =>
    /^(descriptor|directory-entry-stream|input-stream|output-stream)\./.test(name) &&
    !/subscribe|splice/.test(name),
);
const WITH_RESULT = LINKED.filter(({ kinds }) => kinds.endsWith('r'));

/** What is mounted: `memory` or `volume`. */
let kind;

const withGuest = (check, options) => withAny(check, { kind, ...options });

const LOWER = Symbol.for('cabiLower');
const REP = Symbol.for('cabiRep');

/** The functions themselves, linked to a memory of which jco knows nothing; of one file. */
async function withMemory(memory, realloc, check) {
  const fs = await empty(kind);
  try {
    const [[root]] = fs.wasi.preopens.getDirectories();
    const file = root.openAt({}, 'file', { create: true }, { read: true, write: true });
    const table = (number) =>
      Object.assign([1 << 30, 0, 0, number | (1 << 30)], { _createdReps: new Set() });
    const { InputStream, OutputStream } = fs.io.streams;
    const link = (method, ...tables) => {
      const linked = method[LOWER]({ memory, realloc, resourceTables: tables });
      return (...args) => linked(1, ...args);
    };
    const { read, write, stat, statAt } = file;
    await check({
      file,
      read: link(read, table(file[REP])),
      write: link(write, table(file[REP])),
      stat: link(stat, table(file[REP])),
      statAt: link(statAt, table(root[REP])),
      input: link(InputStream.prototype.read, table(0), table(file.readViaStream(0n)[REP])),
      output: link(OutputStream.prototype.write, table(0), table(file.writeViaStream(0n)[REP])),
    });
  } finally {
    fs.close();
  }
}

run((message) => {
  kind = message;
  return CHECKS;
});

const CHECKS = {
  'a result has to have a place in the memory': async () => {
    for (const { name, kinds } of WITH_RESULT) {
      await withGuest(async (guest, root) => {
        const handles = furnished(guest, root);
        const { size, align } = RESULTS[name];
        const END = guest.memory.buffer.byteLength;
        const all = () => fine(guest, name, kinds.slice(0, -1), handles);
        const bad = [
          END - size + align,
          END,
          (END - 1) & -align,
          2 ** 31,
          -align,
          ...(align > 1 ? [RESULT + 1, -1] : []),
        ];
        for (const place of bad) {
          isTrap(guest, `${name} at ${place}`, name, ...all(), place | 0);
        }
      });
      await withGuest(async (guest, root) => {
        const handles = furnished(guest, root);
        const last = guest.memory.buffer.byteLength - RESULTS[name].size;
        const { trap } = guest.call(name, ...fine(guest, name, kinds.slice(0, -1), handles), last);
        ok(!trap, `${name} at the end: ${trap}`);
        const answer = Object.keys(guest.result(name, last))[0];
        ok(answer === 'ok' || answer === 'error', `${name} at the end: ${answer}`);
      });
    }
  },

  'a handle that is none ends the guest': () =>
    withGuest(async (guest, root) => {
      const handles = furnished(guest, root);
      const before = guest.handles();
      const freed = open(guest, root, 'file');
      guest.call('drop-descriptor', freed);
      for (const { name, kinds } of LINKED) {
        for (const [position, kind] of [...kinds].entries()) {
          if (!'deio'.includes(kind)) {
            continue;
          }
          const others = kind === 'd' ? [freed] : [];
          for (const handle of [0, 999, 2 ** 30, 2 ** 31, -1, ...others]) {
            const args = fine(guest, name, kinds.slice(0, position), handles);
            const rest = fine(guest, name, kinds.slice(position + 1).replace('r', ''), handles);
            const call = [name, ...args, handle | 0, ...rest, RESULT];
            isTrap(guest, `${name} of handle ${handle}`, ...call);
          }
        }
      }
      same(guest.handles(), before);
      for (const name of ['drop-descriptor', 'drop-input-stream', 'drop-directory-entry-stream']) {
        isTrap(guest, name, name, 0);
      }
      isTrap(guest, 'dropped twice', 'drop-descriptor', freed);
    }),

  'arguments have to be in the memory, and texts to be UTF-8': () =>
    withGuest(async (guest, root, fs) => {
      const handles = furnished(guest, root);
      const END = guest.memory.buffer.byteLength;
      for (const { name, kinds } of LINKED) {
        for (const [position, kind] of [...kinds].entries()) {
          if (!'PB'.includes(kind)) {
            continue;
          }
          const bad = [
            [END, 1],
            [END - 3, 4],
            [0, -1],
            [-1, 1],
            [-8, 16],
            [2 ** 31, 1],
            [END + 1, 0],
          ];
          if (kind === 'P') {
            guest.put(new Uint8Array([0x66, 0xff]), 6000);
            guest.put(new Uint8Array([0xed, 0xa0, 0x80]), 6008);
            guest.put(new Uint8Array([0xe2, 0x82]), 6016);
            bad.push([6000, 2], [6008, 3], [6016, 2]);
          }
          for (const [place, length] of bad) {
            const args = fine(guest, name, kinds.slice(0, position), handles);
            const rest = fine(guest, name, kinds.slice(position + 1).replace('r', ''), handles);
            const call = [name, ...args, place | 0, length | 0, ...rest, RESULT];
            isTrap(guest, `${name} with ${length} bytes at ${place}`, ...call);
          }
        }
      }
      same((await fs.readdir('/')).length, 2);
    }),

  'a case has to be one': () =>
    withGuest(async (guest, root) => {
      const file = open(guest, root, 'file');
      const path = guest.put('file');
      const [good, bad] = [
        [1, 0n, 0],
        [
          [3, 0n, 0],
          [-1, 0n, 0],
          [256, 0n, 0],
        ],
      ];
      for (const time of bad) {
        for (const times of [
          [...good, ...time],
          [...time, ...good],
        ]) {
          isTrap(guest, shown(times), 'descriptor.set-times', file, ...times, RESULT);
          isTrap(
            guest,
            shown(times),
            'descriptor.set-times-at',
            root,
            0,
            ...path,
            ...times,
            RESULT,
          );
        }
      }
      for (const advice of [6, -1, 256]) {
        isTrap(guest, `advice ${advice}`, 'descriptor.advise', file, 0n, 1n, advice, RESULT);
      }
      // Flags that there are not are left out.
      same(guest.ask('descriptor.stat-at', root, -1, ...path).ok.type, 6);
      const [OPEN, FLAGS] = [-16, -64];
      same(Object.keys(guest.ask('descriptor.open-at', root, 0, ...path, OPEN, FLAGS | 1)), ['ok']);
    }),

  'paths may be as long as they may': async () => {
    const answers = [];
    for (const form of ['hybrid', 'classes']) {
      await withGuest(
        async (guest, root) => {
          guest.call('grow', 4);
          const answer = (length, text = './'.repeat(length / 2 + 1).slice(0, length)) =>
            guest.ask('descriptor.stat-at', root, 0, ...guest.put(text, 2 * PAGE)).error ?? 'ok';
          const lengths = [1, 64, 65, 66, 255, 4094, 4095, 4096, 4097, 8192, 100_000];
          answers.push([
            ...lengths.map((length) => answer(length)),
            ...lengths.map((length) => answer(length, 'n'.repeat(length))),
            ...lengths.map((length) => answer(length, '\u00fc'.repeat(length / 2))),
          ]);
        },
        { form },
      );
    }
    same(answers[0], answers[1]);
    ok(new Set(answers[0]).size > 2, shown(answers[0]));
  },

  'memory grows between calls, and while room is made': () =>
    withGuest(async (guest, root) => {
      const file = open(guest, root, 'file');
      write(guest, file, 'contents');
      const input = guest.ask('descriptor.read-via-stream', file, 0n).ok;
      const output = guest.ask('descriptor.write-via-stream', file, 0n).ok;
      guest.ask('output-stream.check-write', output);
      const entries = () => guest.ask('descriptor.read-directory', root).ok;
      guest.ask('descriptor.symlink-at', root, ...guest.put('file'), ...guest.put('link', 5000));
      // Each after the memory has grown: of nothing, too.
      for (const [name, answer, ...args] of [
        ['descriptor.read', [new Uint8Array(), 0], file, 0n, 0n],
        ['descriptor.read', [new Uint8Array(), 1], file, 5n, 100n],
        ['descriptor.write', 0n, file, 0, 0, 0n],
        ['output-stream.write', null, output, 0, 0],
        ['input-stream.read', new Uint8Array(), input, 0n],
        ['input-stream.read', new Uint8Array([99]), input, 1n],
        ['descriptor.get-type', 6, file],
        ['descriptor.get-type', 3, root],
      ]) {
        guest.core.grow(1);
        same(guest.ask(name, ...args), { ok: answer }, name);
      }
      guest.core.mode.value = 1;
      same(read(guest, file, 100n), ['contents', 0]);
      same(guest.ask('input-stream.blocking-read', input, 3n).ok.length, 3);
      same(guest.ask('descriptor.readlink-at', root, ...guest.put('link')), { ok: 'file' });
      same(guest.ask('directory-entry-stream.read-directory-entry', entries()).ok[0], 6);
    }),

  'a realloc that is none ends the guest, and one that calls does no harm': () =>
    withGuest(async (guest, root) => {
      const file = open(guest, root, 'file');
      write(guest, file, 'contents');
      guest.ask('descriptor.symlink-at', root, ...guest.put('file'), ...guest.put('link', 5000));
      const input = guest.ask('descriptor.read-via-stream', file, 0n).ok;
      const asking = () => [
        ['descriptor.read', file, 100n, 0n],
        ['descriptor.readlink-at', root, ...guest.put('link')],
        ['input-stream.read', input, 5n],
        [
          'directory-entry-stream.read-directory-entry',
          guest.ask('descriptor.read-directory', root).ok,
        ],
      ];
      const end = guest.memory.buffer.byteLength;
      for (const [mode, place] of [
        [2, end],
        [2, -1],
        [2, end - 3],
        [2, 2 ** 31],
        [3, 0],
      ]) {
        guest.core.mode.value = 0;
        guest.core.place.value = place | 0;
        const calls = asking();
        guest.core.mode.value = mode;
        for (const call of calls) {
          isTrap(guest, `${call} with ${place}`, ...call, RESULT);
        }
      }
      // It drops what is being read.
      guest.core.mode.value = 4;
      const once = open(guest, root, 'file');
      guest.core.place.value = once;
      const answer = guest.ask('descriptor.read', once, 100n, 0n);
      ok('error' in answer || answer.ok[0].length <= 8, shown(answer));
      isTrap(guest, 'dropped', 'descriptor.get-type', once, RESULT);
      guest.core.mode.value = 0;
      same(read(guest, file, 100n), ['contents', 0]);
    }),

  'room is made once, for just as much as there is': () =>
    withGuest(async (guest, root) => {
      const file = open(guest, root, 'file');
      write(guest, file, 'x'.repeat(1000));
      guest.ask('descriptor.set-size', file, 200_000n);
      const input = (offset) => guest.ask('descriptor.read-via-stream', file, offset).ok;
      const entries = guest.ask('descriptor.read-directory', root).ok;
      guest.core.grow(4);
      for (const [count, last, name, ...args] of [
        [1, 10, 'descriptor.read', file, 10n, 0n],
        [1, 65_536, 'descriptor.read', file, 65_536n, 0n],
        [1, 65_536, 'descriptor.read', file, 65_537n, 0n],
        [1, 65_536, 'descriptor.read', file, -1n, 0n],
        [1, 7, 'descriptor.read', file, 100n, 199_993n],
        [0, -1, 'descriptor.read', file, 100n, 200_000n],
        [0, -1, 'descriptor.read', file, 100n, 200_001n],
        [0, -1, 'descriptor.read', file, 0n, 0n],
        [0, -1, 'descriptor.read', file, 1n, -1n],
        [0, -1, 'descriptor.read', root, 1n, 0n],
        [1, 10, 'input-stream.read', input(0n), 10n],
        [1, 7, 'input-stream.blocking-read', input(199_993n), 100n],
        [0, -1, 'input-stream.read', input(200_000n), 100n],
        [0, -1, 'input-stream.read', input(0n), 0n],
        [1, 65_536, 'input-stream.read', input(0n), -1n],
        [1, 4, 'directory-entry-stream.read-directory-entry', entries],
        [0, -1, 'directory-entry-stream.read-directory-entry', entries],
      ]) {
        guest.ask(name, ...args);
        same(
          [guest.core.count.value, guest.core.last.value],
          [count, last],
          `${name} ${shown(args)}`,
        );
      }
    }),

  'errors of streams are told, and go': () =>
    withGuest(async (guest, root) => {
      const before = guest.handles();
      const file = open(guest, root, 'file');
      const stream = () => guest.ask('descriptor.write-via-stream', file, (1n << 63n) - 2n);
      const failures = [stream(), stream()].map(({ ok: output }) => {
        guest.ask('output-stream.check-write', output);
        return [
          output,
          guest.ask('output-stream.blocking-write-and-flush', output, ...guest.put('text')),
        ];
      });
      for (const [output, answer] of failures) {
        ok(answer.failed, shown(answer));
        same(guest.ask('error.to-debug-string', answer.failed), 'invalid');
        same(guest.ask('filesystem-error-code', answer.failed), ERRORS.indexOf('invalid'));
        ok(!guest.call('drop-error', answer.failed).trap, 'dropped');
        isTrap(guest, 'dropped twice', 'drop-error', answer.failed);
        same(guest.ask('output-stream.check-write', output), { closed: true });
        guest.call('drop-output-stream', output);
      }
      guest.call('drop-descriptor', file);
      same(guest.handles(), before);
    }),

  'results go above 2 GiB': () =>
    withGuest(
      async (guest, root) => {
        const file = open(guest, root, 'f');
        write(guest, file, 'text');
        const HIGH = 2 ** 31 + 64;
        const call = (name, ...args) => {
          const { trap } = guest.call(name, ...args, HIGH | 0);
          ok(!trap, `${name}: ${trap}`);
          const high = guest.result(name, HIGH);
          const low = guest.ask(name, ...args);
          return [high, low];
        };
        for (const [name, ...args] of [
          ['descriptor.stat', file],
          ['descriptor.stat', root],
          ['descriptor.metadata-hash', file],
          ['descriptor.get-type', file],
          ['descriptor.read', file, 3n, 0n],
          ['descriptor.read', file, 3n, 4n],
          ['descriptor.write', file, ...guest.put('text', HIGH + 1024), 0n],
          ['descriptor.stat-at', root, 0, ...guest.put('f', HIGH + 2048)],
          ['descriptor.readlink-at', root, ...guest.put('f', HIGH + 2048)],
        ]) {
          const [high, low] = call(name, ...args);
          same(high, low, name);
        }
        guest.core.mode.value = 2;
        guest.core.place.value = (HIGH + 4096) | 0;
        same(read(guest, file, 100n), ['text', 0]);
        guest.core.mode.value = 0;
        for (const [maker, args, method, more] of [
          ['descriptor.read-via-stream', [1n], 'input-stream.read', [2n]],
          ['descriptor.write-via-stream', [1n], 'output-stream.check-write', []],
        ]) {
          guest.call(maker, file, ...args, HIGH | 0);
          const stream = guest.result(maker, HIGH).ok;
          guest.call(method, stream, ...more, HIGH | 0);
          ok(guest.result(method, HIGH).ok, `${method} ${shown(guest.result(method, HIGH))}`);
        }
        const { ok: entries } = guest.ask('descriptor.read-directory', root);
        guest.call('directory-entry-stream.read-directory-entry', entries, HIGH | 0);
        same(guest.result('directory-entry-stream.read-directory-entry', HIGH), { ok: [6, 'f'] });
        guest.call('directory-entry-stream.read-directory-entry', entries, HIGH | 0);
        same(guest.result('directory-entry-stream.read-directory-entry', HIGH), { ok: null });
      },
      { form: 'high' },
    ),

  'the tables of handles come in another order': async () => {
    for (const form of ['hybrid', 'reordered']) {
      await withGuest(
        async (guest, root, fs) => {
          const file = open(guest, root, 'file');
          const before = guest.handles();
          isTrap(guest, 'a handle of none', 'descriptor.read-directory', 77, RESULT);
          // The first call cannot know which is whose.
          const gone = open(guest, root, 'file');
          const streams = [file, root, root].map((on) =>
            guest.ask('descriptor.read-directory', on),
          );
          same(Object.keys(streams[0]), ['error'], 'a file');
          for (const { ok: entries } of streams.slice(1)) {
            const read = () => guest.ask('directory-entry-stream.read-directory-entry', entries);
            same([read(), read()], [{ ok: [6, 'file'] }, { ok: null }]);
            ok(!guest.call('drop-directory-entry-stream', entries).trap, 'dropped');
          }
          guest.call('drop-descriptor', gone);
          same(guest.handles(), before);
          fs.release();
          same(guest.ask('descriptor.read-directory', root), {
            error: ERRORS.indexOf('bad-descriptor'),
          });
        },
        { form },
      );
      // One that is gone tells nothing.
      await withGuest(
        async (guest, root, fs) => {
          fs.release();
          guest.call('descriptor.read-directory', root, RESULT);
          const [[again]] = guest.ask('get-directories');
          const { ok: entries } = guest.ask('descriptor.read-directory', again);
          const read = guest.ask('directory-entry-stream.read-directory-entry', entries);
          same(read, { ok: null });
        },
        { form },
      );
    }
  },

  'memory is shared, and grows': () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 20, shared: true });
    let place = PAGE;
    const put = (text, at) => new Uint8Array(memory.buffer).set(new TextEncoder().encode(text), at);
    const text = (at, length) =>
      new TextDecoder().decode(new Uint8Array(memory.buffer, at, length).slice());
    const view = () => new DataView(memory.buffer);
    const realloc = () => place;
    return withMemory(memory, realloc, ({ file, read, write, stat, statAt, input, output }) => {
      for (const length of [5, 3000, 70_000]) {
        const contents = 'shared'.repeat(length).slice(0, length);
        const pages = memory.grow(2);
        place = pages * PAGE;
        put(contents, place);
        write(place, length, 0n, RESULT);
        same([view().getUint8(RESULT), view().getBigUint64(RESULT + 8, true)], [0, BigInt(length)]);
        put('x'.repeat(length), place);
        read(100_000n, 0n, RESULT);
        const given = Math.min(length, PAGE);
        same(view().getUint32(RESULT + 8, true), given);
        same(text(place, given), contents.slice(0, given));
        stat(RESULT);
        same(view().getBigUint64(RESULT + 24, true), BigInt(length));
        put('file', place);
        statAt(0, place, 4, memory.buffer.byteLength - 104);
        same(view().getBigUint64(memory.buffer.byteLength - 104 + 24, true), BigInt(length));
      }
      put('by stream', place);
      output(place, 9, RESULT);
      same(view().getUint8(RESULT), 0);
      input(6n, RESULT);
      same(text(place, 6), 'by str');
      same(new TextDecoder().decode(file.read(9n, 0n)[0].slice()), 'by stream');
    });
  },

  'nearly the last bytes of 4 GiB': () => {
    const memory = new WebAssembly.Memory({ initial: PAGE });
    const [END, LENGTH] = [2 ** 32 - 1, 16];
    const bytes = new Uint8Array(memory.buffer);
    const last = (text) => bytes.set(new TextEncoder().encode(text), END - LENGTH);
    let place = END - LENGTH;
    const realloc = () => place | 0;
    return withMemory(memory, realloc, ({ file, read, write, statAt, input }) => {
      last('sixteen, exactly');
      write(place | 0, LENGTH, 0n, RESULT);
      same(new TextDecoder().decode(file.read(99n, 0n)[0].slice()), 'sixteen, exactly');
      for (const call of [() => read(99n, 0n, RESULT), () => input(99n, RESULT)]) {
        last('                ');
        call();
        same(new DataView(memory.buffer).getUint32(RESULT + 8, true), LENGTH);
        same(new TextDecoder().decode(bytes.slice(place, END)), 'sixteen, exactly');
      }
      last('            file');
      statAt(0, (END - 4) | 0, 4, (END + 1 - 112) | 0);
      same(bytes[END + 1 - 112], 0);
      place += 1;
      for (const call of [
        () => write(place | 0, LENGTH, 0n, RESULT),
        () => read(99n, 0n, RESULT),
        () => statAt(0, -4, 4, RESULT),
        () => statAt(0, (END - 4) | 0, 4, -104),
      ]) {
        ok(thrown(call) instanceof WebAssembly.RuntimeError, 'the very last byte');
      }
    });
  },
};
