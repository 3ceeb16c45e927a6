import assert from 'node:assert/strict';
import { cpSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { TRANSPILER } from '../dist/program/transpile.js';
import { openPage, scratch, tool } from './support.mjs';

const package_ = join(import.meta.dirname, '..');
const TRANSPILERS = join(package_, 'dist/program/transpiler');

/** A page that can run programs. */
async function stage(t, engine, transpiler = true) {
  const directory = scratch(t);
  await build({
    entryPoints: {
      program: join(import.meta.dirname, 'worker/program.mjs'),
      worker: join(package_, 'dist/program/worker.js'),
      devices: join(import.meta.dirname, 'worker/devices.mjs'),
    },
    outdir: directory,
    bundle: true,
    splitting: true,
    format: 'esm',
  });
  const modules = readdirSync(TRANSPILERS).filter((name) => name.endsWith('.wasm'));
  for (const name of transpiler ? modules : []) {
    cpSync(join(TRANSPILERS, name), join(directory, name));
  }
  cpSync(tool('wasm32-wasip1'), join(directory, 'tool-module.wasm'));
  cpSync(tool('wasm32-wasip2'), join(directory, 'tool-component.wasm'));
  const stage = await openPage(directory, engine);
  t.after(stage.close);
  const once = (options = {}) =>
    stage.page.evaluate(
      async (options) => (await import('/program.js')).once(options),
      options,
    );
  return { ...stage, once };
}

async function tell(t, results) {
  for (const { name, failure } of results) {
    await t.test(name, () => assert.equal(failure, undefined));
  }
}

for (const engine of ['chromium', 'firefox']) {
  test(`programs of a page in ${engine}`, async (t) => {
    const { page } = await stage(t, engine);
    const kinds = ['component', 'module'];
    const results = await page.evaluate(
      async (kinds) => (await import('/program.js')).all(kinds),
      kinds,
    );
    assert.ok(results.length > 30);
    await tell(t, results);
  });
}

test('programs of a worker', async (t) => {
  const { worker } = await stage(t);
  await tell(t, await worker('program.js', 'component'));
});

for (const engine of ['chromium', 'firefox']) {
  test(`devices of a worker's programs in ${engine}`, async (t) => {
    const { worker } = await stage(t, engine);
    for (const kind of ['component', 'module']) {
      await t.test(kind, async (t) => tell(t, await worker('devices.js', kind)));
    }
  });
}

test('a transpiler that is not there', async (t) => {
  const { worker, page } = await stage(t, 'chromium', false);
  await tell(t, await worker('devices.js', 'without'));
  const told = await page.evaluate(async () => (await import('/program.js')).untold());
  assert.equal(told.reason, 'not-runnable');
  assert.match(told.message, /^the transpiler could not be loaded/);
});

test('what a device answers when it is polled is checked', async () => {
  const { checked } = await import('../dist/device.js');
  for (const answer of [-1, '3', NaN, null, undefined, 10n]) {
    assert.throws(() => checked({ poll: () => answer }).poll('read', 0), /give how many bytes/);
    const later = checked({ poll: async () => answer }).poll('write', 5);
    await assert.rejects(later, /give how many bytes/);
  }
  assert.equal(checked({ poll: () => 2 ** 40 }).poll('read', 0), 2 ** 40);
  assert.equal(checked({}).poll('read', 0), 1);
});

const EXPECTED = { exitCode: 0, text: '["tool", "args"]\n' };
const ofTranspiler = (requests) =>
  requests.filter((path) => /bindgen/.test(path)).length;

test('a component is transpiled once', async (t) => {
  const { page, once, requests } = await stage(t);
  assert.deepEqual(await once(), EXPECTED);
  assert.ok(ofTranspiler(requests) > 1, requests.join(' '));
  await page.reload();
  requests.length = 0;
  assert.deepEqual(await once(), EXPECTED);
  assert.equal(ofTranspiler(requests), 0, requests.join(' '));
  // What is not to be kept, is not looked for.
  assert.deepEqual(await once({ cache: false }), EXPECTED);
  assert.ok(ofTranspiler(requests) > 1, requests.join(' '));
});

/** Changes the bytes of the volume of transpiled programs in a worker of the page. */
const spoil = (page, how) =>
  page.evaluate(
    ([how]) =>
      new Promise((resolve, reject) => {
        const code = `onmessage = async () => {
          const top = await navigator.storage.getDirectory();
          const file = await top.getFileHandle('wasi-opfs-programs.volume');
          const handle = await file.createSyncAccessHandle();
          const bytes = new Uint8Array(handle.getSize());
          handle.read(bytes, { at: 0 });
          const count = (${how})(bytes);
          handle.write(bytes, { at: 0 });
          handle.close();
          postMessage(count);
        }`;
        const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
        const worker = new Worker(url);
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage('');
      }),
    [String(how)],
  );

test('what is kept of components may be damaged, locked, or have no room', async (t) => {
  const { page, once, requests } = await stage(t);
  const runs = async (what, transpiles) => {
    requests.length = 0;
    assert.deepEqual(await once(), EXPECTED, what);
    assert.equal(ofTranspiler(requests) > 0, transpiles, `${what}: ${requests.join(' ')}`);
  };
  await runs('the first time', true);
  // A byte of the script itself: what runs is not to be what somebody changed.
  const changed = await spoil(page, (bytes) => {
    let count = 0;
    const script = new TextEncoder().encode('export function instantiate(');
    for (let at = 0; (at = bytes.indexOf(script[0], at)) >= 0; at += 1) {
      if (script.every((byte, index) => bytes[at + index] === byte)) {
        bytes[at + 7] = 9;
        count += 1;
      }
    }
    return count;
  });
  assert.ok(changed > 0);
  await runs('with a byte changed', true);
  await runs('after that', false);
  await spoil(page, (bytes) => bytes.fill(7).length);
  await runs('with nothing left of it', true);
  await runs('when it is new', false);
  await page.evaluate(() => {
    const name = 'wasi-opfs volume wasi-opfs-programs';
    return new Promise((held) => {
      const hold = new Promise((free) => (globalThis.free = free));
      void navigator.locks.request(name, () => (held(), hold));
    });
  });
  await runs('while somebody else has it', true);
  await page.evaluate(() => globalThis.free());
  await runs('when it is free', false);
  const session = await page.createCDPSession();
  const { origin } = new URL(page.url());
  await page.evaluate(async () => {
    const top = await navigator.storage.getDirectory();
    await top.removeEntry('wasi-opfs-programs.volume');
  });
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 64 * 1024 });
  await runs('on a full disk', true);
  await runs('and again', true);
});

test('programs of a page without a bundler', async (t) => {
  const directory = scratch(t);
  const dist = (name) => join(package_, 'dist', name);
  const names = ['standalone.js', 'worker.js', 'core/embedded.js', 'program/transpiler'];
  for (const name of names) {
    cpSync(dist(name), join(directory, name), { recursive: true });
  }
  for (const [kind, target] of [['component', 'wasm32-wasip2'], ['module', 'wasm32-wasip1']]) {
    cpSync(tool(target), join(directory, `${kind}.wasm`));
  }
  const { page, close } = await openPage(directory);
  t.after(close);
  for (const [program, text] of [['component.wasm', '1\n'], ['module.wasm', '2\n']]) {
    const printed = await page.evaluate(async (program) => {
      const { run } = await import('/standalone.js');
      let text = '';
      await run(program, {
        mounts: { '/': 'volume:plain' },
        args: ['tool', 'count', '/n'],
        stdout: (bytes) => void (text += new TextDecoder().decode(bytes)),
      });
      return text;
    }, program);
    assert.equal(printed, text);
  }
});

test('the version of the transpiler is the one that is installed', () => {
  const { dependencies } = JSON.parse(readFileSync(join(package_, 'package.json'), 'utf8'));
  assert.equal(dependencies['@bytecodealliance/jco-transpile'], TRANSPILER);
});
