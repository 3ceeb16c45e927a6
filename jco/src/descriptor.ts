// The classes of `wasi:filesystem/types`: shells around a number that the core
// knows. A method whose mount waits answers with a promise, which jco awaits.

import * as core from './core/wasi_opfs.js';
import {
  DESCRIPTOR_FLAGS,
  DISPOSE,
  DROP,
  KINDS,
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
import { codeOf, errorName, exchange, outText, putText, settle } from './exchange.js';
import { InputStream, OutputStream, chunk, readInto } from './streams.js';
import type * as wit from './wit/interfaces/wasi-filesystem-types.js';

/** The number that the core answered; an error code is thrown. */
function ok(answer: number): number {
  if (answer < 0) {
    throw errorName(codeOf(answer));
  }
  return answer;
}

/** Waits, where it has to be, for a call that answers nothing but that it is done. */
function done(answer: number): void {
  return settle(answer, (answer) => void ok(answer));
}

/** Makes an object of a number that the core answers. */
function made<T>(Class: new (number: number) => T, answer: number): T {
  return settle(answer, (answer) => new Class(ok(answer)));
}

/** Puts in two paths; their lengths. */
function two(first: string, second: string): [number, number] {
  return [putText(0, text(first)), putText(1, text(second))];
}

/** What `read` adds to a count of bytes where the file ends. */
export const END = 1 << 24;

/** `read-directory-entry` has four bits for the kind, of which this stands for no entry. */
export const NO_ENTRY = 8;

function stat(answer: number): wit.DescriptorStat {
  ok(answer);
  const { fields } = exchange();
  const time = (at: number): wit.Datetime | undefined => {
    const [seconds, nanoseconds] = [fields.getBigUint64(at + 8, true), fields.getUint32(at + 16, true)];
    return fields.getUint8(at) === 0 ? undefined : { seconds, nanoseconds };
  };
  return {
    type: KINDS[fields.getUint8(0)]!,
    linkCount: fields.getBigUint64(8, true),
    size: fields.getBigUint64(16, true),
    dataAccessTimestamp: time(24),
    dataModificationTimestamp: time(48),
    statusChangeTimestamp: time(72),
  } as wit.DescriptorStat;
}

function hash(answer: number): wit.MetadataHashValue {
  ok(answer);
  const { fields } = exchange();
  return { lower: fields.getBigUint64(0, true), upper: fields.getBigUint64(8, true) };
}

export class DirectoryEntryStream {
  readonly [REP]: number;

  constructor(number = NOBODY) {
    this[REP] = number;
  }

  readDirectoryEntry(): wit.DirectoryEntry | undefined {
    const answer = ok(core.readDirectoryEntry(this[REP]));
    const kind = answer & 15;
    return kind === NO_ENTRY ? undefined : { type: KINDS[kind]!, name: outText(answer >> 4) };
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
    return made(InputStream, core.readViaStream(this[REP], u64(offset)));
  }

  writeViaStream(offset: bigint): OutputStream {
    return made(OutputStream, core.writeViaStream(this[REP], u64(offset)));
  }

  appendViaStream(): OutputStream {
    return made(OutputStream, core.appendViaStream(this[REP]));
  }

  advise(offset: bigint, length: bigint, _advice: wit.Advice): void {
    ok(core.advise(this[REP], u64(offset), u64(length)));
  }

  syncData(): void {
    return done(core.syncData(this[REP]));
  }

  getFlags(): wit.DescriptorFlags {
    const set = ok(core.getFlags(this[REP]));
    const flags = DESCRIPTOR_FLAGS.map((name, bit) => [name, (set & (1 << bit)) !== 0]);
    return Object.fromEntries(flags) as wit.DescriptorFlags;
  }

  getType(): wit.DescriptorType {
    return KINDS[ok(core.getType(this[REP]))]!;
  }

  setSize(size: bigint): void {
    ok(core.setSize(this[REP], u64(size)));
  }

  setTimes(accessed: wit.NewTimestamp, modified: wit.NewTimestamp): void {
    return done(core.setTimes(this[REP], ...newTimestamp(accessed), ...newTimestamp(modified)));
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const [count, at] = [chunk(u64(length)), u64(offset)];
    let end = false;
    const bytes = readInto(count, (into, start) => {
      const answer = ok(core.read(this[REP], into, start, count, at));
      end = (answer & END) !== 0;
      return answer & ~END;
    });
    return [bytes, end];
  }

  write(buffer: Uint8Array, offset: bigint): bigint {
    const { length } = bytes(buffer);
    return BigInt(ok(core.write(this[REP], buffer, 0, length, u64(offset))));
  }

  readDirectory(): DirectoryEntryStream {
    return made(DirectoryEntryStream, core.readDirectory(this[REP]));
  }

  sync(): void {
    return done(core.sync(this[REP]));
  }

  createDirectoryAt(path: string): void {
    return done(core.createDirectoryAt(this[REP], putText(0, text(path))));
  }

  stat(): wit.DescriptorStat {
    return settle(core.stat(this[REP]), stat);
  }

  statAt(pathFlags: wit.PathFlags, path: string): wit.DescriptorStat {
    return settle(core.statAt(this[REP], follows(pathFlags), putText(0, text(path))), stat);
  }

  setTimesAt(
    pathFlags: wit.PathFlags,
    path: string,
    accessed: wit.NewTimestamp,
    modified: wit.NewTimestamp,
  ): void {
    const length = putText(0, text(path));
    const times = [...newTimestamp(accessed), ...newTimestamp(modified)] as const;
    return done(core.setTimesAt(this[REP], follows(pathFlags), length, ...times));
  }

  linkAt(
    oldPathFlags: wit.PathFlags,
    oldPath: string,
    newDescriptor: wit.Descriptor,
    newPath: string,
  ): void {
    const [from, to] = two(oldPath, newPath);
    const follow = follows(oldPathFlags);
    return done(core.linkAt(this[REP], follow, from, numberOf(newDescriptor), to));
  }

  openAt(
    pathFlags: wit.PathFlags,
    path: string,
    openFlags: wit.OpenFlags,
    flags: wit.DescriptorFlags,
  ): Descriptor {
    const [open, mode] = [bits(openFlags, OPEN_FLAGS), bits(flags, DESCRIPTOR_FLAGS)];
    const length = putText(0, text(path));
    return made(Descriptor, core.openAt(this[REP], follows(pathFlags), length, open, mode));
  }

  readlinkAt(path: string): string {
    const answer = core.readlinkAt(this[REP], putText(0, text(path)));
    return settle(answer, (answer) => outText(ok(answer)));
  }

  removeDirectoryAt(path: string): void {
    return done(core.removeDirectoryAt(this[REP], putText(0, text(path))));
  }

  renameAt(oldPath: string, newDescriptor: wit.Descriptor, newPath: string): void {
    const [from, to] = two(oldPath, newPath);
    return done(core.renameAt(this[REP], from, numberOf(newDescriptor), to));
  }

  symlinkAt(oldPath: string, newPath: string): void {
    return done(core.symlinkAt(this[REP], ...two(oldPath, newPath)));
  }

  unlinkFileAt(path: string): void {
    return done(core.unlinkFileAt(this[REP], putText(0, text(path))));
  }

  isSameObject(other: wit.Descriptor): boolean {
    return core.isSameObject(this[REP], numberOf(other));
  }

  metadataHash(): wit.MetadataHashValue {
    return settle(core.metadataHash(this[REP]), hash);
  }

  metadataHashAt(pathFlags: wit.PathFlags, path: string): wit.MetadataHashValue {
    return settle(core.metadataHashAt(this[REP], follows(pathFlags), putText(0, text(path))), hash);
  }

  [DISPOSE](): void {
    core.dropResource(this[REP]);
  }

  static [DROP](number: number): void {
    core.dropResource(number);
  }
}
