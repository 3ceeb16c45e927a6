// What is in the directories of mounts, as `ls` shows it.

import type { Files, Kind, Stats } from '../../page.js';
import type { FilesTask } from '../protocol.js';
import { bits, byBytes, printable, timestamp } from './show.js';

type Ls = Extract<FilesTask, { verb: 'ls' }>;

/** One name. */
interface Item {
  /** Among the mounts. */
  at: string;
  /** As it is shown. */
  path: string;
  kind: Kind;
}

/** How much text is gathered before it is written, in UTF-16 units. */
const GATHERED = 32 * 1024;

/** Lists what `task` names, in lines that go to `write`. */
export async function list(files: Files, task: Ls, write: (text: string) => void): Promise<void> {
  let text = '';
  const show = async (item: Item): Promise<void> => {
    text += `${await line(files, task, item)}\n`;
    if (text.length > GATHERED) {
      write(text);
      text = '';
    }
  };
  try {
    const pending = await first(files, task);
    for (let item = pending.pop(); item; item = pending.pop()) {
      await show(item);
      if (task.recursive && item.kind === 'directory') {
        pending.push(...(await inside(files, item.at, `${item.path}/`)));
      }
    }
  } finally {
    // Also what was listed before something failed.
    write(text);
  }
}

/** The entries of a directory, the last one first; or what is no directory itself. */
async function first(files: Files, { path, long }: Ls): Promise<Item[]> {
  let { kind } = await files.lstat(path);
  if (kind === 'symlink' && !long) {
    // One that leads nowhere is shown itself.
    ({ kind } = await files.stat(path).catch(() => ({ kind })));
  }
  return kind === 'directory' ? inside(files, path, '') : [{ at: path, path, kind }];
}

async function inside(files: Files, directory: string, prefix: string): Promise<Item[]> {
  const entries = await files.readdir(directory);
  entries.sort((one, other) => byBytes(other.name, one.name));
  const above = directory.endsWith('/') ? directory : `${directory}/`;
  return entries.map(({ name, kind }) => ({ at: above + name, path: prefix + name, kind }));
}

async function line(files: Files, { long, json }: Ls, { at, path }: Item): Promise<string> {
  if (!long && !json) {
    return printable(path);
  }
  const stats = await files.lstat(at);
  const target =
    // One to an absolute path is not told.
    stats.kind === 'symlink' ? await files.readlink(at).catch(() => undefined) : undefined;
  if (json) {
    return JSON.stringify({ path, ...known(stats), target });
  }
  const time = timestamp(stats.mtimeMs)?.slice(0, 19).replace('T', ' ') ?? '-';
  const arrow = stats.kind === 'symlink' ? ` -> ${target ?? '?'}` : '';
  return [
    LETTERS[stats.kind] + bits(stats.mode),
    String(stats.nlink).padStart(3),
    String(stats.uid).padStart(5),
    String(stats.gid).padStart(5),
    String(stats.size).padStart(10),
    time.padEnd(19),
    printable(path + arrow),
  ].join(' ');
}

const LETTERS: Record<Kind, string> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  'block-device': 'b',
  'character-device': 'c',
  fifo: 'p',
  socket: 's',
};

function known({ kind, size, allocated, nlink, mode, uid, gid, ...times }: Stats) {
  return {
    kind,
    size,
    allocated,
    links: nlink,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    accessed: timestamp(times.atimeMs),
    modified: timestamp(times.mtimeMs),
    changed: timestamp(times.ctimeMs),
    created: timestamp(times.birthtimeMs),
  };
}
