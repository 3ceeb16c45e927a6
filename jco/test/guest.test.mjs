import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { prepare } from '../dist/run/program.js';
import { COMMAND, openPage, scratch, tool } from './support.mjs';
import { versions } from './versions.mjs';

const require = createRequire(import.meta.url);
const JCO = join(dirname(require.resolve('@bytecodealliance/jco/component')), 'jco.js');
const here = import.meta.dirname;

/** A bundle of a worker, in the directory that a page serves. */
async function bundle(directory, worker) {
  await build({
    entryPoints: [worker],
    outdir: directory,
    bundle: true,
    format: 'esm',
    external: ['/programs/*'],
  });
}

/** A page with a program transpiled by jco's own command line, and bundled. */
async function mapped(t, flags, program = tool()) {
  // Where the bundler finds the packages: below this one.
  const directory = scratch(t, join(here, '../node_modules/.cache'));
  const component = join(directory, 'component');
  execFileSync(process.execPath, [
    JCO,
    'transpile',
    program,
    '--quiet',
    '--name',
    'tool',
    '--out-dir',
    component,
    ...flags,
  ]);
  cpSync(join(here, 'worker/mapped.mjs'), join(directory, 'mapped.mjs'));
  const www = join(directory, 'www');
  await bundle(www, join(directory, 'mapped.mjs'));
  for (const name of readdirSync(component).filter((name) => name.endsWith('.wasm'))) {
    cpSync(join(component, name), join(www, name));
  }
  const page = await openPage(www);
  t.after(page.close);
  return page;
}

const jcoFlags = (...more) =>
  execFileSync(process.execPath, [COMMAND, 'jco-flags', ...more], { encoding: 'utf8' })
    .trim()
    .split(' ');

test('a program becomes persistent by jco transpile and a bundler alone', async (t) => {
  const { page, worker } = await mapped(t, jcoFlags());
  for (const stdout of ['1\n', '2\n']) {
    assert.deepEqual(await worker('mapped.js', { args: ['count', '/n'] }), { stdout });
    await page.reload();
  }
  const mounts = { '/': 'volume:elsewhere', '/deep': 'memory' };
  for (const stdout of ['1\n', '2\n']) {
    assert.deepEqual(await worker('mapped.js', { args: ['count', '/n'], mounts }), { stdout });
  }
  const answer = await worker('mapped.js', { args: ['count', '/deep/n'], mounts });
  assert.deepEqual(answer, { stdout: '1\n' });
});

test('a program that is made for it uses a tree', async (t) => {
  const { page, worker } = await mapped(t, jcoFlags('--jspi'));
  const mounts = { '/': 'tree:elsewhere', '/fast': 'volume:elsewhere' };
  for (const stdout of ['1\n', '2\n']) {
    for (const path of ['/n', '/fast/n']) {
      assert.deepEqual(await worker('mapped.js', { args: ['count', path], mounts }), { stdout });
    }
    await page.reload();
  }
});

test('programs of the oldest and of the newest WASI 0.2 are served alike', async (t) => {
  const tree = 'symlinks,hard-links,set-times,times,backslash,atomic-rename-dir';
  for (const [name, program] of versions()) {
    for (const [kind, flags, env] of [
      ['volume', [], { LACKS: 'waiting' }],
      ['tree', ['--jspi'], { LACKS: `waiting,${tree}` }],
    ]) {
      await t.test(`${name}, ${kind}`, async (t) => {
        const { worker } = await mapped(t, jcoFlags(...flags), program);
        const mounts = { work: `${kind}:versions` };
        const answer = await worker('mapped.js', { args: ['7'], mounts, env });
        assert.deepEqual(answer, { stdout: 'said\n', stderr: '', code: name === 'oldest' ? 1 : 7 });
      });
    }
  }
});

test('a program leaves nothing behind that is not let go', async (t) => {
  const directory = scratch(t);
  await bundle(directory, join(here, 'worker/instances.mjs'));
  const { worker, close } = await openPage(directory);
  t.after(close);
  for (const [kind, waits] of [
    ['volume:instances', false],
    ['tree:instances', true],
  ]) {
    const { id, files } = await prepare(tool(), { waits, adapter: false, classes: false });
    const folder = join('programs', id);
    for (const [name, path] of files) {
      cpSync(path, join(directory, folder, name));
    }
    const { stdout, counts, error } = await worker('instances.js', {
      url: `/${folder}/component.js`,
      modules: [...files.keys()].filter((name) => name.endsWith('.wasm')),
      mounts: { '/': kind },
      runs: 4,
    });
    assert.equal(error, undefined);
    assert.equal(stdout, '1\n2\n3\n4\n');
    // What a program holds at its end, jco does not drop: its preopens.
    assert.deepEqual(counts, [0, 1, 2, 3, 4, 0], kind);
  }
});
