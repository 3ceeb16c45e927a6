// esbuild leaves `new URL(…, import.meta.url)` alone: the worker is an entry of its own, and the
// WebAssembly is copied to where the bundles look for it, beside themselves.

import { copyFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { build } from 'esbuild';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: ['../app/page.js', '../app/worker.js'],
  outdir: 'dist',
  bundle: true,
  minify: true,
  format: 'esm',
  // What is loaded later becomes a file of its own.
  splitting: true,
});
const copied = ['index.html', 'visits/visits.core.wasm', 'visits-preview1.wasm'];
for (const file of copied) {
  await copyFile(`../app/${file}`, `dist/${basename(file)}`);
}
