// Builds dist/ from src/, the WIT and dist/core/, which holds the core as
// wasm-bindgen made it (`cargo xtask build` puts it there).

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { _addPreopen } from '@bytecodealliance/preview2-shim/filesystem';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const require = createRequire(import.meta.url);

/** TypeScript's view of the WIT world that this host provides. */
async function types() {
  // jco reads the WIT through the shim, which shows it nothing by itself.
  _addPreopen('/', '/');
  const { generateHostTypes } = await import('@bytecodealliance/jco-transpile');
  const wit = resolve(root, '../wit');
  const files = await generateHostTypes(wit, { name: 'host', worldName: 'wasi-opfs:worlds/host' });
  await rm(join(dist, 'wit'), { recursive: true, force: true });
  for (const [name, contents] of Object.entries(files)) {
    const path = join(dist, 'wit', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
}

/** What wasm-opt makes of a module, a quarter less. It takes seconds: kept for the next time. */
async function optimized(file) {
  const cache = join(root, 'node_modules/.cache/wasi-opfs-core');
  const nameOf = async (file) =>
    join(cache, `${createHash('sha256').update(await readFile(file)).digest('hex')}.wasm`);
  const known = await nameOf(file);
  const cached = await readFile(known).catch(() => undefined);
  if (cached) {
    return cached;
  }
  await rm(cache, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  const wasmOpt = join(dirname(require.resolve('binaryen/package.json')), 'bin/wasm-opt');
  run(wasmOpt, '-O3', '--detect-features', file, '-o', known);
  // What is optimized already is not done again.
  await copyFile(known, await nameOf(known));
  return readFile(known);
}

/** The core as JavaScript, so that no bundler has to know of a file. */
async function embed() {
  const core = join(dist, 'core');
  const file = join(core, 'wasi_opfs_bg.wasm');
  const wasm = await optimized(file).catch((error) => {
    throw error.code === 'ENOENT'
      ? new Error("dist/core/wasi_opfs_bg.wasm is missing; build it with 'cargo xtask build'")
      : error;
  });
  await writeFile(file, wasm);
  const packed = gzipSync(wasm, { level: 9 }).toString('base64');
  await writeFile(join(core, 'embedded.js'), `export default '${packed}';\n`);
  await writeFile(
    join(core, 'embedded.d.ts'),
    'declare const packed: string;\nexport default packed;\n',
  );
}

function compile() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  run(tsc, '--project', root);
}

/** Runs a script of node's, or ends if it fails. */
function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
  if (status !== 0) {
    process.exit(1);
  }
}

/** What the runner sends to the browser. */
async function bundle() {
  const entry = (name) => join(dist, 'run', 'browser', `${name}.js`);
  await build({
    entryPoints: [entry('page'), entry('worker')],
    outdir: join(dist, 'run', 'www'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
  });
  const adapter = 'preview1-adapter.wasm';
  await copyFile(join(dist, 'core', adapter), join(dist, 'run', adapter));
}

await types();
await embed();
compile();
await bundle();
// The shim keeps a worker of its own alive.
process.exit(0);
