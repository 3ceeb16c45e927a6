// An OPFS directory as it is, through the page's door.

import { Filesystem } from '../../dist/index.js';

let fs;

export const peer = {
  waits: true,
  async open() {
    fs = await Filesystem.open({ mounts: { '/': 'tree:bench' } });
  },
  async close() {
    await fs.close();
  },
  mkdir: (path) => fs.mkdir(path),
  write: (path, bytes) => fs.writeFile(path, bytes),
  read: (path) => fs.readFile(path),
  stat: (path) => fs.stat(path),
  list: async (path) => (await fs.readdir(path)).map(({ name }) => name),
  entries: async (path) =>
    (await fs.readdir(path)).map(({ name, kind }) => ({ name, directory: kind === 'directory' })),
  rename: (from, to) => fs.rename(from, to),
  unlink: (path) => fs.rm(path),
  async file(path, write) {
    const file = await fs.open(path, { create: write, write });
    return {
      read: (into, at) => file.read(into, at),
      write: (from, at) => file.write(from, at),
      close: () => file.close(),
    };
  },
  stored: () => {},
  flush: () => fs.sync(),
};
