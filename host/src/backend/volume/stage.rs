//! Between files and the disk: data that is written in moderate pieces is put together, so
//! that it goes out in large ones; and what is read comes from there, from the cache, or
//! from the disk. A staged block has its place already, and files name it.

use xxhash_rust::xxh3::xxh3_64;

use super::cache::Cache;
use super::disk::{Disk, read_all};
use super::space::{BLOCK, RESERVE, Run};
use super::store::Store;
use crate::backend::{Destination, Source};
use crate::error::{ErrorCode, Result};

/// Blocks that go out together.
pub(super) const STAGE: u32 = 256;

/// Blocks that are read together where reads are dear; and the most, if as much is asked for.
const GROUP: u64 = 16;
const GROUP_MAX: u64 = 256;

/// Blocks on their way.
#[derive(Default)]
pub(super) struct Stage {
    /// Where they will lie; of no blocks, if nothing is staged.
    run: Run,
    /// How many of those there are yet.
    filled: u32,
    /// All that fits; made when it is first needed.
    bytes: Vec<u8>,
}

impl Stage {
    /// Bytes that are not written yet.
    pub(super) const fn len(&self) -> usize {
        self.filled as usize * BLOCK
    }

    /// Whether it holds blocks of the disk, filled or not.
    pub(super) const fn is_begun(&self) -> bool {
        self.run.count > 0
    }

    /// The bytes of the disk that are here instead.
    fn range(&self) -> (u64, u64) {
        let start = self.run.offset();
        (start, start + self.len() as u64)
    }
}

impl Store {
    /// Puts whole blocks in the stage: where they will lie, and their digests. `None` if
    /// they are many, or there is no room for another stage.
    pub(super) fn stage(&mut self, from: Source<'_>) -> Result<Option<(Run, Vec<u8>)>> {
        let count = u32::try_from(from.len() / BLOCK).unwrap_or(u32::MAX);
        if count >= STAGE {
            return Ok(None);
        }
        if self.stage.run.count - self.stage.filled < count {
            self.write_stage()?;
            let wanted = u64::from(STAGE) + u64::from(RESERVE);
            self.widen(wanted);
            if self.space.available() < wanted {
                return Ok(None);
            }
            match self.stage_run(count) {
                Some(run) => self.stage.run = run,
                None => return Ok(None),
            }
        }
        let stage = &mut self.stage;
        stage.bytes.resize(STAGE as usize * BLOCK, 0);
        let start = stage.len();
        let bytes = &mut stage.bytes[start..start + from.len()];
        from.copy_to(bytes);
        let sums: Vec<_> = bytes.chunks(BLOCK).map(|block| xxh3_64(block).to_le_bytes()).collect();
        let run = Run { start: stage.run.start + stage.filled, count };
        stage.filled += count;
        Ok(Some((run, sums.into_flattened())))
    }

    /// Where the next stage will lie: in the longest run that is free, if there is none of
    /// its length and the disk shall not grow.
    fn stage_run(&mut self, least: u32) -> Option<Run> {
        let places = self.places(STAGE)?;
        if let &[run] = places.as_slice() {
            return Some(run);
        }
        self.space.release_all(places);
        self.space.allocate_longest(least, STAGE)
    }

    /// Writes what is staged, and gives back what room is left. After an error it is staged
    /// still.
    pub(super) fn write_stage(&mut self) -> Result<()> {
        let Stage { run, filled, bytes } = &mut self.stage;
        let (run, filled, bytes) = (*run, *filled, std::mem::take(bytes));
        if run.count == 0 {
            self.stage.bytes = bytes;
            return Ok(());
        }
        let answer = self.write_blocks(run.start, &bytes[..filled as usize * BLOCK], false);
        self.stage.bytes = bytes;
        answer?;
        self.data_written(filled);
        self.stage.run = Run::default();
        self.stage.filled = 0;
        self.space.release(Run { start: run.start + filled, count: run.count - filled });
        Ok(())
    }
}

/// What is read of the disk.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// The first byte.
    pub(super) from: u64,
    /// It is of a small file.
    pub(super) small: bool,
    /// Blocks that the disk has.
    pub(super) blocks: u32,
}

/// Reads bytes of the disk, wherever they are.
pub(super) fn read_blocks(
    disk: &mut dyn Disk,
    cache: &mut Cache,
    stage: &Stage,
    mut into: Destination<'_>,
    what: Reading,
) -> Result<()> {
    let (start, end) = stage.range();
    let (mut at, stop) = (what.from, what.from + into.len() as u64);
    if stop <= start || at >= end {
        return read_cached(disk, cache, into, what);
    }
    while at < stop {
        let place = length(what.from, at);
        if at >= start && at < end {
            let to = stop.min(end);
            into.put(place, &stage.bytes[length(start, at)..length(start, to)]);
            at = to;
        } else {
            let to = if at < start { stop.min(start) } else { stop };
            let part = into.part(place, place + length(at, to));
            read_cached(disk, cache, part, Reading { from: at, ..what })?;
            at = to;
        }
    }
    Ok(())
}

fn read_cached(
    disk: &mut dyn Disk,
    cache: &mut Cache,
    mut into: Destination<'_>,
    Reading { from, small, blocks }: Reading,
) -> Result<()> {
    if !cache.is_on() {
        return read_all(disk, into, from);
    }
    let block_of = |at: u64| at / BLOCK as u64;
    let start_of = |block: u64| block * BLOCK as u64;
    // A volume has fewer than 2^32 blocks.
    let number = |block| u32::try_from(block).map_err(|_| ErrorCode::Io);
    let (mut at, end) = (from, from + into.len() as u64);
    let behind = number(block_of(end - 1) + 1)?;
    while at < end {
        let block = block_of(at);
        if let Some(bytes) = cache.get(number(block)?) {
            let to = end.min(start_of(block + 1));
            let first = length(start_of(block), at);
            into.put(length(from, at), &bytes[first..first + length(at, to)]);
            at = to;
            continue;
        }
        let (first, last) = if cache.keeps_all() {
            // Its group, and all that is asked for, as far as the disk has it.
            let first = block / GROUP * GROUP;
            let last = (first + GROUP).max(u64::from(behind).min(first + GROUP_MAX));
            (first, last.min(blocks.into()).max(block + 1))
        } else {
            // What is asked for, up to the next block that is known.
            let next = (number(block)? + 1..behind).find(|block| cache.has(*block));
            (block, next.unwrap_or(behind).into())
        };
        let to = end.min(start_of(last));
        let part = length(from, at)..length(from, to);
        if !cache.keeps_all() && !small {
            read_all(disk, into.part(part.start, part.end), at)?;
        } else {
            let mut bytes = vec![0; length(start_of(first), start_of(last))];
            read_all(disk, &mut bytes[..], start_of(first))?;
            cache.put(number(first)?, &bytes);
            let place = length(start_of(first), at);
            into.put(part.start, &bytes[place..place + part.len()]);
        }
        at = to;
    }
    Ok(())
}

/// The length of a range that lies in a buffer.
fn length(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}
