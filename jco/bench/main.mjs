// Measures file systems in a real browser. The request is one line of JSON on the command
// line; what is found comes as lines of JSON, as it is found.

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { build } from 'esbuild';

import { ENGINES, start } from '../dist/run/engines.js';
import { PHASES } from './phases.mjs';

const PEERS = [
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
/**
 * Parts besides the phases, each on a volume: what its workers are asked, one after the
 * other. `keep`: what the one before has stored is used.
 */
const PARTS = {
  scale: (tiny) => {
    const counts = tiny ? [0, 50, 100] : [0, 1000, 10_000, 100_000];
    const asked = counts.flatMap((files) => [
      { part: 'fill', files },
      { part: 'mount', files, keep: true },
    ]);
    const last = { files: counts.at(-1), calls: tiny ? 50 : 10_000 };
    return [...asked, { part: 'latency', keep: true, ...last }];
  },
  sqlite: (tiny) => [{ part: 'transaction', count: tiny ? 3 : 200 }],
  sync: (tiny) => [{ part: 'sync', count: tiny ? 3 : 300 }],
  space: (tiny) => [
    tiny
      ? { part: 'space', blocks: 64, overwrites: 300, files: 50 }
      : { part: 'space', blocks: 16_384, overwrites: 100_000, files: 5000 },
  ],
};

/** In whose hands guests are measured, those that measure, and which of them. */
const HOSTS = {
  modules: ['volume', 'browser_wasi_shim'],
  components: ['volume', 'volume-classes', 'shim-in-memory', 'shim-opfs'],
};
const GUESTS = {
  modules: { phases: HOSTS.modules, calls: HOSTS.modules, sustained: ['volume'] },
  components: { phases: HOSTS.components, component_calls: HOSTS.components },
};

/** What is measured of files for virtual machines. */
const LINUX = ['messages', 'machines'];

const VISIBLE = Object.keys(PHASES).filter((name) => !PHASES[name].hidden);
const here = fileURLToPath(new URL('.', import.meta.url));
const SQLITE = fileURLToPath(
  new URL('node_modules/@sqlite.org/sqlite-wasm/dist/sqlite3.wasm', import.meta.url),
);
const TYPES = { js: 'text/javascript', wasm: 'application/wasm', html: 'text/html' };
const TRANSPILED = { base64Cutoff: 0, emitTypescriptDeclarations: false, nodejsCompat: false };
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

/** A worker for each peer, so that none carries another's code: its name and its text. */
function workers(peers, parts, hosts, linux) {
  const serving = (peer, more = '') => `import { serve } from './worker.mjs';
    import { peer } from './peers/${peer}.mjs'; ${more || 'serve(peer);'}`;
  const all = peers.map((peer) => [peer, serving(peer)]);
  if (parts.length > 0) {
    const more = `import * as parts from './parts.mjs'; serve(peer, parts);`;
    all.push(['parts', serving('volume', more)]);
  }
  if (linux) {
    all.push(['linux', `import './linux.mjs';`]);
  }
  const hosting = (host) => `import { serve } from './worker.mjs';
    import { guests } from './guests.mjs';
    import { host } from './hosts/${host}.mjs'; serve(undefined, guests(host));`;
  return [...all, ...hosts.map((host) => [host.replace('/', '-'), hosting(host)])];
}

async function bundle(workers) {
  const built = workers.map(async ([name, contents]) => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: here },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      // Aliases are looked for from there.
      absWorkingDir: here,
      alias: NODE,
      // v86 asks for these in Node alone.
      external: ['node:*', 'crypto', 'fs', 'perf_hooks'],
      define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
      minifySyntax: true,
      logLevel: 'error',
    });
    return [`/${name}.js`, outputFiles[0].contents];
  });
  return new Map(await Promise.all(built));
}

/** How jco binds a component's imports. */
const BINDINGS = ['js', 'hybrid'];

/** Components as jco makes them in each way, and which core modules they have. */
async function transpiled(components) {
  const all = [];
  for (const [name, file] of Object.entries(components)) {
    const bytes = await readFile(file);
    for (const importBindings of BINDINGS) {
      const options = { name: 'component', instantiation: 'async', importBindings };
      const { files } = await transpileBytes(bytes, { ...options, ...TRANSPILED });
      const folder = `/components/${importBindings}/${name}`;
      const served = Object.entries(files).map(([name, body]) => [name, Buffer.from(body)]);
      const cores = served.map(([name]) => name).filter((name) => name.endsWith('.wasm'));
      const shown = counted(Object.fromEntries(served)['component.js'].toString());
      served.push(['component.js', shown], ['cores.json', JSON.stringify(cores)]);
      all.push(...served.map(([name, body]) => [`${folder}/${name}`, body]));
    }
  }
  return all;
}

/** Lets whoever runs a component see which handles it holds: jco keeps that to itself. */
function counted(source) {
  const tables = /const HANDLE_TABLES\s*= \[\];/;
  if (!tables.test(source)) throw new Error('jco has other tables of handles than it had');
  return source.replace(tables, 'const HANDLE_TABLES = (globalThis.handleTables = []);');
}

/** All files of a folder in one piece: the length of a list, the list, the bytes. */
async function packed(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  const listed = paths.map((path, index) => {
    const within = relative(folder, path).split(sep).join('/');
    return { path: `/${within}`, size: contents[index].length };
  });
  const list = Buffer.from(JSON.stringify(listed));
  return Buffer.concat([new Uint8Array(Uint32Array.of(list.length).buffer), list, ...contents]);
}

/** `files` and `folders`: by their URLs. */
async function serve(bundles, files, folders) {
  const server = createServer(async (request, response) => {
    const [url] = request.url.split('?');
    let body = bundles.get(url) ?? PAGE;
    if (files[url]) body = await readFile(files[url]);
    else if (folders[url]) body = await packed(folders[url]);
    response.writeHead(200, {
      'content-type': TYPES[url.split('.').at(-1)] ?? TYPES.html,
      // The clock is finer in an isolated page.
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

/** Who says nothing for so long has lost its way. */
const SILENCE_MS = 120_000;

/** Asks a new worker; what it posts comes by the page's console. */
const ask = (page, name, request) =>
  page.evaluate(
    (name, request, silence) =>
      new Promise((settle) => {
        // v86 takes this for the engine's own way to give way, which costs it less.
        const way = name === 'linux' ? '?use-scheduling-api' : '';
        const worker = new Worker(`/${name}.js${way}`, { type: 'module' });
        let timer;
        const finish = async (error) => {
          clearTimeout(timer);
          await globalThis.watched?.();
          worker.terminate();
          settle(error);
        };
        const listen = () => {
          clearTimeout(timer);
          timer = setTimeout(() => finish(`nothing was heard for ${silence} ms`), silence);
        };
        listen();
        worker.onmessage = ({ data }) => {
          listen();
          if (data.error) finish(data.error);
          else if (data.done) finish();
          else console.log(JSON.stringify(data));
        };
        worker.onerror = ({ message }) => finish(String(message));
        worker.postMessage(request);
      }),
    name,
    request,
    SILENCE_MS,
  );

/** A browser that is started again when a peer has taken it down. */
class Engine {
  #browser;
  #page;
  #told = () => {};
  #requested;

  /** `profiles`: a folder for what the worker of each request did, in Chromium. */
  constructor(name, url, profiles) {
    this.name = name;
    this.url = url;
    this.profiles = name === 'chromium' ? profiles : undefined;
  }

  async #ready() {
    if (this.#page === undefined) {
      this.#browser = await start(this.name);
      this.version = this.#browser.version;
      this.#page = await this.#browser.open(this.url, (line) => this.#told(line));
      if (this.profiles) await this.#watch();
    }
    return this.#page;
  }

  /** Profiles each worker from its start until it is asked whether it was watched. */
  async #watch() {
    let client;
    this.#page.on('workercreated', async (worker) => {
      client = worker.client;
      await client.send('Profiler.enable');
      await client.send('Profiler.setSamplingInterval', { interval: 200 });
      await client.send('Profiler.start');
    });
    await this.#page.exposeFunction('watched', async () => {
      const { profile } = await client.send('Profiler.stop');
      const file = join(this.profiles, `${this.#requested}.cpuprofile`);
      await writeFile(file, JSON.stringify(profile));
    });
  }

  /** Asks a worker; whether it went well. */
  async request(context, name, what) {
    this.#told = (line) => {
      if (line.startsWith('{')) say({ engine: this.name, ...context, ...JSON.parse(line) });
    };
    this.#requested = [name, what.name ?? what.part ?? 'phases', context.run ?? 0].join('-');
    let error;
    try {
      error = await ask(await this.#ready(), name, what);
    } catch (broken) {
      error = `the browser broke down: ${broken.message.split('\n')[0]}`;
      await this.close();
    }
    if (error) say({ engine: this.name, ...context, failed: error });
    return !error;
  }

  async close() {
    const browser = this.#browser;
    [this.#browser, this.#page] = [undefined, undefined];
    await browser?.close();
  }
}

/** One engine, all that is wanted, the peers in turn. */
async function measure(engine, { peers, phases, parts, asked, linux, runs, tiny }) {
  const failed = new Set();
  try {
    for (let run = 0; run < runs; run++) {
      for (const peer of peers.filter((peer) => !failed.has(peer))) {
        const well = await engine.request({ peer, run }, peer, { phases, tiny });
        if (!well) failed.add(peer);
      }
    }
    for (let run = 0; run < runs; run++) {
      for (const one of asked.filter((one) => !failed.has(one))) {
        const { kind, host, ...what } = one;
        const worker = `${kind}-${host}`;
        const well = await engine.request({ peer: host, run }, worker, { ...what, tiny });
        if (!well) failed.add(one);
      }
    }
    for (const part of parts) {
      for (const asked of PARTS[part](tiny)) {
        if (!(await engine.request({ of: part, asked }, 'parts', { ...asked, tiny }))) break;
      }
    }
    for (const part of linux ? LINUX : []) {
      await engine.request({ peer: 'volume' }, 'linux', { part, tiny });
    }
  } finally {
    await engine.close();
  }
  say({ engine: engine.name, version: engine.version });
}

const wanted = JSON.parse(process.argv[2] ?? '{}');
const {
  engines = ['chromium'],
  peers = PEERS,
  phases = VISIBLE,
  parts = [],
  guests = {},
  hosts: wantedHosts,
  components = {},
  programs = {},
  linux,
  files = {},
  folders = {},
  profiles,
  runs = 3,
  tiny = false,
} = wanted;

/** Stops at a name that is none. */
function known(kind, names, all) {
  const name = names.find((name) => !all.includes(name));
  if (name !== undefined) {
    process.stderr.write(`there is no ${kind} '${name}'; there are ${all.join(', ')}\n`);
    process.exit(2);
  }
}
known('engine', engines, ENGINES);
known('peer', peers, PEERS);
known('phase', phases, VISIBLE);
known('part', parts, Object.keys(PARTS));
known('host', wantedHosts ?? [], Object.values(HOSTS).flat());
known('guest', Object.keys(guests), Object.keys(GUESTS));

// What is asked of whom, from inside guests.
const asked = [
  ...Object.entries(guests).flatMap(([kind, parts]) =>
    parts.flatMap((part) => GUESTS[kind][part].map((host) => ({ kind, host, part }))),
  ),
  ...Object.entries(programs).flatMap(([name, what]) =>
    HOSTS.modules.map((host) => ({ kind: 'modules', host, part: 'program', name, ...what })),
  ),
].filter(({ host }) => wantedHosts?.includes(host) ?? true);
const hosts = [...new Set(asked.map(({ kind, host }) => `${kind}/${host}`))];
const under = (prefix, places) =>
  Object.fromEntries(Object.entries(places).map(([name, place]) => [prefix + name, place]));
const server = await serve(
  new Map([
    ...(await bundle(workers(peers, parts, hosts, linux !== undefined))),
    ...(await transpiled(components)),
  ]),
  { '/sqlite3.wasm': SQLITE, ...under('/guests/', files), ...under('/linux/', linux ?? {}) },
  under('/folders/', folders),
);
try {
  for (const name of engines) {
    const engine = new Engine(name, `http://127.0.0.1:${server.address().port}/`, profiles);
    await measure(engine, { peers, phases, parts, asked, linux, runs, tiny });
  }
} finally {
  server.close();
  server.closeAllConnections();
}
