// Browsers killed in the middle of a guest's changes. Whenever that is, the volume is then
// as it was after some change, and not before the last one that was stored.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';

import { ENGINES } from '../../scripts/engines.mjs';
import { Stage, pause, within } from './stage.mjs';

const KILLS = Number(process.env.KILLS ?? 4);
const SEED = Number(process.env.SEED ?? randomInt(1_000_000));

/** The guest syncs at least so often, and says so: it is never further ahead. */
const SYNC_EVERY = 40;

/** How soon a volume opens after its owner was killed. */
const OPEN_MS = 3000;

/** When to kill: at a line that the guest brings, and then some milliseconds. */
const MOMENTS = [
  { word: 'syncing', skip: 60, wait: 4 },
  { word: 'stored', skip: 20, wait: 1500 },
  { word: 'opening', skip: 0, wait: 60 },
  { word: 'compacting', skip: 20, wait: 20 },
  { word: 'stored', skip: 200, wait: 20 },
];

/** Waits for the moment, and kills; what was stored before, and how far the guest came. */
async function killed(stage, { browser, ask }, { word, skip, wait }, from, working) {
  const told = { stored: from, reached: from };
  let left = randomInt(skip + 1);
  const moment = new Promise((resolve) => {
    stage.heard = (line) => {
      const [said, number] = line.split(' ');
      if (said === 'stored') {
        told.stored = Number(number);
      }
      if (said !== 'opening') {
        told.reached = Number(number);
      }
      if (said === word && left-- === 0) {
        resolve();
      }
    };
  });
  // It ends with the browser, and in no other way.
  const ended = working(ask).then(
    () => assert.fail('the guest has ended by itself'),
    (error) => error,
  );
  await within(`'${word}' from the guest`, Promise.race([moment, ended.then((e) => Promise.reject(e))]));
  await pause(Math.random() * wait);
  await browser.kill();
  await ended;
  stage.heard = () => {};
  return told;
}

for (const engine of ENGINES) {
  test(`${engine} is killed ${KILLS} times, seed ${SEED}`, async (t) => {
    const stage = await Stage.open(t, engine, ['random_changes']);
    const program = stage.program('random_changes');
    const open = (ask) => ask('open', { mount: 'volume:killed', waitMs: OPEN_MS });
    const changes = (from) => ({ program, args: ['change', SEED, from, 1e9].map(String), told: true });
    let told = { stored: 0, reached: 0 };
    for (let kill = 0; kill <= KILLS; kill += 1) {
      const session = await stage.start();
      const moment = MOMENTS[kill % MOMENTS.length];
      if (moment.word === 'opening' && kill < KILLS) {
        // Nothing was changed since the last one.
        await killed(stage, session, moment, 0, open);
        t.diagnostic(`kill ${kill} while it was being opened`);
        continue;
      }
      const took = await open(session.ask);
      const { stored, reached } = told;
      const range = [stored, reached + 2 * SYNC_EVERY].map(String);
      const [line] = await session.ask('run', { program, args: ['tell', String(SEED), ...range] });
      const state = Number(line.split(' ')[1]);
      t.diagnostic(`opened in ${Math.round(took)} ms: ${stored} stored, ${state} found`);
      if (kill < KILLS) {
        told = await killed(stage, session, moment, state, (ask) => ask('run', changes(state)));
        t.diagnostic(`kill ${kill} at '${moment.word}', change ${told.reached}`);
      } else {
        await session.ask('close');
        await session.browser.close();
      }
    }
  });
}
