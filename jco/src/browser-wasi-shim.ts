// A mount as an entry of the descriptors that @bjorn3/browser_wasi_shim 0.4 is given. Each
// call is the preview1 door's, on a memory that holds its arguments and answers.

import * as core from './core/wasi_opfs.js';

/** What a call leaves, as the shim writes it to its guest: bytes of a known layout. */
class Layout {
  protected readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.slice().buffer);
  }

  write_bytes(view: DataView, at: number): void {
    const bytes = new Uint8Array(this.view.buffer);
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes, at);
  }
}

class Filestat extends Layout {
  readonly dev = this.view.getBigUint64(0, true);
  readonly ino = this.view.getBigUint64(8, true);
  readonly filetype = this.view.getUint8(16);
  readonly nlink = this.view.getBigUint64(24, true);
  readonly size = this.view.getBigUint64(32, true);
  readonly atim = this.view.getBigUint64(40, true);
  readonly mtim = this.view.getBigUint64(48, true);
  readonly ctim = this.view.getBigUint64(56, true);
}

class Fdstat extends Layout {
  readonly fs_filetype = this.view.getUint8(0);
  readonly fs_flags = this.view.getUint16(2, true);
  readonly fs_rights_base = this.view.getBigUint64(8, true);
  readonly fs_rights_inherited = this.view.getBigUint64(16, true);
}

class Prestat extends Layout {
  readonly tag = 0;
  readonly inner: { pr_name: Uint8Array; write_bytes(view: DataView, at: number): void };

  constructor(bytes: Uint8Array, name: Uint8Array) {
    super(bytes);
    const write_bytes = (view: DataView, at: number): void =>
      view.setUint32(at, name.length, true);
    this.inner = { pr_name: name, write_bytes };
  }
}

const DIRENT = 24;

class Dirent {
  readonly d_next: bigint;
  readonly d_ino: bigint;
  readonly d_namlen: number;
  readonly d_type: number;
  readonly dir_name: Uint8Array;
  readonly #head: Layout;

  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    this.d_next = view.getBigUint64(0, true);
    this.d_ino = view.getBigUint64(8, true);
    this.d_namlen = view.getUint32(16, true);
    this.d_type = view.getUint8(20);
    this.dir_name = bytes.slice(DIRENT, DIRENT + this.d_namlen);
    this.#head = new Layout(bytes.subarray(0, DIRENT));
  }

  head_length(): number {
    return DIRENT;
  }

  name_length(): number {
    return this.d_namlen;
  }

  write_head_bytes(view: DataView, at: number): void {
    this.#head.write_bytes(view, at);
  }

  write_name_bytes(into: Uint8Array, at: number, length: number): void {
    into.set(this.dir_name.subarray(0, length), at);
  }
}

/** Where a call's answer is put, and where what goes with it begins. */
const ANSWER = 0;
const VECTOR = 8;
const DATA = 64;

/** The most that one call reads or writes; the shim's guests come back for the rest. */
const MOST = 1 << 20;

/** How much of a directory is listed at once. */
const LISTED = 8192;

const SUCCESS = 0;
const BUSY = 10;
const INVAL = 28;
const IO = 29;
const XDEV = 75;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The memory of the calls of one mount; it grows with what it has to hold. */
class Scratch {
  buffer = new ArrayBuffer(DATA + LISTED);

  /** Makes room for so many bytes, and for what stands before them. */
  reserve(length: number): void {
    if (this.buffer.byteLength < DATA + length) {
      this.buffer = new ArrayBuffer(DATA + length);
    }
  }

  /** Puts texts one after the other; the address and length of each. */
  texts(...texts: string[]): number[] {
    const all = texts.map((text) => encoder.encode(text));
    this.reserve(all.reduce((sum, { length }) => sum + length, 0));
    let at = DATA;
    return all.flatMap((bytes) => {
      this.bytes(at, bytes.length).set(bytes);
      at += bytes.length;
      return [at - bytes.length, bytes.length];
    });
  }

  /** Says that what is read or written is so many bytes at `DATA`. */
  vector(length: number): void {
    const view = new DataView(this.buffer);
    view.setUint32(VECTOR, DATA, true);
    view.setUint32(VECTOR + 4, length, true);
  }

  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, at, length);
  }

  get number(): number {
    return new DataView(this.buffer).getUint32(ANSWER, true);
  }

  get bigint(): bigint {
    return new DataView(this.buffer).getBigUint64(ANSWER, true);
  }
}

/** What the core answers if it is no error number cannot be: nothing here leads outside. */
function errno(answered: number): number {
  return answered < 0 ? IO : answered;
}

/**
 * A name that the shim has looked up, or has taken away in order to put it somewhere else: it
 * renames by unlinking and linking, which would lose a file if a tab died in between. So
 * nothing happens until it is linked.
 */
class Found {
  readonly ino: bigint;
  readonly owner: MountFd;
  readonly path: string;
  readonly flags: number;
  readonly moves: boolean;
  readonly #stat: Filestat;

  constructor(owner: MountFd, path: string, flags: number, moves: boolean, stat: Filestat) {
    this.owner = owner;
    this.path = path;
    this.flags = flags;
    this.moves = moves;
    this.ino = stat.ino;
    this.#stat = stat;
  }

  path_open(
    oflags: number,
    rights: bigint,
    flags: number,
  ): { ret: number; fd_obj: MountFd | null } {
    return this.owner.path_open(this.flags, this.path, oflags, rights, rights, flags);
  }

  stat(): Filestat {
    return this.#stat;
  }
}

/** One descriptor of the mount: methods and answers are those of the shim's `Fd`. */
export class MountFd {
  readonly #guest: number;
  readonly #fd: number;
  readonly #scratch: Scratch;
  /** Entries that were listed and not yet asked for, the next one first. */
  #listed: Dirent[] = [];
  /** Behind which cookie they begin. */
  #after = 0n;

  /** @internal */
  constructor(guest: number, fd: number, scratch: Scratch) {
    this.#guest = guest;
    this.#fd = fd;
    this.#scratch = scratch;
  }

  fd_allocate(offset: bigint, length: bigint): number {
    return errno(core.fd_allocate(this.#guest, this.#fd, offset, length));
  }

  fd_close(): number {
    return errno(core.fd_close(this.#guest, this.#fd));
  }

  fd_fdstat_get(): { ret: number; fdstat: Fdstat | null } {
    const ret = errno(core.fd_fdstat_get(this.#guest, this.#fd, DATA));
    return { ret, fdstat: ret ? null : new Fdstat(this.#scratch.bytes(DATA, 24)) };
  }

  fd_fdstat_set_flags(flags: number): number {
    return errno(core.fd_fdstat_set_flags(this.#guest, this.#fd, flags));
  }

  fd_fdstat_set_rights(rights: bigint, inheriting: bigint): number {
    return errno(core.fd_fdstat_set_rights(this.#guest, this.#fd, rights, inheriting));
  }

  fd_filestat_get(): { ret: number; filestat: Filestat | null } {
    return this.#filestat(core.fd_filestat_get(this.#guest, this.#fd, DATA));
  }

  fd_filestat_set_size(size: bigint): number {
    return errno(core.fd_filestat_set_size(this.#guest, this.#fd, size));
  }

  fd_filestat_set_times(accessed: bigint, modified: bigint, flags: number): number {
    return errno(core.fd_filestat_set_times(this.#guest, this.#fd, accessed, modified, flags));
  }

  fd_pread(size: number, offset: bigint): { ret: number; data: Uint8Array } {
    return this.#read(size, () =>
      core.fd_pread(this.#guest, this.#fd, VECTOR, 1, offset, ANSWER),
    );
  }

  fd_prestat_get(): { ret: number; prestat: Prestat | null } {
    const scratch = this.#scratch;
    const ret = errno(core.fd_prestat_get(this.#guest, this.#fd, DATA));
    if (ret) {
      return { ret, prestat: null };
    }
    const prestat = scratch.bytes(DATA, 8).slice();
    const length = new DataView(prestat.buffer).getUint32(4, true);
    scratch.reserve(length);
    const named = errno(core.fd_prestat_dir_name(this.#guest, this.#fd, DATA, length));
    const name = scratch.bytes(DATA, length).slice();
    return { ret: named, prestat: named ? null : new Prestat(prestat, name) };
  }

  fd_pwrite(data: Uint8Array, offset: bigint): { ret: number; nwritten: number } {
    return this.#write(data, () =>
      core.fd_pwrite(this.#guest, this.#fd, VECTOR, 1, offset, ANSWER),
    );
  }

  fd_read(size: number): { ret: number; data: Uint8Array } {
    return this.#read(size, () => core.fd_read(this.#guest, this.#fd, VECTOR, 1, ANSWER));
  }

  fd_readdir_single(cookie: bigint): { ret: number; dirent: Dirent | null } {
    if (cookie === 0n || cookie !== this.#after || this.#listed.length === 0) {
      const ret = this.#list(cookie);
      if (ret) {
        return { ret, dirent: null };
      }
    }
    const dirent = this.#listed.shift() ?? null;
    this.#after = dirent?.d_next ?? cookie;
    return { ret: SUCCESS, dirent };
  }

  /** Lists what follows `cookie`, as many entries as there is room for. */
  #list(cookie: bigint): number {
    const scratch = this.#scratch;
    scratch.reserve(LISTED);
    const ret = errno(core.fd_readdir(this.#guest, this.#fd, DATA, LISTED, cookie, ANSWER));
    this.#listed = [];
    const bytes = scratch.bytes(DATA, ret ? 0 : scratch.number);
    const view = new DataView(scratch.buffer, DATA);
    for (let at = 0; at + DIRENT <= bytes.length; ) {
      const end = at + DIRENT + view.getUint32(at + 16, true);
      if (end > bytes.length) {
        break;
      }
      this.#listed.push(new Dirent(bytes.subarray(at, end)));
      at = end;
    }
    return ret;
  }

  fd_seek(offset: bigint, whence: number): { ret: number; offset: bigint } {
    const ret = errno(core.fd_seek(this.#guest, this.#fd, offset, whence, ANSWER));
    return { ret, offset: ret ? 0n : this.#scratch.bigint };
  }

  fd_sync(): number {
    return errno(core.fd_sync(this.#guest, this.#fd));
  }

  fd_tell(): { ret: number; offset: bigint } {
    const ret = errno(core.fd_tell(this.#guest, this.#fd, ANSWER));
    return { ret, offset: ret ? 0n : this.#scratch.bigint };
  }

  fd_write(data: Uint8Array): { ret: number; nwritten: number } {
    return this.#write(data, () => core.fd_write(this.#guest, this.#fd, VECTOR, 1, ANSWER));
  }

  path_create_directory(path: string): number {
    const [at, length] = this.#scratch.texts(path) as [number, number];
    return errno(core.path_create_directory(this.#guest, this.#fd, at, length));
  }

  path_filestat_get(flags: number, path: string): { ret: number; filestat: Filestat | null } {
    const [at, length] = this.#scratch.texts(path) as [number, number];
    // What is asked was read by the time the answer takes its place.
    return this.#filestat(core.path_filestat_get(this.#guest, this.#fd, flags, at, length, DATA));
  }

  path_filestat_set_times(
    flags: number,
    path: string,
    accessed: bigint,
    modified: bigint,
    times: number,
  ): number {
    const [at, length] = this.#scratch.texts(path) as [number, number];
    const { path_filestat_set_times } = core;
    return errno(
      path_filestat_set_times(this.#guest, this.#fd, flags, at, length, accessed, modified, times),
    );
  }

  path_link(path: string, inode: object, _directories: boolean): number {
    if (!(inode instanceof Found) || inode.owner.#guest !== this.#guest) {
      return XDEV;
    }
    const from = inode.owner.#fd;
    const texts = this.#scratch.texts(inode.path, path);
    const [old, oldLength, at, length] = texts as [number, number, number, number];
    return errno(
      inode.moves
        ? core.path_rename(this.#guest, from, old, oldLength, this.#fd, at, length)
        : core.path_link(this.#guest, from, inode.flags, old, oldLength, this.#fd, at, length),
    );
  }

  path_lookup(path: string, flags: number): { ret: number; inode_obj: Found | null } {
    return this.#found(path, flags, false);
  }

  path_unlink(path: string): { ret: number; inode_obj: Found | null } {
    // What has no name of its own cannot be linked back, which the shim relies on.
    if (/(^|\/)\.{0,2}\/*$/.test(path)) {
      return { ret: BUSY, inode_obj: null };
    }
    return this.#found(path, 0, true);
  }

  #found(path: string, flags: number, moves: boolean): { ret: number; inode_obj: Found | null } {
    const { ret, filestat } = this.path_filestat_get(flags, path);
    return { ret, inode_obj: filestat && new Found(this, path, flags, moves, filestat) };
  }

  path_open(
    flags: number,
    path: string,
    oflags: number,
    rights: bigint,
    inheriting: bigint,
    fdflags: number,
  ): { ret: number; fd_obj: MountFd | null } {
    const [at, length] = this.#scratch.texts(path) as [number, number];
    const { path_open } = core;
    const [guest, fd] = [this.#guest, this.#fd];
    const ret = errno(
      path_open(guest, fd, flags, at, length, oflags, rights, inheriting, fdflags, ANSWER),
    );
    const opened = (): MountFd => new MountFd(guest, this.#scratch.number, this.#scratch);
    return { ret, fd_obj: ret ? null : opened() };
  }

  path_readlink(path: string): { ret: number; data: string | null } {
    const scratch = this.#scratch;
    const [at, length] = scratch.texts(path) as [number, number];
    const room = scratch.buffer.byteLength - DATA;
    const ret = errno(
      core.path_readlink(this.#guest, this.#fd, at, length, DATA, room, ANSWER),
    );
    return { ret, data: ret ? null : decoder.decode(scratch.bytes(DATA, scratch.number)) };
  }

  path_remove_directory(path: string): number {
    const [at, length] = this.#scratch.texts(path) as [number, number];
    return errno(core.path_remove_directory(this.#guest, this.#fd, at, length));
  }

  /** The shim renames in another way, by `path_unlink` and `path_link`. */
  path_rename(_path: string, _fd: number, _newPath: string): number {
    return INVAL;
  }

  path_unlink_file(path: string): number {
    const [at, length] = this.#scratch.texts(path) as [number, number];
    return errno(core.path_unlink_file(this.#guest, this.#fd, at, length));
  }

  #filestat(answered: number): { ret: number; filestat: Filestat | null } {
    const ret = errno(answered);
    return { ret, filestat: ret ? null : new Filestat(this.#scratch.bytes(DATA, 64)) };
  }

  #read(size: number, read: () => number): { ret: number; data: Uint8Array } {
    const scratch = this.#scratch;
    const length = Math.min(size, MOST);
    scratch.reserve(length);
    scratch.vector(length);
    const ret = errno(read());
    return { ret, data: ret ? new Uint8Array() : scratch.bytes(DATA, scratch.number).slice() };
  }

  #write(data: Uint8Array, write: () => number): { ret: number; nwritten: number } {
    const scratch = this.#scratch;
    const length = Math.min(data.length, MOST);
    scratch.reserve(length);
    scratch.bytes(DATA, length).set(data.subarray(0, length));
    scratch.vector(length);
    const ret = errno(write());
    return { ret, nwritten: ret ? 0 : scratch.number };
  }
}

/** The mount with the name `guest` of a file system, as an entry of the shim's descriptors. */
export function mountFd(filesystem: number, guest: string, mounts: readonly string[]): MountFd {
  const place = mounts.indexOf(guest);
  if (place < 0) {
    throw new Error(
      `there is no mount '${guest}'; give one of ${mounts.map((name) => `'${name}'`).join(', ')}`,
    );
  }
  const scratch = new Scratch();
  const number = core.p1Open(filesystem, [], [], false);
  core.p1Attach(number, scratch);
  return new MountFd(number, 3 + place, scratch);
}
