// The examples: each is built by the commands that its README names, from the packed package,
// and used in Chromium.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';

import { ORIGIN, start } from '../dist/run/engines.js';
import { installExamples, run } from './installed.mjs';
import { openPage } from './support.mjs';

const project = installExamples();
const npm = (script) => run(project, 'npm', 'run', '--silent', script);
for (const script of ['component', 'transpile', 'module']) {
  npm(script);
}

const VISITS = 'the component was here\nthe preview1 module was here\n';

/** Opens the page twice: what was written the first time is there the second time. */
async function check(page, url) {
  for (const count of [1, 2]) {
    await page.goto(url);
    const shown = await page.waitForFunction(() => document.querySelector('pre')?.textContent);
    assert.equal(await shown.jsonValue(), VISITS.repeat(count));
  }
}

for (const [name, folder, path] of [
  ['vite', 'vite/dist', 'index.html'],
  ['esbuild', 'esbuild/dist', 'index.html'],
  ['webpack', 'webpack/dist', 'index.html'],
  ['plain', '.', 'plain/index.html'],
]) {
  test(`${name}: what programs wrote is there after a reload`, async (t) => {
    npm(name);
    const { page, close } = await openPage(join(project, folder));
    t.after(close);
    await check(page, `${ORIGIN}/${path}`);
  });
}

test("Vite's server shows the same", async (t) => {
  const vite = spawn('npm', ['run', '--silent', 'vite:dev', '--', '--port', '0'], {
    cwd: project,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
    detached: true,
  });
  t.after(() => process.kill(-vite.pid));
  let url;
  for await (const line of createInterface(vite.stdout)) {
    url = /http:\S+/.exec(line)?.[0];
    if (url) break;
  }
  assert.ok(url, 'it says where it serves');
  const browser = await start('chromium');
  t.after(() => browser.close());
  await check(await browser.open('about:blank'), url);
});
