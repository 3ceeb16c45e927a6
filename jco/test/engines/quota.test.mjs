// An origin's storage that is full to the engine's refusal: a guest is told, and nothing
// else goes wrong; also if the browser is killed then.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ENGINES } from '../../scripts/engines.mjs';
import { Stage } from './stage.mjs';

const MIB = 1 << 20;

/** What an origin may store. */
const QUOTA = 48 * MIB;

/** How each engine is told so. */
const LIMITED = {
  // In KiB, for all origins together.
  firefox: { preferences: { 'dom.quotaManager.temporaryStorage.fixedLimit': QUOTA / 1024 } },
  chromium: {},
};

for (const engine of ENGINES) {
  test(`a guest fills the storage of ${engine}`, async (t) => {
    const stage = await Stage.open(t, engine, ['fills_its_storage']);
    const program = stage.program('fills_its_storage');
    const session = async () => {
      const { browser, page, ask } = await stage.start(LIMITED[engine]);
      if (engine === 'chromium') {
        const origin = new URL(page.url()).origin;
        const protocol = await page.createCDPSession();
        await protocol.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: QUOTA });
      }
      await ask('open', { mount: 'volume:full', waitMs: 3000 });
      const guest = async (...args) => {
        const [line] = await ask('run', { program, args: args.map(String) });
        return Number(line.split(' ')[1]);
      };
      return { browser, ask, guest, page };
    };

    const { browser, ask, guest, page } = await session();
    const files = await guest('fill', 1, 10_000);
    const { size, live, free, dead } = await ask('usage');
    t.diagnostic(`${files} files in ${size} bytes, ${live} live, ${free} free, ${dead} dead`);
    t.diagnostic(JSON.stringify(await page.evaluate(() => navigator.storage.estimate())));
    t.diagnostic(`beside: ${await ask('beside', { count: 16 * MIB })}`);
    assert.equal(await guest('check', 1), files);
    assert.equal(await guest('overwrite', 1, 2), files);
    assert.equal(await guest('check', 2), files);
    await browser.kill();

    const again = await session();
    assert.equal(await again.guest('check', 2), files);
    assert.equal(await again.guest('overwrite', 2, 3), files);
    assert.equal(await again.guest('check', 3), files);
    assert.equal(await again.guest('remove'), files);
    t.diagnostic(`after removal ${(await again.ask('usage')).size}`);
    t.diagnostic(`beside: ${await again.ask('beside', { count: 16 * MIB })}`);
    t.diagnostic(`compacted to ${await again.ask('compact')}`);
    t.diagnostic(`beside: ${await again.ask('beside', { count: 16 * MIB })}`);
    const refilled = await again.guest('fill', 4, 10_000);
    t.diagnostic(`${refilled} files again in ${(await again.ask('usage')).size}`);
    assert.equal(await again.guest('check', 4), refilled);
    await again.browser.kill();

    const last = await session();
    assert.equal(await last.guest('check', 4), refilled);
    await last.ask('close');
    await last.browser.close();
  });
}
