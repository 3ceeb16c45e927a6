// One access handle, open all the time: what the storage itself costs.

let handle;

export const peer = {
  waits: false,
  phases: [
    'seq-write',
    'seq-read',
    'random-read',
    'random-write',
    'fragment',
    'seq-read-fragmented',
    'random-read-fragmented',
  ],
  async open() {
    const top = await navigator.storage.getDirectory();
    const file = await top.getFileHandle('raw', { create: true });
    handle = await file.createSyncAccessHandle();
  },
  async close() {
    handle.close();
  },
  // There is one file.
  mkdir: () => {},
  file: (path, create) => ({
    read: (into, at) => handle.read(into, { at }),
    write: (from, at) => handle.write(from, { at }),
    close: () => {},
  }),
  stored: () => {},
  flush: () => handle.flush(),
};
