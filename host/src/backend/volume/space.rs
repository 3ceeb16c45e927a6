//! Which blocks are free, which wait to be, and which are promised. A block that was
//! freed is given out again only after the flush of the commit that freed it: until then
//! a power cut can bring back the state that refers to it.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes in a block.
pub(super) const BLOCK: usize = 4096;

/// Blocks that only overwriting and cutting may take, so that they go on when all is full.
pub(super) const RESERVE: u32 = 256;

/// Blocks that lie together on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) start: u32,
    pub(super) count: u32,
}

impl Run {
    /// Where it begins, in bytes.
    pub(super) fn offset(self) -> u64 {
        u64::from(self.start) * BLOCK as u64
    }

    /// The block behind it.
    pub(super) fn end(self) -> u64 {
        u64::from(self.start) + u64::from(self.count)
    }
}

/// The blocks of a disk.
#[derive(Default)]
pub(super) struct Space {
    /// Free runs by where they begin; no two touch, except at the fence.
    free: BTreeMap<u32, u32>,
    /// Those below the fence as length and start, for the best fit.
    by_size: BTreeSet<(u32, u32)>,
    /// Free blocks below the fence.
    free_blocks: u64,
    /// Free blocks behind it.
    fenced_blocks: u64,
    /// Blocks from here on are not given out: the end of the disk is to be cut off.
    fence: Option<u32>,
    /// Blocks of the disk, all below this number.
    end: u32,
    /// From where on free blocks in pieces are taken next.
    sweep: u32,
    /// Free blocks promised to data that waits in memory.
    promised: u64,
    /// Freed since the last commit.
    freed: Vec<Run>,
    /// Freed by commits that were written since the last flush.
    written: Vec<Run>,
    /// Blocks in both.
    waiting: u64,
}

impl Space {
    /// A disk of `end` blocks of which `used` are taken; they are sorted, and do not meet.
    pub(super) fn new(end: u32, used: &[Run]) -> Self {
        let mut space = Self { end, ..Self::default() };
        let mut at = 0;
        for run in used {
            if run.start > at {
                space.insert(Run { start: at, count: run.start - at });
            }
            at = run.start + run.count;
        }
        if end > at {
            space.insert(Run { start: at, count: end - at });
        }
        space
    }

    pub(super) const fn end(&self) -> u32 {
        self.end
    }

    /// Blocks that are neither used nor promised.
    pub(super) const fn available(&self) -> u64 {
        self.free_blocks.saturating_sub(self.promised)
    }

    /// Blocks that the next flush brings back.
    pub(super) const fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Blocks that a flush would bring back now: the commit that freed them is written.
    pub(super) fn returning(&self) -> u64 {
        self.waiting - self.freed.iter().map(|run| u64::from(run.count)).sum::<u64>()
    }

    /// The most free blocks that lie together.
    pub(super) fn longest(&self) -> u32 {
        self.by_size.last().map_or(0, |(count, _)| *count)
    }

    /// All free blocks, promised ones and those behind the fence among them.
    pub(super) const fn free_blocks(&self) -> u64 {
        self.free_blocks + self.fenced_blocks
    }

    /// Blocks that are neither free nor wait to be.
    pub(super) fn used(&self) -> u64 {
        u64::from(self.end) - self.free_blocks() - self.waiting
    }

    /// The first of the free blocks at the end of the disk; the end, if there are none.
    pub(super) fn tail(&self) -> u32 {
        let mut tail = self.end;
        for (&start, &count) in self.free.iter().rev() {
            if start + count < tail {
                break;
            }
            tail = start;
        }
        tail
    }

    /// Cuts the disk off at `end`, behind which all is free.
    pub(super) fn cut(&mut self, end: u32) {
        while let Some((&start, &count)) = self.free.last_key_value()
            && start + count > end
        {
            self.remove(start, count);
            if start < end {
                self.insert(Run { start, count: end - start });
            }
        }
        self.end = end;
    }

    /// From now on blocks behind `fence` are not given out; `None`: all are.
    pub(super) fn set_fence(&mut self, fence: Option<u32>) {
        let from = fence.into_iter().chain(self.fence).min().unwrap_or(self.end);
        let crossing = self.free.range(..from).next_back();
        let crossing = crossing.filter(|(start, count)| *start + *count >= from);
        let runs: Vec<_> = crossing.into_iter().chain(self.free.range(from..)).collect();
        let runs: Vec<_> = runs.into_iter().map(|(&start, &count)| Run { start, count }).collect();
        for run in &runs {
            self.remove(run.start, run.count);
        }
        self.fence = fence;
        self.release_all(runs);
    }

    /// Takes exactly `count` blocks that lie together, as near to the beginning of the disk
    /// as there are, and before `below`.
    pub(super) fn allocate_lowest(&mut self, count: u32, below: u32) -> Option<Run> {
        let mut runs = self.free.range(..below);
        let (&start, &length) = runs.find(|(_, length)| **length >= count)?;
        if start.checked_add(count)? > below || self.is_fenced(start) {
            return None;
        }
        self.remove(start, length);
        if length > count {
            self.insert(Run { start: start + count, count: length - count });
        }
        Some(Run { start, count })
    }

    /// Notes that the disk has grown to `end` blocks.
    pub(super) fn grow(&mut self, end: u32) {
        if end > self.end {
            let run = Run { start: self.end, count: end - self.end };
            self.end = end;
            self.release(run);
        }
    }

    /// Blocks that are promised.
    pub(super) const fn promised(&self) -> u64 {
        self.promised
    }

    /// Promises blocks, of which there have to be as many.
    pub(super) fn promise(&mut self, blocks: u64) {
        self.promised += blocks;
    }

    /// Takes a promise back.
    pub(super) fn forgo(&mut self, blocks: u64) {
        self.promised = self.promised.saturating_sub(blocks);
    }

    /// Takes up to `count` blocks that lie together: the smallest run that has as many, or
    /// the largest there is. `None` if none is free.
    pub(super) fn allocate(&mut self, count: u32) -> Option<Run> {
        let fit = self.by_size.range((count, 0)..).next().or_else(|| self.by_size.last());
        let (length, start) = *fit?;
        self.remove(start, length);
        let taken = length.min(count);
        if length > taken {
            self.insert(Run { start: start + taken, count: length - taken });
        }
        Some(Run { start, count: taken })
    }

    /// Takes exactly `count` blocks that lie together, if there are.
    pub(super) fn allocate_whole(&mut self, count: u32) -> Option<Run> {
        self.by_size.range((count, 0)..).next()?;
        self.allocate(count)
    }

    /// Takes as many blocks together as there are, up to `most`, if there are `least`.
    pub(super) fn allocate_longest(&mut self, least: u32, most: u32) -> Option<Run> {
        let count = self.longest();
        if count >= least.max(1) { self.allocate_whole(count.min(most)) } else { None }
    }

    /// Takes `count` blocks wherever they are, in the order in which they lie; none if there
    /// are not as many. They are near each other: each time it goes on where it was.
    pub(super) fn allocate_pieces(&mut self, count: u32) -> Option<Vec<Run>> {
        if self.free_blocks < u64::from(count) {
            return None;
        }
        let mut runs = Vec::new();
        let mut missing = count;
        while missing > 0 {
            let next = self.free.range(self.sweep..).next();
            let next = next.filter(|(start, _)| !self.is_fenced(**start));
            let Some((&start, &length)) = next else {
                if self.sweep == 0 {
                    // There are as many, so this does not happen.
                    self.release_all(runs);
                    return None;
                }
                self.sweep = 0;
                continue;
            };
            self.remove(start, length);
            let taken = length.min(missing);
            if length > taken {
                self.insert(Run { start: start + taken, count: length - taken });
            }
            self.sweep = start + taken;
            missing -= taken;
            runs.push(Run { start, count: taken });
        }
        runs.sort_unstable();
        Some(runs)
    }

    /// Gives back what no commit ever named.
    pub(super) fn release(&mut self, run: Run) {
        match self.fence {
            Some(fence) if run.start < fence && run.end() > u64::from(fence) => {
                let below = fence - run.start;
                self.release_part(Run { start: run.start, count: below });
                self.release_part(Run { start: fence, count: run.count - below });
            }
            _ => self.release_part(run),
        }
    }

    /// The same of what lies on one side of the fence.
    fn release_part(&mut self, run: Run) {
        if run.count == 0 {
            return;
        }
        let mut whole = run;
        if let Some((&start, &count)) = self.free.range(..run.start).next_back()
            && start + count == run.start
            && self.fence != Some(run.start)
        {
            self.remove(start, count);
            whole = Run { start, count: count + whole.count };
        }
        let next = run.start + run.count;
        if let Some(&count) = self.free.get(&next)
            && self.fence != Some(next)
        {
            self.remove(next, count);
            whole.count += count;
        }
        self.insert(whole);
    }

    /// The same of several runs.
    pub(super) fn release_all(&mut self, runs: Vec<Run>) {
        for run in runs {
            self.release(run);
        }
    }

    /// Gives back what the last commit may name: it waits.
    pub(super) fn free(&mut self, run: Run) {
        if run.count > 0 {
            self.waiting += u64::from(run.count);
            self.freed.push(run);
        }
    }

    /// A commit that no longer names what was freed is on its way to the disk.
    pub(super) fn committed(&mut self) {
        self.written.append(&mut self.freed);
    }

    /// All commits are durable.
    pub(super) fn flushed(&mut self) {
        for run in std::mem::take(&mut self.written) {
            self.waiting -= u64::from(run.count);
            self.release(run);
        }
    }

    fn is_fenced(&self, start: u32) -> bool {
        self.fence.is_some_and(|fence| start >= fence)
    }

    fn insert(&mut self, run: Run) {
        self.free.insert(run.start, run.count);
        if self.is_fenced(run.start) {
            self.fenced_blocks += u64::from(run.count);
        } else {
            self.by_size.insert((run.count, run.start));
            self.free_blocks += u64::from(run.count);
        }
    }

    fn remove(&mut self, start: u32, count: u32) {
        self.free.remove(&start);
        if self.is_fenced(start) {
            self.fenced_blocks -= u64::from(count);
        } else {
            self.by_size.remove(&(count, start));
            self.free_blocks -= u64::from(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: u32, count: u32) -> Run {
        Run { start, count }
    }

    #[test]
    fn the_best_fit_is_taken_and_neighbours_join() {
        let mut space = Space::new(100, &[run(0, 10), run(20, 5), run(40, 50)]);
        assert_eq!(space.available(), 10 + 15 + 10);
        assert_eq!(space.allocate(12), Some(run(25, 12)));
        assert_eq!(space.allocate(10), Some(run(10, 10)));
        assert_eq!(space.allocate(50), Some(run(90, 10)), "the largest there is");
        assert_eq!(space.allocate_whole(4), None);
        space.release(run(10, 10));
        space.release(run(20, 5));
        space.release(run(25, 12));
        assert_eq!(space.allocate_whole(30), Some(run(10, 30)));
        assert_eq!(space.allocate(1), None);
    }

    #[test]
    fn what_is_freed_waits_for_the_flush() {
        let mut space = Space::new(4, &[run(0, 4)]);
        space.free(run(1, 2));
        space.flushed();
        assert_eq!((space.available(), space.waiting()), (0, 2), "no commit names it as free");
        space.committed();
        assert_eq!(space.available(), 0);
        space.flushed();
        assert_eq!((space.available(), space.waiting()), (2, 0));
    }
}
