// What is measured of a volume besides the phases: how it grows, how long a single call may
// take, what a transaction and a sync cost, and how much room it needs.

import init from '../dist/core/wasi_opfs.js';
import { Filesystem } from '../dist/index.js';
import { BLOCK, bytesOf, ensure, random, verify } from './content.mjs';

const SMALL = 100;
const IN_DIRECTORY = 1000;
/** How many names a path has. */
const NAMES = 2;

const open = () => Filesystem.open({ mounts: { '/': 'volume:bench' } });
const path = (number) => `/dir${Math.floor(number / IN_DIRECTORY)}/file${number}`;
const now = () => performance.now();

/** What the flushes of all handles cost, and how many there were. */
const flushes = { count: 0, ms: 0 };

function watchFlushes() {
  const { prototype } = FileSystemSyncAccessHandle;
  const { flush } = prototype;
  prototype.flush = function () {
    const begun = now();
    flush.call(this);
    flushes.count += 1;
    flushes.ms += now() - begun;
  };
}
watchFlushes();

const sorted = (numbers) => Float64Array.from(numbers).sort();
const median = (numbers) => sorted(numbers)[numbers.length >> 1];

/** Makes a volume of so many small files. */
export async function fill({ files }) {
  const fs = await open();
  for (let number = 0; number < files; number++) {
    if (number % IN_DIRECTORY === 0) {
      fs.mkdirSync(`/dir${number / IN_DIRECTORY}`);
    }
    fs.writeFileSync(path(number), bytesOf(number, SMALL));
  }
  fs.syncSync();
  await fs.close();
  return {};
}

/** Mounts it in this worker, which has not loaded the core yet. */
export async function mount({ files }) {
  const begun = now();
  const fs = await open();
  const ms = now() - begun;
  const { memory } = await init();
  const bytes = memory.buffer.byteLength;
  for (let number = 0; number < files; number += Math.ceil(files / 20)) {
    verify(path(number), fs.readFileSync(path(number)), number, SMALL);
  }
  await fs.close();
  return { mount_ms: ms, memory: bytes };
}

/** Microseconds of single calls, without the flushes inside. */
export async function latency({ files, calls }) {
  const fs = await open();
  const next = random(21);
  const block = bytesOf(1, BLOCK);
  const some = () => path(next(files));
  const chosen = Array.from({ length: calls }, some);
  const fresh = Array.from({ length: calls }, (_, number) => `/dir0/fresh${number}`);
  const moved = fresh.map((name) => `${name}-moved`);
  const verbs = {
    stat: (number) => fs.statSync(chosen[number]),
    create: (number) => fs.writeFileSync(fresh[number], block),
    write: (number) => fs.writeFileSync(chosen[number], block),
    rename: (number) => fs.renameSync(fresh[number], moved[number]),
    unlink: (number) => fs.rmSync(moved[number]),
  };
  const found = {};
  for (const [verb, call] of Object.entries(verbs)) {
    const times = new Float64Array(calls);
    for (let number = 0; number < calls; number++) {
      const before = flushes.ms;
      const begun = now();
      call(number);
      times[number] = (now() - begun - (flushes.ms - before)) * 1000;
    }
    fs.syncSync({ flush: false });
    const order = sorted(times);
    found[verb] = {
      mean_us: order.reduce((sum, time) => sum + time, 0) / calls,
      p50_us: order[calls >> 1],
      p99_us: order[Math.floor(calls * 0.99)],
      largest_us: order[calls - 1],
    };
  }
  ensure(fs.statSync(chosen[0]).size === BLOCK, 'a file was not written');
  ensure(!fs.readdirSync('/dir0').some(({ name }) => name.startsWith('fresh')), 'not removed');
  // What looking a name up costs: beyond a call that looks nothing up, many at a time.
  const each = (paths) => {
    const begun = now();
    for (const one of paths) fs.statSync(one);
    return ((now() - begun) * 1000) / paths.length;
  };
  const top = new Array(calls).fill('/');
  const lookups = Array.from({ length: 9 }, () => (each(chosen) - each(top)) / NAMES);
  await fs.close();
  return { files, calls: found, lookup_us: median(lookups) };
}

async function rawHandle(top, name) {
  return (await top.getFileHandle(name, { create: true })).createSyncAccessHandle();
}

const PAGES = 64;
const CHANGED = 3;

/** The writes of a transaction of SQLite's, to whatever has these two files. */
function transact(next, page, journal, database) {
  const pages = Array.from({ length: CHANGED }, () => next(PAGES));
  journal.write(page.subarray(0, 512), 0);
  pages.forEach((_, index) => journal.write(page, 512 + index * (BLOCK + 8)));
  journal.flush();
  pages.forEach((number) => database.write(page, number * BLOCK));
  database.flush();
}

/** A rollback journal made and deleted: microseconds for each way. */
export async function transaction({ count }) {
  const fs = await open();
  const top = await navigator.storage.getDirectory();
  const page = bytesOf(5, BLOCK);
  const nothing = new Uint8Array(512);
  const raw = (handle) => ({
    write: (bytes, at) => handle.write(bytes, { at }),
    flush: () => handle.flush(),
    close: () => handle.close(),
  });
  const onVolume = (name) => {
    const file = fs.openSync(name, { create: true, write: true });
    return {
      write: (bytes, at) => file.writeSync(bytes, at),
      flush: () => file.syncSync(),
      close: () => file.closeSync(),
    };
  };
  const database = onVolume('/database');
  const [there, journal] = [raw(await rawHandle(top, 'database')), await rawHandle(top, 'journal')];
  const byHand = raw(await rawHandle(top, 'database-by-hand'));
  for (const file of [database, there, byHand]) {
    for (let number = 0; number < PAGES; number++) file.write(page, number * BLOCK);
    file.flush();
  }
  const next = random(23);
  const ways = {
    volume: () => {
      const journal = onVolume('/journal');
      transact(next, page, journal, database);
      journal.close();
      fs.rmSync('/journal');
    },
    in_place: () => {
      transact(next, page, raw(journal), there);
      // A journal that is kept is over when its head is.
      journal.write(nothing, { at: 0 });
    },
    by_hand: async () => {
      const journal = raw(await rawHandle(top, 'journal-by-hand'));
      transact(next, page, journal, byHand);
      journal.close();
      await top.removeEntry('journal-by-hand');
    },
  };
  const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  for (let turn = -5; turn < count; turn++) {
    for (const [way, run] of Object.entries(ways)) {
      const begun = now();
      const answer = run();
      if (answer) await answer;
      if (turn >= 0) times[way].push((now() - begun) * 1000);
    }
  }
  ensure(fs.readFileSync('/database').length === PAGES * BLOCK, 'the database is not whole');
  database.close();
  await fs.close();
  [there, journal, byHand].forEach((file) => file.close());
  const entries = Object.entries(times).map(([way, all]) => [`${way}_us`, median(all)]);
  return Object.fromEntries(entries);
}

/** One small change and its sync: microseconds, and flushes. */
export async function sync({ count }) {
  const fs = await open();
  const top = await navigator.storage.getDirectory();
  const handle = await rawHandle(top, 'raw');
  const block = bytesOf(7, BLOCK);
  fs.writeFileSync('/file', block);
  handle.write(block, { at: 0 });
  const file = fs.openSync('/file', { write: true });
  const [volume, raw] = [[], []];
  let flushed = 0;
  for (let turn = -5; turn < count; turn++) {
    const before = flushes.count;
    let begun = now();
    file.writeSync(block, 0);
    fs.syncSync();
    const ours = (now() - begun) * 1000;
    const counted = flushes.count - before;
    begun = now();
    handle.write(block, { at: 0 });
    handle.flush();
    if (turn >= 0) {
      volume.push(ours);
      raw.push((now() - begun) * 1000);
      flushed += counted;
    }
  }
  file.closeSync();
  await fs.close();
  handle.close();
  return { volume_us: median(volume), raw_us: median(raw), flushes: flushed / count };
}

/** How much larger than what lives in it a volume becomes, and what it gives back. */
export async function space({ blocks, overwrites, files }) {
  const fs = await open();
  const block = bytesOf(9, BLOCK);
  const next = random(25);
  const file = fs.openSync('/big', { create: true, write: true });
  for (let number = 0; number < blocks; number++) file.writeSync(block, number * BLOCK);
  for (let number = 0; number < overwrites; number++) {
    file.writeSync(block, next(blocks) * BLOCK);
  }
  file.closeSync();
  fs.syncSync();
  const churned = fs.usageSync('/');
  fs.rmSync('/big');
  const contents = bytesOf(3, 4 * BLOCK);
  fs.mkdirSync('/files');
  for (let number = 0; number < files; number++) fs.writeFileSync(`/files/${number}`, contents);
  fs.syncSync();
  while (!fs.compactSync('/', 1 << 20).done);
  const full = fs.usageSync('/');
  for (let number = 0; number < files; number++) {
    if (number % 5 !== 0) fs.rmSync(`/files/${number}`);
  }
  fs.syncSync();
  const deleted = fs.usageSync('/');
  const begun = now();
  let [steps, longest] = [0, 0];
  for (let done = false; !done; steps++) {
    ensure(steps < 100_000, 'compacting comes to no end');
    const start = now();
    done = fs.compactSync('/', 1 << 20).done;
    longest = Math.max(longest, now() - start);
  }
  const compact_ms = now() - begun;
  const compacted = fs.usageSync('/');
  verify('/files/0', fs.readFileSync('/files/0'), 3, contents.length);
  await fs.close();
  const numbers = (usage) =>
    Object.fromEntries(Object.entries(usage).map(([key, value]) => [key, Number(value)]));
  return {
    churned: numbers(churned),
    full: numbers(full),
    deleted: numbers(deleted),
    compacted: numbers(compacted),
    compact_ms,
    longest_step_ms: longest,
    ratio: Number(churned.size) / Number(churned.live),
    given_back: 1 - Number(compacted.size) / Number(full.size),
  };
}
