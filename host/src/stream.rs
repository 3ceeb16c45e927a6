//! Streams over an open file, and over a directory's entries. Each holds what it
//! needs: it outlives the descriptor that made it, and the file's last name.

use std::fmt;

use crate::backend::{Destination, Entry, File, Kind, Position, Source};
use crate::error::{ErrorCode, Result};
use crate::shared::Ref;

/// The most that one call on a stream takes or gives, in bytes.
pub const CHUNK: usize = 64 * 1024;

/// Why a stream did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// At the end, or after a failure.
    Closed,
    /// This call failed; the stream is closed from now on.
    Failed(ErrorCode),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the stream is closed"),
            Self::Failed(code) => code.fmt(f),
        }
    }
}

impl std::error::Error for StreamError {}

/// Reads a file from an offset on. It never waits.
pub struct InputStream {
    file: Ref<dyn File>,
    offset: u64,
    /// What the first call fails with: a stream is made of any descriptor.
    refused: Option<ErrorCode>,
    closed: bool,
}

impl InputStream {
    pub(crate) fn new(file: Ref<dyn File>, readable: bool, offset: u64) -> Self {
        let refused = if !readable {
            Some(ErrorCode::BadDescriptor)
        } else if i64::try_from(offset).is_err() {
            Some(ErrorCode::Invalid)
        } else {
            None
        };
        Self { file, offset, refused, closed: false }
    }

    /// Reads what comes next, at most [`CHUNK`] bytes. With room for none it answers
    /// 0 and the stream stays as it is.
    ///
    /// # Errors
    /// Closed at the end of the file, for good even if the file grows.
    pub fn read(&mut self, into: Destination<'_>) -> Result<usize, StreamError> {
        let count = self.ask(into.is_empty(), |file, offset| file.read(into, offset))?;
        self.offset = self.offset.saturating_add(count as u64);
        Ok(count)
    }

    /// How many bytes a read of `length` is going to give, for a caller that makes room
    /// for as many first.
    ///
    /// # Errors
    /// As [`InputStream::read`].
    pub fn readable(&mut self, length: u64) -> Result<usize, StreamError> {
        let length = clamp(length);
        self.ask(length == 0, |file, offset| {
            match length.min(clamp(file.size()?.saturating_sub(offset))) {
                // The file is to know that it was read to its end.
                0 => file.read(Destination::Slice(&mut [0]), offset),
                count => Ok(count),
            }
        })
    }

    /// What the file answers to `question`; for nothing it is not asked. It is at its end
    /// where it answers 0.
    fn ask(
        &mut self,
        for_nothing: bool,
        question: impl FnOnce(&dyn File, u64) -> Result<usize>,
    ) -> Result<usize, StreamError> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        let answer = match self.refused {
            Some(code) => Err(StreamError::Failed(code)),
            None if for_nothing => Ok(0),
            None => match question(&*self.file, self.offset) {
                Ok(0) => Err(StreamError::Closed),
                Ok(count) => Ok(count),
                Err(code) => Err(StreamError::Failed(code)),
            },
        };
        self.closed |= answer.is_err();
        answer
    }

    /// As [`InputStream::read`] with a buffer of its own.
    ///
    /// # Errors
    /// As there.
    pub fn read_vec(&mut self, length: u64) -> Result<Vec<u8>, StreamError> {
        let mut bytes = vec![0; clamp(length)];
        let count = self.read(Destination::Slice(&mut bytes))?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Passes over what comes next, as far as a read of that length would go.
    ///
    /// # Errors
    /// As [`InputStream::read`].
    pub fn skip(&mut self, length: u64) -> Result<u64, StreamError> {
        self.read_vec(length).map(|bytes| bytes.len() as u64)
    }
}

/// Writes a file from an offset on, or at its end. It never waits.
pub struct OutputStream {
    file: Ref<dyn File>,
    position: Position,
    refused: Option<ErrorCode>,
    closed: bool,
}

impl OutputStream {
    pub(crate) fn new(file: Ref<dyn File>, writable: bool, position: Position) -> Self {
        let refused = (!writable).then_some(ErrorCode::BadDescriptor);
        Self { file, position, refused, closed: false }
    }

    /// How many bytes the next write takes.
    ///
    /// # Errors
    /// Closed after a failure.
    pub fn check_write(&self) -> Result<u64, StreamError> {
        if self.closed { Err(StreamError::Closed) } else { Ok(CHUNK as u64) }
    }

    /// Writes all of `from`.
    ///
    /// # Errors
    /// The failure of the file. What it took before stays written.
    pub fn write(&mut self, from: Source<'_>) -> Result<(), StreamError> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        let answer = match self.refused {
            Some(code) => Err(code),
            None => self.write_all(from),
        };
        answer.map_err(|code| {
            self.closed = true;
            StreamError::Failed(code)
        })
    }

    fn write_all(&mut self, from: Source<'_>) -> Result<()> {
        let mut done = 0;
        while done < from.len() {
            let rest = from.part(done, from.len());
            if let Position::At(offset) = self.position {
                writable_range(offset, rest.len() as u64)?;
            }
            let count = self.file.write(rest, self.position)?.count;
            if count == 0 {
                return Err(ErrorCode::InsufficientSpace);
            }
            done += count;
            if let Position::At(offset) = &mut self.position {
                *offset += count as u64;
            }
        }
        Ok(())
    }

    /// Writes zeros, as many as [`OutputStream::check_write`] allows: unlike bytes, they
    /// cost a guest nothing.
    ///
    /// # Errors
    /// As [`OutputStream::write`]; `invalid` for more.
    pub fn write_zeros(&mut self, length: u64) -> Result<(), StreamError> {
        if length > self.check_write()? {
            self.closed = true;
            return Err(StreamError::Failed(ErrorCode::Invalid));
        }
        let zeros = [0; 4096];
        let mut left = length;
        while left > 0 {
            let count = left.min(zeros.len() as u64);
            // At most the length of `zeros`.
            #[allow(clippy::cast_possible_truncation)]
            self.write(Source::Slice(&zeros[..count as usize]))?;
            left -= count;
        }
        Ok(())
    }

    /// Every write is done when it returns, so there is nothing to wait for: this
    /// is not a sync.
    ///
    /// # Errors
    /// Closed after a failure.
    pub fn flush(&self) -> Result<(), StreamError> {
        self.check_write().map(|_| ())
    }
}

/// A length from outside as the size of a buffer, [`CHUNK`] at most.
pub(crate) fn clamp(length: u64) -> usize {
    usize::try_from(length).map_or(CHUNK, |length| length.min(CHUNK))
}

/// No byte of a file lies beyond `i64::MAX`.
pub(crate) fn writable_range(offset: u64, length: u64) -> Result<()> {
    match offset.checked_add(length) {
        Some(end) if i64::try_from(end).is_ok() => Ok(()),
        _ => Err(ErrorCode::Invalid),
    }
}

/// The entries of a directory as they were when it was asked for.
pub struct DirectoryStream {
    entries: std::vec::IntoIter<Entry>,
}

impl DirectoryStream {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self { entries: entries.into_iter() }
    }

    /// All that is left, with names in bytes.
    #[must_use]
    pub fn into_entries(self) -> std::vec::IntoIter<Entry> {
        self.entries
    }

    /// The next entry with its name as text, `None` at the end.
    ///
    /// # Errors
    /// `illegal-byte-sequence` for an entry whose name is not UTF-8; the next call
    /// goes on behind it.
    #[allow(clippy::should_implement_trait)] // An iterator would stop at an error.
    pub fn next(&mut self) -> Option<Result<(Kind, String)>> {
        let entry = self.entries.next()?;
        Some(entry.name.as_str().map(|name| (entry.kind, name.to_owned())))
    }
}
