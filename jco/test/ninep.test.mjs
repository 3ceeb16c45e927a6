import assert from 'node:assert/strict';
import test from 'node:test';

import { checkInWorker } from './support.mjs';
import { checks } from './worker/ninep.mjs';

test('connections of 9P2000.L in Node, in memory', async (t) => {
  for (const [name, check] of Object.entries(checks('memory'))) {
    await t.test(name, check);
  }
});

test('the smaller core says where the other is', async () => {
  const { Filesystem } = await import('wasi-opfs');
  const fs = await Filesystem.open({ mounts: { '/': 'memory' } });
  assert.throws(() => fs.ninep(), /wasi-opfs\/ninep/);
  fs.close();
});

for (const kind of ['volume:ninep', 'tree:ninep']) {
  test(`connections of 9P2000.L in Chromium, on a ${kind.split(':')[0]}`, async (t) => {
    await checkInWorker(t, 'ninep', { message: kind });
  });
}
