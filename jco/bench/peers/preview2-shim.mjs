// The file system of jco's shim, with its adapter for OPFS: all is in RAM, and after a
// change the whole tree is written again behind the caller's back.

import {
  OpfsFilesystemAdapter,
  createFilesystem,
  loadOpfsCapability,
} from '@bytecodealliance/preview2-shim/filesystem';

import { BLOCK } from '../content.mjs';

/** Says when the writing that the adapter itself began is over. */
class Adapter extends OpfsFilesystemAdapter {
  written = Promise.resolve();

  flush() {
    this.written = super.flush();
    return this.written;
  }
}

const FOLLOW = { symlinkFollow: true };
const READ = { read: true };
const WRITE = { read: true, write: true };

let adapter;
let filesystem;
let top;

const within = (path) => path.slice(1) || '.';

export const peer = {
  waits: false,
  slow: true,
  async open() {
    const storage = await navigator.storage.getDirectory();
    const folder = await storage.getDirectoryHandle('shim', { create: true });
    adapter = new Adapter();
    const capability = await loadOpfsCapability(folder);
    filesystem = createFilesystem({ adapter, preopens: { '/': capability } });
    [[top]] = filesystem.preopens.getDirectories();
  },
  filesystem: () => filesystem,
  async close() {
    filesystem.dispose();
    await adapter.written;
  },
  mkdir: (path) => top.createDirectoryAt(within(path)),
  write(path, bytes) {
    const file = top.openAt(FOLLOW, within(path), { create: true, truncate: true }, WRITE);
    file.write(bytes, 0n);
  },
  read(path) {
    const file = top.openAt(FOLLOW, within(path), {}, READ);
    const [bytes] = file.read(file.stat().size, 0n);
    return bytes;
  },
  stat: (path) => ({ size: Number(top.statAt(FOLLOW, within(path)).size) }),
  list: (path) => peer.entries(path).map(({ name }) => name),
  entries(path) {
    const stream = top.openAt(FOLLOW, within(path), { directory: true }, READ).readDirectory();
    const found = [];
    for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry()) {
      found.push({ name: entry.name, directory: entry.type === 'directory' });
    }
    return found;
  },
  rename: (from, to) => top.renameAt(within(from), top, within(to)),
  unlink: (path) => top.unlinkFileAt(within(path)),
  file(path, create) {
    const file = top.openAt(FOLLOW, within(path), { create }, WRITE);
    return {
      read(into, at) {
        const [bytes] = file.read(BigInt(into.length), BigInt(at));
        into.set(bytes);
        return bytes.length;
      },
      // As a guest's standard library does; a descriptor's `write` copies the whole file.
      write(from, at) {
        const stream = file.writeViaStream(BigInt(at));
        for (let done = 0; done < from.length; done += BLOCK) {
          stream.blockingWriteAndFlush(from.subarray(done, done + BLOCK));
        }
      },
      close: () => {},
    };
  },
  async stored() {
    // It begins in a microtask.
    await Promise.resolve();
    await adapter.written;
  },
};
