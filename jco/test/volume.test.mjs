import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { openPage, scratch } from './support.mjs';

/** A page and the actors in it: workers by name, which do what they are told. */
async function stage(t) {
  const directory = scratch(t);
  await build({
    entryPoints: [join(import.meta.dirname, 'worker/actor.mjs')],
    outdir: directory,
    bundle: true,
    format: 'esm',
  });
  const { page, close } = await openPage(directory);
  t.after(close);
  /** Has `name` do something; what it answers. */
  const tell = (name, order, argument) =>
    page.evaluate(
      ([name, order, argument]) =>
        new Promise((resolve, reject) => {
          globalThis.actors ??= {};
          const actor = (actors[name] ??= new Worker('actor.js', { type: 'module', name }));
          actor.onmessage = ({ data }) => resolve(data);
          actor.onerror = ({ message }) => reject(new Error(message));
          actor.postMessage({ order, argument });
        }),
      [name, String(order), argument],
    );
  /** The answer, which is no error. */
  const ask = async (name, order, argument) => {
    const { answer, error } = await tell(name, order, argument);
    assert.equal(error, undefined, error?.message);
    return answer;
  };
  /** The error. */
  const fail = async (name, order, argument) => {
    const { answer, error } = await tell(name, order, argument);
    assert.ok(error, `answered ${JSON.stringify(answer)}`);
    return error;
  };
  const kill = (name) =>
    page.evaluate((name) => {
      actors[name].terminate();
      delete actors[name];
    }, name);
  return { page, tell, ask, fail, kill };
}

const open = async ({ Filesystem, state }, [name, waitMs]) => {
  state.fs = await Filesystem.open({ mounts: { '/': `volume:${name}` }, waitMs });
};
const close = ({ state }) => state.fs.close();
const write = ({ state }, [path, text]) => state.fs.writeFileSync(path, text);
const read = ({ state }, path) => new TextDecoder().decode(state.fs.readFileSync(path));
const names = ({ state }) => state.fs.readdirSync('/').map(({ name }) => name);

/** The locks of this project that are held or waited for. */
const locks = async () => {
  const { held, pending } = await navigator.locks.query();
  return [...held, ...pending].map(({ name }) => name).filter((name) => /^wasi-opfs/.test(name));
};

/** Whether a file of OPFS is open nowhere. */
const free = async (_, file) => {
  const top = await navigator.storage.getDirectory();
  const handle = await (await top.getFileHandle(file)).createSyncAccessHandle();
  handle.close();
  return true;
};

test('a volume keeps its files over a reload, and is free at once', async (t) => {
  const { page, ask } = await stage(t);
  await ask('one', open, ['kept', 5000]);
  await ask('one', write, ['/f', 'synced']);
  await ask('one', ({ state }) => state.fs.syncSync());
  // Not closed: the page goes, and its worker with it.
  for (let round = 0; round < 3; round += 1) {
    await page.reload();
    await ask('one', open, ['kept', 5000]);
    assert.equal(await ask('one', read, '/f'), 'synced');
  }
});

test('what is gathered is written when the event loop turns', async (t) => {
  const { ask, kill } = await stage(t);
  await ask('one', open, ['timed', 5000]);
  await ask('one', write, ['/f', 'never synced']);
  await ask('one', () => new Promise((resolve) => setTimeout(resolve, 1200)));
  await kill('one');
  await ask('two', open, ['timed', 5000]);
  assert.equal(await ask('two', read, '/f'), 'never synced');
});

test('a page says how much is gathered, and how much is kept in memory', async (t) => {
  const { ask, fail, kill } = await stage(t);
  const open = async ({ Filesystem, state }, [name, options]) => {
    state.fs = await Filesystem.open({ mounts: { '/': `volume:${name}` }, ...options });
  };
  await ask('one', open, ['each', { gather: 'each-write', cacheBytes: 0 }]);
  // Killed within the same turn: nothing but the call itself can have stored it.
  await ask('one', ({ state }) => {
    state.fs.writeFileSync('/f', 'each');
    return state.fs.usageSync('/').gathered;
  }).then((gathered) => assert.equal(gathered, 0));
  await kill('one');
  await ask('two', open, ['each', { gather: { bytes: 1e8, ms: 1e8 } }]);
  assert.equal(await ask('two', read, '/f'), 'each');
  const gathered = ({ state }) => {
    state.fs.writeFileSync('/g', new Uint8Array(5e6));
    return state.fs.usageSync('/').gathered;
  };
  assert.ok((await ask('two', gathered)) > 5e6 - 2 ** 20);
  const wrong = ['waitMs: -1', 'waitMs: NaN', 'gather: { bytes: -1 }', 'gather: { ms: NaN }', 'cacheBytes: 1e12'];
  for (const option of wrong) {
    // In text: NaN does not travel to the page.
    const order = `({ Filesystem }) => Filesystem.open({ mounts: { '/': 'volume:other' }, ${option} })`;
    const { code, message } = await fail('three', order);
    assert.equal(code, 'invalid');
    assert.match(message, /give it as a number from 0/);
  }
});

test('what a guest leaves is written when it ends, and by a sync without a flush', async (t) => {
  const { ask, kill } = await stage(t);
  const guest = ({ state }) => {
    const [[root]] = state.fs.wasi.preopens.getDirectories();
    const file = root.openAt({}, 'g', { create: true }, { write: true });
    file.write(new TextEncoder().encode('left'), 0n);
    state.fs.release();
  };
  const page = ({ state }) => {
    state.fs.writeFileSync('/g', 'left');
    state.fs.syncSync({ flush: false });
  };
  for (const [name, act] of Object.entries({ guest, page })) {
    await ask(name, open, [name, 5000]);
    await ask(name, act);
    await kill(name);
    await ask('heir', open, [name, 5000]);
    assert.equal(await ask('heir', read, '/g'), 'left', name);
    await ask('heir', close);
  }
});

test('a volume has one owner, and who it is can be told while it is busy', async (t) => {
  const { page, tell, ask, fail, kill } = await stage(t);
  await ask('the owner', open, ['owned', 5000]);
  // It does not answer anybody for a while.
  const busy = tell('the owner', () => {
    const end = performance.now() + 1500;
    while (performance.now() < end);
  });
  const { code, message } = await fail('second', open, ['owned', 300]);
  assert.equal(code, 'busy');
  const { origin } = new URL(page.url());
  assert.ok(message.startsWith("cannot open the volume 'owned': it is in use by 'the owner' of"));
  assert.ok(message.includes(`${origin}/actor.js since 20`), message);
  assert.match(message, /close that tab/);
  await busy;
  assert.equal((await fail('second', open, ['owned', 0])).code, 'busy');
  // It waits for an owner that closes, and for one that dies.
  for (const leave of [() => ask('the owner', close), () => kill('the owner')]) {
    const waiting = ask('second', open, ['owned', 20_000]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await leave();
    await waiting;
    await ask('second', write, ['/f', 'x']);
    await ask('second', close);
    await ask('the owner', open, ['owned', 5000]);
    assert.deepEqual(await ask('the owner', names), ['f']);
  }
});

test('what has its file open without a lock is waited for, and told of', async (t) => {
  const { ask, fail } = await stage(t);
  await ask('other', async ({ state }) => {
    const top = await navigator.storage.getDirectory();
    const file = await top.getFileHandle('raw.volume', { create: true });
    state.handle = await file.createSyncAccessHandle();
  });
  const { code, message } = await fail('one', open, ['raw', 100]);
  assert.equal(code, 'busy');
  assert.match(message, /other code of this page has its file open/);
  assert.deepEqual(await ask('one', locks), []);
  const waiting = ask('one', open, ['raw', 10_000]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await ask('other', ({ state }) => state.handle.close());
  await waiting;
});

test('a mount that fails leaves nothing open', async (t) => {
  const { ask, fail } = await stage(t);
  const second = ({ Filesystem }) =>
    Filesystem.open({ mounts: { '/': 'volume:half', '/x': 'volume:not/a/name' } });
  const place = ({ Filesystem }) =>
    Filesystem.open({ mounts: { '/': 'volume:half:ro', '/nowhere': 'memory' } });
  for (const half of [second, place, second]) {
    await fail('one', half);
    assert.deepEqual(await ask('two', locks), []);
    assert.ok(await ask('two', free, 'half.volume'));
  }
  await ask('two', async (_, bytes) => {
    const top = await navigator.storage.getDirectory();
    const file = await top.getFileHandle('damaged.volume', { create: true });
    const handle = await file.createSyncAccessHandle();
    handle.write(new Uint8Array(bytes).fill(7));
    handle.close();
  }, 100_000);
  const damaged = await fail('one', open, ['damaged', 5000]);
  assert.equal(damaged.code, 'not-recoverable', damaged.message);
  assert.match(damaged.message, /'damaged'/);
  assert.deepEqual(await ask('two', locks), []);
  assert.ok(await ask('two', free, 'damaged.volume'));
});

test('a volume is checked, and repaired, where it is', async (t) => {
  const { ask, fail } = await stage(t);
  const check = ({ checkVolume }, [name, options]) => checkVolume(name, options);
  await ask('one', open, ['checked', 5000]);
  await ask('one', write, ['/f', 'x'.repeat(100_000)]);
  const waiting = await fail('two', check, ['checked', { waitMs: 100 }]);
  assert.equal(waiting.code, 'busy');
  await ask('one', close);
  const report = await ask('two', check, ['checked', {}]);
  assert.deepEqual([report.clean, report.repaired], [true, false], report.text);
  assert.match(report.text, /clean: 1 files, 1 directories/);
  assert.deepEqual([report.worst, report.findings, report.counts.files], [undefined, [], 1]);
  // Both superblocks: only a repair finds what there was.
  await ask('one', async () => {
    const top = await navigator.storage.getDirectory();
    const file = await top.getFileHandle('checked.volume');
    const handle = await file.createSyncAccessHandle();
    handle.write(new Uint8Array(8192).fill(7));
    handle.close();
  });
  assert.equal((await fail('one', open, ['checked', 5000])).code, 'not-recoverable');
  const damaged = await ask('two', check, ['checked', {}]);
  assert.equal(damaged.clean, false, damaged.text);
  assert.ok(damaged.findings.length > 0 && damaged.worst !== 'note');
  const repaired = await ask('two', check, ['checked', { repair: true }]);
  assert.equal(repaired.repaired, true, repaired.text);
  assert.deepEqual(await ask('two', locks), []);
  await ask('one', open, ['checked', 5000]);
  assert.equal(await ask('one', read, '/f'), 'x'.repeat(100_000));
});

test('a volume tells what it is, is only read for it, and is not made', async (t) => {
  const { ask, fail } = await stage(t);
  const info = ({ volumeInfo }, name) => volumeInfo(name, { waitMs: 100 });
  const check = ({ checkVolume }, name) => checkVolume(name);
  const bytes = async (_, file) => {
    const top = await navigator.storage.getDirectory();
    const blob = await (await top.getFileHandle(file)).getFile();
    const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
    return [...new Uint8Array(digest)].join();
  };
  for (const act of [info, check]) {
    const { code, message } = await fail('one', act, 'none');
    assert.equal(code, 'no-entry');
    assert.match(message, /cannot open the volume 'none': there is none of that name; check/);
  }
  assert.equal((await fail('one', bytes, 'none.volume')).message.includes('not be found'), true);
  await ask('one', open, ['told', 5000]);
  await ask('one', write, ['/f', 'x'.repeat(100_000)]);
  assert.equal((await fail('two', info, 'told')).code, 'busy');
  await ask('one', ({ state }) => state.fs.syncSync());
  const { gathered, ...usage } = await ask('one', ({ state }) => state.fs.usageSync('/'));
  assert.equal(gathered, 0);
  await ask('one', close);
  const before = await ask('two', bytes, 'told.volume');
  const { id, version, generation, epoch, areas, checkpoint, commits, ...told } = await ask('two', info, 'told');
  assert.deepEqual(told, usage);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.ok(version === 1 && generation > 0 && epoch > 0 && checkpoint > 0 && commits > 0);
  assert.ok(areas.every(({ start, len }) => start > 0 && len > 0 && start + len <= told.size));
  assert.equal(await ask('two', bytes, 'told.volume'), before);
  assert.deepEqual(await ask('two', locks), []);
});

test('a worker opens a volume once, wherever it is mounted', async (t) => {
  const { ask } = await stage(t);
  const seen = await ask('one', async ({ Filesystem }) => {
    const same = 'volume:shared';
    // At the same time: neither waits for the other's lock.
    const [a, b] = await Promise.all([
      Filesystem.open({ mounts: { '/': 'memory', '/x': same, '/y': `${same}:ro` }, waitMs: 0 }),
      Filesystem.open({ mounts: { '/': same }, waitMs: 0 }),
    ]);
    a.writeFileSync('/x/f', 'a');
    const text = (fs, path) => new TextDecoder().decode(fs.readFileSync(path));
    const seen = [text(a, '/y/f'), text(b, '/f')];
    a.renameSync('/x/f', '/y/g');
    a.close();
    seen.push(text(b, '/g'));
    b.close();
    return seen;
  });
  assert.deepEqual(seen, ['a', 'a', 'a']);
  assert.deepEqual(await ask('two', locks), []);
  await ask('two', open, ['shared', 0]);
  assert.deepEqual(await ask('two', names), ['g']);
});

test('the name of a volume has a few characters of every keyboard', async (t) => {
  const { ask, fail } = await stage(t);
  for (const name of ['', '.', '.hidden', 'a/b', 'a b', 'ä', 'x'.repeat(65), 'a:b', 'a\0']) {
    const { code, message } = await fail('one', open, [name, 0]);
    assert.equal(code, 'invalid', name);
    assert.match(message, /1 to 64 letters/);
  }
  for (const name of ['A', '0', '-', '_x.y', 'x'.repeat(64)]) {
    await ask('one', open, [name, 0]);
    await ask('one', close);
  }
});
