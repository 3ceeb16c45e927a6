// Serves the page on loopback: the bundles, the programs, and the files that they need, all
// from memory. No header makes the page a special one; a plain file server would do.

import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** What transpiles components reads its modules from beside it. */
async function transpiler() {
  const folder = join(here, '../dist/program/transpiler');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.wasm'));
  return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))]));
}

async function bundles() {
  const { outputFiles } = await build({
    entryPoints: ['page.ts', 'worker.ts', 'keeper.ts', 'style.css'].map((name) => join(here, name)),
    outdir: here,
    write: false,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    logLevel: 'warning',
  });
  return outputFiles.map(({ path, contents }) => [path.slice(here.length), contents]);
}

/** An unsigned number of the binary format, and where what follows it begins. */
function leb128(bytes, start) {
  let value = 0;
  for (let at = start, scale = 1; at < bytes.length; at += 1, scale *= 128) {
    value += (bytes[at] & 127) * scale;
    if (bytes[at] < 128) {
      return [value, at + 1];
    }
  }
  throw new Error('a module ends too early');
}

/** A module without what only debuggers read, which may be most of it. */
function stripped(module) {
  const kept = [module.subarray(0, 8)];
  for (let at = 8; at < module.length; ) {
    const [length, start] = leb128(module, at + 1);
    const [, name] = leb128(module, start);
    const custom = module[at] === 0;
    if (!custom || module.toString('latin1', name, name + 6) !== '.debug') {
      kept.push(module.subarray(at, start + length));
    }
    at = start + length;
  }
  return Buffer.concat(kept);
}

/** All files below a folder, with their guest's paths. */
async function filesBelow(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((file) => ({ file, path: `/${relative(folder, file).split(sep).join('/')}` }));
}

/** What is served. Programs, and what they need, have names that change with their content. */
class Store {
  #served = new Map();
  /** The paths that were asked for. */
  asked = [];

  put(name, contents) {
    this.#served.set(name, { contents, kept: false });
  }

  /** Puts something that browsers may keep; what the page has to know of it. */
  keep(name, contents) {
    const hash = createHash('sha256').update(contents).digest('hex').slice(0, 16);
    const extension = extname(name);
    const url = `programs/${basename(name, extension)}-${hash}${extension}`;
    this.#served.set(url, { contents, kept: true });
    return { url, bytes: contents.length };
  }

  answer(request, response) {
    const path = new URL(request.url, 'http://localhost').pathname.slice(1);
    this.asked.push(path);
    const found = this.#served.get(path);
    if (!found) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
      return;
    }
    const { contents, kept } = found;
    const headers = {
      'content-type': TYPES[extname(path || 'index.html')] ?? 'application/octet-stream',
      'content-length': contents.length,
      'cache-control': kept ? 'max-age=31536000, immutable' : 'no-cache',
    };
    response.writeHead(200, headers).end(contents);
  }
}

/**
 * Serves the page with programs.
 * @param {{ id: string, program: string, files?: string }[]} programs each with its module,
 *   and the folder that it needs at the root of its files
 * @param {number} port 0 for a free one
 */
export async function serve(programs, port) {
  const store = new Store();
  for (const [name, contents] of [...(await bundles()), ...(await transpiler())]) {
    store.put(name, contents);
  }
  store.put('', await readFile(join(here, 'index.html')));
  store.put('icon.svg', await readFile(join(here, 'icon.svg')));
  const list = [];
  for (const { id, program, files } of programs) {
    const module = store.keep(`${id}.wasm`, stripped(await readFile(program)));
    const needed = [];
    for (const { file, path } of files === undefined ? [] : await filesBelow(files)) {
      needed.push({ path, ...store.keep(basename(path), await readFile(file)) });
    }
    list.push({ id, module, files: needed });
  }
  store.put('programs.json', Buffer.from(JSON.stringify(list)));

  const server = createServer((request, response) => store.answer(request, response));
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    port: server.address().port,
    asked: store.asked,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
