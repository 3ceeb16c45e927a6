// An origin's storage that is full to the engine's refusal: a guest is told, and nothing
// else goes wrong; also if the browser is killed then.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ENGINES } from '../../dist/run/engines.js';
import { Stage } from './stage.mjs';

const MIB = 1 << 20;

/** What an origin may store. */
const QUOTA = 48 * MIB;

const VOLUME = { name: 'full', waitMs: 3000 };

/** How each engine is told so. */
const LIMITED = {
  chromium: {},
  // In KiB, and for all sites together: one of them gets a fifth.
  firefox: { preferences: { 'dom.quotaManager.temporaryStorage.fixedLimit': (5 * QUOTA) / 1024 } },
};

/** What is certainly not there when an engine refuses a volume more, and is when it is empty. */
const BESIDE = 16 * MIB;

/** Starts the engine with that quota. */
async function session(stage) {
  const { engine } = stage;
  const { page, ask } = await stage.start(LIMITED[engine]);
  if (engine === 'chromium') {
    const { origin } = new URL(page.url());
    const protocol = await page.createCDPSession();
    await protocol.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: QUOTA });
  }
  const program = stage.program('fills_its_storage');
  /** Runs the guest; how many files it says there are. */
  const guest = async (...args) => {
    const [line] = await ask('run', { program, args: args.map(String) });
    return Number(line.split(' ')[1]);
  };
  const open = () => ask('open', VOLUME);
  return { ask, guest, open };
}

for (const engine of ENGINES) {
  test(`a guest fills the storage of ${engine}`, async (t) => {
    const stage = await Stage.open(t, engine, ['fills_its_storage']);
    const first = await session(stage);
    // Not even an empty volume fits.
    const others = await first.ask('occupy', { size: MIB });
    assert.ok(others > 20, `${others} files`);
    await assert.rejects(first.open(), { code: 'insufficient-space', message: /'full'/ });
    await first.ask('vacate', { files: others });
    await first.open();
    // What keeps the guest from writing can only be a full storage: it stops otherwise.
    const files = await first.guest('fill', 1, 10_000);
    const full = await first.ask('usage');
    t.diagnostic(`${files} files in ${full.size} bytes, ${full.live} of them live`);
    assert.ok(full.size <= QUOTA && full.live > QUOTA / 2, JSON.stringify(full));
    assert.ok((await first.ask('beside', { count: BESIDE })) < BESIDE);
    assert.equal(await first.guest('check', 1), files);
    assert.equal(await first.guest('overwrite', 1, 2), files);
    assert.equal(await first.guest('check', 2), files);

    assert.equal(await first.guest('remove'), files);
    const empty = await first.ask('compact');
    assert.ok(empty < full.size / 4, `${empty} bytes with nothing in it`);
    if (engine === 'chromium') {
      // It counts what a handle once had until that is closed.
      await first.ask('close');
    }
    assert.equal(await first.ask('beside', { count: BESIDE }), BESIDE);
    if (engine === 'chromium') {
      await first.open();
    }
    const refilled = await first.guest('fill', 3, 10_000);
    assert.ok(Math.abs(refilled - files) <= 3, `${files} files, then ${refilled}`);
    assert.equal(await first.guest('check', 3), refilled);
    await stage.kill();

    const second = await session(stage);
    const { clean, text } = await second.ask('check', VOLUME);
    assert.ok(clean, text);
    await second.open();
    assert.equal(await second.guest('check', 3), refilled);
    assert.equal(await second.guest('overwrite', 3, 4), refilled);
    assert.equal(await second.guest('check', 4), refilled);
    assert.equal(await second.guest('remove'), refilled);
    // After a kill, Chromium's own account of the origin is wrong: it need not grow again.
    if (engine === 'firefox') {
      assert.ok(Math.abs((await second.guest('fill', 5, 10_000)) - files) <= 3);
    }
    await second.ask('close');
    await stage.stop();
  });
}
