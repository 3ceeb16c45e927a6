// On the file system that jco's shim keeps in memory.

import { createFilesystem, InMemoryFilesystemAdapter } from '@bytecodealliance/preview2-shim/filesystem';

import { shim } from './shim.mjs';

let filesystem;

export const host = {
  ...shim('js', () => ({ filesystem })),
  async open() {
    const adapter = new InMemoryFilesystemAdapter();
    filesystem = createFilesystem({ adapter, preopens: { '/': { dir: {} } } });
  },
  async close() {
    filesystem.dispose();
  },
};
