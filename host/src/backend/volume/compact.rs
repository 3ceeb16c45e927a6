//! Compaction: what lies near the end of the disk moves to free places before it, so that
//! the end can be cut off. It goes in steps; a crash between or in them harms nothing, for
//! each is made of ordinary commits, which change no file's content.

use xxhash_rust::xxh3::xxh3_64;

use super::disk::read_all;
use super::log::{AREA, LOG_MIN};
use super::space::{BLOCK, RESERVE, Run};
use super::store::{Change, Store};
use super::table::{Extent, Mapping};
use crate::error::{ErrorCode, Result};

/// Blocks that are moved at once.
const PIECE: u32 = 256;

/// Objects that one step looks at, if nothing of theirs has to move.
const LOOKED_AT: u32 = 16 * 1024;

/// What one step of a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Bytes that were moved.
    pub moved: u64,
    /// Bytes of the storage that the volume takes now.
    pub size: u64,
    /// Whether there is nothing more to do.
    pub done: bool,
}

/// How far a compaction has got.
#[derive(Clone, Copy)]
pub(super) enum Progress {
    /// Files are moved before the fence: those in lower slots are, and of the one in this
    /// slot the blocks before this one.
    Files { fence: u32, slot: u32, block: u64 },
    /// Then the areas of the log.
    Areas,
}

impl Store {
    /// One step, which moves about `most` bytes.
    pub(super) fn compact(&mut self, most: u64) -> Result<Compaction> {
        if self.read_only {
            return Err(ErrorCode::ReadOnly);
        }
        // What waits is free from here on.
        self.sync()?;
        if self.compaction.is_none() {
            self.compaction = self.begin_compaction();
        }
        let moved = match self.compaction {
            Some(Progress::Files { fence, slot, block }) => {
                self.move_files(fence, (slot, block), most)?
            }
            Some(Progress::Areas) => self.move_areas(most)?,
            None => 0,
        };
        let done = self.compaction.is_none();
        if done {
            self.cut_off_end(0, 0);
        }
        let size = u64::from(self.space.end()) * BLOCK as u64;
        Ok(Compaction { moved, size, done })
    }

    /// Ends it where it is: the blocks behind the fence are needed.
    pub(super) fn give_up_compaction(&mut self) {
        if self.compaction.take().is_some() {
            self.space.set_fence(None);
        }
    }

    /// Blocks that an area of the log needs, with room for the table to grow.
    fn area_wanted(&self) -> u32 {
        let bytes = self.table.image_bytes() * 3 + LOG_MIN;
        u32::try_from(bytes.div_ceil(BLOCK as u64)).unwrap_or(u32::MAX).max(AREA)
    }

    /// Sets the fence behind which no file needs to lie, if there is something to gain.
    fn begin_compaction(&mut self) -> Option<Progress> {
        let areas = self.log.areas();
        let areas_now = u64::from(areas[0].count) + u64::from(areas[1].count);
        let files = self.space.used().saturating_sub(areas_now);
        // A little more than they take: small gaps remain.
        let packed = files + files / 64 + u64::from(RESERVE);
        let whole = packed + 2 * u64::from(self.area_wanted());
        if whole + whole / 16 >= u64::from(self.space.tail()) {
            return None;
        }
        let mut fence = u32::try_from(packed).ok()?;
        let mut before = areas;
        before.sort_unstable();
        for area in before {
            // An area before the fence takes room of the files.
            if area.start < fence {
                fence = fence.checked_add(area.count)?;
            }
        }
        self.space.set_fence(Some(fence));
        Some(Progress::Files { fence, slot: 0, block: 0 })
    }

    fn move_files(&mut self, fence: u32, from: (u32, u64), most: u64) -> Result<u64> {
        let (mut slot, mut block) = from;
        let (mut moved, mut looked_at) = (0, 0);
        while let Some((ino, at)) = self.table.object_from(slot) {
            if at != slot {
                block = 0;
            }
            slot = at;
            while let Some(extent) = self.extent_behind(ino, block, fence) {
                if moved >= most {
                    break;
                }
                if !self.move_extent(ino, extent)? {
                    // There was no room before the fence: what lives has grown.
                    return self.sync().map(|()| moved);
                }
                moved += u64::from(extent.run.count) * BLOCK as u64;
                block = extent.end();
            }
            looked_at += 1;
            if moved >= most || looked_at >= LOOKED_AT {
                self.compaction = Some(Progress::Files { fence, slot, block });
                return self.sync().map(|()| moved);
            }
            (slot, block) = (slot + 1, 0);
        }
        self.sync()?;
        self.space.set_fence(None);
        self.compaction = Some(Progress::Areas);
        Ok(moved)
    }

    /// The next part of a file, of a moderate size, that lies behind the fence.
    fn extent_behind(&self, ino: u64, block: u64, fence: u32) -> Option<Extent> {
        let extents = self.table.get(ino)?.extents()?;
        let mut from = block;
        loop {
            let extent = extents.next(from)?;
            if extent.run.end() > u64::from(fence) {
                let skip = fence.saturating_sub(extent.run.start);
                let start = extent.run.start + skip;
                let count = (extent.run.count - skip).min(PIECE);
                return Some(Extent { at: extent.at + u64::from(skip), run: Run { start, count } });
            }
            from = extent.end();
        }
    }

    /// Moves a part of a file before the fence. Where there is no room it stays, and the
    /// compaction is given up.
    fn move_extent(&mut self, ino: u64, extent: Extent) -> Result<bool> {
        let count = extent.run.count;
        self.begin(Change::Grow(u64::from(count) * 72))?;
        if self.space.available() < u64::from(count) + u64::from(RESERVE) {
            self.give_up_compaction();
            return Ok(false);
        }
        let mut bytes = vec![0; count as usize * BLOCK];
        read_all(&mut *self.disk, &mut bytes[..], extent.run.offset())?;
        let runs = self.places(count).ok_or(ErrorCode::Io)?;
        let mut rest = &bytes[..];
        for run in &runs {
            let (part, behind) = rest.split_at(run.count as usize * BLOCK);
            if let Err(code) = self.write_blocks(run.start, part, false) {
                self.space.release_all(runs);
                return Err(code);
            }
            rest = behind;
        }
        self.data_written(count);
        self.unnamed += bytes.len();
        let (mut at, mut rest) = (extent.at, &bytes[..]);
        for run in runs {
            let (part, behind) = rest.split_at(run.count as usize * BLOCK);
            let sums: Vec<_> =
                part.chunks(BLOCK).map(|block| xxh3_64(block).to_le_bytes()).collect();
            self.map(ino, Mapping::Data(Extent { at, run }))?;
            self.table.changes.written(run.start, sums.as_flattened());
            (at, rest) = (at + u64::from(run.count), behind);
        }
        Ok(true)
    }

    /// Moves one area of the log to where it takes less, or lies nearer to the beginning;
    /// or goes on with the checkpoint after which that can be done.
    fn move_areas(&mut self, most: u64) -> Result<u64> {
        let wanted = self.area_wanted();
        let [active, spare] = self.log.areas();
        let is_large = |area: Run| area.count > wanted + wanted / 4;
        let room = self.space.available() >= u64::from(wanted) + u64::from(RESERVE);
        let lower = room.then(|| self.space.allocate_lowest(wanted, spare.start)).flatten();
        let smaller = Run { start: spare.start, count: wanted };
        if let Some(run) = lower.or_else(|| is_large(spare).then_some(smaller)) {
            let kept = if lower.is_some() { 0 } else { wanted };
            self.space.free(Run { start: spare.start + kept, count: spare.count - kept });
            self.log.set_spare(&mut *self.disk, run)?;
            // Nothing else was freed since the sync.
            self.space.committed();
            self.flush()?;
            return Ok(0);
        }
        let lower = room.then(|| self.space.allocate_lowest(wanted, active.start)).flatten();
        if let Some(run) = lower {
            self.space.release(run);
        } else if !is_large(active) {
            self.compaction = None;
            return Ok(0);
        }
        // A checkpoint makes the other area the spare one.
        self.log.hurry(false);
        self.log.push_image(&mut *self.disk, &self.table, most)?;
        self.flush()?;
        Ok(most)
    }
}
