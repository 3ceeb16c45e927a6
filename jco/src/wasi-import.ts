// The functions of `wasi_snapshot_preview1` for one guest: each is the core's, with the
// guest's number in front.

import * as core from './core/wasi_opfs.js';

/** Thrown through a guest that has called `proc_exit`. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;

  constructor(code: number) {
    super(`the program exited with code ${code}`);
    this.code = code;
  }
}

/** The functions by their names. */
export type WasiImport = Record<string, (...args: never[]) => unknown>;

/** An error number, 0 for success; or a promise of one, for a guest that is suspended. */
type Answer = number | Promise<number>;

// What the core answers if it is no error number.
const FAULT = -1;
const THROWN = -2;
const PROMISE = -3;

function other(guest: number, answered: number): Answer {
  switch (answered) {
    case FAULT:
      throw new WebAssembly.RuntimeError(
        "a pointer leads outside of the guest's memory, or the guest is closed",
      );
    case THROWN:
      throw core.p1Left(guest);
    case PROMISE:
      return (core.p1Left(guest) as Promise<number>).then((later) =>
        later < 0 ? other(guest, later) : later,
      );
    default:
      throw new Error(`the core answered ${answered}`);
  }
}

/** All functions, for the guest with the number `g`. */
export function wasiImport(g: number): WasiImport {
  const a = (answered: number): Answer => (answered < 0 ? other(g, answered) : answered);
  return {
    args_get: (argv: number, buffer: number): Answer => a(core.args_get(g, argv, buffer)),
    args_sizes_get: (count: number, size: number): Answer =>
      a(core.args_sizes_get(g, count, size)),
    environ_get: (environ: number, buffer: number): Answer =>
      a(core.environ_get(g, environ, buffer)),
    environ_sizes_get: (count: number, size: number): Answer =>
      a(core.environ_sizes_get(g, count, size)),
    clock_res_get: (id: number, into: number): Answer => a(core.clock_res_get(g, id, into)),
    clock_time_get: (id: number, precision: bigint, into: number): Answer =>
      a(core.clock_time_get(g, id, precision, into)),
    fd_advise: (fd: number, offset: bigint, length: bigint, advice: number): Answer =>
      a(core.fd_advise(g, fd, offset, length, advice)),
    fd_allocate: (fd: number, offset: bigint, length: bigint): Answer =>
      a(core.fd_allocate(g, fd, offset, length)),
    fd_close: (fd: number): Answer => a(core.fd_close(g, fd)),
    fd_fdstat_get: (fd: number, into: number): Answer => a(core.fd_fdstat_get(g, fd, into)),
    fd_fdstat_set_flags: (fd: number, flags: number): Answer =>
      a(core.fd_fdstat_set_flags(g, fd, flags)),
    fd_fdstat_set_rights: (fd: number, rights: bigint, inheriting: bigint): Answer =>
      a(core.fd_fdstat_set_rights(g, fd, rights, inheriting)),
    fd_filestat_set_size: (fd: number, size: bigint): Answer =>
      a(core.fd_filestat_set_size(g, fd, size)),
    fd_pread: (fd: number, iovs: number, count: number, offset: bigint, into: number): Answer =>
      a(core.fd_pread(g, fd, iovs, count, offset, into)),
    fd_prestat_get: (fd: number, into: number): Answer => a(core.fd_prestat_get(g, fd, into)),
    fd_prestat_dir_name: (fd: number, into: number, length: number): Answer =>
      a(core.fd_prestat_dir_name(g, fd, into, length)),
    fd_pwrite: (
      fd: number,
      iovs: number,
      count: number,
      offset: bigint,
      into: number,
    ): Answer =>
      a(core.fd_pwrite(g, fd, iovs, count, offset, into)),
    fd_renumber: (fd: number, to: number): Answer => a(core.fd_renumber(g, fd, to)),
    fd_tell: (fd: number, into: number): Answer => a(core.fd_tell(g, fd, into)),
    proc_raise: (signal: number): Answer => a(core.proc_raise(g, signal)),
    random_get: (into: number, length: number): Answer => a(core.random_get(g, into, length)),
    sched_yield: (): Answer => a(core.sched_yield(g)),
    sock_accept: (fd: number, flags: number, into: number): Answer =>
      a(core.sock_accept(g, fd, flags, into)),
    sock_recv: (
      fd: number,
      iovs: number,
      count: number,
      flags: number,
      size: number,
      told: number,
    ): Answer =>
      a(core.sock_recv(g, fd, iovs, count, flags, size, told)),
    sock_send: (fd: number, iovs: number, count: number, flags: number, size: number): Answer =>
      a(core.sock_send(g, fd, iovs, count, flags, size)),
    sock_shutdown: (fd: number, how: number): Answer => a(core.sock_shutdown(g, fd, how)),
    fd_datasync: (fd: number): Answer => a(core.fd_datasync(g, fd)),
    fd_filestat_get: (fd: number, into: number): Answer => a(core.fd_filestat_get(g, fd, into)),
    fd_filestat_set_times: (
      fd: number,
      accessed: bigint,
      modified: bigint,
      flags: number,
    ): Answer =>
      a(core.fd_filestat_set_times(g, fd, accessed, modified, flags)),
    fd_read: (fd: number, iovs: number, count: number, into: number): Answer =>
      a(core.fd_read(g, fd, iovs, count, into)),
    fd_readdir: (
      fd: number,
      buffer: number,
      length: number,
      cookie: bigint,
      into: number,
    ): Answer =>
      a(core.fd_readdir(g, fd, buffer, length, cookie, into)),
    fd_seek: (fd: number, offset: bigint, whence: number, into: number): Answer =>
      a(core.fd_seek(g, fd, offset, whence, into)),
    fd_sync: (fd: number): Answer => a(core.fd_sync(g, fd)),
    fd_write: (fd: number, iovs: number, count: number, into: number): Answer =>
      a(core.fd_write(g, fd, iovs, count, into)),
    path_create_directory: (fd: number, path: number, length: number): Answer =>
      a(core.path_create_directory(g, fd, path, length)),
    path_filestat_get: (
      fd: number,
      flags: number,
      path: number,
      length: number,
      into: number,
    ): Answer =>
      a(core.path_filestat_get(g, fd, flags, path, length, into)),
    path_filestat_set_times: (
      fd: number,
      flags: number,
      path: number,
      length: number,
      accessed: bigint,
      modified: bigint,
      times: number,
    ): Answer =>
      a(core.path_filestat_set_times(g, fd, flags, path, length, accessed, modified, times)),
    path_link: (
      oldFd: number,
      oldFlags: number,
      oldPath: number,
      oldLength: number,
      newFd: number,
      newPath: number,
      newLength: number,
    ): Answer =>
      a(core.path_link(g, oldFd, oldFlags, oldPath, oldLength, newFd, newPath, newLength)),
    path_open: (
      fd: number,
      lookup: number,
      path: number,
      length: number,
      open: number,
      rights: bigint,
      inheriting: bigint,
      flags: number,
      into: number,
    ): Answer =>
      a(core.path_open(g, fd, lookup, path, length, open, rights, inheriting, flags, into)),
    path_readlink: (
      fd: number,
      path: number,
      length: number,
      buffer: number,
      room: number,
      into: number,
    ): Answer =>
      a(core.path_readlink(g, fd, path, length, buffer, room, into)),
    path_remove_directory: (fd: number, path: number, length: number): Answer =>
      a(core.path_remove_directory(g, fd, path, length)),
    path_rename: (
      oldFd: number,
      oldPath: number,
      oldLength: number,
      newFd: number,
      newPath: number,
      newLength: number,
    ): Answer =>
      a(core.path_rename(g, oldFd, oldPath, oldLength, newFd, newPath, newLength)),
    path_symlink: (
      target: number,
      targetLength: number,
      fd: number,
      path: number,
      length: number,
    ): Answer =>
      a(core.path_symlink(g, target, targetLength, fd, path, length)),
    path_unlink_file: (fd: number, path: number, length: number): Answer =>
      a(core.path_unlink_file(g, fd, path, length)),
    poll_oneoff: (subscriptions: number, events: number, count: number, into: number): Answer =>
      a(core.poll_oneoff(g, subscriptions, events, count, into)),
    proc_exit: (code: number): never => {
      throw new Exit(code >>> 0);
    },
  };
}
