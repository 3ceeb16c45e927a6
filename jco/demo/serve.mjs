// Serves the page on loopback: the bundles from memory, the programs as jco makes
// them. No header is set that a plain file server would not set.

import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = join(here, '../../target/demo');

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Where a program may be suspended: while it waits for input or time. */
const SUSPENDING = [
  'wasi:io/poll#poll',
  'wasi:io/poll#[method]pollable.block',
  'wasi:io/streams#[method]input-stream.blocking-read',
];

const VERSION = createRequire(import.meta.url)('../package.json').dependencies[
  '@bytecodealliance/jco-transpile'
];

/** Transpiles a component, unless that was done before; the folder of the result. */
async function transpiled(id, file) {
  const bytes = await readFile(file);
  const recipe = JSON.stringify([VERSION, SUSPENDING]);
  const hash = createHash('sha256').update(recipe).update(bytes).digest('hex');
  const folder = join(cache, `${id}-${hash.slice(0, 16)}`);
  if (await access(folder).then(() => true, () => false)) {
    return folder;
  }
  const { files } = await transpileBytes(bytes, {
    name: id,
    instantiation: 'async',
    base64Cutoff: 0,
    emitTypescriptDeclarations: false,
    nodejsCompat: false,
    asyncMode: 'jspi',
    asyncImports: SUSPENDING,
    asyncExports: ['wasi:cli/run#run'],
  });
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  for (const [name, contents] of Object.entries(files)) {
    await writeFile(join(unfinished, name), contents);
  }
  await rename(unfinished, folder).catch(() => rm(unfinished, { recursive: true }));
  return folder;
}

async function bundles() {
  const { outputFiles } = await build({
    entryPoints: ['page.ts', 'worker.ts', 'keeper.ts', 'style.css'].map((name) => join(here, name)),
    outdir: here,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    logLevel: 'warning',
  });
  return outputFiles.map(({ path, contents }) => [path.slice(here.length), contents]);
}

/**
 * Serves the page with programs, given as their names and files.
 * @param {Record<string, string>} programs
 * @param {number} port 0 for a free one
 */
export async function serve(programs, port) {
  /** What is served: content, or the path of a file. */
  const served = new Map(await bundles());
  served.set('', join(here, 'index.html'));
  served.set('icon.svg', join(here, 'icon.svg'));
  const list = await Promise.all(
    Object.entries(programs).map(async ([id, file]) => {
      const folder = await transpiled(id, file);
      const modules = [];
      for (const name of await readdir(folder)) {
        served.set(`programs/${id}/${name}`, join(folder, name));
        if (name.endsWith('.wasm')) {
          modules.push({ name, bytes: (await stat(join(folder, name))).size });
        }
      }
      return { id, url: `programs/${id}/${id}.js`, modules };
    }),
  );
  served.set('programs.json', Buffer.from(JSON.stringify(list)));

  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname.slice(1);
    const found = served.get(path);
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
      return;
    }
    const type = TYPES[extname(path) || '.html'];
    const answer = (body) =>
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' }).end(body);
    if (typeof found === 'string') {
      readFile(found).then(answer, (error) => response.writeHead(500).end(error.message));
    } else {
      answer(found);
    }
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    port: server.address().port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
