// Builds dist/ from src/, the WIT and dist/core/, which holds the core as
// wasm-bindgen made it (`cargo xtask build` puts it there).

import { spawnSync } from 'node:child_process';
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

/** The core as JavaScript, so that no bundler has to know of a file. */
async function embed() {
  const core = join(dist, 'core');
  const wasm = await readFile(join(core, 'wasi_opfs_bg.wasm')).catch(() => {
    throw new Error("dist/core/wasi_opfs_bg.wasm is missing; build it with 'cargo xtask build'");
  });
  const packed = gzipSync(wasm, { level: 9 }).toString('base64');
  await writeFile(join(core, 'embedded.js'), `export default '${packed}';\n`);
  await writeFile(
    join(core, 'embedded.d.ts'),
    'declare const packed: string;\nexport default packed;\n',
  );
}

function compile() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '--project', root], { stdio: 'inherit' });
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
  const adapter = 'lib/wasi_snapshot_preview1.command.wasm';
  const jco = dirname(require.resolve('@bytecodealliance/jco/component'));
  await copyFile(resolve(jco, '..', adapter), join(dist, 'run', 'preview1-adapter.wasm'));
}

await types();
await embed();
compile();
await bundle();
// The shim keeps a worker of its own alive.
process.exit(0);
