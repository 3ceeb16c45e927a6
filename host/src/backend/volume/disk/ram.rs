//! A disk in memory. Clones share the bytes, so that what one volume left can be opened
//! by the next.

use std::sync::Mutex;

use super::Disk;
use crate::backend::Destination;
use crate::error::{ErrorCode, Result};
use crate::shared::{Ref, lock};

/// Bytes allocated at once, where something was written.
const CHUNK: usize = 64 * 1024;

/// A disk in memory, of a limited size.
#[derive(Clone)]
pub struct Ram(Ref<Mutex<Content>>);

struct Content {
    len: u64,
    limit: u64,
    /// What was never written is not there, and reads as zeros.
    chunks: Vec<Option<Box<[u8]>>>,
}

impl Ram {
    /// An empty one that grows to at most `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self(Ref::new(Mutex::new(Content { len: 0, limit, chunks: Vec::new() })))
    }

    /// One that holds `bytes`, and cannot grow.
    #[must_use]
    pub fn with_bytes(bytes: &[u8]) -> Self {
        let mut chunks = Vec::new();
        for part in bytes.chunks(CHUNK) {
            let mut chunk = vec![0; CHUNK].into_boxed_slice();
            chunk[..part.len()].copy_from_slice(part);
            chunks.push(Some(chunk));
        }
        let len = bytes.len() as u64;
        Self(Ref::new(Mutex::new(Content { len, limit: len, chunks })))
    }

    /// Changes how far it may grow; what is there stays.
    pub fn set_limit(&self, limit: u64) {
        lock(&self.0).limit = limit;
    }
}

/// The chunk that holds a byte, and where in it.
fn place(at: u64) -> Result<(usize, usize)> {
    let at = usize::try_from(at).map_err(|_| ErrorCode::InsufficientSpace)?;
    Ok((at / CHUNK, at % CHUNK))
}

impl Disk for Ram {
    fn read_at(&mut self, mut into: Destination<'_>, at: u64) -> Result<usize> {
        let content = lock(&self.0);
        let rest = usize::try_from(content.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = into.len().min(rest);
        let mut done = 0;
        while done < count {
            let (chunk, within) = place(at + done as u64)?;
            let part = (CHUNK - within).min(count - done);
            match content.chunks.get(chunk).and_then(Option::as_ref) {
                Some(bytes) => into.put(done, &bytes[within..within + part]),
                None => into.put_zeros(done, part),
            }
            done += part;
        }
        Ok(count)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> Result<usize> {
        let mut content = lock(&self.0);
        let limit = content.limit.max(content.len);
        let room = usize::try_from(limit.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = bytes.len().min(room);
        let mut done = 0;
        while done < count {
            let (chunk, within) = place(at + done as u64)?;
            let part = (CHUNK - within).min(count - done);
            if content.chunks.len() <= chunk {
                content.chunks.resize(chunk + 1, None);
            }
            let target =
                content.chunks[chunk].get_or_insert_with(|| vec![0; CHUNK].into_boxed_slice());
            target[within..within + part].copy_from_slice(&bytes[done..done + part]);
            done += part;
        }
        content.len = content.len.max(at + count as u64);
        Ok(count)
    }

    fn len(&mut self) -> Result<u64> {
        Ok(lock(&self.0).len)
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        let mut content = lock(&self.0);
        if len > content.len.max(content.limit) {
            return Err(ErrorCode::InsufficientSpace);
        }
        if len < content.len {
            let (chunk, within) = place(len)?;
            content.chunks.truncate(chunk + 1);
            if let Some(Some(last)) = content.chunks.get_mut(chunk) {
                last[within..].fill(0);
            }
        }
        content.len = len;
        Ok(())
    }

    fn room(&mut self) -> Option<u64> {
        let content = lock(&self.0);
        Some(content.limit.saturating_sub(content.len))
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn close(&mut self) {}
}
