//! How full a volume is.

use super::log::SLOTS;
use super::space::{BLOCK, RESERVE};
use super::store::Store;
use super::table::BLOCKS_MAX;
use crate::backend::StatFs;
use crate::error::{ErrorCode, Result};

/// How a volume's bytes are used: `size` is the sum of `live`, `dead`, `free` and
/// `reserved`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What it takes of its storage.
    pub size: u64,
    /// Blocks of files.
    pub live: u64,
    /// Blocks that held something that is gone; the next flush makes them free.
    pub dead: u64,
    /// Blocks to be used. The last MiB of them is kept for overwriting and deleting.
    pub free: u64,
    /// Superblocks, and the areas of the log.
    pub reserved: u64,
    /// In memory, not yet written: data and records.
    pub gathered: u64,
    /// Files, directories and all else that has an inode.
    pub objects: u64,
}

impl Store {
    pub(super) fn usage(&self) -> Usage {
        let bytes = |blocks: u64| blocks * BLOCK as u64;
        let areas = self.log.areas().iter().map(|area| u64::from(area.count)).sum::<u64>();
        let reserved = areas + u64::from(SLOTS);
        Usage {
            size: bytes(self.space.end().into()),
            live: bytes(self.space.used() - reserved),
            dead: bytes(self.space.waiting()),
            free: bytes(self.space.free_blocks()),
            reserved: bytes(reserved),
            gathered: self.gathered() as u64,
            objects: self.table.objects(),
        }
    }

    /// Blocks of a file that wait in memory.
    pub(super) fn waiting_for(&self, ino: u64) -> u64 {
        let extents = self.table.get(ino).and_then(|inode| inode.extents());
        let Some(extents) = extents else { return 0 };
        let pages = self.pages.range((ino, 0)..(ino, BLOCKS_MAX));
        let new = |block: &u64| extents.next(*block).is_none_or(|extent| extent.at != *block);
        pages.filter(|((_, block), _)| new(block)).count() as u64
    }

    /// How full it is, where a limit or its storage says how large it may become.
    pub(super) fn state(&mut self, limited: bool) -> Result<StatFs> {
        let most = u64::from(self.limit.saturating_sub(self.space.end()));
        let growth = match self.disk.room() {
            Some(room) => most.min(room / BLOCK as u64),
            None if limited => most,
            None => return Err(ErrorCode::Unsupported),
        };
        let free = self.space.available() + self.space.waiting() + growth;
        Ok(StatFs {
            // A block is 4096 bytes.
            #[allow(clippy::cast_possible_truncation)]
            block_size: BLOCK as u32,
            blocks: u64::from(self.space.end()) + growth,
            free_blocks: free,
            available_blocks: free.saturating_sub(u64::from(RESERVE)),
            files: 0,
            free_files: 0,
        })
    }
}
