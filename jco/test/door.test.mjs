import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { openPage, scratch } from './support.mjs';

for (const door of ['door', 'page']) {
  test(`the checks of worker/${door}.mjs`, async (t) => {
    const directory = scratch(t);
    await build({
      entryPoints: [join(import.meta.dirname, `worker/${door}.mjs`)],
      outfile: join(directory, 'door.js'),
      bundle: true,
      format: 'esm',
    });
    const { worker, close } = await openPage(directory);
    t.after(close);
    const results = await worker('door.js');
    assert.ok(results.length > 0);
    for (const { name, failure } of results) {
      await t.test(name, () => assert.equal(failure, undefined));
    }
  });
}
