// The fast form of `wasi:filesystem/types`: functions that jco links to a component as they
// are, with its memory and its handles in reach. Arguments come flat and results go where
// the canonical ABI has them; a file's bytes move once, between the storage and the guest.
// What a call means is the core's, as it is for the classes, and both share resources.

import * as core from '../core/wasi_opfs.js';
import { END, NO_ENTRY } from '../descriptor.js';
import { type HandleTable, findNumber, numberOfHandle } from './handles.js';
import type { Lowering } from './linkage.js';
import { type GuestMemory, guestMemory } from './memory.js';
import { assertGiven } from './streams.js';
import {
  type Finish,
  answered,
  byte,
  code,
  count,
  handle,
  hash,
  insist,
  outToGuest,
  path,
  stat,
} from './results.js';

/** A method that takes nothing. */
const plain =
  (call: (number: number) => number, finish: Finish): Lowering =>
  ({ memory, resourceTables: [table] }) => {
    const guest = guestMemory(memory);
    return (self: number, at: number) =>
      answered(guest, at, call(numberOfHandle(table!, self)), finish);
  };

/** A method that takes a path. */
const at =
  (call: (number: number, path: number) => number, finish: Finish): Lowering =>
  ({ memory, resourceTables: [table] }) => {
    const guest = guestMemory(memory);
    return (self: number, start: number, length: number, result: number) => {
      const number = numberOfHandle(table!, self);
      return answered(guest, result, call(number, path(guest, 0, start, length)), finish);
    };
  };

/** A method that takes path flags and a path. */
const flagsAt =
  (call: (number: number, flags: number, path: number) => number, finish: Finish): Lowering =>
  ({ memory, resourceTables: [table] }) => {
    const guest = guestMemory(memory);
    return (self: number, flags: number, start: number, length: number, result: number) => {
      const number = numberOfHandle(table!, self);
      return answered(guest, result, call(number, flags, path(guest, 0, start, length)), finish);
    };
  };

/** Makes a stream; the table of streams comes first, because it is declared first. */
const maker =
  (call: (number: number, offset: bigint) => number): Lowering =>
  ({ memory, resourceTables: [streams, table] }) => {
    const guest = guestMemory(memory);
    const finish = handle(streams!);
    return (self: number, offset: bigint, result: number) => {
      assertGiven();
      return answered(guest, result, call(numberOfHandle(table!, self), offset), finish);
    };
  };

const appendViaStream: Lowering = ({ memory, resourceTables: [streams, table] }) => {
  const guest = guestMemory(memory);
  const finish = handle(streams!);
  return (self: number, result: number) => {
    assertGiven();
    return answered(guest, result, core.appendViaStream(numberOfHandle(table!, self)), finish);
  };
};

/** How many cases `advice` and `new-timestamp` have. */
const ADVICES = 6;
const NEW_TIMESTAMPS = 3;

const advise: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, offset: bigint, length: bigint, advice: number, result: number) => {
    insist(advice, ADVICES);
    return answered(guest, result, core.advise(numberOfHandle(table!, self), offset, length), byte);
  };
};

const setSize: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, size: bigint, result: number) =>
    answered(guest, result, core.setSize(numberOfHandle(table!, self), size), byte);
};

type Time = [kind: number, seconds: bigint, nanoseconds: number];

const setTimes: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, ...rest: [...Time, ...Time, number]) => {
    const [kind, seconds, nanoseconds, kind2, seconds2, nanoseconds2, result] = rest;
    const number = numberOfHandle(table!, self);
    insist(kind, NEW_TIMESTAMPS);
    insist(kind2, NEW_TIMESTAMPS);
    const times = [kind, seconds, nanoseconds, kind2, seconds2, nanoseconds2] as const;
    return answered(guest, result, core.setTimes(number, ...times), byte);
  };
};

const setTimesAt: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (
    self: number,
    flags: number,
    start: number,
    ...rest: [number, ...Time, ...Time, number]
  ) => {
    const [length, kind, seconds, nanoseconds, kind2, seconds2, nanoseconds2, result] = rest;
    const number = numberOfHandle(table!, self);
    const count = path(guest, 0, start, length);
    insist(kind, NEW_TIMESTAMPS);
    insist(kind2, NEW_TIMESTAMPS);
    const times = [kind, seconds, nanoseconds, kind2, seconds2, nanoseconds2] as const;
    return answered(guest, result, core.setTimesAt(number, flags, count, ...times), byte);
  };
};

const read: Lowering = ({ memory, realloc, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, length: bigint, offset: bigint, result: number) => {
    const at = result >>> 0;
    const number = numberOfHandle(table!, self);
    let answer = core.readable(number, length, offset);
    let place = 1;
    if (answer > 0) {
      place = realloc(0, 0, 1, answer) >>> 0;
      guest.reach(place, answer, 1);
      answer = core.read(number, guest.bytes, place, answer, offset);
    } else if (answer === 0) {
      // Whether the file ends there; and it is to know that it was read.
      answer = core.read(number, guest.bytes, 0, 0, offset);
    }
    guest.reach(at, 16, 4);
    guest.bytes[at] = answer < 0 ? 1 : 0;
    if (answer < 0) {
      guest.bytes[at + 4] = code(answer);
      return;
    }
    guest.words[(at + 4) >>> 2] = place;
    guest.words[(at + 8) >>> 2] = answer & ~END;
    guest.bytes[at + 12] = answer & END ? 1 : 0;
  };
};

const write: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, start: number, length: number, offset: bigint, result: number) => {
    const [from, size] = [start >>> 0, length >>> 0];
    const number = numberOfHandle(table!, self);
    guest.reach(from, size, 1);
    return answered(guest, result, core.write(number, guest.bytes, from, size, offset), count);
  };
};

const readDirectory: Lowering = ({ memory, resourceTables }) => {
  const guest = guestMemory(memory);
  const [first, second] = resourceTables as [HandleTable, HandleTable];
  // Two types of one interface: which table is whose is known once there is a descriptor.
  let tables: [descriptors: HandleTable, entries: HandleTable] | undefined;
  const has = (table: HandleTable, self: number) => core.getType(findNumber(table, self)) >= 0;
  return (self: number, result: number) => {
    if (!tables) {
      if (has(first, self)) {
        tables = [first, second];
      } else if (has(second, self)) {
        tables = [second, first];
      }
    }
    const [descriptors, entries] = tables ?? [first, second];
    const answer = core.readDirectory(numberOfHandle(descriptors, self));
    return answered(guest, result, answer, handle(entries));
  };
};

const openAt: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  const finish = handle(table!);
  return (
    self: number,
    follow: number,
    start: number,
    length: number,
    open: number,
    flags: number,
    result: number,
  ) => {
    const number = numberOfHandle(table!, self);
    const opened = core.openAt(number, follow, path(guest, 0, start, length), open, flags);
    return answered(guest, result, opened, finish);
  };
};

/** Where a link or a rename leads from and where to, and where its result goes. */
type Ends = [
  start: number,
  length: number,
  base: number,
  newStart: number,
  newLength: number,
  result: number,
];

/** The old path's length, the number of the new base, the new path's length. */
function ends(guest: GuestMemory, table: HandleTable, given: Ends): [number, number, number] {
  const [start, length, base, newStart, newLength] = given;
  const to = numberOfHandle(table, base);
  return [path(guest, 0, start, length), to, path(guest, 1, newStart, newLength)];
}

const linkAt: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, follow: number, ...given: Ends) => {
    const number = numberOfHandle(table!, self);
    const answer = core.linkAt(number, follow, ...ends(guest, table!, given));
    return answered(guest, given[5], answer, byte);
  };
};

const renameAt: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, ...given: Ends) => {
    const number = numberOfHandle(table!, self);
    const answer = core.renameAt(number, ...ends(guest, table!, given));
    return answered(guest, given[5], answer, byte);
  };
};

const symlinkAt: Lowering = ({ memory, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (
    self: number,
    start: number,
    length: number,
    newStart: number,
    newLength: number,
    result: number,
  ) => {
    const number = numberOfHandle(table!, self);
    const [old, name] = [path(guest, 0, start, length), path(guest, 1, newStart, newLength)];
    return answered(guest, result, core.symlinkAt(number, old, name), byte);
  };
};

const readlinkAt: Lowering = ({ memory, realloc, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  const finish: Finish = (guest, at, answer) => {
    const place = answer < 0 ? 0 : outToGuest(guest, realloc, answer);
    guest.reach(at, 12, 4);
    guest.bytes[at] = answer < 0 ? 1 : 0;
    if (answer < 0) {
      guest.bytes[at + 4] = code(answer);
    } else {
      guest.words[(at + 4) >>> 2] = place;
      guest.words[(at + 8) >>> 2] = answer;
    }
  };
  return (self: number, start: number, length: number, result: number) => {
    const number = numberOfHandle(table!, self);
    return answered(guest, result, core.readlinkAt(number, path(guest, 0, start, length)), finish);
  };
};

const isSameObject: Lowering =
  ({ resourceTables: [table] }) =>
  (self: number, other: number) =>
    core.isSameObject(numberOfHandle(table!, self), numberOfHandle(table!, other)) ? 1 : 0;

const readDirectoryEntry: Lowering = ({ memory, realloc, resourceTables: [table] }) => {
  const guest = guestMemory(memory);
  return (self: number, result: number) => {
    const at = result >>> 0;
    const answer = core.readDirectoryEntry(numberOfHandle(table!, self));
    const some = answer >= 0 && (answer & 15) !== NO_ENTRY;
    const place = some ? outToGuest(guest, realloc, answer >> 4) : 0;
    guest.reach(at, 20, 4);
    guest.bytes[at] = answer < 0 ? 1 : 0;
    guest.bytes[at + 4] = answer < 0 ? code(answer) : some ? 1 : 0;
    if (some) {
      guest.bytes[at + 8] = answer & 15;
      guest.words[(at + 12) >>> 2] = place;
      guest.words[(at + 16) >>> 2] = answer >> 4;
    }
  };
};

/** Of `Descriptor`, method by method. */
export const descriptor: Record<string, Lowering> = {
  readViaStream: maker(core.readViaStream),
  writeViaStream: maker(core.writeViaStream),
  appendViaStream,
  advise,
  syncData: plain(core.syncData, byte),
  getFlags: plain(core.getFlags, byte),
  getType: plain(core.getType, byte),
  setSize,
  setTimes,
  read,
  write,
  readDirectory,
  sync: plain(core.sync, byte),
  createDirectoryAt: at(core.createDirectoryAt, byte),
  stat: plain(core.stat, stat),
  statAt: flagsAt(core.statAt, stat),
  setTimesAt,
  linkAt,
  openAt,
  readlinkAt,
  removeDirectoryAt: at(core.removeDirectoryAt, byte),
  renameAt,
  symlinkAt,
  unlinkFileAt: at(core.unlinkFileAt, byte),
  isSameObject,
  metadataHash: plain(core.metadataHash, hash),
  metadataHashAt: flagsAt(core.metadataHashAt, hash),
};

/** Of `DirectoryEntryStream`. */
export const entries: Record<string, Lowering> = { readDirectoryEntry };
