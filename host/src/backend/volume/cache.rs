//! Blocks of the disk that were read or written not long ago. No block is written but
//! through here, so none is ever stale.

use hashbrown::HashTable;

use super::space::BLOCK;
use super::store::Page;

/// What is kept, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// All that is read and written, up to so many bytes.
    All(u64),
    /// Small files, up to so many bytes.
    Small(u64),
}

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
    /// Not only small files are kept.
    all: bool,
}

fn hash(block: u32) -> u64 {
    u64::from(block).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Cache {
    pub(super) fn new(kept: Kept) -> Self {
        let (Kept::All(bytes) | Kept::Small(bytes)) = kept;
        // As many as there are blocks of a disk, at most.
        let most = u32::try_from(bytes / BLOCK as u64).unwrap_or(u32::MAX) as usize;
        let all = matches!(kept, Kept::All(_));
        Self { slots: Vec::new(), index: HashTable::new(), hand: 0, most, all }
    }

    /// Whether it holds anything, ever.
    pub(super) const fn is_on(&self) -> bool {
        self.most > 0
    }

    /// Whether it keeps what is not of a small file, too.
    pub(super) const fn keeps_all(&self) -> bool {
        self.all && self.is_on()
    }

    pub(super) fn has(&self, block: u32) -> bool {
        self.place(block).is_some()
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

    /// Blocks were written: they are kept, if they are `small` files' or all is; what was
    /// known of them is no more.
    pub(super) fn wrote(&mut self, first: u32, bytes: &[u8], small: bool) {
        if small || self.all {
            return self.put(first, bytes);
        }
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        for (block, bytes) in (first..).zip(blocks) {
            if let Some(place) = self.place(block) {
                self.slots[place].bytes.copy_from_slice(bytes);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_stays() {
        let mut cache = Cache::new(Kept::All(4 * BLOCK as u64));
        for block in 0..4_u8 {
            cache.put(block.into(), &[block; BLOCK]);
        }
        assert_eq!(cache.get(1), Some(&[1; BLOCK]));
        cache.put(1, &[9; BLOCK]);
        cache.put(10, &[[10; BLOCK], [11; BLOCK], [12; BLOCK]].concat());
        assert_eq!(cache.get(1), Some(&[9; BLOCK]), "used, and the last that was put");
        let kept: Vec<_> = (0..20).filter(|block| cache.has(*block)).collect();
        assert_eq!(kept, [1, 10, 11, 12]);
    }

    #[test]
    fn of_large_files_only_what_is_known_is_renewed() {
        let mut cache = Cache::new(Kept::Small(4 * BLOCK as u64));
        cache.wrote(1, &[1; BLOCK], true);
        cache.wrote(0, &[2; 3 * BLOCK], false);
        assert_eq!(cache.get(1), Some(&[2; BLOCK]));
        assert!(!cache.has(0) && !cache.has(2));
    }

    #[test]
    fn one_of_no_bytes_holds_nothing() {
        let mut cache = Cache::new(Kept::All(0));
        cache.put(0, &[1; BLOCK]);
        assert!(!cache.is_on() && cache.get(0).is_none());
    }
}
