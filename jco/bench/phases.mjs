// The phases: what is done, by path, on whatever file system a peer is; and, with the clock
// stopped, whether it was done.

import {
  BLOCK,
  bytesOf,
  ensure,
  random,
  sources,
  stamp,
  verify,
  verifyBlocks,
} from './content.mjs';

const CALL = 16 * BLOCK;

/** How much is done. */
export const FULL = {
  files: 1000,
  blocks: 16_384,
  random: 10_000,
  overwrites: 100_000,
  tree: 2000,
};
/** Enough for the engine to compile what is called. */
export const WARM = { files: 500, blocks: 1024, random: 1000, overwrites: 1000, tree: 200 };
/** Enough to see that all works. */
export const TINY = { files: 20, blocks: 64, random: 50, overwrites: 200, tree: 30 };

/** What the phases of one run share. */
export class Work {
  constructor(peer, top, counts) {
    this.peer = peer;
    this.top = top;
    this.counts = counts;
    const numbers = Array.from({ length: counts.files }, (_, number) => number);
    this.old = numbers.map((number) => `${top}/file${number}`);
    this.renamed = numbers.map((number) => `${top}/renamed${number}`);
    this.contents = numbers.map((number) => bytesOf(number, BLOCK));
    this.big = `${top}/big`;
    this.versions = new Uint32Array(counts.blocks);
    this.tree = sources(`${top}/tree`, counts.tree);
    // How far a phase came that was cut.
    this.created = 0;
    this.moved = 0;
    this.written = 0;
    this.extracted = [];
  }
}

/** Writes one block of its own to each place. */
function overwriter(work, seed) {
  const next = random(seed);
  const words = new Uint32Array(BLOCK / 4);
  const bytes = new Uint8Array(words.buffer);
  return () => {
    const block = next(work.written);
    stamp(words, block, ++work.versions[block]);
    return work.file.write(bytes, block * BLOCK);
  };
}

/** Reads one block at random places; each says which one it is. */
function randomReader(work, seed) {
  const next = random(seed);
  const words = new Uint32Array(BLOCK / 4);
  const bytes = new Uint8Array(words.buffer);
  let wrong = 0;
  return {
    step: () => {
      const block = next(work.written);
      const judge = (count) => {
        if (count !== BLOCK || words[0] !== block || words[1] !== work.versions[block]) wrong++;
      };
      const count = work.file.read(bytes, block * BLOCK);
      return work.peer.waits ? count.then(judge) : judge(count);
    },
    check: () => ensure(wrong === 0, `${wrong} blocks were not as they should be`),
  };
}

function sequentialReader(work) {
  const words = new Uint32Array(CALL / 4);
  const bytes = new Uint8Array(words.buffer);
  let wrong = 0;
  return {
    of: (work.counts.blocks * BLOCK) / CALL,
    count: (work.written * BLOCK) / CALL,
    step: (number) => {
      const judge = (count) => {
        if (count !== CALL || words[0] !== (number * CALL) / BLOCK) wrong++;
      };
      const count = work.file.read(bytes, number * CALL);
      return work.peer.waits ? count.then(judge) : judge(count);
    },
    check: () => ensure(wrong === 0, `${wrong} calls did not bring what they should`),
  };
}

/** Reads the whole file and compares all of it; whoever would need minutes, a part of it. */
async function verifyBig(work) {
  const file = await work.peer.file(work.big, false);
  const bytes = new Uint8Array(CALL);
  const begun = performance.now();
  let stride = 1;
  for (let at = 0; at < work.written * BLOCK; at += CALL * stride) {
    const count = await file.read(bytes, at);
    ensure(count === CALL, `${count} of ${CALL} bytes at ${at}`);
    verifyBlocks(work.big, bytes, at / BLOCK, work.versions);
    if (performance.now() - begun > 3000) stride = 128;
  }
  await file.close();
}

async function walk(work) {
  const { peer } = work;
  const pending = [work.tree[0].path];
  let [files, bytes] = [0, 0];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const listed = peer.entries(at);
    for (const { name, directory } of peer.waits ? await listed : listed) {
      const path = `${at}/${name}`;
      if (directory) {
        pending.push(path);
      } else {
        const found = peer.stat(path);
        bytes += (peer.waits ? await found : found).size;
        files++;
      }
    }
  }
  return { files, bytes };
}

/**
 * The phases in their order. `after`: what has to be there. `writes`: the bytes that go to
 * the storage, more or less. `prepare` answers what is timed: `step`, called `count` times,
 * and `check`, which is not timed.
 */
export const PHASES = {
  create: {
    writes: ({ files }) => files * BLOCK * 2,
    prepare: (work) => ({
      count: work.old.length,
      step: (number) => work.peer.write(work.old[number], work.contents[number]),
      check: async (done) => {
        work.created = done;
        const names = await work.peer.list(work.top);
        const there = names.filter((name) => name.startsWith('file')).length;
        ensure(there === done, `${there} of ${done} files are there`);
        for (let number = 0; number < done; number += 97) {
          verify(work.old[number], await work.peer.read(work.old[number]), number, BLOCK);
        }
      },
    }),
  },
  read: {
    after: ['create'],
    prepare: (work) => {
      const found = [];
      return {
        of: work.old.length,
        count: work.created,
        step: (number) => {
          const bytes = work.peer.read(work.old[number]);
          if (!work.peer.waits) found[number] = bytes;
          else return bytes.then((bytes) => void (found[number] = bytes));
        },
        check: () =>
          found.forEach((bytes, number) => verify(work.old[number], bytes, number, BLOCK)),
      };
    },
  },
  stat: {
    after: ['create'],
    prepare: (work) => {
      let bytes = 0;
      return {
        of: work.old.length,
        count: work.created,
        step: (number) => {
          const found = work.peer.stat(work.old[number]);
          if (!work.peer.waits) bytes += Number(found.size);
          else return found.then(({ size }) => void (bytes += Number(size)));
        },
        check: (done) => ensure(bytes === done * BLOCK, `the files have ${bytes} bytes together`),
      };
    },
  },
  list: {
    after: ['create'],
    prepare: (work) => {
      let names;
      return {
        // A shorter list counts for as much as it is shorter.
        of: work.old.length / work.created,
        count: 1,
        step: () => {
          const listed = work.peer.list(work.top);
          if (!work.peer.waits) names = listed;
          else return listed.then((listed) => void (names = listed));
        },
        check: () => {
          const there = new Set(names);
          const missing = work.old.slice(0, work.created).filter((path) => {
            return !there.has(path.slice(work.top.length + 1));
          });
          ensure(missing.length === 0, `${missing.length} files are not listed`);
        },
      };
    },
  },
  rename: {
    after: ['create'],
    writes: ({ files }) => files * BLOCK,
    prepare: (work) => ({
      of: work.old.length,
      count: work.created,
      step: (number) => work.peer.rename(work.old[number], work.renamed[number]),
      check: async (done) => {
        work.moved = done;
        const names = await work.peer.list(work.top);
        const there = names.filter((name) => name.startsWith('renamed')).length;
        ensure(there === done, `${there} of ${done} files were renamed`);
        const last = work.renamed[done - 1];
        verify(last, await work.peer.read(last), done - 1, BLOCK);
      },
    }),
  },
  unlink: {
    after: ['rename'],
    writes: ({ files }) => files * 256,
    prepare: (work) => ({
      of: work.old.length,
      count: work.moved,
      step: (number) => work.peer.unlink(work.renamed[number]),
      check: async (done) => {
        const names = await work.peer.list(work.top);
        const there = names.filter((name) => name.startsWith('renamed')).length;
        ensure(there === work.moved - done, `${there} files are left`);
      },
    }),
  },
  'seq-write': {
    writes: ({ blocks }) => blocks * BLOCK,
    prepare: async (work) => {
      const calls = (work.counts.blocks * BLOCK) / CALL;
      const buffers = Array.from({ length: calls }, (_, call) => {
        const bytes = new Uint8Array(CALL);
        for (let block = 0; block * BLOCK < CALL; block++) {
          const words = new Uint32Array(bytes.buffer, block * BLOCK, BLOCK / 4);
          stamp(words, (call * CALL) / BLOCK + block, 0);
        }
        return bytes;
      });
      work.file = await work.peer.file(work.big, true);
      return {
        count: calls,
        step: (call) => work.file.write(buffers[call], call * CALL),
        close: () => work.file.close(),
        check: async (done) => {
          work.written = (done * CALL) / BLOCK;
          await verifyBig(work);
        },
      };
    },
  },
  'seq-read': {
    after: ['seq-write'],
    prepare: (work) => onBig(work, false, sequentialReader(work)),
  },
  'random-read': {
    after: ['seq-write'],
    prepare: (work) =>
      onBig(work, false, { count: work.counts.random, ...randomReader(work, 3) }),
  },
  'random-write': {
    after: ['seq-write'],
    writes: ({ random }) => random * BLOCK,
    prepare: (work) =>
      onBig(work, true, {
        count: work.counts.random,
        step: overwriter(work, 5),
        check: () => verifyBig(work),
      }),
  },
  fragment: {
    after: ['seq-write'],
    hidden: true,
    writes: ({ blocks }) => blocks * BLOCK,
    prepare: (work) =>
      onBig(work, true, {
        count: work.counts.overwrites,
        step: overwriter(work, 7),
        check: () => verifyBig(work),
      }),
  },
  'seq-read-fragmented': {
    after: ['fragment'],
    prepare: (work) => onBig(work, false, sequentialReader(work)),
  },
  'random-read-fragmented': {
    after: ['fragment'],
    prepare: (work) =>
      onBig(work, false, { count: work.counts.random, ...randomReader(work, 9) }),
  },
  extract: {
    writes: ({ tree }) => tree * BLOCK * 2,
    prepare: async (work) => {
      if (work.written > 0) {
        // Whoever writes all of the tree again is not to pay for it.
        await work.peer.unlink(work.big);
        await work.peer.stored?.();
      }
      return {
        count: work.tree.length,
        step: (item) => {
          const { path, bytes } = work.tree[item];
          return bytes ? work.peer.write(path, bytes) : work.peer.mkdir(path);
        },
        check: async (done) => {
          work.extracted = work.tree.slice(0, done).filter(({ bytes }) => bytes);
          for (let file = 0; file < work.extracted.length; file += 41) {
            const { path, number, bytes } = work.extracted[file];
            verify(path, await work.peer.read(path), number, bytes.length);
          }
        },
      };
    },
  },
  walk: {
    after: ['extract'],
    prepare: (work) => {
      let found;
      return {
        of: work.counts.tree / work.extracted.length,
        count: 1,
        step: async () => void (found = await walk(work)),
        check: () => {
          const files = work.extracted.length;
          const bytes = work.extracted.reduce((sum, { bytes }) => sum + bytes.length, 0);
          ensure(found.files === files, `${found.files} of ${files} files met`);
          ensure(found.bytes === bytes, `the files met have ${found.bytes} of ${bytes} bytes`);
        },
      };
    },
  },
  remount: {
    after: ['extract'],
    kept: true,
    prepare: async (work) => {
      await work.peer.close();
      return {
        count: 1,
        step: () => work.peer.open(),
        check: async () => {
          const { path, number, bytes } = work.extracted[0];
          verify(path, await work.peer.read(path), number, bytes.length);
        },
      };
    },
  },
};

async function onBig(work, writing, phase) {
  work.file = await work.peer.file(work.big, writing);
  return { ...phase, close: () => work.file.close() };
}

/** The phases that can be run, of those that are wanted, with all that they need. */
export function plan(peer, wanted) {
  const able = (name) => {
    const { after = [], kept } = PHASES[name];
    const fits = peer.phases?.includes(name) ?? (!name.includes('fragment') || peer.fragments);
    return fits && !peer.without?.includes(name) && (!kept || peer.stored) && after.every(able);
  };
  const needed = new Set();
  const need = (name) => {
    (PHASES[name].after ?? []).forEach(need);
    needed.add(name);
  };
  wanted.filter(able).forEach(need);
  return Object.keys(PHASES).filter((name) => needed.has(name));
}
