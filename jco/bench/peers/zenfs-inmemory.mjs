// ZenFS in RAM, gone afterwards: its synchronous calls.

import { InMemory, fs } from '@zenfs/core';

import { on } from './zenfs.mjs';

export const peer = on(async () => InMemory, {
  waits: false,
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
    const file = fs.openSync(path, create && !fs.existsSync(path) ? 'w+' : 'r+');
    return {
      read: (into, at) => fs.readSync(file, into, 0, into.length, at),
      write: (from, at) => fs.writeSync(file, from, 0, from.length, at),
      close: () => fs.closeSync(file),
    };
  },
});
