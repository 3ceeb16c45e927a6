//! The bytes of a file in memory: blocks where something was written, nothing
//! where not, and a budget that all files of a file system share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Destination, Source};
use crate::error::{ErrorCode, Result};
use crate::shared::Ref;

const BLOCK: u64 = 4096;

/// The bytes that may still be allocated.
pub(super) struct Budget {
    pub(super) total: u64,
    free: AtomicU64,
}

impl Budget {
    pub(super) fn new(total: u64) -> Self {
        Self { total, free: AtomicU64::new(total) }
    }

    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self, bytes: u64) -> Result<()> {
        self.free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(bytes))
            .map_err(|_| ErrorCode::InsufficientSpace)?;
        Ok(())
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.free.fetch_add(bytes, Ordering::Relaxed);
    }
}

pub(super) struct Content {
    size: u64,
    /// By number; bytes beyond `size` are zero.
    blocks: BTreeMap<u64, Box<[u8]>>,
    budget: Ref<Budget>,
}

impl Content {
    pub(super) fn new(budget: Ref<Budget>) -> Self {
        Self { size: 0, blocks: BTreeMap::new(), budget }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn allocated(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK
    }

    pub(super) fn read(&self, mut into: Destination<'_>, offset: u64) -> usize {
        let end = self.size.min(offset.saturating_add(into.len() as u64));
        for (block, within, at, count) in pieces(offset, end) {
            match self.blocks.get(&block) {
                Some(bytes) => into.put(at, &bytes[within..within + count]),
                None => into.put_zeros(at, count),
            }
        }
        length(offset, end)
    }

    /// Writes up to the first block for which there is no room.
    pub(super) fn write(&mut self, from: Source<'_>, offset: u64) -> Result<usize> {
        let mut done = 0;
        for (block, within, at, count) in pieces(offset, offset + from.len() as u64) {
            let bytes = match self.block(block) {
                Ok(bytes) => bytes,
                Err(code) if done == 0 => return Err(code),
                Err(_) => break,
            };
            from.part(at, at + count).copy_to(&mut bytes[within..within + count]);
            done += count;
            self.size = self.size.max(offset + done as u64);
        }
        Ok(done)
    }

    pub(super) fn set_size(&mut self, size: u64) {
        let first_gone = size.div_ceil(BLOCK);
        let gone = self.blocks.split_off(&first_gone);
        self.budget.give_back(gone.len() as u64 * BLOCK);
        if let Some(last) = self.blocks.get_mut(&(size / BLOCK)) {
            last[length(size / BLOCK * BLOCK, size)..].fill(0);
        }
        self.size = size;
    }

    fn block(&mut self, block: u64) -> Result<&mut Box<[u8]>> {
        use std::collections::btree_map::Entry;
        match self.blocks.entry(block) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                self.budget.take(BLOCK)?;
                let mut bytes = Vec::new();
                if bytes.try_reserve_exact(length(0, BLOCK)).is_err() {
                    self.budget.give_back(BLOCK);
                    return Err(ErrorCode::InsufficientSpace);
                }
                bytes.resize(length(0, BLOCK), 0);
                Ok(entry.insert(bytes.into_boxed_slice()))
            }
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.budget.give_back(self.allocated());
    }
}

/// Cuts a range at the borders of blocks: number of the block, where in it, where
/// in the caller's buffer, and how many bytes.
fn pieces(offset: u64, end: u64) -> impl Iterator<Item = (u64, usize, usize, usize)> {
    let mut at = offset;
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let (block, start) = (at / BLOCK, at);
            at = end.min((block + 1) * BLOCK);
            (block, length(block * BLOCK, start), length(offset, start), length(start, at))
        })
    })
}

/// The length of a range that lies in memory; 0 if it is none.
fn length(start: u64, end: u64) -> usize {
    usize::try_from(end.saturating_sub(start)).expect("a buffer in memory has such a length")
}
