//! Every function of `wasi_snapshot_preview1`, once, with the types that it has in
//! WebAssembly: each way to offer them is made from this list.

/// Hands the list to the macro `$with`: `now` are done at once, `may_wait` are those that a
/// mount or a device may keep waiting. `proc_exit`, which does not return, is not in it.
macro_rules! for_each_call {
    ($with:ident) => {
        $with! {
            now {
                args_get(argv: u32, buffer: u32);
                args_sizes_get(count: u32, size: u32);
                environ_get(environ: u32, buffer: u32);
                environ_sizes_get(count: u32, size: u32);
                clock_res_get(id: u32, into: u32);
                clock_time_get(id: u32, precision: u64, into: u32);
                fd_advise(fd: u32, offset: u64, length: u64, advice: u32);
                fd_allocate(fd: u32, offset: u64, length: u64);
                fd_close(fd: u32);
                fd_fdstat_get(fd: u32, into: u32);
                fd_fdstat_set_flags(fd: u32, flags: u32);
                fd_fdstat_set_rights(fd: u32, rights: u64, inheriting: u64);
                fd_filestat_set_size(fd: u32, size: u64);
                fd_pread(fd: u32, iovs: u32, count: u32, offset: u64, into: u32);
                fd_prestat_get(fd: u32, into: u32);
                fd_prestat_dir_name(fd: u32, into: u32, length: u32);
                fd_pwrite(fd: u32, iovs: u32, count: u32, offset: u64, into: u32);
                fd_renumber(fd: u32, to: u32);
                fd_tell(fd: u32, into: u32);
                proc_raise(signal: u32);
                random_get(into: u32, length: u32);
                sched_yield();
                sock_accept(fd: u32, flags: u32, into: u32);
                sock_recv(fd: u32, iovs: u32, count: u32, flags: u32, size: u32, told: u32);
                sock_send(fd: u32, iovs: u32, count: u32, flags: u32, size: u32);
                sock_shutdown(fd: u32, how: u32);
            }
            may_wait {
                fd_datasync(fd: u32);
                fd_filestat_get(fd: u32, into: u32);
                fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, flags: u32);
                fd_read(fd: u32, iovs: u32, count: u32, into: u32);
                fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64, into: u32);
                fd_seek(fd: u32, offset: i64, whence: u32, into: u32);
                fd_sync(fd: u32);
                fd_write(fd: u32, iovs: u32, count: u32, into: u32);
                path_create_directory(fd: u32, path: u32, length: u32);
                path_filestat_get(fd: u32, flags: u32, path: u32, length: u32, into: u32);
                path_filestat_set_times(
                    fd: u32, flags: u32, path: u32, length: u32, accessed: u64, modified: u64,
                    times: u32
                );
                path_link(
                    old_fd: u32, old_flags: u32, old_path: u32, old_length: u32, new_fd: u32,
                    new_path: u32, new_length: u32
                );
                path_open(
                    fd: u32, lookup: u32, path: u32, length: u32, open: u32, rights: u64,
                    inheriting: u64, flags: u32, into: u32
                );
                path_readlink(
                    fd: u32, path: u32, length: u32, buffer: u32, room: u32, into: u32
                );
                path_remove_directory(fd: u32, path: u32, length: u32);
                path_rename(
                    old_fd: u32, old_path: u32, old_length: u32, new_fd: u32, new_path: u32,
                    new_length: u32
                );
                path_symlink(
                    target: u32, target_length: u32, fd: u32, path: u32, length: u32
                );
                path_unlink_file(fd: u32, path: u32, length: u32);
                poll_oneoff(subscriptions: u32, events: u32, count: u32, into: u32);
            }
        }
    };
}

pub(super) use for_each_call;
