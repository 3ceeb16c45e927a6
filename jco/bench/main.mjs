// Measures file systems in a real browser. The request is one line of JSON on the command
// line; what is found comes as lines of JSON, as it is found.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { start } from '../scripts/engines.mjs';
import { PHASES } from './phases.mjs';

export const PEERS = [
  'volume',
  'tree',
  'opfs-by-hand',
  'raw-handle',
  'memfs',
  'preview2-shim',
  'zenfs-webaccess',
  'zenfs-inmemory',
  'opfs-tools',
  'sahpool',
];
/** Parts besides the phases, each on a volume. */
export const PARTS = ['scale', 'latency', 'transaction', 'sync', 'space'];

const here = fileURLToPath(new URL('.', import.meta.url));
const SQLITE = fileURLToPath(
  new URL('node_modules/@sqlite.org/sqlite-wasm/dist/sqlite3.wasm', import.meta.url),
);
const TYPES = { js: 'text/javascript', wasm: 'application/wasm', html: 'text/html' };
const PAGE = `<!doctype html><title>bench</title>`;

/** What memfs wants of node's. */
const NODE = {
  'node:buffer': 'buffer/',
  'node:events': 'events/',
  'node:path': 'path-browserify',
  'node:stream': 'readable-stream',
  'node:url': 'url/',
};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** A worker for each peer, so that none carries another's code. */
async function bundle(peers, parts) {
  const entries = peers.map((peer) => [peer, peer, '']);
  if (parts.length > 0) {
    entries.push(['parts', 'volume', `import * as parts from './parts.mjs';`]);
  }
  const built = entries.map(async ([name, peer, more]) => {
    const contents = `${more}
      import { peer } from './peers/${peer}.mjs';
      import { serve } from './worker.mjs';
      serve(peer${more && ', parts'});`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: here },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      alias: NODE,
      define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
      minifySyntax: true,
      logLevel: 'error',
    });
    return [`/${name}.js`, outputFiles[0].contents];
  });
  return new Map(await Promise.all(built));
}

async function serve(bundles) {
  const server = createServer(async ({ url }, response) => {
    const body = bundles.get(url) ?? (url === '/sqlite3.wasm' ? await readFile(SQLITE) : PAGE);
    response.writeHead(200, {
      'content-type': TYPES[url.split('.')[1]] ?? TYPES.html,
      // The clock is finer in an isolated page.
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

/** Asks a new worker; what it posts comes by the page's console. */
const ask = (page, name, request) =>
  page.evaluate(
    (name, request) =>
      new Promise((settle) => {
        const worker = new Worker(`/${name}.js`, { type: 'module' });
        const finish = (error) => {
          worker.terminate();
          settle(error);
        };
        worker.onmessage = ({ data }) => {
          console.log(JSON.stringify(data));
          if (data.done) finish();
          if (data.error) finish(data.error);
        };
        worker.onerror = ({ message }) => finish(String(message));
        worker.postMessage(request);
      }),
    name,
    request,
  );

/** One engine, all that is wanted, the peers in turn. */
async function measure(engine, { peers, phases, parts, runs, tiny }, port) {
  const browser = await start(engine);
  say({ engine, version: browser.version });
  let told = () => {};
  try {
    const page = await browser.open(`http://127.0.0.1:${port}/`, (line) => told(line));
    const request = async (context, name, what) => {
      told = (line) => {
        if (line.startsWith('{')) say({ engine, ...context, ...JSON.parse(line) });
      };
      const error = await ask(page, name, what);
      if (error) say({ engine, ...context, failed: error });
    };
    for (let run = 0; run < runs; run++) {
      for (const peer of peers) {
        await request({ peer, run }, peer, { phases, tiny });
      }
    }
    for (const part of parts) {
      await request({ part }, 'parts', { part, tiny });
    }
  } finally {
    await browser.close();
  }
}

const {
  engines = ['chromium'],
  peers = PEERS,
  phases = Object.keys(PHASES).filter((name) => !PHASES[name].hidden),
  parts = [],
  runs = 3,
  tiny = false,
} = JSON.parse(process.argv[2] ?? '{}');

const server = await serve(await bundle(peers, parts));
try {
  for (const engine of engines) {
    await measure(engine, { peers, phases, parts, runs, tiny }, server.address().port);
  }
} finally {
  server.close();
  server.closeAllConnections();
}
