// What the page has done with the programs' files, by whichever worker has the volume.

import type { Filesystem, Kind } from 'wasi-opfs';

import { type Asked, type Entry, type Kept, type KeptAnswer, MOUNTS } from './messages.js';

const collator = new Intl.Collator(undefined, { numeric: true });

function inOrder(a: Entry, b: Entry): number {
  const [first, second] = [a, b].map(({ kind }) => (kind === 'directory' ? 0 : 1)) as [0, 1];
  return first - second || collator.compare(a.name, b.name);
}

/** What is in a directory of the volume. */
function entries(files: Filesystem, parent = ''): { name: string; kind: Kind }[] {
  const found = files.readdirSync(`/${parent}`);
  return found.filter(({ name }) => !Object.hasOwn(MOUNTS, `${parent}/${name}`));
}

/** Everything, each directory before what is in it. */
function list(files: Filesystem, parent = '', level = 1): Entry[] {
  const found = entries(files, parent).map(({ name, kind }): Entry => {
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
    for (const { name } of entries(files)) {
      files.rmSync(`/${name}`, { recursive: true });
    }
  },
};

/** Does what is asked for, and answers. */
export function obey({ id, act, path }: Asked, files: Filesystem): KeptAnswer {
  try {
    return { type: 'kept', id, answer: acts[act](files, path) };
  } catch (error) {
    return { type: 'kept', id, error: (error as Error).message };
  }
}
