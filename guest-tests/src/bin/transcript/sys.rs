//! What the standard library has no stable name for on WASI, from wasi-libc, whose calls are
//! the same ones that it uses itself.

use std::ffi::{CStr, CString, c_int};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};

/// What a name or a descriptor stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    Character,
    Other,
}

/// The part of `stat` that is told.
#[derive(Debug, PartialEq)]
pub(crate) struct Stat {
    pub(crate) kind: Kind,
    pub(crate) size: i64,
    pub(crate) links: u64,
    /// Which object it is; never printed.
    pub(crate) id: (u64, u64),
    /// Seconds and nanoseconds of the last access and the last change.
    pub(crate) times: [(i64, i64); 2],
}

/// A name that goes on from the file system's root, or from the directory `at`.
const NO_DIRECTORY: c_int = libc::AT_FDCWD;

fn text(path: &str) -> io::Result<CString> {
    CString::new(path).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// -1 is how all of these say that they failed.
fn done<T: Into<i64> + Copy>(answered: T) -> io::Result<T> {
    if answered.into() == -1 { Err(io::Error::last_os_error()) } else { Ok(answered) }
}

fn told(stat: &libc::stat) -> Stat {
    let kind = match stat.st_mode & libc::S_IFMT {
        libc::S_IFREG => Kind::File,
        libc::S_IFDIR => Kind::Directory,
        libc::S_IFLNK => Kind::Link,
        libc::S_IFCHR => Kind::Character,
        _ => Kind::Other,
    };
    let time = |time: libc::timespec| (time.tv_sec, i64::from(time.tv_nsec));
    Stat {
        kind,
        size: stat.st_size,
        links: stat.st_nlink,
        id: (stat.st_dev, stat.st_ino),
        times: [time(stat.st_atim), time(stat.st_mtim)],
    }
}

fn stat_with(call: impl FnOnce(*mut libc::stat) -> c_int) -> io::Result<Stat> {
    // SAFETY: it consists of numbers.
    let mut stat = unsafe { std::mem::zeroed() };
    done(call(&raw mut stat))?;
    Ok(told(&stat))
}

pub(crate) fn stat(path: &str, follow: bool) -> io::Result<Stat> {
    let path = text(path)?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a string with its end, and a place for the answer, both alive.
    stat_with(|stat| unsafe { libc::fstatat(NO_DIRECTORY, path.as_ptr(), stat, flags) })
}

pub(crate) fn fstat(file: &impl AsRawFd) -> io::Result<Stat> {
    // SAFETY: a place for the answer, which is alive.
    stat_with(|stat| unsafe { libc::fstat(file.as_raw_fd(), stat) })
}

/// Opens with the flags of `open`; made files have no modes here.
pub(crate) fn open(path: &str, flags: c_int) -> io::Result<File> {
    open_in(NO_DIRECTORY, path, flags)
}

pub(crate) fn open_at(directory: &File, path: &str, flags: c_int) -> io::Result<File> {
    open_in(directory.as_raw_fd(), path, flags)
}

fn open_in(directory: c_int, path: &str, flags: c_int) -> io::Result<File> {
    let path = text(path)?;
    // SAFETY: a string with its end, alive.
    let fd = done(unsafe { libc::openat(directory, path.as_ptr(), flags, 0o666) })?;
    // SAFETY: it was just opened, and nobody else has it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

pub(crate) fn make_directory_at(directory: &File, path: &str) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: a string with its end, alive.
    done(unsafe { libc::mkdirat(directory.as_raw_fd(), path.as_ptr(), 0o777) }).map(drop)
}

/// A time as `utimensat` takes it: seconds and nanoseconds, or one of the two words.
pub(crate) type Time = (i64, i64);
pub(crate) const OMIT: Time = (0, libc::UTIME_OMIT as i64);
pub(crate) const NOW: Time = (0, libc::UTIME_NOW as i64);

fn specs(times: [Time; 2]) -> [libc::timespec; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "less than 2^31 by the callers")]
    times.map(|(tv_sec, nanoseconds)| libc::timespec { tv_sec, tv_nsec: nanoseconds as _ })
}

/// Sets the last access and the last change.
pub(crate) fn set_times(path: &str, times: [Time; 2], follow: bool) -> io::Result<()> {
    let (path, times) = (text(path)?, specs(times));
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a string with its end, and two times, alive.
    done(unsafe { libc::utimensat(NO_DIRECTORY, path.as_ptr(), times.as_ptr(), flags) }).map(drop)
}

pub(crate) fn set_times_of(file: &File, times: [Time; 2]) -> io::Result<()> {
    let times = specs(times);
    // SAFETY: two times, alive.
    done(unsafe { libc::futimens(file.as_raw_fd(), times.as_ptr()) }).map(drop)
}

/// The wasi-libc of components crashes where this is refused.
pub(crate) fn read_at(file: &File, most: usize, offset: i64) -> io::Result<String> {
    let mut bytes = vec![0_u8; most];
    let into = bytes.as_mut_ptr().cast();
    // SAFETY: the buffer is alive and as long as is said.
    let count = unsafe { libc::pread(file.as_raw_fd(), into, most, offset) };
    let count = done(i64::try_from(count).unwrap_or(-1))?;
    bytes.truncate(usize::try_from(count).unwrap_or(0));
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) fn write_at(file: &File, bytes: &str, offset: i64) -> io::Result<i64> {
    let from = bytes.as_ptr().cast();
    // SAFETY: the buffer is alive and as long as is said.
    let count = unsafe { libc::pwrite(file.as_raw_fd(), from, bytes.len(), offset) };
    done(i64::try_from(count).unwrap_or(-1))
}

/// Appending or not blocking, as `open` would be told, and what it is open for.
pub(crate) fn flags(file: &File) -> io::Result<String> {
    // SAFETY: numbers alone.
    let flags = done(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) })?;
    let words = [
        (libc::O_APPEND, "append"),
        (libc::O_NONBLOCK, "nonblock"),
        (libc::O_RDONLY, "read"),
        (libc::O_WRONLY, "write"),
    ];
    let set = words.into_iter().filter(|(flag, _)| flags & flag != 0);
    Ok(set.map(|(_, word)| word).collect::<Vec<_>>().join(" "))
}

pub(crate) fn set_flags(file: &File, flags: c_int) -> io::Result<()> {
    // SAFETY: numbers alone.
    done(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags) }).map(drop)
}

/// These two answer the number of the error itself.
fn number(answered: c_int) -> io::Result<()> {
    if answered == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(answered)) }
}

pub(crate) fn advise(file: &File, offset: i64, length: i64) -> io::Result<()> {
    let advice = libc::POSIX_FADV_WILLNEED;
    // SAFETY: numbers alone.
    number(unsafe { libc::posix_fadvise(file.as_raw_fd(), offset, length, advice) })
}

pub(crate) fn allocate(file: &File, offset: i64, length: i64) -> io::Result<()> {
    // SAFETY: numbers alone.
    number(unsafe { libc::posix_fallocate(file.as_raw_fd(), offset, length) })
}

/// An open listing.
pub(crate) struct Listing(*mut libc::DIR);

impl Listing {
    pub(crate) fn open(path: &str) -> io::Result<Self> {
        let path = text(path)?;
        // SAFETY: a string with its end, alive.
        let listing = unsafe { libc::opendir(path.as_ptr()) };
        if listing.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(listing)) }
    }

    /// The next name, and which object it is.
    pub(crate) fn next(&mut self) -> Option<(String, u64)> {
        // SAFETY: the listing is open.
        let entry = unsafe { libc::readdir(self.0) };
        if entry.is_null() {
            return None;
        }
        // SAFETY: it stays until the next call, and its name has an end.
        let (name, inode) =
            unsafe { (CStr::from_ptr((&raw const (*entry).d_name).cast()), (*entry).d_ino) };
        Some((name.to_string_lossy().into_owned(), inode))
    }

    pub(crate) fn tell(&self) -> libc::c_long {
        // SAFETY: the listing is open.
        unsafe { libc::telldir(self.0) }
    }

    pub(crate) fn seek(&mut self, place: libc::c_long) {
        // SAFETY: the listing is open.
        unsafe { libc::seekdir(self.0, place) }
    }

    pub(crate) fn rewind(&mut self) {
        // SAFETY: the listing is open.
        unsafe { libc::rewinddir(self.0) }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody has it any more.
        unsafe { libc::closedir(self.0) };
    }
}

/// What of reading and writing a file is ready for at once.
pub(crate) fn poll(file: &File) -> io::Result<String> {
    let events = libc::POLLIN | libc::POLLOUT;
    let mut one = libc::pollfd { fd: file.as_raw_fd(), events, revents: 0 };
    // SAFETY: one entry, alive.
    done(unsafe { libc::poll(&raw mut one, 1, 1000) })?;
    let words = [(libc::POLLIN, "read"), (libc::POLLOUT, "write"), (libc::POLLNVAL, "invalid")];
    let set = words.into_iter().filter(|(flag, _)| one.revents & flag != 0);
    Ok(set.map(|(_, word)| word).collect::<Vec<_>>().join(" "))
}
