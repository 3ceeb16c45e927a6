// OPFS as a careful programmer calls it: handles of directories are kept, a file's access
// handle is open as long as the file.

let top;
const directories = new Map();

function parentOf(path) {
  const cut = path.lastIndexOf('/');
  return [path.slice(0, cut), path.slice(cut + 1)];
}

async function directory(path) {
  const known = directories.get(path);
  if (known) {
    return known;
  }
  const [parent, name] = parentOf(path);
  const found = await (await directory(parent)).getDirectoryHandle(name);
  directories.set(path, found);
  return found;
}

async function file(path, options) {
  const [parent, name] = parentOf(path);
  return (await directory(parent)).getFileHandle(name, options);
}

export const peer = {
  waits: true,
  async open() {
    top = await navigator.storage.getDirectory();
    directories.set('', top);
  },
  async close() {
    directories.clear();
  },
  async mkdir(path) {
    const [parent, name] = parentOf(path);
    const made = await (await directory(parent)).getDirectoryHandle(name, { create: true });
    directories.set(path, made);
  },
  async write(path, bytes) {
    const handle = await (await file(path, { create: true })).createSyncAccessHandle();
    try {
      handle.truncate(0);
      handle.write(bytes, { at: 0 });
    } finally {
      handle.close();
    }
  },
  async read(path) {
    const handle = await (await file(path)).createSyncAccessHandle();
    try {
      const bytes = new Uint8Array(handle.getSize());
      handle.read(bytes, { at: 0 });
      return bytes;
    } finally {
      handle.close();
    }
  },
  async stat(path) {
    return (await file(path)).getFile();
  },
  async list(path) {
    return Array.fromAsync((await directory(path)).keys());
  },
  async entries(path) {
    const found = [];
    for await (const [name, { kind }] of (await directory(path)).entries()) {
      found.push({ name, directory: kind === 'directory' });
    }
    return found;
  },
  async rename(from, to) {
    const [parent, name] = parentOf(to);
    await (await file(from)).move(await directory(parent), name);
  },
  async unlink(path) {
    const [parent, name] = parentOf(path);
    await (await directory(parent)).removeEntry(name);
  },
  async file(path, create) {
    const handle = await (await file(path, { create })).createSyncAccessHandle();
    return {
      read: async (into, at) => handle.read(into, { at }),
      write: async (from, at) => handle.write(from, { at }),
      close: async () => handle.close(),
    };
  },
  // Each call is stored when it returns.
  stored: () => {},
};
