// A page that runs a component by one call, bundled with no more said than that workers are
// modules: the bundler finds the worker, what transpiles components, and the modules of that.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { ORIGIN } from '../dist/run/engines.js';
import { installExamples, run } from './installed.mjs';
import { openPage, tool } from './support.mjs';

const project = installExamples();
const app = join(project, 'one-call');
rmSync(app, { recursive: true, force: true });
mkdirSync(app);

const files = {
  'index.html': '<!doctype html><pre></pre><script type="module" src="./page.js"></script>',
  'page.js': `import { run } from 'wasi-opfs';
    let text = '';
    const { exitCode } = await run('/tool.wasm', {
      mounts: { '/': 'volume:bundled' },
      args: ['tool', 'count', '/n'],
      stdout: (bytes) => void (text += new TextDecoder().decode(bytes)),
    }).catch((error) => ({ exitCode: error.message }));
    document.querySelector('pre').textContent = text + exitCode;`,
  'vite.config.js': "export default { base: './', worker: { format: 'es' } };",
  'webpack.config.js': `export default {
    mode: 'production',
    entry: { page: './page.js' },
    experiments: { outputModule: true },
    output: { filename: '[name].js', module: true },
    performance: { hints: false },
  };`,
};
for (const [name, contents] of Object.entries(files)) {
  writeFileSync(join(app, name), contents);
}

for (const [bundler, ...args] of [['vite', 'build'], ['webpack']]) {
  test(`${bundler} finds all that a program in one call needs`, async (t) => {
    const out = join(app, 'dist');
    rmSync(out, { recursive: true, force: true });
    run(app, join(project, 'node_modules/.bin', bundler), ...args);
    if (bundler === 'webpack') {
      cpSync(join(app, 'index.html'), join(out, 'index.html'));
    }
    cpSync(tool(), join(out, 'tool.wasm'));
    const { page, requests, close } = await openPage(out);
    t.after(close);
    for (const count of [1, 2]) {
      requests.length = 0;
      await page.goto(`${ORIGIN}/index.html`);
      const shown = await page.waitForFunction(() => document.querySelector('pre')?.textContent);
      assert.equal(await shown.jsonValue(), `${count}\n0`);
      // What transpiles is megabytes in modules of its own; the second time nobody needs it.
      const modules = requests.filter((path) => path.endsWith('.wasm') && path !== '/tool.wasm');
      assert.equal(modules.length, count === 1 ? 2 : 0, requests.join(' '));
    }
  });
}
