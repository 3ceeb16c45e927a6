// opfs-tools, which asks a worker of its own for each file.

import { dir, file, write } from 'opfs-tools';

export const peer = {
  waits: true,
  // There is nothing to open.
  without: ['remount'],
  async open() {},
  async close() {},
  mkdir: (path) => dir(path).create(),
  // It takes buffers away.
  write: (path, bytes) => write(path, bytes.slice()),
  read: async (path) => new Uint8Array(await file(path, 'r').arrayBuffer()),
  stat: async (path) => ({ size: await file(path, 'r').getSize() }),
  list: async (path) => (await dir(path).children()).map(({ name }) => name),
  entries: async (path) =>
    (await dir(path).children()).map(({ name, kind }) => ({ name, directory: kind === 'dir' })),
  rename: (from, to) => file(from).moveTo(file(to)),
  unlink: (path) => file(path).remove(),
  async file(path, create) {
    if (create) {
      const writer = await file(path).createWriter();
      return {
        write: (from, at) => writer.write(from.slice(), { at }),
        close: () => writer.close(),
      };
    }
    const reader = await file(path, 'r').createReader();
    return {
      async read(into, at) {
        const bytes = await reader.read(into.length, { at });
        into.set(new Uint8Array(bytes));
        return bytes.byteLength;
      },
      close: () => reader.close(),
    };
  },
  stored: () => {},
};
