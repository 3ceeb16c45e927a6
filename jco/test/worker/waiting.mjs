// The fast form on mounts that wait: the guest is suspended, while others call and its memory
// grows; and on several file systems, and guests, at once.

import { ok, run, same, shown } from './checks.mjs';
import { Guest, empty, withGuest } from './guest.mjs';

const NOTHING = [0, 0n, 0];
const NO_ENTRY = 20;
const BAD_DESCRIPTOR = 3;

/** Answers without what each file system has for itself. */
const plain = (answer) =>
  JSON.stringify(answer, (key, value) => {
    if (key === 'times' || key === 'links') return value.length;
    return typeof value === 'bigint' ? String(value) : value;
  });

/** What a guest does, one after the other; places of paths are its own. */
function* everything(guest, root) {
  const [a, b] = [guest.put('a', 4096), guest.put('b', 4200)];
  const text = guest.put('contents of a', 4300);
  const inside = guest.put('directory/inside', 4400);
  const { ok: file } = yield ['descriptor.open-at', root, 0, ...a, 1, 3];
  yield ['descriptor.write', file, ...text, 0n];
  yield ['descriptor.stat', file];
  yield ['descriptor.stat-at', root, 1, ...a];
  yield ['descriptor.stat-at', root, 0, ...b];
  yield ['descriptor.create-directory-at', root, ...guest.put('directory', 4500)];
  yield ['descriptor.create-directory-at', root, ...guest.put('directory', 4500)];
  const made = yield ['descriptor.open-at', root, 0, ...inside, 1, 2];
  guest.call('drop-descriptor', made.ok);
  yield ['descriptor.remove-directory-at', root, ...guest.put('directory', 4500)];
  yield ['descriptor.rename-at', root, ...a, root, ...b];
  yield ['descriptor.rename-at', root, ...a, root, ...b];
  yield ['descriptor.readlink-at', root, ...b];
  yield ['descriptor.set-times', file, ...NOTHING, ...NOTHING];
  yield ['descriptor.set-times-at', root, 0, ...a, ...NOTHING, ...NOTHING];
  yield ['descriptor.sync', file];
  yield ['descriptor.sync-data', file];
  yield ['descriptor.metadata-hash-at', root, 0, ...a];
  yield ['descriptor.unlink-file-at', root, ...inside];
  yield ['descriptor.unlink-file-at', root, ...inside];
  yield ['descriptor.remove-directory-at', root, ...guest.put('directory', 4500)];
  yield ['descriptor.stat-at', root, 0, 4096, 0];
  yield ['descriptor.read', file, 100n, 0n];
  const { ok: input } = yield ['descriptor.read-via-stream', file, 9n];
  yield ['input-stream.blocking-read', input, 100n];
  yield ['input-stream.blocking-read', input, 100n];
  const { ok: entries } = yield ['descriptor.read-directory', root];
  yield ['directory-entry-stream.read-directory-entry', entries];
  yield ['directory-entry-stream.read-directory-entry', entries];
  yield ['descriptor.read-directory', file];
}

async function done(guest, root) {
  const answers = [];
  const calls = everything(guest, root);
  for (let { value } = calls.next(); value;) {
    const answer = await guest.wait(...value);
    answers.push(`${value[0]} ${plain(answer)}`);
    ({ value } = calls.next(answer));
  }
  return answers;
}

/** A guest that can be suspended. */
const withWaiting = (check) => withGuest(check, { form: 'suspending', kind: 'tree' });

run({
  'a mount that waits has the same answers as one that does not': async () => {
    let expected;
    await withGuest(async (guest, root) => void (expected = await done(guest, root)));
    await withWaiting(async (guest, root, fs) => {
      const before = guest.handles();
      same(await done(guest, root), expected);
      same(guest.handles(), { ...before, descriptor: 2, entries: 1, input: 1 });
      same(fs.resources, 4);
    });
    await withGuest(async (guest, root) => same(await done(guest, root), expected), {
      form: 'suspending',
      kind: 'memory',
    });
  },

  'many calls wait at once': () =>
    withWaiting(async (guest, root) => {
      const names = Array.from(
        { length: 12 },
        (_, index) => `name-${index}-${'x'.repeat(9 * index)}`,
      );
      const placed = names.map((name, index) => guest.put(name, 8192 + 256 * index));
      const opened = await Promise.all(
        placed.map((path) => guest.wait('descriptor.open-at', root, 0, ...path, 1, 3)),
      );
      same(new Set(opened.map((answer) => answer.ok)).size, names.length);
      for (const [index, { ok: file }] of opened.entries()) {
        guest.ask('descriptor.set-size', file, BigInt(index));
      }
      const sizes = placed.map((path) => guest.wait('descriptor.stat-at', root, 0, ...path));
      // Others use what carries texts and results meanwhile.
      same(guest.ask('descriptor.get-type', root), { ok: 3 });
      const missing = guest.wait('descriptor.stat-at', root, 0, ...guest.put('nothing'));
      guest.core.grow(1);
      same(
        (await Promise.all(sizes)).map((answer) => answer.ok?.size),
        names.map((_, index) => BigInt(index)),
      );
      same(await missing, { error: NO_ENTRY });
    }),

  'what it waits with may be gone meanwhile': () =>
    withWaiting(async (guest, root, fs) => {
      const { ok: file } = await guest.wait(
        'descriptor.open-at',
        root,
        0,
        ...guest.put('file'),
        1,
        3,
      );
      const path = guest.put('file');
      const waiting = [
        guest.wait('descriptor.open-at', root, 0, ...path, 0, 1),
        guest.wait('descriptor.stat', file),
        guest.wait('descriptor.read-directory', root),
      ];
      guest.call('drop-descriptor', file);
      fs.release();
      for (const answer of await Promise.all(waiting)) {
        ok('ok' in answer || 'error' in answer, shown(answer));
      }
      same(await guest.wait('descriptor.stat', root), { error: BAD_DESCRIPTOR });
      const [[again]] = guest.ask('get-directories');
      const last = guest.wait('descriptor.open-at', again, 0, ...path, 0, 1);
      fs.close();
      const answer = await last;
      ok('ok' in answer || 'error' in answer, shown(answer));
      same(fs.resources, 0);
    }),

  'guests and file systems do not meet': async () => {
    const systems = [await empty('volume'), await empty('memory'), await empty('volume')];
    const guests = [];
    for (const fs of [...systems, ...systems]) {
      const guest = await Guest.start('hybrid', fs);
      const [[root]] = guest.ask('get-directories');
      guests.push({ guest, root, fs });
    }
    for (const [index, { guest, root }] of guests.entries()) {
      const { ok: file } = guest.ask(
        'descriptor.open-at',
        root,
        0,
        ...guest.put(`of ${index}`),
        1,
        3,
      );
      guest.ask('descriptor.write', file, ...guest.put('x'.repeat(index)), 0n);
    }
    const listed = ({ guest, root }) => {
      const names = [];
      const { ok: entries } = guest.ask('descriptor.read-directory', root);
      for (;;) {
        const { ok: entry } = guest.ask('directory-entry-stream.read-directory-entry', entries);
        if (!entry) {
          return names.sort();
        }
        names.push(entry[1]);
      }
    };
    same(
      guests.map(listed),
      [0, 1, 2, 0, 1, 2].map((index) => [`of ${index}`, `of ${index + 3}`]),
    );
    systems[1].release();
    same(
      systems.map((fs) => fs.resources),
      [6, 0, 6],
    );
    same(guests[0].guest.ask('descriptor.get-type', guests[0].root), { ok: 3 });
    same(guests[4].guest.ask('descriptor.get-type', guests[4].root), { error: BAD_DESCRIPTOR });
    systems[0].close();
    same(guests[3].guest.ask('descriptor.get-type', guests[3].root), { error: BAD_DESCRIPTOR });
    same(listed(guests[5]), ['of 2', 'of 5']);
    systems[1].close();
    systems[2].close();
  },

  'a component holds two others': () =>
    withGuest(
      async (guest, _, fs) => {
        same(guest.cores.length, 2);
        const inside = guest.cores.map((core) => {
          guest.core = core;
          const [[root]] = guest.ask('get-directories');
          const { ok: file } = guest.ask('descriptor.open-at', root, 0, ...guest.put('file'), 1, 3);
          guest.ask('descriptor.read-directory', root);
          return { core, root, file, input: guest.ask('descriptor.read-via-stream', file, 0n).ok };
        });
        const [one, other] = inside;
        guest.core = one.core;
        same(guest.ask('descriptor.write', one.file, ...guest.put('of the one'), 0n), { ok: 10n });
        guest.core = other.core;
        same(
          new TextDecoder().decode(guest.ask('input-stream.read', other.input, 99n).ok),
          'of the one',
        );
        same(fs.resources, 9);
        for (const { core, root, file, input } of inside) {
          guest.core = core;
          same(guest.ask('descriptor.stat', file).ok.size, 10n);
          guest.call('drop-input-stream', input);
          guest.call('drop-descriptor', file);
          guest.call('drop-descriptor', root);
          ok(guest.ask('descriptor.stat', file).trap, 'dropped');
        }
        // The first root, which was asked for at the start, and the entries.
        same(fs.resources, 3);
      },
      { form: 'composed' },
    ),
});
