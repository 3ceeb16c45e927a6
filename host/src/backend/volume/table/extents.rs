//! Where the blocks of one file lie. Most files are one extent, which takes no more
//! memory than the inode has anyway.

use std::collections::BTreeMap;

use crate::backend::volume::space::Run;

/// Blocks of a file from `at` that lie in `run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::volume) struct Extent {
    pub(in crate::backend::volume) at: u64,
    pub(in crate::backend::volume) run: Run,
}

impl Extent {
    /// The file's block behind it.
    pub(in crate::backend::volume) fn end(self) -> u64 {
        self.at + u64::from(self.run.count)
    }

    /// The part from the file's block `from` up to `to`, which it has.
    fn part(self, from: u64, to: u64) -> Self {
        // Both differences are within the run's count.
        #[allow(clippy::cast_possible_truncation)]
        let (skip, count) = ((from - self.at) as u32, (to - from) as u32);
        Self { at: from, run: Run { start: self.run.start + skip, count } }
    }

    /// Whether `next` goes on where this one ends, in the file and on the disk.
    fn joins(self, next: Self) -> bool {
        self.end() == next.at
            && self.run.end() == u64::from(next.run.start)
            && self.run.count.checked_add(next.run.count).is_some()
    }
}

/// All extents of a file; they do not meet.
#[allow(clippy::box_collection)] // There is one in every inode, and few are many.
#[derive(Default)]
pub(in crate::backend::volume) enum Extents {
    #[default]
    None,
    One(Extent),
    Many(Box<BTreeMap<u64, Run>>),
}

impl Extents {
    pub(in crate::backend::volume) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(map) => map.len(),
        }
    }

    /// The first extent that ends behind the block `from`, cut so that it begins there.
    pub(in crate::backend::volume) fn next(&self, from: u64) -> Option<Extent> {
        let found = match self {
            Self::None => None,
            Self::One(extent) => (extent.end() > from).then_some(*extent),
            Self::Many(map) => {
                let extent = |(&at, &run): (&u64, &Run)| Extent { at, run };
                let before = map.range(..=from).next_back().map(extent);
                before
                    .filter(|extent| extent.end() > from)
                    .or_else(|| map.range(from..).next().map(extent))
            }
        }?;
        Some(if found.at < from { found.part(from, found.end()) } else { found })
    }

    pub(in crate::backend::volume) fn iter(&self) -> impl Iterator<Item = Extent> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(extent) => (Some(*extent), None),
            Self::Many(map) => (None, Some(map.iter())),
        };
        let many = many.into_iter().flatten();
        one.into_iter().chain(many.map(|(&at, &run)| Extent { at, run }))
    }

    /// Takes away what is mapped in `from..to`, and hands each run of it to `freed`.
    pub(in crate::backend::volume) fn cut(
        &mut self,
        from: u64,
        to: u64,
        freed: &mut impl FnMut(Run),
    ) {
        while let Some(extent) = self.next(from).filter(|extent| extent.at < to) {
            let gone = extent.part(extent.at, extent.end().min(to));
            self.split_out(gone);
            freed(gone.run);
        }
    }

    /// Maps `extent`; what was mapped there goes to `freed`.
    pub(in crate::backend::volume) fn set(&mut self, extent: Extent, freed: &mut impl FnMut(Run)) {
        self.cut(extent.at, extent.end(), freed);
        let mut whole = extent;
        if let Some(before) = extent.at.checked_sub(1).and_then(|last| self.whole(last))
            && before.joins(whole)
        {
            self.remove(before.at);
            whole = Extent {
                at: before.at,
                run: Run { start: before.run.start, count: before.run.count + whole.run.count },
            };
        }
        if let Some(after) = self.whole(extent.end()).filter(|after| whole.joins(*after)) {
            self.remove(after.at);
            whole.run.count += after.run.count;
        }
        self.insert(whole);
    }

    /// The extent that holds a block, uncut.
    fn whole(&self, block: u64) -> Option<Extent> {
        let found = match self {
            Self::None => None,
            Self::One(extent) => Some(*extent),
            Self::Many(map) => {
                map.range(..=block).next_back().map(|(&at, &run)| Extent { at, run })
            }
        };
        found.filter(|extent| extent.at <= block && block < extent.end())
    }

    /// Takes `gone` out of the extent that holds all of it.
    fn split_out(&mut self, gone: Extent) {
        let Some(holder) = self.whole(gone.at) else { return };
        self.remove(holder.at);
        if holder.at < gone.at {
            self.insert(holder.part(holder.at, gone.at));
        }
        if gone.end() < holder.end() {
            self.insert(holder.part(gone.end(), holder.end()));
        }
    }

    fn insert(&mut self, extent: Extent) {
        match self {
            Self::None => *self = Self::One(extent),
            Self::One(one) => {
                let both = [(one.at, one.run), (extent.at, extent.run)];
                *self = Self::Many(Box::new(BTreeMap::from(both)));
            }
            Self::Many(map) => drop(map.insert(extent.at, extent.run)),
        }
    }

    fn remove(&mut self, at: u64) {
        match self {
            Self::None => {}
            Self::One(_) => *self = Self::None,
            Self::Many(map) => {
                map.remove(&at);
                if map.is_empty() {
                    *self = Self::None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(at: u64, start: u32, count: u32) -> Extent {
        Extent { at, run: Run { start, count } }
    }

    #[allow(clippy::cast_possible_truncation)] // All numbers are small.
    /// Random maps and cuts against an array of blocks, by a seed that a failure names.
    #[test]
    fn extents_equal_an_array_of_blocks() {
        const BLOCKS: u64 = 40;
        for seed in 0..200_u64 {
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = |below: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % below
            };
            let mut extents = Extents::default();
            let mut array = vec![0_u32; 2 * BLOCKS as usize];
            for step in 0..100_u32 {
                let (at, count) = (next(BLOCKS), 1 + next(BLOCKS / 2));
                let start = if next(3) == 0 { 0 } else { 1000 * (1 + step) };
                // Sometimes right behind what lies before it.
                let before = at.checked_sub(1).map_or(0, |last| array[last as usize]);
                let start =
                    if start > 0 && before > 0 && next(2) == 0 { before + 1 } else { start };
                let mut freed = 0;
                let mut free = |run: Run| freed += u64::from(run.count);
                if start == 0 {
                    extents.cut(at, at + count, &mut free);
                } else {
                    extents.set(extent(at, start, count as u32), &mut free);
                }
                let part = &mut array[at as usize..(at + count) as usize];
                let mapped = part.iter().filter(|block| **block > 0).count() as u64;
                assert_eq!(freed, mapped, "seed {seed} step {step}");
                for (block, index) in part.iter_mut().zip(0..) {
                    *block = if start == 0 { 0 } else { start + index };
                }
                let mut found = vec![0; array.len()];
                for extent in extents.iter() {
                    for index in 0..extent.run.count {
                        found[extent.at as usize + index as usize] = extent.run.start + index;
                    }
                }
                assert_eq!(found, array, "seed {seed} step {step}");
            }
        }
    }
}
