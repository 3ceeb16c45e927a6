// The page's own view of the mounts: verbs on paths, each at once (`…Sync`) or as a
// promise. What they mean is in the core; an error has the case of `error-code` as its
// `code`, and a message that says what can be done.

import * as core from './core/wasi_opfs.js';

/** What an object of a file system is. */
export type Kind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'block-device'
  | 'character-device'
  | 'fifo'
  | 'socket';

/** What is known of an object. */
export interface Stats {
  kind: Kind;
  /** In bytes; exact up to 2^53. */
  size: number;
  /** Bytes that it takes on the storage. */
  allocated: number;
  /** Permission bits. */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  ino: bigint;
  /** Times are in milliseconds since 1970; what is not known is `undefined`. */
  atimeMs: number | undefined;
  mtimeMs: number | undefined;
  ctimeMs: number | undefined;
  birthtimeMs: number | undefined;
}

/** An entry of a directory. */
export interface Entry {
  name: string;
  kind: Kind;
}

export interface WriteOptions {
  /** Behind what is there, instead of in its place. */
  append?: boolean;
  /** It must not exist. */
  exclusive?: boolean;
  /** Permission bits, if it is new. */
  mode?: number;
}

/** How a file is opened; it can be read in any case. */
export interface OpenOptions extends WriteOptions {
  write?: boolean;
  create?: boolean;
  truncate?: boolean;
}

export interface MakeDirectoryOptions {
  /** Make those above it, too, and be content if it is there. */
  recursive?: boolean;
}

export interface RemoveOptions {
  /** A directory with all that is in it. */
  recursive?: boolean;
  /** Be content if nothing is there. */
  force?: boolean;
}

export interface SyncOptions {
  /** Wait until a power cut can do no harm; otherwise the browser has it, but not the disk. */
  flush?: boolean;
}

/** How the bytes of a volume are used: `size` is `live`, `dead`, `free` and `reserved`. */
export interface Usage {
  /** What it takes of its storage. */
  size: number;
  /** Of files. */
  live: number;
  /** Of what is gone; free after the next sync. */
  dead: number;
  free: number;
  /** Of the volume itself. */
  reserved: number;
  /** In memory, not yet written. */
  gathered: number;
  /** Files, directories and all else. */
  objects: number;
}

/** What a step of a compaction has done. */
export interface Compaction {
  /** Bytes that were moved. */
  moved: number;
  /** Bytes that the volume takes now. */
  size: number;
  /** Whether there is no more to do. */
  done: boolean;
}

const CREATE = 1;
const TRUNCATE = 2;
const EXCLUSIVE = 4;
const APPEND = 8;
const WRITE = 16;

const encoder = new TextEncoder();

/** Where small files are read to before a buffer of their size is made. */
const scratch = new Uint8Array(64 * 1024);

function refuse(code: string, message: string): never {
  throw Object.assign(new Error(message), { code });
}

/** A path that UTF-8 can hold. */
function text(path: string): string {
  if (typeof path !== 'string') {
    throw new TypeError(`a path is a string, not ${typeof path}`);
  }
  return path.isWellFormed()
    ? path
    : refuse('illegal-byte-sequence', `'${path}' is no Unicode text; take another name`);
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') {
    return encoder.encode(data);
  }
  if (data instanceof Uint8Array) {
    return data;
  }
  throw new TypeError('data is a Uint8Array or a string');
}

/** Permission bits. */
function bits(mode: number): number {
  return Number.isInteger(mode) && mode >= 0 && mode <= 0o7777
    ? mode
    : refuse('invalid', `${mode} is no mode; give permission bits from 0 to 0o7777`);
}

/** The bits that a new file gets, if it matters. */
function modeOf({ mode }: WriteOptions): number | undefined {
  return mode === undefined ? undefined : bits(mode);
}

function buffer(value: Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) {
    return value;
  }
  throw new TypeError('a buffer is a Uint8Array');
}

/** A time as a date, or in milliseconds since 1970. */
export type Moment = Date | number;

function writing(options: WriteOptions): number {
  const { append, exclusive } = options;
  return CREATE | WRITE | (append ? APPEND : TRUNCATE) | (exclusive ? EXCLUSIVE : 0);
}

function opening(options: OpenOptions): number {
  const { write, create, truncate, exclusive, append } = options;
  return (
    (create ? CREATE : 0) |
    (truncate ? TRUNCATE : 0) |
    (exclusive ? EXCLUSIVE : 0) |
    (append ? APPEND : 0) |
    (write || create || truncate || append ? WRITE : 0)
  );
}

/** A file or a directory that is open. */
export class FileHandle {
  readonly #number: number;

  /** @internal */
  constructor(number: number) {
    this.#number = number;
  }

  /** Fills `into` from the byte `at` of the file; how many bytes came, 0 at the end. */
  readSync(into: Uint8Array, at = 0): number {
    return core.pageRead(this.#number, buffer(into), at);
  }

  /**
   * Writes to the byte `at`, or to the end if it was opened to append; how many bytes
   * there was room for.
   */
  writeSync(from: Uint8Array, at = 0): number {
    return core.pageWrite(this.#number, buffer(from), at);
  }

  truncateSync(size = 0): void {
    core.pageTruncateOpen(this.#number, size);
  }

  statSync(): Stats {
    return core.pageStatOpen(this.#number, false);
  }

  /** Returns when all that was written will survive a power cut. */
  syncSync(): void {
    core.pageSyncOpen(this.#number, false);
  }

  closeSync(): void {
    core.pageClose(this.#number);
  }

  async read(into: Uint8Array, at = 0): Promise<number> {
    return this.readSync(into, at);
  }

  async write(from: Uint8Array, at = 0): Promise<number> {
    return this.writeSync(from, at);
  }

  async truncate(size = 0): Promise<void> {
    this.truncateSync(size);
  }

  async stat(): Promise<Stats> {
    return core.pageStatOpen(this.#number, true);
  }

  async sync(): Promise<void> {
    await core.pageSyncOpen(this.#number, true);
  }

  async close(): Promise<void> {
    this.closeSync();
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }
}

/** The verbs, on the paths of one tree of mounts. */
export class Files {
  /** @internal */
  protected readonly number: number;

  /** @internal */
  protected constructor(number: number) {
    this.number = number;
  }

  readFileSync(path: string): Uint8Array<ArrayBuffer> {
    const found: number | Uint8Array<ArrayBuffer> = core.pageReadFile(
      this.number,
      text(path),
      scratch,
      false,
    );
    return typeof found === 'number' ? scratch.slice(0, found) : found;
  }

  writeFileSync(path: string, data: Uint8Array | string, options: WriteOptions = {}): void {
    const how = writing(options);
    core.pageWriteFile(this.number, text(path), bytesOf(data), how, modeOf(options), false);
  }

  /** The entries of a directory, in no order. */
  readdirSync(path: string): Entry[] {
    return core.pageReadDirectory(this.number, text(path), false);
  }

  statSync(path: string): Stats {
    return core.pageStat(this.number, text(path), true, false);
  }

  /** Of a symbolic link, what is known of the link itself. */
  lstatSync(path: string): Stats {
    return core.pageStat(this.number, text(path), false, false);
  }

  mkdirSync(path: string, options: MakeDirectoryOptions = {}): void {
    core.pageMakeDirectory(this.number, text(path), options.recursive ?? false, false);
  }

  rmSync(path: string, options: RemoveOptions = {}): void {
    const { recursive = false, force = false } = options;
    core.pageRemove(this.number, text(path), recursive, force, false);
  }

  /** Removes an empty directory. */
  rmdirSync(path: string): void {
    core.pageRemoveDirectory(this.number, text(path), false);
  }

  renameSync(from: string, to: string): void {
    core.pageRename(this.number, text(from), text(to), false);
  }

  linkSync(path: string, to: string): void {
    core.pageLink(this.number, text(path), text(to), false);
  }

  symlinkSync(target: string, path: string): void {
    core.pageSymlink(this.number, text(target), text(path), false);
  }

  readlinkSync(path: string): string {
    return core.pageReadLink(this.number, text(path), false);
  }

  truncateSync(path: string, size = 0): void {
    core.pageTruncate(this.number, text(path), size, false);
  }

  utimesSync(path: string, accessed: Moment, modified: Moment): void {
    core.pageSetTimes(this.number, text(path), Number(accessed), Number(modified), false);
  }

  chmodSync(path: string, mode: number): void {
    core.pageSetMode(this.number, text(path), bits(mode), false);
  }

  openSync(path: string, options: OpenOptions = {}): FileHandle {
    const how = opening(options);
    return new FileHandle(core.pageOpen(this.number, text(path), how, modeOf(options), false));
  }

  /** Returns when all that was changed is stored. */
  syncSync({ flush = true }: SyncOptions = {}): void {
    if (flush) {
      core.syncFilesystem(this.number, false);
    } else {
      core.writeOut(this.number);
    }
  }

  /** Of the volume that is mounted at `guest`. */
  usageSync(guest: string): Usage {
    return core.volumeUsage(this.number, text(guest));
  }

  /**
   * One step of giving back what is free: it moves about `most` bytes towards the front,
   * and cuts the end off. A crash at any moment loses nothing.
   */
  compactSync(guest: string, most: number): Compaction {
    return core.compactVolume(this.number, text(guest), most);
  }

  async usage(guest: string): Promise<Usage> {
    return this.usageSync(guest);
  }

  async compact(guest: string, most: number): Promise<Compaction> {
    return this.compactSync(guest, most);
  }

  async readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return core.pageReadFile(this.number, text(path), undefined, true);
  }

  async writeFile(
    path: string,
    data: Uint8Array | string,
    options: WriteOptions = {},
  ): Promise<void> {
    const how = writing(options);
    await core.pageWriteFile(this.number, text(path), bytesOf(data), how, modeOf(options), true);
  }

  async readdir(path: string): Promise<Entry[]> {
    return core.pageReadDirectory(this.number, text(path), true);
  }

  async stat(path: string): Promise<Stats> {
    return core.pageStat(this.number, text(path), true, true);
  }

  async lstat(path: string): Promise<Stats> {
    return core.pageStat(this.number, text(path), false, true);
  }

  async mkdir(path: string, options: MakeDirectoryOptions = {}): Promise<void> {
    await core.pageMakeDirectory(this.number, text(path), options.recursive ?? false, true);
  }

  async rm(path: string, options: RemoveOptions = {}): Promise<void> {
    const { recursive = false, force = false } = options;
    await core.pageRemove(this.number, text(path), recursive, force, true);
  }

  async rmdir(path: string): Promise<void> {
    await core.pageRemoveDirectory(this.number, text(path), true);
  }

  async rename(from: string, to: string): Promise<void> {
    await core.pageRename(this.number, text(from), text(to), true);
  }

  async link(path: string, to: string): Promise<void> {
    await core.pageLink(this.number, text(path), text(to), true);
  }

  async symlink(target: string, path: string): Promise<void> {
    await core.pageSymlink(this.number, text(target), text(path), true);
  }

  async readlink(path: string): Promise<string> {
    return core.pageReadLink(this.number, text(path), true);
  }

  async truncate(path: string, size = 0): Promise<void> {
    await core.pageTruncate(this.number, text(path), size, true);
  }

  async utimes(path: string, accessed: Moment, modified: Moment): Promise<void> {
    const times = [Number(accessed), Number(modified)] as const;
    await core.pageSetTimes(this.number, text(path), ...times, true);
  }

  async chmod(path: string, mode: number): Promise<void> {
    await core.pageSetMode(this.number, text(path), bits(mode), true);
  }

  async open(path: string, options: OpenOptions = {}): Promise<FileHandle> {
    const how = opening(options);
    return new FileHandle(await core.pageOpen(this.number, text(path), how, modeOf(options), true));
  }

  async sync({ flush = true }: SyncOptions = {}): Promise<void> {
    if (flush) {
      await core.syncFilesystem(this.number, true);
    } else {
      core.writeOut(this.number);
    }
  }
}
