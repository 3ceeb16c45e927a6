// The programs' files, seen by the page itself: the plain OPFS that the browser gives
// to any code of this origin.

import { DIRECTORY, RESERVED } from './messages.js';

export interface Entry {
  /** From the top, without a slash in front. */
  path: string;
  name: string;
  kind: 'directory' | 'file';
  /** 1 at the top. */
  level: number;
  /** In bytes, of a file. */
  size: number;
  /** In milliseconds since 1970, of a file: directories of OPFS have none. */
  modified: number;
}

/** Everything, each directory before what is in it. */
export async function list(): Promise<Entry[]> {
  return within(await top(), '', 1);
}

async function within(
  directory: FileSystemDirectoryHandle,
  parent: string,
  level: number,
): Promise<Entry[]> {
  const found: Promise<Entry[]>[] = [];
  for await (const [name, handle] of directory.entries()) {
    if (level > 1 || name !== RESERVED) {
      found.push(one(handle, parent === '' ? name : `${parent}/${name}`, level));
    }
  }
  const groups = (await Promise.all(found)).filter((group) => group.length > 0);
  groups.sort(([a], [b]) => inOrder(a!, b!));
  return groups.flat();
}

async function one(handle: FileSystemHandle, path: string, level: number): Promise<Entry[]> {
  const entry = { path, name: handle.name, kind: handle.kind, level, size: 0, modified: 0 };
  try {
    if (handle.kind === 'directory') {
      return [entry, ...(await within(handle as FileSystemDirectoryHandle, path, level + 1))];
    }
    const { size, lastModified } = await (handle as FileSystemFileHandle).getFile();
    return [{ ...entry, size, modified: lastModified }];
  } catch (error) {
    // A program may have removed it meanwhile.
    if (error instanceof DOMException && error.name === 'NotFoundError') {
      return [];
    }
    throw error;
  }
}

const collator = new Intl.Collator(undefined, { numeric: true });

function inOrder(a: Entry, b: Entry): number {
  return a.kind === b.kind ? collator.compare(a.name, b.name) : a.kind === 'directory' ? -1 : 1;
}

/** A file's content as it is now; nothing if there is no such file. */
export async function read(path: string): Promise<File | undefined> {
  try {
    const [directory, name] = await parentOf(path);
    return await (await directory.getFileHandle(name)).getFile();
  } catch {
    return undefined;
  }
}

export async function remove(path: string): Promise<void> {
  const [directory, name] = await parentOf(path);
  await directory.removeEntry(name, { recursive: true });
}

export async function removeAll(): Promise<void> {
  const directory = await top();
  for await (const name of directory.keys()) {
    await directory.removeEntry(name, { recursive: true });
  }
}

async function top(): Promise<FileSystemDirectoryHandle> {
  const storage = await navigator.storage.getDirectory();
  return storage.getDirectoryHandle(DIRECTORY, { create: true });
}

async function parentOf(path: string): Promise<[FileSystemDirectoryHandle, string]> {
  const names = path.split('/');
  const name = names.pop()!;
  let directory = await top();
  for (const parent of names) {
    directory = await directory.getDirectoryHandle(parent);
  }
  return [directory, name];
}
