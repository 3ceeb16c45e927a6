//! The content of files: reads, writes, sizes. New data waits in pages, or goes to places
//! that nothing names yet; of what is stored, no byte is changed.

use xxhash_rust::xxh3::xxh3_64;

use super::space::{BLOCK, Run};
use super::stage::{Reading, read_blocks};
use super::store::{Change, Page, Store};
use super::table::{ACCESSED, BLOCKS_MAX, CHANGED, Extent, MODIFIED, Mapping};
use crate::backend::{Destination, Position, Source, Written};
use crate::error::{ErrorCode, Result};

/// Bytes that one call writes: a commit has to hold what it says of them.
const WRITE_MAX: usize = 16 << 20;

/// From as many whole blocks on, a write does not wait in memory.
const DIRECT: u64 = 16;

#[cfg(target_arch = "wasm32")]
/// Bytes that pass through this module's memory at once, where they have to.
const PIECE: usize = PIECE_BLOCKS as usize * BLOCK;
#[cfg(target_arch = "wasm32")]
const PIECE_BLOCKS: u32 = 64;

const SIZE_MAX: u64 = i64::MAX as u64;

/// Bytes of a file that is small: such are read again and again.
const SMALL: u64 = 64 * 1024;

/// Bytes of a file of which short reads are kept, too: asking the disk for each costs more than
/// copying once more.
const MIDDLING: u64 = 1024 * 1024;

/// Bytes of a read that is short.
const SHORT: usize = 16 * 1024;

/// After how long a read is noted though nothing was written since the last one noted.
const DAY: i64 = 24 * 60 * 60 * 1_000_000_000;

const fn block_of(at: u64) -> u64 {
    at / BLOCK as u64
}

/// Where in its block a byte is.
#[allow(clippy::cast_possible_truncation)] // Less than a block.
const fn within(at: u64) -> usize {
    (at % BLOCK as u64) as usize
}

const fn start_of(block: u64) -> u64 {
    block.saturating_mul(BLOCK as u64)
}

/// The length of a range that lies in a buffer.
fn length(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

/// What a write is about to do.
struct Plan {
    offset: u64,
    count: usize,
    /// Whole blocks that go to the disk at once: from one up to another.
    direct: (u64, u64),
    /// Blocks to be read before: parts of them stay.
    partial: Vec<u64>,
    /// Blocks of space for what was not there, and for what is replaced.
    grow: u64,
    keep: u64,
}

impl Store {
    pub(super) fn read(
        &mut self,
        ino: u64,
        mut target: Destination<'_>,
        offset: u64,
    ) -> Result<usize> {
        let file = self.table.inode(ino)?;
        let Some(extents) = file.extents() else { return Err(ErrorCode::Invalid) };
        let size = file.attr.size();
        let end = size.min(offset.saturating_add(target.len() as u64));
        let small = size <= SMALL || (size <= MIDDLING && target.len() <= SHORT);
        let mut at = offset;
        while at < end {
            let block = block_of(at);
            let place = length(offset, at);
            if let Some(page) = self.pages.get(&(ino, block)) {
                let to = end.min(start_of(block + 1));
                target.put(place, &page[within(at)..within(at) + length(at, to)]);
                at = to;
                continue;
            }
            let dirty = self.pages.range((ino, block)..(ino, BLOCKS_MAX)).next();
            let stop = end.min(dirty.map_or(end, |((_, block), _)| start_of(*block)));
            match extents.next(block) {
                Some(extent) if extent.at == block => {
                    let to = stop.min(start_of(extent.end()));
                    let from = extent.run.offset() + within(at) as u64;
                    let part = target.part(place, place + length(at, to));
                    let (disk, cache) = (&mut *self.disk, &mut self.cache);
                    let what = Reading { from, small, blocks: self.space.end() };
                    read_blocks(disk, cache, &self.stage, part, what)?;
                    at = to;
                }
                hole => {
                    let to = stop.min(hole.map_or(stop, |extent| start_of(extent.at)));
                    target.put_zeros(place, length(at, to));
                    at = to;
                }
            }
        }
        Ok(length(offset, end))
    }

    /// How many bytes a file has.
    pub(super) fn size(&self, ino: u64) -> Result<u64> {
        Ok(self.table.inode(ino)?.attr.size())
    }

    /// Notes that a file was read, as rarely as other systems do: if it was changed since
    /// the last note, or a day is over.
    pub(super) fn note_read(&mut self, ino: u64, now: i64) {
        let Some(inode) = self.table.get(ino) else { return };
        let times = inode.attr.times;
        let old = times[ACCESSED] <= times[MODIFIED] || times[ACCESSED] <= times[CHANGED];
        if self.read_only || !(old || now.saturating_sub(times[ACCESSED]) >= DAY) {
            return;
        }
        if self.begin(Change::Keep).is_ok()
            && let Ok(inode) = self.table.change(ino)
        {
            inode.attr.times[ACCESSED] = now;
            self.end(now);
        }
    }

    pub(super) fn write(
        &mut self,
        ino: u64,
        from: Source<'_>,
        position: Position,
        now: i64,
    ) -> Result<Written> {
        let size = self.table.inode(ino)?.attr.size();
        let offset = match position {
            Position::At(offset) => offset,
            Position::End => size,
        };
        if from.is_empty() {
            return Ok(Written { offset, count: 0 });
        }
        if offset.checked_add(from.len() as u64).is_none_or(|end| end > SIZE_MAX) {
            return Err(ErrorCode::FileTooLarge);
        }
        let mut count = from.len().min(WRITE_MAX);
        self.begin(Change::Grow(512 + (count / BLOCK) as u64 * 36))?;
        let plan = self.room(ino, offset, &mut count)?;
        self.carry_out(ino, from.part(0, count), &plan)?;
        let inode = self.table.change(ino)?;
        inode.attr.detail = inode.attr.detail.max(offset + count as u64);
        inode.attr.times[MODIFIED] = now;
        inode.attr.times[CHANGED] = now;
        self.end(now);
        Ok(Written { offset, count })
    }

    /// Plans a write and makes room for it; `count` becomes less where there is not enough.
    fn room(&mut self, ino: u64, offset: u64, count: &mut usize) -> Result<Plan> {
        /// Once for the count that was asked for, once for a lower one, and each again.
        const ROUNDS: usize = 6;
        for _ in 0..ROUNDS {
            let plan = self.plan(ino, offset, *count)?;
            if self.has_room(plan.grow, plan.keep) {
                return Ok(plan);
            }
            if let Err(available) = self.take(plan.grow, plan.keep) {
                // As many whole blocks as there is room for, beside the one at the old end.
                let end = start_of(block_of(offset) + available.saturating_sub(1));
                let less = length(offset, end);
                if less == 0 || less >= *count {
                    return Err(ErrorCode::InsufficientSpace);
                }
                *count = less;
                continue;
            }
            // Making room may have written pages that the plan took for gathered.
            let again = self.plan(ino, offset, *count)?;
            if again.grow + again.keep <= plan.grow + plan.keep {
                return Ok(again);
            }
        }
        Err(ErrorCode::InsufficientSpace)
    }

    fn plan(&self, ino: u64, offset: u64, count: usize) -> Result<Plan> {
        let inode = self.table.inode(ino)?;
        let Some(extents) = inode.extents() else { return Err(ErrorCode::Invalid) };
        let size = inode.attr.size();
        let end = offset + count as u64;
        let (first, behind) = (block_of(offset), block_of(end - 1) + 1);
        let whole = (block_of(offset + BLOCK as u64 - 1), block_of(end));
        let direct =
            if whole.1.saturating_sub(whole.0) >= DIRECT { whole } else { (behind, behind) };
        let mut partial = Vec::new();
        // What lies behind the end in a block may be left from before a cut.
        if size < offset && block_of(size) < first && within(size) > 0 {
            partial.push(block_of(size));
        }
        if within(offset) > 0 {
            partial.push(first);
        }
        if within(end) > 0 && (within(offset) == 0 || behind - 1 > first) {
            partial.push(behind - 1);
        }
        // Of what is not there, no part stays.
        let dirty = |block: &u64| self.pages.contains_key(&(ino, *block));
        let mapped = |block: &u64| extents.next(*block).is_some_and(|extent| extent.at == *block);
        partial.retain(|block| !dirty(block) && mapped(block));
        let before = partial.first().is_some_and(|block| *block < first);
        let gathered = |from: u64, to: u64| -> u64 {
            if from < to { self.pages.range((ino, from)..(ino, to)).count() as u64 } else { 0 }
        };
        let pages = gathered(first, direct.0) + gathered(direct.1, behind);
        let total = behind - first - pages;
        let mut there = 0;
        let mut at = first;
        while let Some(extent) = extents.next(at).filter(|extent| extent.at < behind) {
            there += extent.end().min(behind) - extent.at;
            at = extent.end();
        }
        let replaced = there.min(total);
        let (grow, keep) = (total - replaced, replaced + u64::from(before));
        Ok(Plan { offset, count, direct, partial, grow, keep })
    }

    /// Carries out a plan for which there is room. Whatever fails does so before the first
    /// change.
    fn carry_out(&mut self, ino: u64, from: Source<'_>, plan: &Plan) -> Result<()> {
        let (offset, end) = (plan.offset, plan.offset + plan.count as u64);
        let mut loaded = Vec::with_capacity(plan.partial.len());
        for block in &plan.partial {
            loaded.push((*block, self.load(ino, *block)?));
        }
        let (first, last) = plan.direct;
        let mut written = Vec::new();
        if first < last {
            let part = from.part(length(offset, start_of(first)), length(offset, start_of(last)));
            written = self.write_directly(part)?;
        }
        for (block, page) in loaded {
            self.put_page(ino, block, page);
        }
        let mut at = offset;
        while at < end {
            let block = block_of(at);
            if block >= first && block < last {
                at = start_of(last);
                continue;
            }
            let to = end.min(start_of(block + 1));
            let page = self.pages.entry((ino, block)).or_insert_with(|| {
                self.space.promise(1);
                Box::new([0; BLOCK])
            });
            let target = &mut page[within(at)..within(at) + length(at, to)];
            from.part(length(offset, at), length(offset, to)).copy_to(target);
            at = to;
        }
        self.drop_pages(ino, first, last);
        let mut at = first;
        for (run, sums) in written {
            self.map(ino, Mapping::Data(Extent { at, run }))?;
            self.table.changes.written(run.start, &sums);
            at += u64::from(run.count);
        }
        Ok(())
    }

    /// A block that is mapped, as it is stored; zeros beyond the end of the file.
    fn load(&mut self, ino: u64, block: u64) -> Result<Page> {
        let inode = self.table.inode(ino)?;
        let extent = inode.extents().and_then(|extents| extents.next(block));
        let mut page = Box::new([0; BLOCK]);
        if let Some(extent) = extent.filter(|extent| extent.at == block) {
            let used = length(start_of(block), inode.attr.size()).min(BLOCK);
            let part = Destination::Slice(&mut page[..used]);
            let (disk, cache) = (&mut *self.disk, &mut self.cache);
            let blocks = self.space.end();
            let what = Reading { from: extent.run.offset(), small: false, blocks };
            read_blocks(disk, cache, &self.stage, part, what)?;
        }
        Ok(page)
    }

    fn put_page(&mut self, ino: u64, block: u64, page: Page) {
        if self.pages.insert((ino, block), page).is_none() {
            self.space.promise(1);
        }
    }

    /// Writes whole blocks to places that nothing names; answers them with the digests.
    fn write_directly(&mut self, from: Source<'_>) -> Result<Vec<(Run, Vec<u8>)>> {
        if let Some(staged) = self.stage(from)? {
            return Ok(vec![staged]);
        }
        let count = u32::try_from(from.len() / BLOCK).map_err(|_| ErrorCode::FileTooLarge)?;
        let runs = self.places(count).ok_or(ErrorCode::InsufficientSpace)?;
        let mut answer = Vec::with_capacity(runs.len());
        let mut at = 0;
        for run in &runs {
            let bytes = run.count as usize * BLOCK;
            match self.write_run(*run, from.part(at, at + bytes)) {
                Ok(sums) => answer.push((*run, sums)),
                Err(code) => {
                    self.space.release_all(runs);
                    return Err(code);
                }
            }
            at += bytes;
        }
        self.data_written(count);
        self.unnamed += from.len();
        Ok(answer)
    }

    fn write_run(&mut self, run: Run, from: Source<'_>) -> Result<Vec<u8>> {
        let mut sums = Vec::with_capacity(run.count as usize * 8);
        let mut sum = |bytes: &[u8]| {
            for block in bytes.chunks(BLOCK) {
                sums.extend_from_slice(&xxh3_64(block).to_le_bytes());
            }
        };
        match from {
            Source::Slice(bytes) => {
                sum(bytes);
                self.write_blocks(run.start, bytes, false)?;
            }
            #[cfg(target_arch = "wasm32")]
            Source::View(..) => {
                let mut piece = vec![0; from.len().min(PIECE)];
                let (mut at, mut first) = (0, run.start);
                while at < from.len() {
                    let bytes = &mut piece[..(from.len() - at).min(PIECE)];
                    from.part(at, at + bytes.len()).copy_to(bytes);
                    sum(bytes);
                    self.write_blocks(first, bytes, false)?;
                    at += bytes.len();
                    first += PIECE_BLOCKS;
                }
            }
        }
        Ok(sums)
    }

    pub(super) fn set_size(&mut self, ino: u64, size: u64, now: i64) -> Result<()> {
        if size > SIZE_MAX {
            return Err(ErrorCode::FileTooLarge);
        }
        let old = self.table.inode(ino)?.attr.size();
        self.begin(if size > old { Change::Grow(512) } else { Change::Keep })?;
        if size > old {
            self.clear_end(ino, old)?;
        } else {
            self.cut(ino, size)?;
        }
        let inode = self.table.change(ino)?;
        inode.attr.detail = size;
        inode.attr.times[MODIFIED] = now;
        inode.attr.times[CHANGED] = now;
        self.end(now);
        Ok(())
    }

    /// Makes zeros of what is stored behind the end, before the file grows over it.
    fn clear_end(&mut self, ino: u64, size: u64) -> Result<()> {
        let block = block_of(size);
        let extents = self.table.inode(ino)?.extents();
        let mapped = extents.and_then(|extents| extents.next(block));
        let stored = mapped.is_some_and(|extent| extent.at == block);
        if within(size) == 0 || !stored || self.pages.contains_key(&(ino, block)) {
            return Ok(());
        }
        self.take(0, 1).map_err(|_| ErrorCode::InsufficientSpace)?;
        // Making room may have written the page that was not there.
        let page = self.load(ino, block)?;
        self.put_page(ino, block, page);
        Ok(())
    }

    fn cut(&mut self, ino: u64, size: u64) -> Result<()> {
        let behind = size.div_ceil(BLOCK as u64);
        self.drop_pages(ino, behind, BLOCKS_MAX);
        if within(size) > 0
            && let Some(page) = self.pages.get_mut(&(ino, block_of(size)))
        {
            page[within(size)..].fill(0);
        }
        let extents = self.table.inode(ino)?.extents();
        if extents.is_some_and(|extents| extents.next(behind).is_some()) {
            self.map(ino, Mapping::Hole(behind, BLOCKS_MAX))?;
        }
        Ok(())
    }
}
