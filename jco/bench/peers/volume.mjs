// A volume of this project, through the page's door.

import { Filesystem } from '../../dist/index.js';

let fs;

export const peer = {
  waits: false,
  fragments: true,
  async open() {
    fs = await Filesystem.open({ mounts: { '/': 'volume:bench' } });
  },
  async close() {
    await fs.close();
  },
  mkdir: (path) => fs.mkdirSync(path),
  write: (path, bytes) => fs.writeFileSync(path, bytes),
  read: (path) => fs.readFileSync(path),
  stat: (path) => fs.statSync(path),
  list: (path) => fs.readdirSync(path).map(({ name }) => name),
  entries: (path) =>
    fs.readdirSync(path).map(({ name, kind }) => ({ name, directory: kind === 'directory' })),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.rmSync(path),
  file(path, write) {
    const file = fs.openSync(path, { create: write, write });
    return {
      read: (into, at) => file.readSync(into, at),
      write: (from, at) => file.writeSync(from, at),
      close: () => file.closeSync(),
    };
  },
  stored: () => fs.syncSync({ flush: false }),
  flush: () => fs.syncSync(),
};
