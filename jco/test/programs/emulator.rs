//! Keeps files as an emulator does that shows a directory to a virtual machine over 9P, and
//! says what is not as it should be: `emulator first`, then `emulator again` on what it left.
//! A third word, `plain`, leaves out symbolic links, which not every host passes on.
//! The directory is opened anew for each listing and read from its start, files are renamed
//! and removed while they are open, and an object is known by its inode number.

use std::collections::BTreeMap;
use std::process::exit;

mod wasi {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub fn path_open(
            fd: u32, lookup: u32, path: *const u8, length: usize, open: u32, rights: u64,
            inheriting: u64, flags: u32, into: *mut u32,
        ) -> u32;
        pub fn fd_close(fd: u32) -> u32;
        pub fn fd_pread(fd: u32, iovs: *const Iovec, count: usize, at: u64, n: *mut u32) -> u32;
        pub fn fd_pwrite(fd: u32, iovs: *const Iovec, count: usize, at: u64, n: *mut u32) -> u32;
        pub fn fd_readdir(fd: u32, into: *mut u8, room: usize, cookie: u64, n: *mut u32) -> u32;
        pub fn fd_filestat_get(fd: u32, into: *mut Filestat) -> u32;
        pub fn fd_filestat_set_size(fd: u32, size: u64) -> u32;
        pub fn path_filestat_get(
            fd: u32, flags: u32, path: *const u8, length: usize, into: *mut Filestat,
        ) -> u32;
        pub fn path_filestat_set_times(
            fd: u32, flags: u32, path: *const u8, length: usize, accessed: u64, modified: u64,
            times: u32,
        ) -> u32;
        pub fn path_create_directory(fd: u32, path: *const u8, length: usize) -> u32;
        pub fn path_remove_directory(fd: u32, path: *const u8, length: usize) -> u32;
        pub fn path_unlink_file(fd: u32, path: *const u8, length: usize) -> u32;
        pub fn path_link(
            fd: u32, flags: u32, path: *const u8, length: usize, to: u32, new: *const u8,
            new_length: usize,
        ) -> u32;
        pub fn path_rename(
            fd: u32, path: *const u8, length: usize, to: u32, new: *const u8, new_length: usize,
        ) -> u32;
        pub fn path_symlink(
            target: *const u8, target_length: usize, fd: u32, path: *const u8, length: usize,
        ) -> u32;
        pub fn path_readlink(
            fd: u32, path: *const u8, length: usize, into: *mut u8, room: usize, n: *mut u32,
        ) -> u32;
        pub fn poll_oneoff(from: *const u8, into: *mut u8, count: usize, n: *mut u32) -> u32;
    }

    #[repr(C)]
    pub struct Iovec {
        pub at: *const u8,
        pub length: usize,
    }

    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    pub struct Filestat {
        pub dev: u64,
        pub ino: u64,
        pub kind: u8,
        pub links: u64,
        pub size: u64,
        pub accessed: u64,
        pub modified: u64,
        pub changed: u64,
    }
}

use wasi::{Filestat, Iovec};

/// The mapped directory.
const MAPPED: u32 = 3;
/// What a 9P message holds of a listing.
const MESSAGE: usize = 8192 - 24;
const FILES: usize = 300;

#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(is: T, should: T, what: &str) {
    if is != should {
        let line = std::panic::Location::caller().line();
        println!("line {line}: {what}: {is:?} instead of {should:?}");
        exit(1);
    }
}

#[track_caller]
fn done(errno: u32, what: &str) {
    same(errno, 0, what);
}

fn open(path: &str, flags: u32, rights: u64) -> Result<u32, u32> {
    let mut fd = 0;
    // SAFETY: every pointer here and below is to memory that is there, of the length given.
    let errno = unsafe {
        wasi::path_open(MAPPED, 1, path.as_ptr(), path.len(), flags, rights, rights, 0, &mut fd)
    };
    if errno == 0 { Ok(fd) } else { Err(errno) }
}

const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 6;
const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;

#[track_caller]
fn file(path: &str) -> u32 {
    let opened = open(path, CREATE, READ | WRITE);
    same(opened.is_ok(), true, path);
    opened.unwrap_or_default()
}

fn write(fd: u32, bytes: &[u8], at: u64) {
    let (half, mut count) = (bytes.len() / 2, 0);
    let iovs = [
        Iovec { at: bytes.as_ptr(), length: half },
        Iovec { at: bytes[half..].as_ptr(), length: bytes.len() - half },
    ];
    done(unsafe { wasi::fd_pwrite(fd, iovs.as_ptr(), 2, at, &mut count) }, "fd_pwrite");
    same(count as usize, bytes.len(), "bytes written");
}

fn read(fd: u32, most: usize, at: u64) -> Vec<u8> {
    let (mut bytes, mut count) = (vec![0; most], 0);
    let iov = Iovec { at: bytes.as_mut_ptr(), length: most };
    done(unsafe { wasi::fd_pread(fd, &iov, 1, at, &mut count) }, "fd_pread");
    bytes.truncate(count as usize);
    bytes
}

fn stat(path: &str) -> Result<Filestat, u32> {
    let mut stat = Filestat::default();
    let errno = unsafe {
        wasi::path_filestat_get(MAPPED, 0, path.as_ptr(), path.len(), &mut stat)
    };
    if errno == 0 { Ok(stat) } else { Err(errno) }
}

/// Every entry with its inode number, read message by message: each opens the directory anew
/// and passes over what the ones before it have told.
fn list(path: &str) -> BTreeMap<String, u64> {
    let mut entries = BTreeMap::new();
    let mut told = 0;
    loop {
        let fd = open(path, DIRECTORY, READ).unwrap_or_default();
        let (mut cookie, mut index, mut message) = (0, 0, 0);
        let before = told;
        'listing: loop {
            let (mut bytes, mut used) = (vec![0_u8; 4096], 0);
            let errno = unsafe {
                wasi::fd_readdir(fd, bytes.as_mut_ptr(), bytes.len(), cookie, &mut used)
            };
            done(errno, "fd_readdir");
            let mut at = 0;
            while at + 24 <= used as usize {
                let number = |from: usize| {
                    u64::from_le_bytes(bytes[at + from..at + from + 8].try_into().expect("eight"))
                };
                let length = (number(16) & 0xffff_ffff) as usize;
                if at + 24 + length > used as usize {
                    break;
                }
                let name = String::from_utf8_lossy(&bytes[at + 24..at + 24 + length]).into_owned();
                if index >= told {
                    message += 24 + length;
                    if message > MESSAGE {
                        break 'listing;
                    }
                    same(entries.insert(name.clone(), number(8)), None, &name);
                    told += 1;
                }
                index += 1;
                cookie = number(0);
                at += 24 + length;
            }
            if (used as usize) < bytes.len() {
                break;
            }
        }
        done(unsafe { wasi::fd_close(fd) }, "fd_close");
        if told == before {
            return entries;
        }
    }
}

fn two(call: unsafe extern "C" fn(u32, *const u8, usize, u32, *const u8, usize) -> u32, a: &str, b: &str) {
    done(unsafe { call(MAPPED, a.as_ptr(), a.len(), MAPPED, b.as_ptr(), b.len()) }, b);
}

fn one(call: unsafe extern "C" fn(u32, *const u8, usize) -> u32, path: &str) -> u32 {
    unsafe { call(MAPPED, path.as_ptr(), path.len()) }
}

/// Waits for a clock, 5 ms.
fn wait() {
    let (mut subscription, mut event, mut count) = ([0_u8; 48], [0_u8; 32], 0);
    subscription[0] = 9;
    subscription[16] = 1;
    subscription[24..32].copy_from_slice(&5_000_000_u64.to_le_bytes());
    let errno = unsafe {
        wasi::poll_oneoff(subscription.as_ptr(), event.as_mut_ptr(), 1, &mut count)
    };
    done(errno, "poll_oneoff");
    same((count, event[0]), (1, 9), "the event");
}

fn first(plain: bool) {
    done(one(wasi::path_create_directory, "d"), "path_create_directory");
    for index in 0..FILES {
        let fd = file(&format!("d/file-{index}-with-a-name-of-some-length"));
        write(fd, format!("content {index}").as_bytes(), 0);
        done(unsafe { wasi::fd_close(fd) }, "fd_close");
    }
    let listed = list("d");
    same(listed.len(), FILES + 2, "entries");
    let mut inodes: Vec<_> = listed.iter().filter(|(name, _)| !name.starts_with('.')).collect();
    for (name, inode) in &inodes {
        let known = stat(&format!("d/{name}")).map(|stat| stat.ino);
        same(known, Ok(**inode), name);
    }
    inodes.sort_by_key(|(_, inode)| **inode);
    inodes.dedup_by_key(|(_, inode)| **inode);
    same(inodes.len(), FILES, "different inode numbers");
    wait();

    // Renamed and removed while open.
    let fd = file("d/open");
    write(fd, b"before", 0);
    two(wasi::path_rename, "d/open", "d/moved");
    write(fd, b" and after", 6);
    let ino = stat("d/moved").map(|stat| stat.ino);
    let mut own = Filestat::default();
    done(unsafe { wasi::fd_filestat_get(fd, &mut own) }, "fd_filestat_get");
    same(ino, Ok(own.ino), "the inode number after a rename");
    done(one(wasi::path_unlink_file, "d/moved"), "path_unlink_file");
    same(read(fd, 100, 0), b"before and after".to_vec(), "what is read after removal");
    done(unsafe { wasi::fd_filestat_get(fd, &mut own) }, "fd_filestat_get");
    same(own.links, 0, "links after removal");
    done(unsafe { wasi::fd_close(fd) }, "fd_close");

    let fd = file("kept");
    write(fd, b"0123456789", 0);
    done(unsafe { wasi::fd_filestat_set_size(fd, 4) }, "fd_filestat_set_size");
    done(unsafe { wasi::fd_filestat_set_size(fd, 6) }, "fd_filestat_set_size");
    same(read(fd, 10, 0), b"0123\0\0".to_vec(), "after cutting and growing");
    done(unsafe { wasi::fd_close(fd) }, "fd_close");
    let path = "kept";
    let errno = unsafe {
        wasi::path_filestat_set_times(
            MAPPED, 0, path.as_ptr(), path.len(), 1_000_000_001, 2_000_000_002, 1 | 4,
        )
    };
    done(errno, "path_filestat_set_times");

    let (path, new) = ("kept", "twin");
    let errno = unsafe {
        wasi::path_link(MAPPED, 0, path.as_ptr(), path.len(), MAPPED, new.as_ptr(), new.len())
    };
    done(errno, "path_link");
    if !plain {
        let (target, path) = ("kept", "sign");
        let errno = unsafe {
            wasi::path_symlink(target.as_ptr(), target.len(), MAPPED, path.as_ptr(), path.len())
        };
        done(errno, "path_symlink");
    }

    // Everything goes while it is listed, as `rm -r` of a guest has it.
    let mut left = list("d");
    while left.len() > 2 {
        for name in left.keys().filter(|name| !name.starts_with('.')).take(100) {
            done(one(wasi::path_unlink_file, &format!("d/{name}")), name);
        }
        left = list("d");
    }
    done(one(wasi::path_remove_directory, "d"), "path_remove_directory");
}

fn again(plain: bool) {
    let names: Vec<_> = list(".").into_keys().filter(|name| !name.starts_with('.')).collect();
    let mut known = vec!["kept", "sign", "twin"];
    known.retain(|name| !plain || *name != "sign");
    same(names, known.into_iter().map(String::from).collect(), "names");
    let kept = stat("kept").unwrap_or_default();
    same((kept.links, kept.size), (2, 6), "links and size");
    same((kept.accessed, kept.modified), (1_000_000_001, 2_000_000_002), "times");
    same(stat("twin").map(|twin| twin.ino), Ok(kept.ino), "the inode number of the twin");
    same(stat("d").err(), Some(44), "what was removed");
    if plain {
        return;
    }
    let (mut target, mut count, path) = ([0; 16], 0, "sign");
    let errno = unsafe {
        wasi::path_readlink(
            MAPPED, path.as_ptr(), path.len(), target.as_mut_ptr(), target.len(), &mut count,
        )
    };
    done(errno, "path_readlink");
    same(&target[..count as usize], b"kept".as_slice(), "the target");
}

fn main() {
    let plain = std::env::args().nth(2).is_some();
    match std::env::args().nth(1).as_deref() {
        Some("first") => first(plain),
        Some("again") => again(plain),
        other => same(other, Some("first, or again"), "the argument"),
    }
    println!("as it should be");
}
