// The classes of `wasi:filesystem/types`: shells around a number that the core
// knows. A method whose mount waits answers with a promise, which jco awaits.

import * as core from './core/wasi_opfs.js';
import {
  DESCRIPTOR_FLAGS,
  DISPOSE,
  DROP,
  NOBODY,
  OPEN_FLAGS,
  REP,
  bits,
  bytes,
  follows,
  newTimestamp,
  numberOf,
  text,
  u64,
} from './convert.js';
import { InputStream, OutputStream } from './streams.js';
import type * as wit from './wit/interfaces/wasi-filesystem-types.js';

/** Makes an object of a number that the core answered, now or later. */
function made<T>(Class: new (number: number) => T, answer: number | Promise<number>): T {
  if (typeof answer === 'number') {
    return new Class(answer);
  }
  return answer.then((number) => new Class(number)) as T;
}

export class DirectoryEntryStream {
  readonly [REP]: number;

  constructor(number = NOBODY) {
    this[REP] = number;
  }

  readDirectoryEntry(): wit.DirectoryEntry | undefined {
    return core.readDirectoryEntry(this[REP]);
  }

  [DISPOSE](): void {
    core.dropResource(this[REP]);
  }

  static [DROP](number: number): void {
    core.dropResource(number);
  }
}

export class Descriptor {
  readonly [REP]: number;

  constructor(number = NOBODY) {
    this[REP] = number;
  }

  readViaStream(offset: bigint): InputStream {
    return new InputStream(core.readViaStream(this[REP], u64(offset)));
  }

  writeViaStream(offset: bigint): OutputStream {
    return new OutputStream(core.writeViaStream(this[REP], u64(offset)));
  }

  appendViaStream(): OutputStream {
    return new OutputStream(core.appendViaStream(this[REP]));
  }

  advise(offset: bigint, length: bigint, _advice: wit.Advice): void {
    core.advise(this[REP], u64(offset), u64(length));
  }

  syncData(): void {
    return core.syncData(this[REP]);
  }

  getFlags(): wit.DescriptorFlags {
    return core.getFlags(this[REP]);
  }

  getType(): wit.DescriptorType {
    return core.getType(this[REP]);
  }

  setSize(size: bigint): void {
    core.setSize(this[REP], u64(size));
  }

  setTimes(accessed: wit.NewTimestamp, modified: wit.NewTimestamp): void {
    return core.setTimes(this[REP], ...newTimestamp(accessed), ...newTimestamp(modified));
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    return core.read(this[REP], u64(length), u64(offset));
  }

  write(buffer: Uint8Array, offset: bigint): bigint {
    return core.write(this[REP], bytes(buffer), u64(offset));
  }

  readDirectory(): DirectoryEntryStream {
    return made(DirectoryEntryStream, core.readDirectory(this[REP]));
  }

  sync(): void {
    return core.sync(this[REP]);
  }

  createDirectoryAt(path: string): void {
    return core.createDirectoryAt(this[REP], text(path));
  }

  stat(): wit.DescriptorStat {
    return core.stat(this[REP]);
  }

  statAt(pathFlags: wit.PathFlags, path: string): wit.DescriptorStat {
    return core.statAt(this[REP], follows(pathFlags), text(path));
  }

  setTimesAt(
    pathFlags: wit.PathFlags,
    path: string,
    accessed: wit.NewTimestamp,
    modified: wit.NewTimestamp,
  ): void {
    const times = [...newTimestamp(accessed), ...newTimestamp(modified)] as const;
    return core.setTimesAt(this[REP], follows(pathFlags), text(path), ...times);
  }

  linkAt(
    oldPathFlags: wit.PathFlags,
    oldPath: string,
    newDescriptor: wit.Descriptor,
    newPath: string,
  ): void {
    const [from, to] = [text(oldPath), text(newPath)];
    return core.linkAt(this[REP], follows(oldPathFlags), from, numberOf(newDescriptor), to);
  }

  openAt(
    pathFlags: wit.PathFlags,
    path: string,
    openFlags: wit.OpenFlags,
    flags: wit.DescriptorFlags,
  ): Descriptor {
    const [open, mode] = [bits(openFlags, OPEN_FLAGS), bits(flags, DESCRIPTOR_FLAGS)];
    return made(Descriptor, core.openAt(this[REP], follows(pathFlags), text(path), open, mode));
  }

  readlinkAt(path: string): string {
    return core.readlinkAt(this[REP], text(path));
  }

  removeDirectoryAt(path: string): void {
    return core.removeDirectoryAt(this[REP], text(path));
  }

  renameAt(oldPath: string, newDescriptor: wit.Descriptor, newPath: string): void {
    return core.renameAt(this[REP], text(oldPath), numberOf(newDescriptor), text(newPath));
  }

  symlinkAt(oldPath: string, newPath: string): void {
    return core.symlinkAt(this[REP], text(oldPath), text(newPath));
  }

  unlinkFileAt(path: string): void {
    return core.unlinkFileAt(this[REP], text(path));
  }

  isSameObject(other: wit.Descriptor): boolean {
    return core.isSameObject(this[REP], numberOf(other));
  }

  metadataHash(): wit.MetadataHashValue {
    return core.metadataHash(this[REP]);
  }

  metadataHashAt(pathFlags: wit.PathFlags, path: string): wit.MetadataHashValue {
    return core.metadataHashAt(this[REP], follows(pathFlags), text(path));
  }

  [DISPOSE](): void {
    core.dropResource(this[REP]);
  }

  static [DROP](number: number): void {
    core.dropResource(number);
  }
}
