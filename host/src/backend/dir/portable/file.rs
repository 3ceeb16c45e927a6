//! The data half through the standard library.

use std::fs::File as StdFile;
use std::io;
use std::sync::Mutex;

use super::errno::from_io;
use crate::backend::{Destination, File, Position, Source, Written};
use crate::error::{ErrorCode, Result};
use crate::shared::{Ref, lock};

pub(super) struct OpenFile {
    pub(super) file: Ref<StdFile>,
    /// Of the object, not of this handle: held from looking where the end is until
    /// something is written there.
    pub(super) appending: Ref<Mutex<()>>,
}

impl OpenFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<Written> {
        let most = below_the_last_offset(offset, bytes.len());
        if most == 0 && !bytes.is_empty() {
            return Err(ErrorCode::FileTooLarge);
        }
        let mut done = 0;
        while done < most {
            match write_at(&self.file, &bytes[done..most], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What was written stays written; the next call will hear of it.
                Err(_) if done > 0 => break,
                Err(error) => return Err(from_io(&error)),
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
        Ok(self.file.metadata().map_err(|error| from_io(&error))?.len())
    }

    fn read(&self, into: Destination<'_>, offset: u64) -> Result<usize> {
        let Destination::Slice(into) = into;
        let most = below_the_last_offset(offset, into.len());
        let mut done = 0;
        while done < most {
            match read_at(&self.file, &mut into[done..most], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(from_io(&error)),
            }
        }
        Ok(done)
    }

    fn write(&self, from: Source<'_>, position: Position) -> Result<Written> {
        let Source::Slice(bytes) = from;
        match position {
            Position::At(offset) => self.write_at(bytes, offset),
            Position::End => {
                let _nobody_else = lock(&self.appending);
                let end = self.file.metadata().map_err(|error| from_io(&error))?.len();
                self.write_at(bytes, end)
            }
        }
    }

    fn set_size(&self, size: u64) -> Result<()> {
        self.file.set_len(size).map_err(|error| from_io(&error))
    }

    fn sync(&self, data_only: bool) -> Result<()> {
        let synced = if data_only { self.file.sync_data() } else { self.file.sync_all() };
        synced.map_err(|error| from_io(&error))
    }
}

/// As many of `count` bytes from `offset` as have an offset that the system can name.
fn below_the_last_offset(offset: u64, count: usize) -> usize {
    let left = i64::MAX.cast_unsigned().saturating_sub(offset);
    usize::try_from(left).unwrap_or(usize::MAX).min(count)
}

#[cfg(unix)]
fn read_at(file: &StdFile, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, offset)
}

#[cfg(unix)]
fn write_at(file: &StdFile, from: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, from, offset)
}

#[cfg(windows)]
fn read_at(file: &StdFile, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, offset)
}

#[cfg(windows)]
fn write_at(file: &StdFile, from: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, from, offset)
}
