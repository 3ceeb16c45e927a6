// node save.mjs EMULATOR.wasm BIOS VIDEO KERNEL FILES STATE.gz
// Boots the page's Linux up to where nothing depends on a page, and saves the machine there.
// `cargo xtask demo --linux` fetches the pieces and calls this, once.

import { readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

/** How long it may take: ten seconds if nothing else runs. */
const PATIENCE = 600_000;

/** The page's own way to start it. */
async function machine() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('machine.ts', import.meta.url))],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  const text = Buffer.from(outputFiles[0].contents).toString('base64');
  const { Machine } = await import(`data:text/javascript;base64,${text}`);
  return Machine;
}

async function contents(file) {
  const { buffer, byteOffset, length } = await readFile(file);
  return buffer.slice(byteOffset, byteOffset + length);
}

const to = process.argv.at(-1);
const given = await Promise.all(process.argv.slice(2, -1).map(contents));
const [emulator, bios, video, kernel, files] = given;
const Machine = await machine();
const late = setTimeout(() => {
  console.error(`✗ Linux did not boot within ${PATIENCE / 60_000} minutes`);
  process.exit(1);
}, PATIENCE);
// Nothing is mounted yet.
const linux = new Machine({ emulator, bios, video }, () => {}, { kernel, files });
await linux.booted;
const state = new Uint8Array(await linux.saved());
const unfinished = `${to}.unfinished`;
await writeFile(unfinished, gzipSync(state, { level: 9 }));
await rename(unfinished, to);
clearTimeout(late);
process.exit(0);
