import assert from 'node:assert/strict';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { openPage, program, scratch } from './support.mjs';
import { checks } from './worker/preview1.mjs';

const built = (name) => program(name, 'wasm32-wasip1');

test('preview1 programs in Node, in memory', async (t) => {
  const load = async (name) => WebAssembly.compile(await readFile(built(name)));
  for (const [name, check] of Object.entries(checks(load, 'memory'))) {
    await t.test(name, check);
  }
});

test('what Node has not is said', async () => {
  const { Filesystem } = await import('wasi-opfs');
  const open = (options) => Filesystem.open(options);
  await assert.rejects(open({ mounts: { '/': 'volume:x' } }), /a dedicated worker/);
  await assert.rejects(open(), /which mounts/);
  await assert.rejects(open({ mont: {} }), /which mounts/);
});

for (const kind of ['volume:preview1', 'tree:preview1']) {
  test(`preview1 programs in Chromium, on a ${kind.split(':')[0]}`, async (t) => {
    const directory = scratch(t);
    await build({
      entryPoints: [join(import.meta.dirname, 'worker/preview1.mjs')],
      outdir: directory,
      bundle: true,
      format: 'esm',
    });
    for (const name of ['tool', 'emulator']) {
      await copyFile(built(name), join(directory, `${name}.wasm`));
    }
    const { worker, close } = await openPage(directory);
    t.after(close);
    const results = await worker('preview1.js', kind);
    assert.ok(results.length > 0);
    for (const { name, failure } of results) {
      await t.test(name, () => assert.equal(failure, undefined));
    }
  });
}
