// The worker that looks after the programs' files for the page. It holds the volume only
// while it does something: then a program may have it, here or in another tab.

import { Filesystem } from 'wasi-opfs';

import { type Asked, type Entry, type Kept, MOUNTS, VOLUME } from './messages.js';

const collator = new Intl.Collator(undefined, { numeric: true });

function inOrder(a: Entry, b: Entry): number {
  const [first, second] = [a, b].map(({ kind }) => (kind === 'directory' ? 0 : 1)) as [0, 1];
  return first - second || collator.compare(a.name, b.name);
}

/** Everything, each directory before what is in it; not what the programs see nothing of. */
function list(files: Filesystem, parent = '', level = 1): Entry[] {
  const seen = files
    .readdirSync(`/${parent}`)
    .filter(({ name }) => !Object.hasOwn(MOUNTS, `${parent}/${name}`));
  const found = seen.map(({ name, kind }): Entry => {
    const path = parent === '' ? name : `${parent}/${name}`;
    const { size, mtimeMs = 0 } = files.lstatSync(`/${path}`);
    const target = kind === 'symlink' ? files.readlinkSync(`/${path}`) : undefined;
    return { path, name, kind, target, level, size, modified: mtimeMs };
  });
  return found
    .sort(inOrder)
    .flatMap((entry) =>
      entry.kind === 'directory' ? [entry, ...list(files, entry.path, level + 1)] : [entry],
    );
}

/** A file's content as it is now; nothing if there is no such file. */
function read(files: Filesystem, path: string): Kept['read'] {
  try {
    const { mtimeMs = 0 } = files.statSync(`/${path}`);
    return { bytes: files.readFileSync(`/${path}`), modified: mtimeMs };
  } catch (error) {
    if ((error as { code?: string }).code === 'no-entry') {
      return undefined;
    }
    throw error;
  }
}

const acts: { [Act in keyof Kept]: (files: Filesystem, path: string) => Kept[Act] } = {
  list: (files) => list(files),
  read,
  remove: (files, path) => files.rmSync(`/${path}`, { recursive: true, force: true }),
  removeAll(files) {
    for (const { name } of files.readdirSync('/')) {
      files.rmSync(`/${name}`, { recursive: true });
    }
  },
};

async function obey({ act, path }: Asked): Promise<Kept[keyof Kept]> {
  const files = await Filesystem.open({ mounts: { '/': VOLUME } });
  try {
    return acts[act](files, path);
  } finally {
    files.close();
  }
}

/** One after the other. */
let last: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  last = last.then(async () => {
    try {
      postMessage({ id: data.id, answer: await obey(data) });
    } catch (error) {
      postMessage({ id: data.id, error: (error as Error).message });
    }
  });
});
