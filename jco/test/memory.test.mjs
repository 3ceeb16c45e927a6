import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';

import { checkInWorker } from './support.mjs';
import { checks } from './worker/memory.mjs';

const MEMORIES = {
  calls: '(memory (export "memory") 1 20)',
  shared: '(import "env" "memory" (memory 1 20 shared))',
};

/** The module that makes calls, with a memory of one kind. */
async function assembled(name) {
  const text = await readFile(join(import.meta.dirname, 'programs/calls.wat'), 'utf8');
  return parse(text.replace(/^ {2}MEMORY$/m, MEMORIES[name]));
}

test('memory of preview1 guests in Node', async (t) => {
  const load = async (name) => WebAssembly.compile(await assembled(name));
  for (const [name, check] of Object.entries(checks(load, 'memory'))) {
    await t.test(name, check);
  }
});

for (const kind of ['volume:memory', 'tree:memory']) {
  test(`memory of preview1 guests in Chromium, on a ${kind.split(':')[0]}`, async (t) => {
    const module = async (name) => [`${name}.wasm`, await assembled(name)];
    const files = Object.fromEntries(await Promise.all(Object.keys(MEMORIES).map(module)));
    await checkInWorker(t, 'memory', { message: kind, files, least: 3 });
  });
}
