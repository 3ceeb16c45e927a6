// How much a page loads to have a volume, and how much npm installs: one line of JSON. Each
// bundler makes a page of its own, with the settings of the examples; Chromium opens it.

import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { start } from '../dist/run/engines.js';
import { installExamples, pack } from '../test/installed.mjs';

const tarball = pack();
const project = installExamples(tarball);
const installed = join(project, 'node_modules/wasi-opfs');
const require = createRequire(join(project, 'package.json'));
const load = (path) => import(pathToFileURL(path));

const PAGE = '<!doctype html><script type="module" src="./page.js"></script>';
const SCRIPT = `const worker = new Worker(new URL('./worker.js', import.meta.url), {
  type: 'module',
});
worker.onmessage = ({ data }) => (document.title = data);
worker.onerror = ({ message }) => (document.title = message);`;
const worker = (from, wasm = '') => `import { Filesystem } from '${from}';
const fs = await Filesystem.open({ mounts: { '/': 'volume:size' }${wasm} });
fs.close();
postMessage('opened');`;

/** Makes a folder with a page's sources. */
function sources(name, script) {
  const folder = join(project, 'size', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.html'), PAGE);
  writeFileSync(join(folder, 'page.js'), SCRIPT);
  writeFileSync(join(folder, 'worker.js'), script);
  return folder;
}

/** Each makes a page of what is in a folder, and answers where it is. */
const BUNDLERS = {
  async vite(folder) {
    const { build } = await load(join(project, 'node_modules/vite/dist/node/index.js'));
    const configFile = join(project, 'vite/vite.config.js');
    const logLevel = 'error';
    await build({ configFile, root: folder, logLevel, build: { outDir: join(folder, 'dist') } });
    return 'dist/index.html';
  },
  async webpack(folder) {
    const webpack = require('webpack');
    const { default: config } = await load(join(project, 'webpack/webpack.config.js'));
    const output = { ...config.output, path: join(folder, 'dist') };
    const entry = { page: './page.js' };
    const stats = await new Promise((resolve, reject) =>
      webpack({ ...config, context: folder, entry, output }, (error, stats) =>
        error ? reject(error) : resolve(stats),
      ),
    );
    if (stats.hasErrors()) throw new Error(stats.toString());
    writeFileSync(join(folder, 'dist/index.html'), PAGE);
    return 'dist/index.html';
  },
  async esbuild(folder) {
    const entryPoints = ['page.js', 'worker.js'].map((name) => join(folder, name));
    const how = { bundle: true, minify: true, format: 'esm', splitting: true };
    await require('esbuild').build({ entryPoints, outdir: join(folder, 'dist'), ...how });
    writeFileSync(join(folder, 'dist/index.html'), PAGE);
    return 'dist/index.html';
  },
  // With the core as a file.
  plain: () => 'index.html',
};
const PACKAGE = '../../node_modules/wasi-opfs/dist';
const core = `, wasm: fetch(new URL('${PACKAGE}/core/wasi_opfs_bg.wasm', import.meta.url))`;
const PLAIN = worker(`${PACKAGE}/standalone.js`, core);

const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };

/** What is asked for, by its path. */
const sent = new Map();
const server = createServer(({ url }, response) => {
  const file = join(project, new URL(url, 'http://host').pathname);
  const type = TYPES[extname(file)];
  if (!type || !file.startsWith(project)) {
    response.writeHead(404).end();
    return;
  }
  const body = readFileSync(file);
  sent.set(file, body);
  response.writeHead(200, { 'content-type': type }).end(body);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

/** The bytes of those files whose names end so, as they are and compressed. */
function total(bodies) {
  const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
  return {
    bytes: sum(bodies.map((body) => body.length)),
    gzipped: sum(bodies.map((body) => gzipSync(body, { level: 9 }).length)),
  };
}

const pages = {};
const browser = await start('chromium');
try {
  const page = await browser.open('about:blank');
  for (const [name, make] of Object.entries(BUNDLERS)) {
    const folder = sources(name, name === 'plain' ? PLAIN : worker('wasi-opfs'));
    const path = await make(folder);
    sent.clear();
    await page.goto(`http://127.0.0.1:${server.address().port}/size/${name}/${path}`);
    await page.waitForFunction(() => document.title !== '');
    const title = await page.title();
    if (title !== 'opened') throw new Error(`${name}: ${title}`);
    const loaded = [...sent];
    const ending = (end) =>
      loaded.filter(([file]) => file.endsWith(end)).map(([, body]) => body);
    pages[name] = { javascript: total(ending('.js')), wasm: total(ending('.wasm')) };
  }
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}

const files = readdirSync(installed, { recursive: true, withFileTypes: true });
const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
process.stdout.write(
  `${JSON.stringify({
    tarball: statSync(tarball).size,
    unpacked: paths.reduce((sum, path) => sum + statSync(path).size, 0),
    core: total([readFileSync(join(installed, 'dist/core/wasi_opfs_bg.wasm'))]),
    pages,
  })}\n`,
);
process.exit();
