// Browsers and tabs killed in the middle of a guest's changes. Whenever that is, the volume is then
// as it was after some change, and not before the last one that was stored.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';

import { ENGINES } from '../../dist/run/engines.js';
import { Stage, pause, within } from './stage.mjs';

const KILLS = Number(process.env.KILLS ?? 3);
const SEED = Number(process.env.SEED ?? randomInt(1_000_000));

/** The guest syncs after so many changes at the latest, and says so before and after. */
const SYNC_EVERY = 40;

/** A volume, and how soon it opens after its owner was killed. */
const VOLUME = { name: 'killed', waitMs: 3000 };

/**
 * When to kill the browser, or the tab alone: some milliseconds after one of the first lines
 * with that word. Where the test hears but one line in `every`, the guest spends its time
 * on files.
 */
const MOMENTS = [
  { word: 'syncing', skip: 60, wait: 1.5, every: 1 },
  { word: 'stored', skip: 5, wait: 1500, every: 32 },
  { word: 'opening', skip: 0, wait: 250 },
  { word: 'compacting', skip: 20, wait: 5, every: 2 },
  { word: 'stored', skip: 200, wait: 1, every: 1 },
  { word: 'stored', skip: 5, wait: 500, every: 32, tab: true },
  { word: 'stored', skip: 20, wait: 100, every: 8 },
  { word: 'syncing', skip: 60, wait: 1.5, every: 1, tab: true },
];

/** Waits, to less than a millisecond. */
async function exactly(ms) {
  const due = performance.now() + ms;
  if (ms > 5) {
    await pause(ms - 2);
  }
  while (performance.now() < due);
}

/**
 * Has the worker work, and kills it at the moment. What was surely stored then,
 * and how far the guest may have come at most.
 */
async function killed(stage, { page, ask }, moment, from, order) {
  const { word, skip, wait, every, tab, unsaid = 2 * SYNC_EVERY * (every ?? 1) } = moment;
  let stored = from;
  let reached = from;
  const paged = [];
  let left = randomInt(skip + 1);
  let killing = false;
  let kill;
  const dead = new Promise((resolve, reject) => {
    kill = async () => {
      await exactly(Math.random() * wait);
      killing = true;
      (tab ? page.close() : stage.kill()).then(resolve, reject);
    };
  });
  stage.heard = (line) => {
    const [said, number] = line.split(' ');
    if (said === 'stored') {
      stored = Number(number);
    }
    if (said === 'paged') {
      paged.push(Number(number));
    }
    if (said !== 'opening') {
      reached = Number(number);
    }
    if (said === word && left-- === 0) {
      void kill();
    }
  };
  const ended = order(ask).catch((error) => error);
  const early = ended.then((how) => {
    // To open a volume takes less time than there may be; a guest's work has no end.
    assert.ok(killing || word === 'opening', `it has ended by itself: ${how?.stack ?? how}`);
  });
  await within(`'${word}' from the guest`, Promise.all([dead, early]));
  stage.heard = () => {};
  return { stored, paged, most: reached + unsaid };
}

/**
 * What the page's door wrote now and then, in the same volume: not less than was stored, not
 * more than the guest's files say, and each step of the last time after the one before.
 */
function checkPage({ text, mode, mtimeMs }, { stored, paged }, state) {
  assert.match(text, /^(\d+\n)*$/);
  const numbers = text.split('\n').slice(0, -1).map(Number);
  const [before, last] = [numbers.at(-2), numbers.at(-1)];
  numbers.forEach((number, at) => assert.ok(at === 0 || number > numbers[at - 1], text));
  assert.ok(last === undefined || last <= state, `page ${last}, guest ${state}`);
  const missing = paged.filter((number) => number < stored && !numbers.includes(number));
  assert.deepEqual(missing, []);
  if (last !== undefined && mtimeMs !== last) {
    // Written, but the time not yet set.
    assert.ok(mtimeMs > 1e12, `modified at ${mtimeMs}`);
    assert.ok(before === undefined || [before % 512, last % 512].includes(mode), `mode ${mode}`);
  } else if (last !== undefined) {
    assert.equal(mode, last % 512);
  }
}

for (const engine of ENGINES) {
  test(`${engine} is killed ${KILLS} times, seed ${SEED}`, async (t) => {
    const stage = await Stage.open(t, engine, ['random_changes']);
    const program = stage.program('random_changes');
    const guest = (ask, every, ...args) => ask('run', { program, args: args.map(String), every });
    const open = (ask) => ask('open', VOLUME);
    let made = false;
    let known = { stored: 0, paged: [], most: 0 };
    for (let kill = 0; kill <= KILLS; kill += 1) {
      const session = await stage.start();
      if (made) {
        const { clean, text } = await session.ask('check', VOLUME);
        assert.ok(clean, text);
      }
      const moment = MOMENTS[(SEED + kill) % MOMENTS.length];
      if (moment.word === 'opening' && kill < KILLS) {
        await killed(stage, session, moment, 0, open);
        t.diagnostic(`kill ${kill + 1} while it was being opened`);
        continue;
      }
      const took = await open(session.ask);
      made = true;
      const [line] = await guest(session.ask, 0, 'tell', SEED, known.stored, known.most);
      const state = Number(line.split(' ')[1]);
      const page = await session.ask('page');
      if (page === undefined) {
        assert.ok(known.paged.every((number) => number >= known.stored));
      } else {
        checkPage(page, known, state);
      }
      t.diagnostic(`opened in ${Math.round(took)} ms: ${known.stored} stored, ${state} found`);
      if (kill === KILLS) {
        await session.ask('close');
        await stage.stop();
        break;
      }
      const changes = (ask) => guest(ask, moment.every, 'change', SEED, state, 1e9);
      known = await killed(stage, session, moment, state, changes);
      const what = moment.tab ? 'the tab' : 'all';
      t.diagnostic(`kill ${kill + 1}, ${what} at '${moment.word}', ${known.stored} stored, at most ${known.most}`);
    }
  });
}

/** The same for SQLite's transactions, each of which is told before the next one begins. */
const TRANSACTIONS = [
  { word: 'stored', skip: 20, wait: 10, unsaid: 1 },
  { word: 'stored', skip: 100, wait: 1, unsaid: 1, tab: true },
  { word: 'stored', skip: 2, wait: 1, unsaid: 1 },
];

for (const engine of ENGINES) {
  test(`SQLite is killed ${KILLS} times in ${engine}`, async (t) => {
    assert.ok(process.env.SQLITE, 'SQLITE has to say where the module is, as xtask does');
    const stage = await Stage.open(t, engine, [], { sqlite: process.env.SQLITE });
    const sqlite = (word) => (ask) => ask('start', { module: 'sqlite', args: [word, '/grown.db'] });
    let known = { stored: 0, most: 0 };
    for (let kill = 0; kill <= KILLS; kill += 1) {
      const session = await stage.start();
      await session.ask('open', VOLUME);
      const [line] = await sqlite('--grown')(session.ask);
      const state = Number(line.split(' ')[1]);
      const { stored, most } = known;
      assert.ok(stored <= state && state <= most, `${state} are there, ${stored} to ${most} may be`);
      if (kill === KILLS) {
        assert.ok(state > 0);
        await session.ask('close');
        await stage.stop();
        break;
      }
      const moment = TRANSACTIONS[(SEED + kill) % TRANSACTIONS.length];
      known = await killed(stage, session, moment, state, sqlite('--grow'));
      const what = moment.tab ? 'the tab' : 'all';
      t.diagnostic(`${state} found; kill ${kill + 1}, ${what}, ${known.stored} stored`);
    }
  });
}
