// Copies directories of the host to a guest's and back, past the guest's rights.

import type { AsyncDescriptor, Filesystem } from '../../host.js';
import { inside, place } from '../place.js';
import type { Item, PageJob } from '../protocol.js';

/** How much of a file goes to the host in one request. */
const PIECE = 4 * 1024 * 1024;

async function fetched(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok) {
    throw new Error(await response.text());
  }
  return response;
}

function drop(resource: unknown): void {
  (resource as { [Symbol.dispose]?: () => void })[Symbol.dispose]?.();
}

const QUIET_TIMES = ['unsupported', 'overflow'];

/** The directory at a guest's path, whatever the guest may do there. */
async function directory(
  filesystem: Filesystem,
  guest: string,
  mounts: PageJob['mounts'],
  create: boolean,
): Promise<AsyncDescriptor> {
  const { mount, names } = place(Object.keys(mounts), guest)!;
  let at = await filesystem.root(mount);
  for (const name of names) {
    if (create) {
      await unless(['exist'], () => at.createDirectoryAt(name));
    }
    const next = await at.openAt({ symlinkFollow: true }, name, { directory: true }, {});
    drop(at);
    at = next;
  }
  return at;
}

/** A guest's directory as the guest sees it, with the mounts that lie in it. */
class View {
  /** The way to each mount, and its top; the innermost first, the directory itself last. */
  readonly #tops: [string, AsyncDescriptor][] = [];

  static async open(
    filesystem: Filesystem,
    guest: string,
    mounts: PageJob['mounts'],
    create: boolean,
  ): Promise<View> {
    const view = new View();
    const below = inside(Object.keys(mounts), guest);
    below.sort((one, other) => other.path.length - one.path.length);
    for (const { mount, path } of below) {
      view.#tops.push([path, await filesystem.root(mount)]);
    }
    view.#tops.push(['', await directory(filesystem, guest, mounts, create)]);
    return view;
  }

  /** The file system that a path leads to, and the path from its top. */
  at(path: string): [AsyncDescriptor, string] {
    const [way, top] = this.#tops.find(
      ([way]) => way === '' || path === way || path.startsWith(`${way}/`),
    )!;
    const rest = way === '' ? path : path.slice(way.length + 1);
    return [top, rest === '' ? '.' : rest];
  }

  close(): void {
    for (const [, top] of this.#tops) {
      drop(top);
    }
  }
}

/** Fills a directory of the guest's. */
export async function copyIn(filesystem: Filesystem, guest: string, job: PageJob): Promise<void> {
  const query = `guest=${encodeURIComponent(guest)}`;
  const items = (await (await fetched(`${job.path}imports?${query}`)).json()) as Item[];
  let path = '';
  try {
    const view = await View.open(filesystem, guest, job.mounts, true);
    for (const item of items) {
      ({ path } = item);
      const [root, rest] = view.at(path);
      const url = `${job.path}import?${query}&path=${encodeURIComponent(path)}`;
      await make(root, { ...item, path: rest }, url);
    }
    view.close();
  } catch (error) {
    throw new Error(`cannot import '${path}' to '${guest}': ${reason(error)}`);
  }
}

async function make(root: AsyncDescriptor, item: Item, url: string): Promise<void> {
  switch (item.type) {
    case 'directory':
      await unless(['exist'], () => root.createDirectoryAt(item.path));
      break;
    case 'symlink':
      await unless(['no-entry'], () => root.unlinkFileAt(item.path));
      await root.symlinkAt(item.target, item.path);
      break;
    case 'file': {
      // A link that stands there is replaced, not followed.
      await unless(['invalid', 'no-entry', 'not-permitted'], async () => {
        await root.readlinkAt(item.path);
        await root.unlinkFileAt(item.path);
      });
      const flags = { create: true, truncate: true };
      const file = await root.openAt({}, item.path, flags, { write: true });
      try {
        await fill(file, (await fetched(url)).body!.getReader());
        await unless(QUIET_TIMES, () => {
          const modified = BigInt(Math.trunc(item.modified));
          const seconds = modified / 1000n;
          const nanoseconds = Number(modified % 1000n) * 1_000_000;
          const time = { tag: 'timestamp', val: { seconds, nanoseconds } } as const;
          return file.setTimes(time, time);
        });
      } finally {
        drop(file);
      }
      break;
    }
  }
}

async function fill(
  file: AsyncDescriptor,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<void> {
  let offset = 0n;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    for (let rest = next.value; rest.length > 0; ) {
      const count = await file.write(rest, offset);
      offset += count;
      rest = rest.subarray(Number(count));
    }
  }
}

/** Brings a directory of the guest's to the host. */
export async function copyOut(filesystem: Filesystem, guest: string, job: PageJob): Promise<void> {
  const send = async (path: string, query: string, body?: Uint8Array): Promise<void> => {
    const names = `guest=${encodeURIComponent(guest)}&path=${encodeURIComponent(path)}`;
    const init = { method: 'POST', ...(body ? { body: body as BodyInit } : {}) };
    await fetched(`${job.path}export?${names}&${query}`, init);
  };
  let path = '';
  try {
    const view = await View.open(filesystem, guest, job.mounts, false);
    await send('', 'type=directory');
    const pending = [''];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const { type, name } of await entries(...view.at(at))) {
        path = at === '' ? name : `${at}/${name}`;
        const [root, rest] = view.at(path);
        if (type === 'directory') {
          await send(path, 'type=directory');
          pending.push(path);
        } else if (type === 'symbolic-link') {
          const target = await root.readlinkAt(rest);
          await send(path, `type=symlink&target=${encodeURIComponent(target)}`);
        } else {
          await sendFile(root, rest, (query, body) => send(path, query, body));
        }
      }
    }
    view.close();
  } catch (error) {
    const what = path === '' ? `'${guest}'` : `'${path}' from '${guest}'`;
    throw new Error(`cannot export ${what}: ${reason(error)}`);
  }
}

async function entries(
  root: AsyncDescriptor,
  path: string,
): Promise<{ type: string; name: string }[]> {
  const directory = await root.openAt({}, path, { directory: true }, {});
  const stream = await directory.readDirectory();
  const found = [];
  for (let next = stream.readDirectoryEntry(); next; next = stream.readDirectoryEntry()) {
    found.push(next);
  }
  drop(stream);
  drop(directory);
  return found;
}

async function sendFile(
  root: AsyncDescriptor,
  path: string,
  send: (query: string, body: Uint8Array) => Promise<void>,
): Promise<void> {
  const file = await root.openAt({}, path, {}, { read: true });
  const { dataModificationTimestamp: time } = await file.stat();
  const modified = time ? Number(time.seconds) * 1000 + time.nanoseconds / 1e6 : '';
  const piece = new Uint8Array(PIECE);
  let offset = 0;
  for (let end = false; !end; ) {
    let filled = 0;
    while (filled < PIECE && !end) {
      const [bytes, atEnd] = await file.read(BigInt(PIECE - filled), BigInt(offset + filled));
      piece.set(bytes, filled);
      filled += bytes.length;
      end = atEnd;
    }
    if (filled > 0 || offset === 0) {
      await send(`type=file&offset=${offset}&modified=${modified}`, piece.subarray(0, filled));
    }
    offset += filled;
  }
  drop(file);
}

/** Does what may fail with some of the error codes. */
async function unless(codes: readonly string[], what: () => unknown): Promise<void> {
  try {
    await what();
  } catch (thrown) {
    if (!codes.includes(thrown as string)) {
      throw thrown;
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
