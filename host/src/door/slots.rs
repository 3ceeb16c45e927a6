//! Things by number, as a guest's handles need them: a number is used again only
//! after 511 others have stood in its place, so an old one is found out.

/// A number is a generation above this many bits of index.
const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;
/// Numbers stay between 2^20 and 2^29: jco counts its own from 1, and keeps flags
/// from 2^30 on.
const LAST_GENERATION: u32 = (1 << 9) - 1;

/// How many things can be held at once.
pub(crate) const CAPACITY: usize = 1 << INDEX_BITS;

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// A number for `value`, or nothing if there are [`CAPACITY`] already.
    pub(crate) fn insert(&mut self, value: T) -> Option<u32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() == CAPACITY => return None,
            None => {
                self.slots.push(Slot { generation: 0, value: None });
                u32::try_from(self.slots.len() - 1).ok()?
            }
        };
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation % LAST_GENERATION + 1;
        slot.value = Some(value);
        Some(slot.generation << INDEX_BITS | index)
    }

    pub(crate) fn get(&mut self, number: u32) -> Option<&mut T> {
        let slot = self.slots.get_mut((number & INDEX_MASK) as usize)?;
        if slot.generation == number >> INDEX_BITS { slot.value.as_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        self.get(number)?;
        let index = number & INDEX_MASK;
        self.free.push(index);
        self.slots[index as usize].value.take()
    }

    /// Takes out everything that `which` picks.
    pub(crate) fn remove_all(&mut self, which: impl Fn(&T) -> bool) -> Vec<T> {
        let mut removed = Vec::new();
        for (index, slot) in (0..).zip(&mut self.slots) {
            if slot.value.as_ref().is_some_and(&which) {
                removed.extend(slot.value.take());
                self.free.push(index);
            }
        }
        removed
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.value.as_ref())
    }

    pub(crate) fn count(&self, which: impl Fn(&T) -> bool) -> usize {
        self.iter().filter(|value| which(value)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_number_finds_nothing() {
        let mut slots = Slots::new();
        let first = slots.insert('a').expect("room");
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert('b').expect("room");
        assert_ne!(first, second);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&mut 'b'));
    }

    #[test]
    fn numbers_no_slot_has_find_nothing() {
        let mut slots = Slots::new();
        let number = slots.insert(()).expect("room");
        for other in [0, 1, number - 1, number + 1, number ^ 1 << 29, 1 << 30, u32::MAX] {
            assert_eq!(slots.get(other), None, "{other:#x}");
        }
    }

    #[test]
    fn numbers_stay_in_range_for_ever() {
        let mut slots = Slots::new();
        for round in 0..2000 {
            let number = slots.insert(round).expect("room");
            assert!((1 << 20..1 << 29).contains(&number), "{number:#x}");
            assert_eq!(slots.remove(number), Some(round));
        }
        assert_eq!(slots.slots.len(), 1);
    }

    #[test]
    fn a_full_table_refuses_one_more() {
        let mut slots = Slots::new();
        let numbers: Vec<_> = (0..CAPACITY).map(|_| slots.insert(()).expect("room")).collect();
        assert_eq!(slots.insert(()), None);
        slots.remove(numbers[7]);
        assert!(slots.insert(()).is_some());
    }

    #[test]
    fn all_of_an_owner_go_at_once() {
        let mut slots = Slots::new();
        let numbers: Vec<_> = (0..10).map(|n| slots.insert(n % 2).expect("room")).collect();
        assert_eq!(slots.remove_all(|owner| *owner == 1).len(), 5);
        assert_eq!((slots.count(|owner| *owner == 0), slots.count(|_| true)), (5, 5));
        assert_eq!(slots.get(numbers[1]), None);
        assert_eq!(slots.get(numbers[2]), Some(&mut 0));
    }
}
