//! Reading, writing and listing what is open.

use std::time::Duration;

use super::abi::{Errno, dirent, fdflags, rights};
use super::device::Want;
use super::failure::{Failure, Result};
use super::guest::Guest;
use super::memory::{Memory, Vectors};
use super::table::{Open, OpenDevice, OpenFile};
use crate::backend::{Destination, Kind, Source};
use crate::error::ErrorCode;
use crate::shared::lock;

/// What a call has moved so far. A failure after the first byte is told by the next call.
#[derive(Default)]
struct Moved {
    count: u32,
}

impl Moved {
    /// Counts a buffer of `length`; whether to go on with the next.
    fn add(&mut self, length: u32, moved: Result<usize, ErrorCode>) -> Result<bool> {
        match moved {
            // Never more than the buffer's length.
            #[allow(clippy::cast_possible_truncation)]
            Ok(count) => {
                let count = (count as u32).min(length);
                self.count = self.count.saturating_add(count);
                Ok(count == length && length > 0)
            }
            Err(code) if self.count == 0 => Err(code.into()),
            Err(_) => Ok(false),
        }
    }
}

impl Guest {
    pub(super) async fn fd_read(
        &self,
        m: &mut impl Memory,
        fd: u32,
        iovs: u32,
        count: u32,
        into: u32,
    ) -> Result<()> {
        let moved = match &*self.table.get(fd)? {
            Open::File(file) => {
                let position = lock(&file.cursor).position;
                let moved = read(m, file, Vectors::new(iovs, count), position)?;
                lock(&file.cursor).position = position.saturating_add(moved.into());
                moved
            }
            Open::Device(device) => {
                self.turns(true);
                read_device(m, device, Vectors::new(iovs, count)).await?
            }
            // As in POSIX, and as components are told.
            Open::Directory(_) => return Err(Errno::Isdir.into()),
        };
        m.store_u32(into, moved)
    }

    pub(super) fn fd_pread(
        &self,
        m: &mut impl Memory,
        fd: u32,
        iovs: u32,
        count: u32,
        offset: u64,
        into: u32,
    ) -> Result<()> {
        let open = self.table.get(fd)?;
        let moved = read(m, open.seekable()?, Vectors::new(iovs, count), offset)?;
        m.store_u32(into, moved)
    }

    pub(super) async fn fd_write(
        &self,
        m: &mut impl Memory,
        fd: u32,
        iovs: u32,
        count: u32,
        into: u32,
    ) -> Result<()> {
        let moved = match &*self.table.get(fd)? {
            Open::File(file) => {
                let position = lock(&file.cursor).position;
                let (end, moved) = write(m, file, Vectors::new(iovs, count), position)?;
                lock(&file.cursor).position = end;
                moved
            }
            Open::Device(device) => {
                self.turns(false);
                write_device(m, device, Vectors::new(iovs, count)).await?
            }
            Open::Directory(_) => return Err(Errno::Badf.into()),
        };
        m.store_u32(into, moved)
    }

    pub(super) fn fd_pwrite(
        &self,
        m: &mut impl Memory,
        fd: u32,
        iovs: u32,
        count: u32,
        offset: u64,
        into: u32,
    ) -> Result<()> {
        let open = self.table.get(fd)?;
        let (_, moved) = write(m, open.seekable()?, Vectors::new(iovs, count), offset)?;
        m.store_u32(into, moved)
    }

    /// Fills the buffer: an entry for which there is no room is cut off at its end, which
    /// tells the guest that there is more.
    pub(super) async fn fd_readdir(
        &self,
        m: &mut impl Memory,
        fd: u32,
        buffer: u32,
        length: u32,
        cookie: u64,
        into: u32,
    ) -> Result<()> {
        /// `.` and `..` come first, and others' cookies after theirs.
        const DOTS: u64 = 2;
        let open = self.table.get(fd)?;
        let directory = match &*open {
            Open::Directory(directory) => directory,
            Open::File(_) => return Err(Errno::Notdir.into()),
            Open::Device(_) => return Err(Errno::Badf.into()),
        };
        let mut page = Page::new(m, buffer, length);
        let mut full = false;
        if cookie < DOTS {
            let inode = directory.descriptor.id().inode;
            for (at, name) in [(1, "."), (2, "..")] {
                full = full || (cookie < at && !page.add(at, inode, Kind::Directory, name));
            }
        }
        if !full {
            let after = cookie.saturating_sub(DOTS);
            let mut lost = false;
            directory
                .listing
                .visit(after, |next, entry| {
                    let Some(next) = next.checked_add(DOTS) else {
                        lost = true;
                        return false;
                    };
                    // A name that is no text cannot be told here.
                    let Ok(name) = entry.name.as_str() else { return true };
                    page.add(next, entry.inode, entry.kind, name)
                })
                .await?;
            if lost {
                return Err(Errno::Overflow.into());
            }
        }
        let told = page.finish()?;
        m.store_u32(into, told)
    }
}

/// How much is held of what does not go straight into the guest's memory, or comes from there.
const HELD: usize = 64 * 1024;

/// What a listing fills: a part of the guest's memory.
struct Page<'a, M> {
    memory: &'a mut M,
    at: u32,
    room: u32,
    stored: u32,
    bytes: Vec<u8>,
    failed: Result<()>,
}

impl<'a, M: Memory> Page<'a, M> {
    fn new(memory: &'a mut M, at: u32, room: u32) -> Self {
        Self { memory, at, room, stored: 0, bytes: Vec::new(), failed: Ok(()) }
    }

    /// Whether there was room for all of the entry.
    fn add(&mut self, next: u64, inode: u64, kind: Kind, name: &str) -> bool {
        let head = dirent(next, inode, name.len(), kind.into());
        let added = self.put(&head) && self.put(name.as_bytes());
        if self.bytes.len() >= HELD {
            self.failed = self.store();
        }
        added && self.failed.is_ok()
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        let left = (self.room - self.stored) as usize - self.bytes.len();
        let fits = bytes.len().min(left);
        self.bytes.extend_from_slice(&bytes[..fits]);
        fits == bytes.len()
    }

    fn store(&mut self) -> Result<()> {
        let at = self.at.checked_add(self.stored).ok_or(Failure::Fault)?;
        self.memory.store(at, &self.bytes)?;
        // No more than there is room for.
        #[allow(clippy::cast_possible_truncation)]
        let stored = self.bytes.len() as u32;
        self.stored += stored;
        self.bytes.clear();
        Ok(())
    }

    /// How many bytes it was.
    fn finish(mut self) -> Result<u32> {
        self.failed?;
        self.store()?;
        Ok(self.stored)
    }
}

/// Reads from `position` on.
fn read(m: &mut impl Memory, file: &OpenFile, to: Vectors, position: u64) -> Result<u32> {
    let mut moved = Moved::default();
    for (at, length) in to.load(m)? {
        let offset = position.saturating_add(moved.count.into());
        let read = file.descriptor.read_into(m.destination(at, length)?, offset);
        if !moved.add(length, read.map(|(count, _)| count))? {
            break;
        }
    }
    Ok(moved.count)
}

/// Writes from `position` on, or to the end; where it ended, and how many bytes it was.
fn write(
    m: &mut impl Memory,
    file: &OpenFile,
    from: Vectors,
    mut position: u64,
) -> Result<(u64, u32)> {
    let appends = lock(&file.cursor).flags & fdflags::APPEND != 0;
    let mut moved = Moved::default();
    for (at, length) in from.load(m)? {
        let source = m.source(at, length)?;
        let written = if appends {
            file.descriptor.append(source).map(|written| {
                position = written.offset + written.count as u64;
                written.count
            })
        } else {
            file.descriptor.write(source, position).map(|count| {
                position += count;
                usize::try_from(count).unwrap_or(usize::MAX)
            })
        };
        if !moved.add(length, written)? {
            break;
        }
    }
    Ok((position, moved.count))
}

async fn read_device(m: &mut impl Memory, device: &OpenDevice, to: Vectors) -> Result<u32> {
    device.may(rights::FD_READ, Want::Read).await?;
    let (at, length) = to.load(m)?[0];
    if m.stays() {
        let count = device.device.read(m.destination(at, length)?).await?;
        return Ok(u32::try_from(count).unwrap_or(length).min(length));
    }
    // That it lies outside is said before anything is read.
    m.destination(at, length)?;
    let mut bytes = vec![0; HELD.min(length as usize)];
    let count = device.device.read(Destination::Slice(&mut bytes)).await?.min(bytes.len());
    m.store(at, &bytes[..count])?;
    // No more than `length`.
    #[allow(clippy::cast_possible_truncation)]
    Ok(count as u32)
}

async fn write_device(m: &mut impl Memory, device: &OpenDevice, from: Vectors) -> Result<u32> {
    device.may(rights::FD_WRITE, Want::Write).await?;
    let mut moved = Moved::default();
    for (at, length) in from.load(m)? {
        let written = if m.stays() {
            device.device.write(m.source(at, length)?).await
        } else {
            let mut bytes = vec![0; HELD.min(length as usize)];
            m.load(at, &mut bytes)?;
            device.device.write(Source::Slice(&bytes)).await
        };
        if !moved.add(length, written)? {
            break;
        }
    }
    Ok(moved.count)
}

impl OpenDevice {
    /// Refuses what it is not for, and what would keep a guest that must not be kept.
    async fn may(&self, right: u64, want: Want) -> Result<()> {
        if self.rights & right == 0 {
            return Err(Errno::Badf.into());
        }
        let waits = *lock(&self.flags) & fdflags::NONBLOCK == 0;
        if !waits && self.device.ready(want, Duration::ZERO).await? == 0 {
            return Err(Errno::Again.into());
        }
        Ok(())
    }
}
