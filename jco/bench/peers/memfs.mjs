// memfs: in RAM, and gone afterwards.

import { Volume, createFsFromVolume } from 'memfs';

let fs;

export const peer = {
  waits: false,
  async open() {
    fs = createFsFromVolume(new Volume());
  },
  async close() {},
  mkdir: (path) => fs.mkdirSync(path),
  write: (path, bytes) => fs.writeFileSync(path, bytes),
  read: (path) => fs.readFileSync(path),
  stat: (path) => fs.statSync(path),
  list: (path) => fs.readdirSync(path),
  entries: (path) =>
    fs.readdirSync(path, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      directory: entry.isDirectory(),
    })),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  file(path, create) {
    const open = fs.openSync(path, create && !fs.existsSync(path) ? 'w+' : 'r+');
    return {
      read: (into, at) => fs.readSync(open, into, 0, into.length, at),
      write: (from, at) => fs.writeSync(open, from, 0, from.length, at),
      close: () => fs.closeSync(open),
    };
  },
};
