// The package as it is published, installed into an empty project.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { install, pack, run } from './installed.mjs';

const jco = join(import.meta.dirname, '..');
const tarball = pack();
const manifest = { name: 'empty', private: true, type: 'module' };
const project = install(tarball, 'empty', { 'package.json': JSON.stringify(manifest) });
const installed = join(project, 'node_modules/wasi-opfs');
const stated = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
const node = (...args) => run(project, process.execPath, ...args);
/** A command of a package that this one is tested with. */
const tool = (name, ...args) => run(project, join(jco, 'node_modules/.bin', name), ...args);
const all = readdirSync(installed, { recursive: true });

test('node imports it, and what it asks for is there', () => {
  writeFileSync(
    join(project, 'main.js'),
    `import { Filesystem } from 'wasi-opfs';
    import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
    import { readFileSync } from 'node:fs';
    const wasm = process.argv[2] && readFileSync(process.argv[2]);
    const fs = await Filesystem.open({ mounts: { '/': 'memory' }, wasm });
    fs.writeFileSync('/a', 'kept');
    console.log(new TextDecoder().decode(fs.readFileSync('/a')));
    new WASIShim({ filesystem: fs.wasi }).getImportObject();
    const wasi = fs.preview1({ args: ['program'] });
    console.log(typeof wasi.wasiImport.fd_write);
    fs.close();
    process.exit();`,
  );
  assert.equal(node('main.js'), 'kept\nfunction\n');
  const core = createRequire(join(project, 'main.js')).resolve('wasi-opfs/core.wasm');
  assert.equal(node('main.js', core), 'kept\nfunction\n');
});

test('its command runs', () => {
  const command = join(project, 'node_modules/.bin/wasi-opfs');
  assert.match(run(project, command, '--help'), /Usage:\n {2}wasi-opfs run/);
  assert.match(run(project, command, 'jco-flags'), /wasi:filesystem\/\*=wasi-opfs\/filesystem#\*/);
});

test('its types are exact for whoever is strict', () => {
  writeFileSync(
    join(project, 'uses.ts'),
    `import { type Device, Exit, Filesystem, checkVolume, setDefaultMounts } from 'wasi-opfs';
    import { type RunOptions, RunError, execute, run } from 'wasi-opfs';
    import { filesystem, preopens, types } from 'wasi-opfs/filesystem';
    import { WASIShim, Filesystem as Same } from 'wasi-opfs/standalone';

    const device: Device = { read: () => 0, write: (bytes) => void bytes };
    const fs: Filesystem = await Filesystem.open({ mounts: { '/': 'memory' } });
    const same: typeof Filesystem = Same;
    new WASIShim({ filesystem: fs.wasi });
    const bytes: Uint8Array = fs.readFileSync('/a');
    const code: number = fs.preview1({ stdin: device }).start({} as WebAssembly.Instance);
    const paths: string[] = preopens.getDirectories().map(([descriptor, path]) => {
      return descriptor instanceof types.Descriptor ? path : descriptor;
    });
    setDefaultMounts({ '/': 'volume:a' }, { sync: true });
    const report: { findings: unknown[] } = await checkVolume('a', { repair: true });
    const options: RunOptions = { mounts: { '/': 'memory' }, stdout: new WritableStream() };
    const ended: number = (await run(new Blob(), options)).exitCode;
    const there: number = await execute(fs, bytes as BufferSource, { stdin: device });
    // @ts-expect-error: a program needs mounts
    await run('program.wasm', {});
    // @ts-expect-error: a mount is text
    await Filesystem.open({ mounts: { '/': 1 } });
    // @ts-expect-error: there is no such option
    fs.preview1({ arguments: [] });
    export { Exit, RunError, ended, there, bytes, code, filesystem, paths, report, same };`,
  );
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    tool(
      'tsc',
      ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'],
      ...['--target', 'es2022', '--lib', 'es2024,dom', '--types', ''],
      ...['--module', module, '--moduleResolution', moduleResolution, 'uses.ts'],
    );
  }
});

test('publint and attw find nothing', () => {
  tool('publint', 'run', tarball, '--strict');
  // What is no JavaScript has no types.
  tool('attw', tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'core.wasm');
});

test('all that it exports is there, types first', () => {
  for (const [path, target] of Object.entries(stated.exports)) {
    const files = typeof target === 'string' ? [target] : Object.values(target);
    assert.ok(typeof target === 'string' || Object.keys(target)[0] === 'types', path);
    for (const file of files) {
      assert.ok(existsSync(join(installed, file)), `${path}: ${file}`);
    }
  }
  for (const file of Object.values(stated.bin)) {
    assert.ok(existsSync(join(installed, file)), file);
  }
  for (const pattern of stated.sideEffects) {
    const [before, after] = pattern.replace('./', '').split('*');
    const meant = (file) => file.startsWith(before) && file.endsWith(after ?? before);
    assert.ok(all.some(meant), pattern);
  }
});

test('it holds what it should and nothing else', () => {
  for (const file of ['LICENSE', 'README.md']) {
    assert.equal(
      readFileSync(join(installed, file), 'utf8'),
      readFileSync(join(jco, file), 'utf8'),
      file,
    );
  }
  const top = new Set(all.map((file) => file.split('/')[0]));
  assert.deepEqual([...top].sort(), ['LICENSE', 'README.md', 'bin', 'dist', 'package.json']);
  assert.deepEqual(all.filter((file) => /\b(tests?|bench|demo|examples?)\b/.test(file)), []);
});

test('what its modules import by name it depends on', async () => {
  const known = [...Object.keys(stated.dependencies), ...Object.keys(stated.peerDependencies)];
  const { metafile } = await build({
    // What the runner sends to the browser is bundled, and finds its core otherwise.
    entryPoints: all.filter((file) => /^(bin|dist(?!\/run\/www))\/.*\.m?js$/.test(file)),
    absWorkingDir: installed,
    outdir: 'nowhere',
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    write: false,
    metafile: true,
  });
  const imports = Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
    imports.filter(({ external }) => external).map(({ path }) => ({ file, path })),
  );
  const named = imports.filter(({ path }) => !/^(node:|\.\/)/.test(path));
  assert.deepEqual(
    named.filter(({ path }) => !known.some((name) => `${path}/`.startsWith(`${name}/`))),
    [],
  );
  const used = known.filter((name) => named.some(({ path }) => `${path}/`.startsWith(`${name}/`)));
  assert.deepEqual(used, known);
});

test('its source maps lead to the sources', () => {
  const mapped = all.filter((file) => file.endsWith('.js.map'));
  assert.ok(mapped.length > 20);
  for (const file of mapped) {
    const map = JSON.parse(readFileSync(join(installed, file), 'utf8'));
    assert.equal(map.sources.length, map.sourcesContent.length, file);
    assert.ok(map.sourcesContent.every((text) => text.length > 0), file);
    const code = readFileSync(join(installed, file.slice(0, -'.map'.length)), 'utf8');
    assert.match(code, /\n\/\/# sourceMappingURL=\S+\.js\.map\s*$/, file);
  }
  writeFileSync(
    join(project, 'throws.js'),
    `import { Filesystem } from 'wasi-opfs';
    const fs = await Filesystem.open({ mounts: { '/': 'memory' } });
    try {
      fs.preopen('/nowhere');
    } catch (error) {
      console.log(error.stack);
    }
    process.exit();`,
  );
  assert.match(node('--enable-source-maps', 'throws.js'), /src\/browser-wasi-shim\.ts:\d+/);
});
