//! Blocks of the disk that were read or written not long ago, where reading them again
//! would be dear. No block is written but through here, so none is ever stale.

use hashbrown::HashTable;
use web_time::{Duration, Instant};

use super::disk::{Disk, read_all};
use super::space::BLOCK;
use super::store::Page;

/// Bytes kept where reads are dear and nobody said how many.
const DEFAULT: u64 = 64 << 20;

/// Reads in one measurement, each of a block, and how long they take where they are dear:
/// some engines ask another process for each, which takes twenty times as long.
const READS: u32 = 64;
const DEAR: Duration = Duration::from_micros(900);

struct Slot {
    block: u32,
    /// Asked for since the hand last passed.
    used: bool,
    bytes: Page,
}

/// A cache of whole blocks, which forgets those first that nobody asks for twice.
pub(super) struct Cache {
    slots: Vec<Slot>,
    /// Places in `slots`.
    index: HashTable<u32>,
    /// The next slot to be looked at for reuse.
    hand: usize,
    most: usize,
}

fn hash(block: u32) -> u64 {
    u64::from(block).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Cache {
    /// One that holds so many bytes; if nobody says how many, what pays on this disk.
    pub(super) fn new(bytes: Option<u64>, disk: &mut dyn Disk) -> Self {
        let bytes = bytes.unwrap_or_else(|| if reads_are_dear(disk) { DEFAULT } else { 0 });
        // As many as there are blocks of a disk, at most.
        let most = u32::try_from(bytes / BLOCK as u64).unwrap_or(u32::MAX) as usize;
        Self { slots: Vec::new(), index: HashTable::new(), hand: 0, most }
    }

    /// Whether it holds anything, ever.
    pub(super) const fn is_on(&self) -> bool {
        self.most > 0
    }

    fn place(&self, block: u32) -> Option<usize> {
        let is = |place: &u32| self.slots[*place as usize].block == block;
        self.index.find(hash(block), is).map(|place| *place as usize)
    }

    pub(super) fn get(&mut self, block: u32) -> Option<&[u8; BLOCK]> {
        let place = self.place(block)?;
        let slot = &mut self.slots[place];
        slot.used = true;
        Some(&slot.bytes)
    }

    /// Keeps what lies in the blocks from `first` on from now on.
    pub(super) fn put(&mut self, first: u32, bytes: &[u8]) {
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        for (block, bytes) in (first..).zip(blocks) {
            if let Some(place) = self.place(block) {
                self.slots[place].bytes.copy_from_slice(bytes);
            } else if let Some(place) = self.vacate() {
                let slot = &mut self.slots[place];
                (slot.block, slot.used) = (block, false);
                slot.bytes.copy_from_slice(bytes);
                self.enter(place);
            } else if self.is_on() {
                self.slots.push(Slot { block, used: false, bytes: Box::new(*bytes) });
                self.enter(self.slots.len() - 1);
            }
        }
    }

    fn enter(&mut self, place: usize) {
        let slots = &self.slots;
        // There are fewer than 2^32.
        #[allow(clippy::cast_possible_truncation)]
        let number = place as u32;
        let hasher = |place: &u32| hash(slots[*place as usize].block);
        self.index.insert_unique(hash(slots[place].block), number, hasher);
    }

    /// A slot to be used again, if there are no more to be had.
    fn vacate(&mut self) -> Option<usize> {
        if self.slots.len() < self.most || self.slots.is_empty() {
            return None;
        }
        // Once around, at most, and one more.
        while std::mem::take(&mut self.slots[self.hand].used) {
            self.hand = (self.hand + 1) % self.slots.len();
        }
        let place = self.hand;
        self.hand = (self.hand + 1) % self.slots.len();
        let is = |other: &u32| *other as usize == place;
        if let Ok(entry) = self.index.find_entry(hash(self.slots[place].block), is) {
            entry.remove();
        }
        Some(place)
    }
}

/// Measures reading; the better of two times counts, for others may have been at work.
fn reads_are_dear(disk: &mut dyn Disk) -> bool {
    (0..2).all(|_| {
        let start = Instant::now();
        let mut block = [0; BLOCK];
        let read = (0..READS).all(|_| read_all(disk, &mut block[..], 0).is_ok());
        read && start.elapsed() >= DEAR
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::volume::disk::Ram;

    #[test]
    fn what_is_asked_for_again_stays() {
        let mut cache = Cache::new(Some(4 * BLOCK as u64), &mut Ram::new(0));
        for block in 0..4_u8 {
            cache.put(block.into(), &[block; BLOCK]);
        }
        assert_eq!(cache.get(1), Some(&[1; BLOCK]));
        cache.put(1, &[9; BLOCK]);
        cache.put(10, &[[10; BLOCK], [11; BLOCK], [12; BLOCK]].concat());
        assert_eq!(cache.get(1), Some(&[9; BLOCK]), "used, and the last that was put");
        let kept: Vec<_> = (0..20).filter(|block| cache.place(*block).is_some()).collect();
        assert_eq!(kept, [1, 10, 11, 12]);
    }

    #[test]
    fn one_of_no_bytes_holds_nothing() {
        let mut cache = Cache::new(None, &mut Ram::new(1 << 20));
        cache.put(0, &[1; BLOCK]);
        assert!(!cache.is_on() && cache.get(0).is_none());
    }
}
