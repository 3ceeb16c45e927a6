//! A guest's linear memory, and what is read from it before a call can be made.

use smallvec::SmallVec;

use super::abi::{Errno, u32_at};
use super::failure::{Failure, Result};
use crate::backend::{Destination, Source};
use crate::path::PATH_MAX;

/// A guest's memory. What lies outside is [`Failure::Fault`], and nothing is done.
pub(super) trait Memory {
    /// Fills `into` from the address `at`.
    fn load(&mut self, at: u32, into: &mut [u8]) -> Result<()>;

    /// Puts `bytes` to the address `at`.
    fn store(&mut self, at: u32, bytes: &[u8]) -> Result<()>;

    /// A range as the destination of a read.
    fn destination(&mut self, at: u32, length: u32) -> Result<Destination<'_>>;

    /// A range as the source of a write.
    fn source(&mut self, at: u32, length: u32) -> Result<Source<'_>>;

    /// Puts a `size`, a descriptor, or a pointer.
    fn store_u32(&mut self, at: u32, value: u32) -> Result<()> {
        self.store(at, &value.to_le_bytes())
    }

    /// Puts a `filesize` or a `timestamp`.
    fn store_u64(&mut self, at: u32, value: u64) -> Result<()> {
        self.store(at, &value.to_le_bytes())
    }

    /// A path, which is text.
    fn path(&mut self, at: u32, length: u32) -> Result<Text> {
        if length as usize > PATH_MAX {
            return Err(Errno::Nametoolong.into());
        }
        let mut path = Text::from_elem(0, length as usize);
        self.load(at, &mut path)?;
        match std::str::from_utf8(&path) {
            Ok(_) => Ok(path),
            Err(_) => Err(Errno::Ilseq.into()),
        }
    }
}

/// A path; most need no allocation.
pub(super) type Text = SmallVec<[u8; 128]>;

/// The address `index` entries of `size` bytes behind `start`.
pub(super) fn entry(start: u32, index: u32, size: u32) -> Result<u32> {
    let offset = index.checked_mul(size);
    offset.and_then(|offset| start.checked_add(offset)).ok_or(Failure::Fault)
}

/// How many buffers one call reads or writes, as `IOV_MAX` in POSIX: of more, the others are
/// left for the next call.
const IOV_MAX: u32 = 1024;

/// The buffers of a call that reads or writes.
#[derive(Clone, Copy)]
pub(super) struct Vectors {
    at: u32,
    count: u32,
}

impl Vectors {
    pub(super) fn new(at: u32, count: u32) -> Self {
        Self { at, count: count.min(IOV_MAX) }
    }

    /// The address and length of each buffer that is not empty, in their order; one empty
    /// buffer if there is no other, because a call with nothing to do is checked all the same.
    pub(super) fn load(self, memory: &mut impl Memory) -> Result<SmallVec<[(u32, u32); 4]>> {
        let mut buffers = SmallVec::new();
        for index in 0..self.count {
            let mut vector = [0; 8];
            memory.load(entry(self.at, index, 8)?, &mut vector)?;
            let (at, length) = (u32_at(&vector, 0), u32_at(&vector, 4));
            if length > 0 {
                buffers.push((at, length));
            }
        }
        if buffers.is_empty() {
            buffers.push((0, 0));
        }
        Ok(buffers)
    }
}
