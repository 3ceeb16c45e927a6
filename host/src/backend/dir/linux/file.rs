//! The data half: an open file of the system.

use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

use rustix::fs::{fdatasync, fstat, fsync, ftruncate, tell};
use rustix::io::{Errno, ReadWriteFlags, pread, pwrite, pwritev2, retry_on_intr};

use super::errno::code;
use crate::backend::{Destination, File, Position, Source, Written};
use crate::error::{ErrorCode, Result};
use crate::shared::{Ref, lock};

pub(super) struct OpenFile {
    fd: Ref<OwnedFd>,
    /// Held from an append until its place is known.
    appending: Mutex<()>,
}

impl OpenFile {
    pub(super) fn new(fd: Ref<OwnedFd>) -> Self {
        Self { fd, appending: Mutex::new(()) }
    }

    /// Appends in one call, never in two: another process may append in between.
    ///
    /// The kernel finds the end, writes there and leaves the descriptor's own position
    /// behind what it wrote, all under its lock. Nothing else here uses that position,
    /// so where the write began can be read off it.
    fn append(&self, bytes: &[u8]) -> Result<Written> {
        if bytes.is_empty() {
            let size = fstat(&*self.fd).map_err(code)?.st_size;
            return Ok(Written { offset: size.cast_unsigned(), count: 0 });
        }
        let _one_at_a_time = lock(&self.appending);
        let from = [IoSlice::new(bytes)];
        let at_the_position = u64::MAX;
        let append = || pwritev2(&*self.fd, &from, at_the_position, ReadWriteFlags::APPEND);
        let count = retry_on_intr(append).map_err(code)?;
        // A pipe or a terminal has no position.
        let end = tell(&*self.fd).unwrap_or(count as u64);
        Ok(Written { offset: end.saturating_sub(count as u64), count })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<Written> {
        let most = below_the_last_offset(offset, bytes.len());
        if most == 0 && !bytes.is_empty() {
            return Err(ErrorCode::FileTooLarge);
        }
        let mut done = 0;
        while done < most {
            let at = offset + done as u64;
            match retry_on_intr(|| pwrite(&*self.fd, &bytes[done..most], at)) {
                Ok(0) => break,
                Ok(count) => done += count,
                // What was written stays written; the next call will hear of it.
                Err(_) if done > 0 => break,
                Err(errno) => return Err(code(errno)),
            }
        }
        if done == 0 && most > 0 {
            return Err(ErrorCode::InsufficientSpace);
        }
        Ok(Written { offset, count: done })
    }
}

impl File for OpenFile {
    fn size(&self) -> Result<u64> {
        Ok(fstat(&*self.fd).map_err(code)?.st_size.cast_unsigned())
    }

    fn read(&self, into: Destination<'_>, offset: u64) -> Result<usize> {
        let Destination::Slice(into) = into;
        let most = below_the_last_offset(offset, into.len());
        let mut done = 0;
        while done < most {
            let at = offset + done as u64;
            match retry_on_intr(|| pread(&*self.fd, &mut into[done..most], at)) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(errno) => return Err(code(errno)),
            }
        }
        Ok(done)
    }

    fn write(&self, from: Source<'_>, position: Position) -> Result<Written> {
        let Source::Slice(bytes) = from;
        match position {
            Position::At(offset) => self.write_at(bytes, offset),
            Position::End => self.append(bytes),
        }
    }

    fn set_size(&self, size: u64) -> Result<()> {
        retry_on_intr(|| ftruncate(&*self.fd, size)).map_err(code)
    }

    fn sync(&self, data_only: bool) -> Result<()> {
        let fd = self.fd.as_fd();
        match retry_on_intr(|| if data_only { fdatasync(fd) } else { fsync(fd) }) {
            // A pipe or a device that holds nothing that could be stored.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(code(errno)),
        }
    }
}

/// How many of `count` bytes from `offset` have an offset that the kernel can name; it
/// refuses a range that reads or writes beyond, however little of it exists.
fn below_the_last_offset(offset: u64, count: usize) -> usize {
    let left = i64::MAX.cast_unsigned().saturating_sub(offset);
    usize::try_from(left).unwrap_or(usize::MAX).min(count)
}
