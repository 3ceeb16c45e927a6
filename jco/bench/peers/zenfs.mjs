// ZenFS, on the backend that is asked for, by its promises: a call that has settled is stored.

import { configure, fs, umount } from '@zenfs/core';

const { promises } = fs;

/** A peer on what `backend` answers. */
export const on = (backend, more) => ({
  waits: true,
  async open() {
    await configure({ mounts: { '/': await backend() }, log: { enabled: false } });
  },
  async close() {
    umount('/');
  },
  mkdir: (path) => promises.mkdir(path),
  write: (path, bytes) => promises.writeFile(path, bytes),
  read: (path) => promises.readFile(path),
  stat: (path) => promises.stat(path),
  list: (path) => promises.readdir(path),
  async entries(path) {
    const entries = await promises.readdir(path, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, directory: entry.isDirectory() }));
  },
  rename: (from, to) => promises.rename(from, to),
  unlink: (path) => promises.unlink(path),
  async file(path, create) {
    const there = !create || (await promises.exists(path));
    const file = await promises.open(path, there ? 'r+' : 'w+');
    return {
      read: async (into, at) => (await file.read(into, 0, into.length, at)).bytesRead,
      write: (from, at) => file.write(from, 0, from.length, at),
      close: () => file.close(),
    };
  },
  ...more,
});
