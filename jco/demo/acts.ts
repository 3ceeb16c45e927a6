// What the page has done with the programs' files, by whichever worker has the volume.

import type { Filesystem, Kind } from 'wasi-opfs';

import { type Asked, type Entry, type Kept, type KeptAnswer, MOUNTS } from './messages.js';

const collator = new Intl.Collator(undefined, { numeric: true });

function inOrder(a: Entry, b: Entry): number {
  const [first, second] = [a, b].map(({ kind }) => (kind === 'directory' ? 0 : 1)) as [0, 1];
  return first - second || collator.compare(a.name, b.name);
}

/** A volume, and where it is mounted. */
interface Volume {
  files: Filesystem;
  at: string;
}

/** What is in a directory of the volume. */
function entries({ files, at }: Volume, parent = ''): { name: string; kind: Kind }[] {
  const found = files.readdirSync(`${at}/${parent}`);
  return found.filter(({ name }) => !Object.hasOwn(MOUNTS, `${parent}/${name}`));
}

/** Everything, each directory before what is in it. */
function list(volume: Volume, parent = '', level = 1): Entry[] {
  const { files, at } = volume;
  const found = entries(volume, parent).map(({ name, kind }): Entry => {
    const path = parent === '' ? name : `${parent}/${name}`;
    const { size, mtimeMs = 0 } = files.lstatSync(`${at}/${path}`);
    const target = kind === 'symlink' ? files.readlinkSync(`${at}/${path}`) : undefined;
    return { path, name, kind, target, level, size, modified: mtimeMs };
  });
  return found
    .sort(inOrder)
    .flatMap((entry) =>
      entry.kind === 'directory' ? [entry, ...list(volume, entry.path, level + 1)] : [entry],
    );
}

/** A file's content as it is now; nothing if there is no such file. */
function read({ files, at }: Volume, path: string): Kept['read'] {
  try {
    const { mtimeMs = 0 } = files.statSync(`${at}/${path}`);
    return { bytes: files.readFileSync(`${at}/${path}`), modified: mtimeMs };
  } catch (error) {
    if ((error as { code?: string }).code === 'no-entry') {
      return undefined;
    }
    throw error;
  }
}

const acts: { [Act in keyof Kept]: (volume: Volume, path: string) => Kept[Act] } = {
  list: (volume) => list(volume),
  read,
  remove: ({ files, at }, path) =>
    files.rmSync(`${at}/${path}`, { recursive: true, force: true }),
  removeAll(volume) {
    for (const { name } of entries(volume)) {
      volume.files.rmSync(`${volume.at}/${name}`, { recursive: true });
    }
  },
};

/** Does what is asked for with the volume that is mounted at `at`, and answers. */
export function obey({ id, act, path }: Asked, files: Filesystem, at = ''): KeptAnswer {
  try {
    return { type: 'kept', id, answer: acts[act]({ files, at }, path) };
  } catch (error) {
    return { type: 'kept', id, error: (error as Error).message };
  }
}
