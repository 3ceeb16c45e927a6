// Copies directories of the host to a guest's and back, past the guest's rights.

import type { Files } from '../../page.js';
import type { Item, SentItem } from '../protocol.js';
import { Incoming } from './incoming.js';

/** What was copied. */
export interface Counts {
  files: number;
  directories: number;
  links: number;
  bytes: number;
}

const nothing = (): Counts => ({ files: 0, directories: 0, links: 0, bytes: 0 });

/** How much of a file goes to the host in one request. */
const PIECE = 4 * 1024 * 1024;

async function fetched(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok) {
    throw new Error(ofTheHost(await response.text()));
  }
  return response;
}

function ofTheHost(message: string): string {
  return `${message}; see to it on this machine, and copy again`;
}

function below(guest: string, path: string): string {
  return path === '' ? guest : `${guest}/${path}`;
}

/** Brings a directory of the host to the guest's; `job` is where the server serves it. */
export async function copyIn(
  files: Files,
  guest: string,
  job: string,
  counts = nothing(),
): Promise<void> {
  const query = `guest=${encodeURIComponent(guest)}`;
  let path = guest;
  let incoming: Incoming | undefined;
  try {
    await files.mkdir(guest, { recursive: true });
    // All in one request: each costs a browser more than a small file does.
    incoming = new Incoming((await fetched(`${job}imports?${query}`)).body!);
    for (let line = await incoming.line(); line !== undefined; line = await incoming.line()) {
      const item = JSON.parse(line) as SentItem;
      ({ path } = item);
      if (item.type === 'error') {
        throw new Error(ofTheHost(item.message));
      }
      await make(files, below(guest, path), item, incoming.bytes(item.size ?? 0), counts);
    }
  } catch (error) {
    await incoming?.cancel().catch(() => {});
    throw new Error(`cannot import '${path}' to '${guest}': ${reason(error)}`);
  }
}

/** Brings the file that the server has for `guest` to where `item` says. */
export async function copyFileIn(
  files: Files,
  guest: string,
  item: Item & { type: 'file' },
  job: string,
  counts: Counts,
): Promise<void> {
  const { path } = item;
  try {
    const slash = path.lastIndexOf('/');
    if (slash > 0) {
      await files.mkdir(path.slice(0, slash), { recursive: true });
    }
    const { body } = await fetched(`${job}import?guest=${encodeURIComponent(guest)}`);
    await make(files, path, item, chunks(body!), counts);
  } catch (error) {
    throw new Error(`cannot import to '${path}': ${reason(error)}`);
  }
}

async function make(
  files: Files,
  path: string,
  item: Item,
  content: AsyncIterable<Uint8Array>,
  counts: Counts,
): Promise<void> {
  switch (item.type) {
    case 'directory':
      await files.mkdir(path, { recursive: true });
      counts.directories += 1;
      break;
    case 'symlink':
      await files.rm(path, { force: true });
      await files.symlink(item.target, path);
      counts.links += 1;
      break;
    case 'file': {
      // A link that stands there is replaced, not followed.
      const found = await unless(['no-entry'], () => files.lstat(path));
      if (found?.kind === 'symlink') {
        await files.rm(path);
      }
      const file = await files.open(path, { create: true, truncate: true });
      try {
        let offset = 0;
        for await (const piece of content) {
          for (let rest = piece; rest.length > 0; ) {
            const count = file.writeSync(rest, offset);
            offset += count;
            rest = rest.subarray(count);
          }
        }
        counts.bytes += offset;
      } finally {
        file.closeSync();
      }
      const quiet = ['unsupported', 'overflow'];
      await unless(quiet, () => files.utimes(path, item.modified, item.modified));
      counts.files += 1;
      break;
    }
  }
}

/** Not every browser iterates over a stream by itself. */
async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    yield next.value;
  }
}

type Send = (path: string, query: string, body?: Uint8Array) => Promise<void>;

function sender(guest: string, job: string): Send {
  return async (path, query, body) => {
    const names = `guest=${encodeURIComponent(guest)}&path=${encodeURIComponent(path)}`;
    const init = { method: 'POST', ...(body ? { body: body as BodyInit } : {}) };
    await fetched(`${job}export?${names}&${query}`, init);
  };
}

/** Brings a directory of the guest's to the host. */
export async function copyOut(
  files: Files,
  guest: string,
  job: string,
  counts = nothing(),
): Promise<void> {
  const send = sender(guest, job);
  let path = '';
  try {
    await send('', 'type=directory');
    const pending = [''];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const { kind, name } of await files.readdir(below(guest, at))) {
        path = at === '' ? name : `${at}/${name}`;
        if (kind === 'directory') {
          await send(path, 'type=directory');
          pending.push(path);
          counts.directories += 1;
        } else if (kind === 'symlink') {
          const target = await files.readlink(below(guest, path));
          await send(path, `type=symlink&target=${encodeURIComponent(target)}`);
          counts.links += 1;
        } else {
          await sendFile(files, below(guest, path), path, send, counts);
        }
      }
    }
  } catch (error) {
    const what = path === '' ? `'${guest}'` : `'${path}' from '${guest}'`;
    throw new Error(`cannot export ${what}: ${reason(error)}`);
  }
}

/** Brings one file to where the server has `guest`, or to `name` in that. */
export async function copyFileOut(
  files: Files,
  guest: string,
  name: string,
  job: string,
  counts: Counts,
): Promise<void> {
  const send = sender(guest, job);
  try {
    if (name !== '') {
      await send('', 'type=directory');
    }
    await sendFile(files, guest, name, send, counts);
  } catch (error) {
    throw new Error(`cannot export '${guest}': ${reason(error)}`);
  }
}

async function sendFile(
  files: Files,
  from: string,
  to: string,
  send: Send,
  counts: Counts,
): Promise<void> {
  const file = await files.open(from);
  try {
    const { mtimeMs = '' } = await file.stat();
    const piece = new Uint8Array(PIECE);
    let offset = 0;
    for (let end = false; !end; ) {
      let filled = 0;
      while (filled < PIECE && !end) {
        const count = file.readSync(piece.subarray(filled), offset + filled);
        filled += count;
        end = count === 0;
      }
      if (filled > 0 || offset === 0) {
        const query = `type=file&offset=${offset}&modified=${mtimeMs}`;
        await send(to, query, piece.subarray(0, filled));
      }
      offset += filled;
    }
    counts.files += 1;
    counts.bytes += offset;
  } finally {
    file.closeSync();
  }
}

/** What may fail with some of the error codes; nothing if it did. */
async function unless<T>(codes: string[], what: () => Promise<T>): Promise<T | undefined> {
  try {
    return await what();
  } catch (thrown) {
    if (!codes.includes((thrown as { code?: string }).code ?? '')) {
      throw thrown;
    }
    return undefined;
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
