//! What is known of an object: attributes, extended attributes, times.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, Statx, StatxFlags, StatxTimestamp, Timespec, Timestamps,
    UTIME_NOW, UTIME_OMIT, Uid, XattrFlags, chmodat, chownat, getxattr, listxattr, makedev,
    removexattr, setxattr, statx, utimensat,
};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::errno::code;
use super::walk::kind;
use crate::backend::{Attributes, Changes, Kind, NewTime, NodeId, Stat, Time, XattrMode};
use crate::error::{ErrorCode, Result};

/// Attributes of whatever `fd` stands for.
pub(super) fn attributes(fd: BorrowedFd<'_>) -> Result<Attributes> {
    Ok(attributes_of(&stat(fd)?))
}

/// What stands at `name` in the directory `fd`, or `fd` itself if it is empty.
pub(super) fn look(fd: BorrowedFd<'_>, name: &[u8]) -> Result<Stat> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let stat = statx(fd, name, flags, MASK).map_err(code)?;
    Ok(Stat {
        kind: kind(FileType::from_raw_mode(stat.stx_mode.into())),
        id: NodeId { device: makedev(stat.stx_dev_major, stat.stx_dev_minor), inode: stat.stx_ino },
        attributes: attributes_of(&stat),
    })
}

fn attributes_of(stat: &Statx) -> Attributes {
    let has = |flag: StatxFlags| stat.stx_mask & flag.bits() != 0;
    Attributes {
        links: stat.stx_nlink.into(),
        size: stat.stx_size,
        // The unit is this one whatever the block size is.
        allocated: stat.stx_blocks * 512,
        mode: Mode::from_raw_mode(stat.stx_mode.into()).bits(),
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        device: (stat.stx_rdev_major, stat.stx_rdev_minor),
        accessed: has(StatxFlags::ATIME).then(|| time(stat.stx_atime)),
        modified: has(StatxFlags::MTIME).then(|| time(stat.stx_mtime)),
        changed: has(StatxFlags::CTIME).then(|| time(stat.stx_ctime)),
        created: has(StatxFlags::BTIME).then(|| time(stat.stx_btime)),
    }
}

/// What the kernel is asked for.
const MASK: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

fn stat(fd: BorrowedFd<'_>) -> Result<Statx> {
    statx(fd, c"", AtFlags::EMPTY_PATH, MASK).map_err(code)
}

fn time(stamp: StatxTimestamp) -> Time {
    Time { seconds: stamp.tv_sec, nanoseconds: stamp.tv_nsec }
}

/// Changes attributes; what was changed before a failure is put back.
///
/// `descriptors` is `/proc/self/fd`: the calls for modes and times take no
/// descriptor of a mere place, but follow its entry there to the object itself, also
/// to a link.
pub(super) fn change(
    descriptors: BorrowedFd<'_>,
    fd: BorrowedFd<'_>,
    kind: Kind,
    changes: Changes,
) -> Result<()> {
    if kind == Kind::Symlink && changes.mode.is_some() {
        return Err(ErrorCode::Unsupported);
    }
    let times = new_times(changes)?;
    let owners = changes.uid.is_some() || changes.gid.is_some();
    let several = u8::from(owners) + u8::from(changes.mode.is_some()) + u8::from(times.is_some());
    let before = if several > 1 { Some(stat(fd)?) } else { None };
    // The owner first: that is what is refused to most, and it resets bits of the mode.
    let apply = || -> rustix::io::Result<()> {
        if owners {
            chown(fd, changes.uid, changes.gid)?;
        }
        if let Some(mode) = changes.mode {
            chmod(descriptors, fd, mode)?;
        }
        if let Some(times) = &times {
            utimensat(descriptors, DecInt::from_fd(fd), times, AtFlags::empty())?;
        }
        Ok(())
    };
    apply().map_err(|errno| {
        if let Some(before) = before {
            // Where this fails too there is nothing left to try.
            let _ = chown(fd, Some(before.stx_uid), Some(before.stx_gid));
            let _ = chmod(descriptors, fd, before.stx_mode.into());
        }
        code(errno)
    })
}

pub(super) fn chown(
    fd: BorrowedFd<'_>,
    uid: Option<u32>,
    gid: Option<u32>,
) -> rustix::io::Result<()> {
    // The number that the kernel takes for "as it is" would do nothing and say so to
    // nobody.
    if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
        return Err(Errno::INVAL);
    }
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    chownat(fd, c"", uid, gid, AtFlags::EMPTY_PATH)
}

pub(super) fn chmod(
    descriptors: BorrowedFd<'_>,
    fd: BorrowedFd<'_>,
    mode: u32,
) -> rustix::io::Result<()> {
    let mode = Mode::from_raw_mode(mode);
    chmodat(descriptors, DecInt::from_fd(fd), mode, AtFlags::empty())
}

fn new_times(changes: Changes) -> Result<Option<Timestamps>> {
    if changes.accessed.is_none() && changes.modified.is_none() {
        return Ok(None);
    }
    Ok(Some(Timestamps {
        last_access: timespec(changes.accessed)?,
        last_modification: timespec(changes.modified)?,
    }))
}

fn timespec(time: Option<NewTime>) -> Result<Timespec> {
    match time {
        None => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
        Some(NewTime::Now) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        // Larger ones are how the kernel says "now" and "as it is".
        Some(NewTime::At(time)) if time.nanoseconds >= 1_000_000_000 => Err(ErrorCode::Invalid),
        Some(NewTime::At(time)) => {
            Ok(Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() })
        }
    }
}

/// Whether the file system of `fd` has extended attributes for users.
pub(super) fn has_xattrs(fd: BorrowedFd<'_>) -> bool {
    let found = getxattr(path(fd), c"user.wasi-opfs", &mut [0_u8; 0][..]);
    !matches!(found, Err(Errno::NOTSUP | Errno::NOSYS))
}

pub(super) fn xattr(fd: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>> {
    grown(|buffer| getxattr(path(fd), name, buffer))
}

pub(super) fn set_xattr(
    fd: BorrowedFd<'_>,
    name: &[u8],
    value: &[u8],
    mode: XattrMode,
) -> Result<()> {
    let flags = match mode {
        XattrMode::Set => XattrFlags::empty(),
        XattrMode::Create => XattrFlags::CREATE,
        XattrMode::Replace => XattrFlags::REPLACE,
    };
    setxattr(path(fd), name, value, flags).map_err(code)
}

pub(super) fn xattrs(fd: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>> {
    let names = grown(|buffer| listxattr(path(fd), buffer))?;
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(<[u8]>::to_vec).collect())
}

pub(super) fn remove_xattr(fd: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    removexattr(path(fd), name).map_err(code)
}

/// The calls for extended attributes know no directory to start from, and refuse the
/// descriptor of a place.
fn path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
}

/// Asks with more and more room, up to what the kernel holds at most.
fn grown(mut ask: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>) -> Result<Vec<u8>> {
    const MOST: usize = 64 * 1024;
    let mut buffer = vec![0; 256];
    loop {
        match ask(&mut buffer) {
            Ok(count) => {
                buffer.truncate(count);
                return Ok(buffer);
            }
            Err(Errno::RANGE) if buffer.len() < MOST => buffer.resize(MOST, 0),
            Err(errno) => return Err(code(errno)),
        }
    }
}
