import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { checkInWorker, program } from './support.mjs';
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
    const names = ['tool', 'emulator'];
    const read = async (name) => [`${name}.wasm`, await readFile(built(name))];
    const files = Object.fromEntries(await Promise.all(names.map(read)));
    await checkInWorker(t, 'preview1', { message: kind, files });
  });
}
