// Tells of each call on files of a preview1 guest, in the same words as the native host.

import type { TraceEvent, TraceListener } from './trace.js';
import type { Begin } from './wasi-import.js';

/**
 * The arguments of each call that are told, in their order: a path or the end of a link (`to`)
 * takes up two, `-` are others. A `result` is stored where the argument says, in 32 bits, or
 * in 64 if it is `wide`.
 */
const CALLS: Readonly<Record<string, string>> = {
  fd_advise: 'descriptor offset length',
  fd_allocate: 'descriptor offset length',
  fd_close: 'descriptor',
  fd_datasync: 'descriptor',
  fd_fdstat_get: 'descriptor',
  fd_fdstat_set_flags: 'descriptor',
  fd_fdstat_set_rights: 'descriptor',
  fd_filestat_get: 'descriptor',
  fd_filestat_set_size: 'descriptor length',
  fd_filestat_set_times: 'descriptor',
  fd_pread: 'descriptor - - offset result',
  fd_prestat_dir_name: 'descriptor - length',
  fd_prestat_get: 'descriptor',
  fd_pwrite: 'descriptor - - offset result',
  fd_read: 'descriptor - - result',
  fd_readdir: 'descriptor - length - result',
  fd_renumber: 'descriptor',
  fd_seek: 'descriptor offset - wide',
  fd_sync: 'descriptor',
  fd_tell: 'descriptor wide',
  fd_write: 'descriptor - - result',
  path_create_directory: 'descriptor path',
  path_filestat_get: 'descriptor - path',
  path_filestat_set_times: 'descriptor - path',
  path_link: 'descriptor - path - to',
  path_open: 'descriptor - path - - - - result',
  path_readlink: 'descriptor path - length result',
  path_remove_directory: 'descriptor path',
  path_rename: 'descriptor path - to',
  path_symlink: 'to descriptor path',
  path_unlink_file: 'descriptor path',
};

/** The names of the error numbers, which are the witx's. */
const ERRNOS =
  'ok 2big acces addrinuse addrnotavail afnosupport again already badf badmsg busy canceled ' +
  'child connaborted connrefused connreset deadlk destaddrreq dom dquot exist fault fbig ' +
  'hostunreach idrm ilseq inprogress intr inval io isconn isdir loop mfile mlink msgsize ' +
  'multihop nametoolong netdown netreset netunreach nfile nobufs nodev noent noexec nolck ' +
  'nolink nomem nomsg noprotoopt nospc nosys notconn notdir notempty notrecoverable notsock ' +
  'notsup notty nxio overflow ownerdead perm pipe proto protonosupport prototype range rofs ' +
  'spipe srch stale timedout txtbsy xdev notcapable';
const NAMES = ERRNOS.split(' ');

/** The most bytes that are shown of a path: it cannot have more. */
const PATH_MAX = 4095;

/** The guest's memory, once it has one. */
type Memory = () => WebAssembly.Memory | undefined;

/** What the listener is told of: each call on files. */
export function begins(listener: TraceListener, memory: Memory): Begin {
  return (call, args) => {
    const told = CALLS[call];
    if (told === undefined) {
      return undefined;
    }
    const { event, result } = begin(call, told, args, memory);
    const start = performance.now();
    return (answered) => {
      const us = (performance.now() - start) * 1000;
      const value = answered === 0 ? result?.() : undefined;
      const made = value === undefined ? {} : { result: value };
      const answer = answered < 0 ? 'fault' : (NAMES[answered] ?? 'unknown');
      listener({ ...event, answer, ...made, us });
    };
  };
}

/** What is known when a call begins, and how its result is read when it has ended. */
function begin(
  call: string,
  told: string,
  args: readonly unknown[],
  memory: Memory,
): { event: Omit<TraceEvent, 'answer' | 'us'>; result?: () => number | undefined } {
  const event: Omit<TraceEvent, 'answer' | 'us'> = { call };
  const value = args[Symbol.iterator]();
  const number = (): number => Number(value.next().value) >>> 0;
  let result: (() => number | undefined) | undefined;
  for (const word of told.split(' ')) {
    switch (word) {
      case 'descriptor':
        event.descriptor = number();
        break;
      case 'path':
      case 'to': {
        const text = path(memory, number(), number());
        Object.assign(event, text === undefined ? {} : { [word]: text });
        break;
      }
      case 'offset': {
        const offset = value.next().value as bigint;
        Object.assign(event, offset < 0n ? {} : { offset });
        break;
      }
      case 'length': {
        const length = value.next().value as number | bigint;
        event.length = typeof length === 'bigint' ? length : BigInt(length >>> 0);
        break;
      }
      case 'result':
      case 'wide': {
        const at = number();
        result = () => stored(memory, at, word === 'wide');
        break;
      }
      default:
        value.next();
    }
  }
  return result ? { event, result } : { event };
}

function path(memory: Memory, at: number, length: number): string | undefined {
  const { buffer } = memory() ?? {};
  const end = at + Math.min(length, PATH_MAX);
  // A decoder does not take memory that threads share.
  return buffer && end <= buffer.byteLength
    ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(buffer).slice(at, end))
    : undefined;
}

function stored(memory: Memory, at: number, wide: boolean): number | undefined {
  const { buffer } = memory() ?? {};
  if (!buffer || at + (wide ? 8 : 4) > buffer.byteLength) {
    return undefined;
  }
  const view = new DataView(buffer);
  return wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
}
