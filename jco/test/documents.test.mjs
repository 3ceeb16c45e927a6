// The examples of the documents that can be run as they are: each in a worker of its own,
// with a program of that name beside it.

import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { openPage, program, scratch } from './support.mjs';

const root = join(import.meta.dirname, '../..');

/** The blocks of JavaScript in a document that start a program, with their line numbers. */
async function examples(document) {
  const text = await readFile(join(root, document), 'utf8');
  const blocks = text.matchAll(/^```js\n(.*?)^```$/gms);
  return [...blocks]
    .filter(([, code]) => code.includes('wasi.wasiImport'))
    .map(({ 1: code, index }) => ({ code, line: text.slice(0, index).split('\n').length }));
}

for (const [document, name, source] of [
  ['README.md', 'program', 'tool'],
  ['docs/container2wasm.md', 'container', 'emulator'],
]) {
  test(`the examples of ${document}`, async (t) => {
    const directory = scratch(t, join(root, 'jco/node_modules/.cache'));
    await copyFile(program(source, 'wasm32-wasip1'), join(directory, `${name}.wasm`));
    const { worker, close } = await openPage(directory);
    t.after(close);
    const found = await examples(document);
    assert.ok(found.length >= 2, 'there are examples');
    for (const { code, line } of found) {
      await t.test(`line ${line}`, async () => {
        const file = join(directory, `example-${line}.js`);
        await writeFile(`${file}.mjs`, `onmessage = () => {};\n${code}\npostMessage({ code });\n`);
        await build({
          entryPoints: [`${file}.mjs`],
          outfile: file,
          bundle: true,
          format: 'esm',
          logLevel: 'error',
        });
        assert.deepEqual(await worker(`example-${line}.js`), { code: 0 });
      });
    }
  });
}
