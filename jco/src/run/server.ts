// Serves the page, the programs and the jobs' bytes on loopback. Nobody finds
// anything there without the word that stands in front of every path.

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readFile, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import type { Item, Output, SentItem, Terminals } from './protocol.js';

/** The host's end of a running job. */
export interface JobEnd {
  /** From a guest name to a directory. */
  imports: Record<string, string>;
  exports: Record<string, string>;
  write(to: Output, bytes: Uint8Array): Promise<void>;
  /** The next bytes for the program, at most `length`; none at the end. */
  read(length: number): Promise<Uint8Array>;
  /** How many bytes there are for the program, waiting for some; 1 at the end, 0 if it is late. */
  ready(ms: number): Promise<number>;
  terminals: Terminals;
}

/** The end of a job as far as the program has to do with it. */
export type Streams = Pick<JobEnd, 'write' | 'read' | 'ready' | 'terminals'>;

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** How much of a file is read at once. */
const PIECE = 1 << 20;

const PAGE = '<!doctype html><title>wasi-opfs</title><script type="module" src="page.js"></script>';

const www = fileURLToPath(new URL('www/', import.meta.url));
const core = fileURLToPath(new URL('../core/wasi_opfs_bg.wasm', import.meta.url));

interface ServedJob extends JobEnd {
  /** How many bytes of output came. */
  arrived: number;
  /** Who waits for so many. */
  awaited: { bytes: number; resolve: () => void }[];
}

/** What a request is answered with, unless it answers itself. */
type Answer = { body: string | Uint8Array; type: string } | undefined;

export class Server {
  /** In front of every path. */
  readonly base = `/${randomUUID()}/`;
  readonly #programs = new Map<string, Map<string, string>>();
  readonly #jobs = new Map<string, ServedJob>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: Error) => {
      if (response.headersSent) {
        response.destroy();
      } else {
        response.writeHead(500, { 'content-type': 'text/plain' }).end(error.message);
      }
    });
  });

  /** Starts to serve; the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Serves files, by the names that they have here; the path. */
  addProgram(id: string, files: Map<string, string>): string {
    this.#programs.set(id, files);
    return `${this.base}programs/${id}/`;
  }

  /** Serves a job; the path. */
  addJob(job: JobEnd): string {
    const id = randomUUID();
    this.#jobs.set(id, { ...job, arrived: 0, awaited: [] });
    return `${this.base}jobs/${id}/`;
  }

  removeJob(path: string): void {
    this.#jobs.delete(path.split('/').at(-2) ?? '');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const answer = url.pathname.startsWith(this.base)
      ? await this.#find(url.pathname.slice(this.base.length), url, request, response)
      : { body: 'not found', type: 'text/plain', status: 404 };
    if (answer) {
      response
        .writeHead('status' in answer ? answer.status : 200, {
          'content-type': answer.type,
          // Shared memory, and with it sleeping, is for isolated pages alone.
          'cross-origin-opener-policy': 'same-origin',
          'cross-origin-embedder-policy': 'require-corp',
          'cache-control': 'no-store',
        })
        .end(answer.body);
    }
  }

  async #find(
    path: string,
    url: URL,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer> {
    const [first = '', id = '', name = ''] = path.split('/');
    switch (first) {
      case '':
        return { body: PAGE, type: TYPES['.html']! };
      case 'page.js':
      case 'worker.js':
      case 'task.js':
        return file(join(www, first));
      case 'core.wasm':
        return file(core);
      case 'programs': {
        const path = this.#programs.get(id)?.get(name);
        if (path === undefined) {
          throw new Error('no such program');
        }
        return file(path);
      }
      case 'jobs': {
        const job = this.#jobs.get(id);
        if (!job) {
          throw new Error('the job is over');
        }
        return serveJob(job, name, url.searchParams, request, response);
      }
      default:
        throw new Error('not found');
    }
  }
}

async function file(path: string): Promise<Answer> {
  return { body: await readFile(path), type: TYPES[extname(path)] ?? 'application/octet-stream' };
}

const nothing: Answer = { body: '', type: 'text/plain' };

async function serveJob(
  job: ServedJob,
  name: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const text = (key: string): string => query.get(key) ?? '';
  switch (name) {
    case 'stdout':
    case 'stderr':
    case 'trace': {
      const bytes = await body(request);
      await job.write(name, bytes);
      job.arrived += bytes.length;
      job.awaited.filter(({ bytes }) => bytes <= job.arrived).forEach(({ resolve }) => resolve());
      job.awaited = job.awaited.filter(({ bytes }) => bytes > job.arrived);
      return nothing;
    }
    case 'arrived': {
      const bytes = Number(text('bytes'));
      if (bytes > job.arrived) {
        await new Promise<void>((resolve) => job.awaited.push({ bytes, resolve }));
      }
      return nothing;
    }
    case 'stdin': {
      const bytes = await job.read(Number(text('length')));
      return { body: bytes, type: 'application/octet-stream' };
    }
    case 'ready': {
      const count = await job.ready(Number(text('ms')));
      return { body: String(count), type: 'text/plain' };
    }
    case 'imports': {
      const directory = directoryOf(job.imports, text('guest'));
      const items = await list(directory);
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      await pipeline(Readable.from(packed(directory, items)), response);
      return undefined;
    }
    case 'import': {
      const path = directoryOf(job.imports, text('guest'));
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      await pipeline(createReadStream(path), response);
      return undefined;
    }
    case 'export': {
      const top = directoryOf(job.exports, text('guest'));
      await store(top, inside(top, text('path')), query, await body(request));
      return nothing;
    }
    default:
      throw new Error('not found');
  }
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function directoryOf(directories: Record<string, string>, guest: string): string {
  const directory = Object.hasOwn(directories, guest) ? directories[guest] : undefined;
  if (directory === undefined) {
    throw new Error(`nothing is copied for '${guest}'`);
  }
  return directory;
}

function inside(directory: string, path: string): string {
  if (path.split('/').some((part) => part === '..' || part === '') && path !== '') {
    throw new Error(`'${path}' does not lie in the directory`);
  }
  return join(directory, path);
}

/** All that is in a directory, each before what it contains. */
async function list(directory: string): Promise<Item[]> {
  const items: Item[] = [];
  const pending = [''];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const name of (await readdir(join(directory, at))).sort()) {
      const path = at === '' ? name : `${at}/${name}`;
      const stat = await lstat(join(directory, path));
      if (stat.isDirectory()) {
        items.push({ path, type: 'directory' });
        pending.push(path);
      } else if (stat.isSymbolicLink()) {
        items.push({ path, type: 'symlink', target: await readlink(join(directory, path)) });
      } else if (stat.isFile()) {
        items.push({ path, type: 'file', modified: stat.mtimeMs });
      } else {
        throw new Error(`'${path}' in '${directory}' is neither a file nor a directory nor a link`);
      }
    }
  }
  return items;
}

/** The items, each as a line of JSON; behind that of a file its bytes. */
async function* packed(directory: string, items: Item[]): AsyncGenerator<string | Uint8Array> {
  for (const item of items) {
    if (item.type !== 'file') {
      yield line(item);
      continue;
    }
    const { path } = item;
    let file: FileHandle;
    try {
      file = await open(join(directory, path));
    } catch (error) {
      yield line({ type: 'error', path, message: (error as Error).message });
      return;
    }
    try {
      const { size, mtimeMs } = await file.stat();
      yield line({ ...item, size, modified: mtimeMs });
      for (let at = 0; at < size; ) {
        const piece = Buffer.allocUnsafe(Math.min(size - at, PIECE));
        const { bytesRead } = await file.read(piece, 0, piece.length, at);
        if (bytesRead === 0) {
          throw new Error(`'${path}' became shorter`);
        }
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }
}

const line = (item: SentItem): string => `${JSON.stringify(item)}\n`;

/** Stores a directory, a link, or a piece of a file. */
async function store(
  top: string,
  path: string,
  query: URLSearchParams,
  bytes: Buffer,
): Promise<void> {
  const type = query.get('type');
  const offset = Number(query.get('offset'));
  if (type === 'directory') {
    // What is there already may be a link to somewhere else.
    if (path !== top && (await lstat(path).catch(() => undefined))?.isDirectory() === false) {
      await rm(path);
    }
    await mkdir(path, { recursive: true });
    return;
  }
  if (offset === 0) {
    await rm(path, { force: true });
  }
  if (type === 'symlink') {
    await symlink(query.get('target') ?? '', path);
    return;
  }
  const handle = await open(path, offset === 0 ? 'w' : 'r+');
  try {
    await handle.write(bytes, 0, bytes.length, offset);
    const modified = query.get('modified');
    if (modified) {
      await handle.utimes(Number(modified) / 1000, Number(modified) / 1000);
    }
  } finally {
    await handle.close();
  }
}
