// Builds dist/ from src/, the WIT and dist/core/, which holds the core as
// wasm-bindgen made it (`cargo xtask build` puts it there).

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
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
  await mkdir(cache, { recursive: true });
  const wasmOpt = join(dirname(require.resolve('binaryen/package.json')), 'bin/wasm-opt');
  run(wasmOpt, '-O3', '--detect-features', file, '-o', known);
  // What is optimized already is not done again.
  await copyFile(known, await nameOf(known));
  await forget(cache);
  return readFile(known);
}

/** How many modules are kept. */
const KEPT = 12;

async function forget(cache) {
  const names = await readdir(cache);
  const made = async (name) => ({ name, at: (await stat(join(cache, name))).mtimeMs });
  const all = await Promise.all(names.map(made));
  all.sort((one, other) => other.at - one.at);
  await Promise.all(all.slice(KEPT).map(({ name }) => rm(join(cache, name))));
}

/** What a module that every page loads may take, compressed. */
const CORE_MAX = 222 * 1024;

/** A module as JavaScript, so that no bundler has to know of a file; its compressed size. */
async function embed(name) {
  const folder = join(dist, name);
  const file = join(folder, 'wasi_opfs_bg.wasm');
  const wasm = await optimized(file).catch((error) => {
    throw error.code === 'ENOENT'
      ? new Error(`${file} is missing; build it with 'cargo xtask package'`)
      : error;
  });
  await writeFile(file, wasm);
  const packed = gzipSync(wasm, { level: 9 });
  await writeFile(join(folder, 'embedded.js'), `export default '${packed.toString('base64')}';\n`);
  await writeFile(
    join(folder, 'embedded.d.ts'),
    'declare const packed: string;\nexport default packed;\n',
  );
  console.error(`» ${name}: ${Math.round(packed.length / 1024)} KiB, compressed`);
  return packed.length;
}

/** Removes what earlier sources were made into. */
async function clean() {
  for (const name of await readdir(dist)) {
    if (!['core', 'core-p9', 'check'].includes(name)) {
      await rm(join(dist, name), { recursive: true });
    }
  }
}

/**
 * What transpiles components, for pages: with the shim in it, because it is a component itself,
 * and without what it asks of Node's, over which bundlers stumble. It reads its own modules from
 * beside it.
 */
async function transpiler() {
  const vendor = dirname(require.resolve('@bytecodealliance/jco-transpile/component'));
  const folder = join(dist, 'program', 'transpiler');
  await build({
    entryPoints: { bindgen: '@bytecodealliance/jco-transpile/component' },
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    alias: { 'node:fs/promises': './scripts/no-files.mjs' },
    plugins: [heard],
    logLevel: 'warning',
  });
  const modules = (await readdir(vendor)).filter((name) => /^js-component.*\.wasm$/.test(name));
  await Promise.all(modules.map((name) => copyFile(join(vendor, name), join(folder, name))));
  await writeFile(
    join(folder, 'bindgen.d.ts'),
    "export { $init, generate } from '@bytecodealliance/jco-transpile/component';\n",
  );
}

/** If neither of the transpiler's modules comes, jco waits for one: the other is heard of, too. */
const heard = {
  name: 'heard',
  setup: ({ onLoad }) =>
    onLoad({ filter: /js-component-bindgen-component\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replace(
        /const (module\d+) = fetchCompile\(.*\);$/gm,
        '$&\n    $1.catch(() => undefined);',
      );
      if (contents === text) {
        throw new Error(`${path} loads its modules in another way`);
      }
      return { contents };
    }),
};

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

/** What is loaded late stays a file of its own, wherever it is imported from. */
const late = {
  name: 'late',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/embedded\.js$|\/check\/|\/transpiler\// }, ({ path, resolveDir }) => ({
      path: `./${relative(dist, join(resolveDir, path)).split(sep).join('/')}`,
      external: true,
    })),
};

/** How entries of the package are bundled. */
const LIBRARY = {
  absWorkingDir: dist,
  outdir: dist,
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  keepNames: true,
  // What reads it by the line is not to choke on it.
  lineLimit: 120,
  sourcemap: true,
  logLevel: 'warning',
};

/** The entry around the larger core, with all else that is the package's. */
async function withNinep() {
  const larger = {
    name: 'larger-core',
    setup: ({ onResolve }) =>
      onResolve({ filter: /\/core\/(embedded|wasi_opfs)\.js$/ }, ({ path }) => {
        const within = join('core-p9', basename(path));
        const isLate = path.endsWith('/embedded.js');
        return isLate ? { path: `./${within}`, external: true } : { path: join(dist, within) };
      }),
  };
  await build({
    ...LIBRARY,
    entryPoints: ['with-ninep.js'],
    // What is loaded late here, too, imports of the shim what there is in browsers alone.
    splitting: true,
    chunkNames: 'with-ninep-[hash]',
    packages: 'external',
    plugins: [larger, late],
  });
}

/** What a page without a bundler imports, and what runs its programs. */
async function standalone() {
  await build({
    ...LIBRARY,
    entryPoints: { standalone: 'standalone.js', worker: 'program/worker.js' },
    plugins: [late],
  });
}

/** What the runner sends to the browser. */
async function bundle() {
  const entry = (name) => join(dist, 'run', 'browser', `${name}.js`);
  await build({
    entryPoints: [entry('page'), entry('worker'), entry('task')],
    outdir: join(dist, 'run', 'www'),
    bundle: true,
    // The runner gives each page the core as a module.
    external: ['./core/embedded.js'],
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
  });
  const adapter = 'preview1-adapter.wasm';
  await copyFile(join(dist, 'core', adapter), join(dist, 'run', adapter));
}

await clean();
await types();
if ((await embed('core')) > CORE_MAX) {
  throw new Error(`the core is larger than ${CORE_MAX / 1024} KiB, compressed`);
}
await embed('core-p9');
await embed('check');
await transpiler();
compile();
await standalone();
await withNinep();
await bundle();
// The shim keeps a worker of its own alive.
process.exit(0);
