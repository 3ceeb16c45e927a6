//! A mounted volume's state, behind one lock: what is gathered, and how it gets to the
//! disk. An operation first takes the space that it needs; no commit is made inside of one.

use std::collections::BTreeMap;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::cache::Cache;
use super::compact::Progress;
use super::disk::{Disk, read_all, write_all};
use super::log::{HEADER, LOG_MIN, Log};
use super::space::{BLOCK, RESERVE, Run, Space};
use super::stage::{STAGE, Stage};
use super::table::{BLOCKS_MAX, Body, Extent, Mapping, Table};
use crate::error::{ErrorCode, Result};

/// So many blocks between two runs are read and written again with them, rather than that
/// each run is written by itself: that costs a call, which is dear in a browser.
const BRIDGE: u64 = if cfg!(target_arch = "wasm32") { 8 } else { 1 };

/// Blocks that may be written between two flushes: a mount after a crash reads as many, in a
/// quarter of a second or so.
const UNFLUSHED_MAX: u64 = 96 * 1024;

/// By how many blocks a disk grows: an eighth of it, within these.
const GROWTH: (u32, u32) = (256, 4096);

/// Blocks that have to wait for a flush for it to be made before the disk grows.
const WAITING_MIN: u64 = 1024;

/// One block of a file, in memory.
pub(super) type Page = Box<[u8; BLOCK]>;

/// Blocks of files in memory, by file and block.
type Pages = BTreeMap<(u64, u64), Page>;

/// What a change may do.
#[derive(Clone, Copy)]
pub(super) enum Change {
    /// It makes the table larger, by so many bytes at most.
    Grow(u64),
    /// It does not.
    Keep,
}

pub(super) struct Store {
    pub(super) disk: Box<dyn Disk>,
    pub(super) cache: Cache,
    pub(super) space: Space,
    pub(super) table: Table,
    pub(super) log: Log,
    /// Data that waits for the next commit, by file and block; beyond the file's size it is
    /// zeros. Space for it is promised.
    pub(super) pages: Pages,
    pub(super) stage: Stage,
    /// Bytes that are on the disk, but in no commit yet.
    pub(super) unnamed: usize,
    pub(super) read_only: bool,
    pub(super) gather: Gather,
    /// Blocks that the disk may have.
    pub(super) limit: u32,
    pub(super) clock: Clock,
    /// When the oldest change that is not written was made.
    pub(super) oldest: Option<i64>,
    /// Blocks written since the last flush.
    pub(super) unflushed: u64,
    /// A compaction that is under way.
    pub(super) compaction: Option<Progress>,
    /// Larger areas for the log are not tried before the table has this size.
    pub(super) retry: u64,
}

/// The time of calls. No two have the same, so that a file that was changed never looks as
/// it did before, though a browser's clock stands still for a millisecond and more.
#[derive(Default)]
pub(super) struct Clock {
    last: i64,
}

impl Clock {
    /// How long a clock may stand still; if it says less by more, it was set back.
    const STANDS_STILL: i64 = 100_000_000;

    /// The time of the next call, when the system's clock says `now`.
    pub(super) fn next(&mut self, now: i64) -> i64 {
        let behind = self.last.saturating_sub(now);
        let stands = (0..Self::STANDS_STILL).contains(&behind);
        self.last = if stands { self.last.saturating_add(1) } else { now };
        self.last
    }
}

/// How much may be gathered before it is written.
#[derive(Clone, Copy)]
pub(super) struct Gather {
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

/// How many of the first `runs`, which are sorted, go out in one write: what lies between
/// them is little.
fn together(runs: &[Run]) -> usize {
    let near = |pair: &&[Run]| {
        let gap = u64::from(pair[1].start).saturating_sub(pair[0].end());
        gap <= BRIDGE && length(runs[0].start, pair[1].end()) <= STAGE as usize * BLOCK
    };
    1 + runs.windows(2).take_while(near).count()
}

/// Bytes from a block up to another one.
fn length(from: u32, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from.into())).unwrap_or(usize::MAX).saturating_mul(BLOCK)
}

/// Blocks that what grows leaves alone.
fn floor(grow: u64) -> u64 {
    if grow > 0 { u64::from(RESERVE) } else { 0 }
}

impl Store {
    pub(super) fn gathered(&self) -> usize {
        let data = self.pages.len() * BLOCK + self.stage.len() + self.unnamed;
        self.table.changes.bytes() + data
    }

    /// Before an operation that changes something: writes what has to be, and refuses what
    /// could not be written later.
    pub(super) fn begin(&mut self, change: Change) -> Result<()> {
        if self.read_only {
            return Err(ErrorCode::ReadOnly);
        }
        if self.gathered() >= self.gather.bytes && self.gathered() > 0 {
            self.commit()?;
        }
        match change {
            Change::Grow(bytes) => self.make_room(bytes),
            Change::Keep => Ok(()),
        }
    }

    /// After it. If writing fails, the next operation is told, or the next sync.
    pub(super) fn end(&mut self, now: i64) {
        self.oldest.get_or_insert(now);
        if self.gathered() >= self.gather.bytes {
            let _ = self.commit();
        }
    }

    /// Whether something waits to be written.
    pub(super) const fn is_gathering(&self) -> bool {
        self.oldest.is_some()
    }

    /// In every call: writes what has waited for too long.
    pub(super) fn tick(&mut self, now: i64) {
        let Some(oldest) = self.oldest else { return };
        // A clock that was set back counts, too.
        if u128::from(now.abs_diff(oldest)) >= self.gather.time.as_nanos() {
            let _ = self.commit();
        }
    }

    /// Writes all that is gathered. After an error it is still gathered, or due.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.log.finish(&mut *self.disk)?;
        self.bring_back()?;
        self.write_pages()?;
        self.write_stage()?;
        self.oldest = None;
        self.unnamed = 0;
        if self.table.changes.is_empty() {
            return Ok(());
        }
        if !self.log.fits(self.table.changes.bytes()) {
            return self.checkpoint();
        }
        let mut bytes = vec![0; HEADER];
        self.log.note(&self.table);
        self.table.take_changes(&mut bytes);
        self.space.committed();
        let committed = bytes.len();
        self.log.append(&mut *self.disk, bytes)?;
        self.log.advance(&mut *self.disk, &self.table, committed);
        if self.unflushed >= UNFLUSHED_MAX || self.log.wants_flush() {
            return self.flush();
        }
        Ok(())
    }

    /// Flushes before pages are written to many small places, if more comes back by that than
    /// lives on the disk, as after a large file was removed: one flush costs less than the
    /// pieces, now and whenever they are read.
    fn bring_back(&mut self) -> Result<()> {
        const MANY: u64 = 64;
        let pages = self.pages.len() as u64;
        let in_pieces = pages >= MANY && u64::from(self.space.longest()) < pages;
        if in_pieces && self.space.returning() > self.space.used().max(pages) {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes everything, and returns when it is durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        if self.read_only {
            return Ok(());
        }
        self.commit()?;
        self.flush()
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.log.flush(&mut *self.disk)?;
        self.space.flushed();
        self.unflushed = 0;
        self.cut_off_end(2 * self.growth(), self.growth());
        if self.table.changes.is_empty() {
            // Whatever becomes of this, all is flushed; what is due is tried again.
            let _ = self.log.switch(&mut *self.disk);
        }
        Ok(())
    }

    /// Syncs, and notes on the disk that it did.
    pub(super) fn close(&mut self) -> Result<()> {
        let answer = self.sync();
        if answer.is_ok() && !self.read_only && self.log.fits(0) && self.log.wants_mark() {
            // A mark that is lost costs the next mount some reading, no more.
            let _ = self.log.append(&mut *self.disk, vec![0; HEADER]);
        }
        self.disk.close();
        answer
    }

    /// Writes everything to the other area. The data is written, and nothing due.
    fn checkpoint(&mut self) -> Result<()> {
        let epoch = self.log.epoch();
        let answer = self.log.checkpoint(&mut *self.disk, &self.table);
        if self.log.epoch() > epoch {
            self.table.take_changes(&mut Vec::new());
            self.space.committed();
        }
        answer?;
        self.space.flushed();
        self.unflushed = 0;
        Ok(())
    }

    /// Writes the pages to new places, and names those.
    fn write_pages(&mut self) -> Result<()> {
        let Ok(count) = u32::try_from(self.pages.len()) else { return Err(ErrorCode::Io) };
        if count == 0 {
            return Ok(());
        }
        // There is as much, for it is promised.
        let runs = self.places(count).ok_or(ErrorCode::Io)?;
        let sums = match self.write_runs(&runs) {
            Ok(sums) => sums,
            Err(code) => {
                // No commit names them, so they are free at once.
                self.space.release_all(runs);
                return Err(code);
            }
        };
        self.data_written(count);
        self.space.forgo(u64::from(count));
        let mut blocks = runs.iter().flat_map(|run| run.start..run.start + run.count);
        let pages = std::mem::take(&mut self.pages);
        let mut current: Option<(u64, Extent)> = None;
        for &(ino, at) in pages.keys() {
            let Some(start) = blocks.next() else { break };
            match &mut current {
                Some((file, extent))
                    if *file == ino
                        && extent.end() == at
                        && extent.run.end() == u64::from(start) =>
                {
                    extent.run.count += 1;
                }
                _ => {
                    let next = (ino, Extent { at, run: Run { start, count: 1 } });
                    if let Some((ino, extent)) = current.replace(next) {
                        self.map(ino, Mapping::Data(extent))?;
                    }
                }
            }
        }
        if let Some((ino, extent)) = current {
            self.map(ino, Mapping::Data(extent))?;
        }
        let mut sums = &sums[..];
        for run in runs {
            let (these, rest) = sums.split_at(run.count as usize * 8);
            self.table.changes.written(run.start, these);
            sums = rest;
        }
        Ok(())
    }

    /// Takes `count` blocks, which are free: together, if the disk need not be much larger
    /// for that than what lives on it; otherwise in as few pieces as there are.
    pub(super) fn places(&mut self, count: u32) -> Option<Vec<Run>> {
        let mut whole = self.space.allocate_whole(count);
        let end = u64::from(self.space.end()) + u64::from(count);
        if whole.is_none() && self.compaction.is_none() && end <= self.roomy() {
            self.grow_disk(count.into());
            whole = self.space.allocate_whole(count);
        }
        whole.map(|run| vec![run]).or_else(|| self.space.allocate_pieces(count))
    }

    /// Writes the pages, in their order, to `runs`; answers their digests.
    fn write_runs(&mut self, runs: &[Run]) -> Result<Vec<u8>> {
        let pages = std::mem::take(&mut self.pages);
        let answer = self.write_pages_to(&pages, runs);
        self.pages = pages;
        answer
    }

    fn write_pages_to(&mut self, pages: &Pages, runs: &[Run]) -> Result<Vec<u8>> {
        let mut pages = pages.values();
        let mut sums = Vec::with_capacity(pages.len() * 8);
        let mut bytes = Vec::new();
        let mut rest = runs;
        while !rest.is_empty() {
            let (together, behind) = rest.split_at(together(rest));
            rest = behind;
            let first = together[0].start;
            let span = length(first, together[together.len() - 1].end());
            bytes.resize(span, 0);
            // What lies between is written again as it is: a crash in the middle leaves it so.
            let at = u64::from(first) * BLOCK as u64;
            let bridged = together.len() > 1;
            let bridged = bridged && read_all(&mut *self.disk, &mut bytes[..], at).is_ok();
            for run in together {
                let part = length(first, run.start.into())..length(first, run.end());
                for (block, page) in bytes[part.clone()].chunks_mut(BLOCK).zip(pages.by_ref()) {
                    block.copy_from_slice(&page[..]);
                    sums.extend_from_slice(&xxh3_64(&page[..]).to_le_bytes());
                }
                if !bridged {
                    self.write_blocks(run.start, &bytes[part], true)?;
                }
            }
            if bridged {
                write_all(&mut *self.disk, &bytes, at)?;
                for run in together {
                    let part = length(first, run.start.into())..length(first, run.end());
                    self.cache.wrote(run.start, &bytes[part], true);
                }
            }
        }
        Ok(sums)
    }

    /// Writes whole blocks, from `first` on, which nothing names yet. Those of `small` files
    /// are kept in memory.
    pub(super) fn write_blocks(&mut self, first: u32, bytes: &[u8], small: bool) -> Result<()> {
        write_all(&mut *self.disk, bytes, u64::from(first) * BLOCK as u64)?;
        self.cache.wrote(first, bytes, small);
        Ok(())
    }

    /// Notes that blocks were written, which the next flush makes durable.
    pub(super) fn data_written(&mut self, blocks: u32) {
        self.log.data_written();
        self.unflushed += u64::from(blocks);
    }

    /// Maps blocks of a file; what lay there is free after the next flush.
    pub(super) fn map(&mut self, ino: u64, change: Mapping) -> Result<()> {
        let space = &mut self.space;
        self.table.map(ino, change, &mut |run| space.free(run))
    }

    /// Sees to it that `grow` blocks for what was not there, and `keep` blocks for what is
    /// to be replaced, are free. Otherwise answers how many are.
    pub(super) fn take(&mut self, grow: u64, keep: u64) -> Result<(), u64> {
        if self.has_room(grow, keep) {
            return Ok(());
        }
        self.give_up_compaction();
        if self.has_room(grow, keep) {
            return Ok(());
        }
        let floor = floor(grow);
        let wanted = grow + keep + floor;
        let waiting = self.space.waiting();
        let end = u64::from(self.space.end()) + wanted - self.space.available();
        if waiting > WAITING_MIN && end > self.roomy() {
            let _ = self.sync();
        }
        self.grow_disk(wanted.saturating_sub(self.space.available()));
        let held = waiting > 0 || !self.pages.is_empty() || self.stage.is_begun();
        if self.space.available() < wanted && held {
            // What was freed or replaced comes back with a flush, and what is held with a write.
            let _ = self.sync();
        }
        let available = self.space.available();
        if available >= wanted { Ok(()) } else { Err(available.saturating_sub(floor)) }
    }

    /// Whether [`Store::take`] has nothing to do.
    pub(super) fn has_room(&self, grow: u64, keep: u64) -> bool {
        self.space.available() >= grow + keep + floor(grow)
    }

    /// Blocks of a disk that has enough room to be written to in long runs, between two
    /// flushes that are far enough apart: a sixth more than what lives on it, or 10 MiB.
    fn roomy(&self) -> u64 {
        const LEAST: u64 = 2560;
        let used = self.space.used();
        used + (used / 6).max(LEAST)
    }

    /// By how many blocks the disk grows.
    fn growth(&self) -> u32 {
        let room = self.roomy().saturating_sub(self.space.end().into());
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        (self.space.end() / 8).min(room).clamp(GROWTH.0, GROWTH.1)
    }

    /// After a flush: if more than `most` blocks at the end of the disk are free, gives
    /// back all but `keep` of them, and the reserve.
    pub(super) fn cut_off_end(&mut self, most: u32, keep: u32) {
        let (end, tail) = (self.space.end(), self.space.tail());
        if end - tail <= most {
            return;
        }
        let elsewhere = self.space.free_blocks() - u64::from(end - tail);
        let owed = self.space.promised() + u64::from(RESERVE);
        let needed = u32::try_from(owed.saturating_sub(elsewhere)).unwrap_or(u32::MAX);
        let target = tail.saturating_add(keep.max(needed));
        // A storage that cannot be cut keeps its blocks: they are free all the same.
        if target < end && self.disk.set_len(u64::from(target) * BLOCK as u64).is_ok() {
            self.space.cut(target);
        }
    }

    /// Lets the disk grow until `wanted` blocks are free, unless it would have more room than
    /// it needs.
    pub(super) fn widen(&mut self, wanted: u64) {
        let missing = wanted.saturating_sub(self.space.available());
        let end = u64::from(self.space.end()) + missing;
        if self.compaction.is_none() && end <= self.roomy() {
            self.grow_disk(missing);
        }
    }

    /// Lets the disk grow by `blocks`, or more; if it cannot, nothing happens.
    fn grow_disk(&mut self, blocks: u64) {
        if blocks == 0 {
            return;
        }
        let end = self.space.end();
        for more in [blocks.max(self.growth().into()), blocks] {
            let target = u64::from(end) + more;
            let Ok(target) = u32::try_from(target.min(u64::from(self.limit))) else { return };
            if u64::from(target) < u64::from(end) + blocks {
                return;
            }
            if self.disk.set_len(u64::from(target) * BLOCK as u64).is_ok() {
                self.space.grow(target);
                return;
            }
        }
    }

    /// Sees to it that the table, with `extra` bytes more, fits in both areas of the log,
    /// long before it has to: first the spare area is replaced by a larger one, and when a
    /// checkpoint has made that the one in use, the other one.
    fn make_room(&mut self, extra: u64) -> Result<()> {
        // A page can cut an extent in two, and is one itself.
        let wanted = self.table.image_bytes() + self.pages.len() as u64 * 72 + extra;
        let (active, spare) = self.log.capacity();
        let enough = wanted * 2 + LOG_MIN;
        if spare < enough && wanted >= self.retry {
            self.retry = match self.enlarge_spare(wanted) {
                Ok(()) => 0,
                Err(_) => wanted + 64 * 1024,
            };
        }
        if active < enough && spare >= enough {
            // A flush is worth it only when there is not much room left.
            let soon = wanted + wanted / 2 + LOG_MIN > active;
            self.log.hurry(soon);
        }
        let least = wanted + LOG_MIN / 2;
        if active < least && self.log.capacity().1 >= least {
            // It grew faster than the checkpoint.
            self.commit()?;
            // That may have made the other area the one in use; another checkpoint would go
            // back to the smaller one.
            if self.log.capacity().0 < least {
                self.checkpoint()?;
            }
            self.enlarge_spare(wanted)?;
        }
        let (active, spare) = self.log.capacity();
        if least > active.min(spare) { Err(ErrorCode::InsufficientSpace) } else { Ok(()) }
    }

    /// Gives the log a spare area for a table of `image` bytes, with room to grow.
    fn enlarge_spare(&mut self, image: u64) -> Result<()> {
        let bytes = (image * 4 + LOG_MIN).max(self.log.capacity().0);
        let blocks = u32::try_from(bytes.div_ceil(BLOCK as u64))
            .map_err(|_| ErrorCode::InsufficientSpace)?;
        self.log.finish(&mut *self.disk)?;
        let wanted = u64::from(blocks) + u64::from(RESERVE);
        let mut found = None;
        if self.space.available() >= wanted {
            found = self.space.allocate_whole(blocks);
        }
        if found.is_none() {
            self.grow_disk(wanted);
            if self.space.available() >= wanted {
                found = self.space.allocate_whole(blocks);
            }
        }
        let run = found.ok_or(ErrorCode::InsufficientSpace)?;
        let [_, old] = self.log.areas();
        // Whichever superblock is found after an error: neither area is used before it is
        // clear.
        self.space.free(old);
        self.log.set_spare(&mut *self.disk, run)
    }

    /// Frees what has neither a name nor a holder.
    pub(super) fn forget(&mut self, ino: u64) {
        self.drop_pages(ino, 0, BLOCKS_MAX);
        let Some(inode) = self.table.forget(ino) else { return };
        if let Body::File { extents, .. } = &inode.body {
            extents.iter().for_each(|extent| self.space.free(extent.run));
        }
    }

    /// Drops what is gathered for blocks of a file.
    pub(super) fn drop_pages(&mut self, ino: u64, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let gone: Vec<_> = self.pages.range((ino, from)..(ino, to)).map(|(key, _)| *key).collect();
        self.space.forgo(gone.len() as u64);
        for key in gone {
            self.pages.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn no_two_calls_have_the_same_time() {
        let mut clock = Clock::default();
        let second = 1_000_000_000;
        let told = [second, second, second, second + 1, second + 9, second - 1, 5, 5];
        let times = told.map(|now| clock.next(now));
        let wanted = [second, second + 1, second + 2, second + 3, second + 9, second + 10, 5, 6];
        assert_eq!(times, wanted);
    }
}
