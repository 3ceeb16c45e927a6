//! The descriptors of a guest: numbers from 0, the lowest free one first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Mutex;

use super::abi::Errno;
use super::device::Device;
use super::failure::Result;
use crate::descriptor::{Descriptor, Listing};
use crate::shared::{Ref, lock};

/// How many descriptors a guest may have open at once.
pub(super) const MOST: usize = 1 << 16;

/// What a number stands for.
pub(super) enum Open {
    File(OpenFile),
    Directory(OpenDirectory),
    Device(OpenDevice),
}

/// Anything but a directory, with the place at which the next read or write happens.
pub(super) struct OpenFile {
    pub(super) descriptor: Descriptor,
    pub(super) cursor: Mutex<Cursor>,
}

#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) position: u64,
    /// `fdflags`: appending, and not blocking, which says nothing of a file.
    pub(super) flags: u32,
}

/// A directory, with the listing that is under way.
pub(super) struct OpenDirectory {
    pub(super) descriptor: Descriptor,
    pub(super) listing: Listing,
    /// The guest name of a preopen.
    pub(super) preopen: Option<String>,
}

/// Something of the embedder's.
pub(super) struct OpenDevice {
    pub(super) device: Ref<dyn Device>,
    /// What of `rights` it has: reading or writing, or both.
    pub(super) rights: u64,
    /// `fdflags`.
    pub(super) flags: Mutex<u32>,
}

impl Open {
    pub(super) fn new(descriptor: Descriptor, flags: u32) -> Self {
        if let Some(listing) = Listing::of(&descriptor) {
            return Self::Directory(OpenDirectory { descriptor, listing, preopen: None });
        }
        Self::File(OpenFile { descriptor, cursor: Mutex::new(Cursor { position: 0, flags }) })
    }

    /// A file or a directory.
    pub(super) fn descriptor(&self) -> Result<&Descriptor> {
        match self {
            Self::File(OpenFile { descriptor, .. })
            | Self::Directory(OpenDirectory { descriptor, .. }) => Ok(descriptor),
            Self::Device(_) => Err(Errno::Badf.into()),
        }
    }

    /// A file, for what asks for its position.
    pub(super) fn seekable(&self) -> Result<&OpenFile> {
        match self {
            Self::File(file) => Ok(file),
            Self::Directory(_) => Err(Errno::Badf.into()),
            Self::Device(_) => Err(Errno::Spipe.into()),
        }
    }
}

/// All that is open.
#[derive(Default)]
pub(super) struct Table(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    open: Vec<Option<Ref<Open>>>,
    free: BinaryHeap<Reverse<u32>>,
}

impl Table {
    /// What `fd` stands for.
    pub(super) fn get(&self, fd: u32) -> Result<Ref<Open>> {
        let slots = lock(&self.0);
        let open = slots.open.get(fd as usize).and_then(Option::as_ref);
        open.cloned().ok_or_else(|| Errno::Badf.into())
    }

    /// The lowest number that is free, for `open`.
    pub(super) fn insert(&self, open: Open) -> Result<u32> {
        let slots = &mut *lock(&self.0);
        let fd = match slots.free.pop() {
            Some(Reverse(fd)) => fd,
            None if slots.open.len() >= MOST => return Err(Errno::Mfile.into()),
            None => {
                slots.open.push(None);
                u32::try_from(slots.open.len() - 1).map_err(|_| Errno::Mfile)?
            }
        };
        slots.open[fd as usize] = Some(Ref::new(open));
        Ok(fd)
    }

    /// Gives `open` the number `fd`, which is free.
    ///
    /// # Errors
    /// `badf` if it is not, or too large.
    pub(super) fn insert_at(&self, fd: u32, open: Open) -> Result<()> {
        let slots = &mut *lock(&self.0);
        let index = fd as usize;
        if index >= MOST || slots.open.get(index).is_some_and(Option::is_some) {
            return Err(Errno::Badf.into());
        }
        while slots.open.len() <= index {
            // Of those in between, each is free.
            slots.free.push(Reverse(u32::try_from(slots.open.len()).map_err(|_| Errno::Mfile)?));
            slots.open.push(None);
        }
        slots.free.retain(|Reverse(free)| *free != fd);
        slots.open[index] = Some(Ref::new(open));
        Ok(())
    }

    /// Lets `fd` go; what it stood for lives on as long as a call uses it.
    pub(super) fn remove(&self, fd: u32) -> Result<()> {
        // Closing it is not done under the lock.
        let _closed = {
            let slots = &mut *lock(&self.0);
            let open = slots.open.get_mut(fd as usize).and_then(Option::take);
            let open = open.ok_or(Errno::Badf)?;
            slots.free.push(Reverse(fd));
            open
        };
        Ok(())
    }

    /// `to` stands for what `from` stood for, which is free then.
    pub(super) fn renumber(&self, from: u32, to: u32) -> Result<()> {
        let _closed = {
            let slots = &mut *lock(&self.0);
            let is_open = |fd: u32| slots.open.get(fd as usize).is_some_and(Option::is_some);
            if !is_open(from) || !is_open(to) {
                return Err(Errno::Badf.into());
            }
            if from == to {
                return Ok(());
            }
            let moved = slots.open[from as usize].take();
            slots.free.push(Reverse(from));
            std::mem::replace(&mut slots.open[to as usize], moved)
        };
        Ok(())
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::super::device::Null;
    use super::*;

    fn device() -> Open {
        let device = OpenDevice { device: Ref::new(Null), rights: 0, flags: Mutex::new(0) };
        Open::Device(device)
    }

    #[test]
    fn the_lowest_free_number_is_next() {
        let table = Table::default();
        let numbers: Vec<_> = (0..5).map(|_| table.insert(device()).expect("room")).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        for fd in [3, 1] {
            table.remove(fd).expect("open");
        }
        assert_eq!(table.remove(1), Err(Errno::Badf.into()));
        assert_eq!(table.insert(device()), Ok(1));
        assert_eq!(table.insert(device()), Ok(3));
        assert_eq!(table.insert(device()), Ok(5));
    }

    #[test]
    fn a_number_that_was_moved_is_free() {
        let table = Table::default();
        for _ in 0..4 {
            table.insert(device()).expect("room");
        }
        assert_eq!(table.renumber(3, 1), Ok(()));
        assert_eq!(table.renumber(1, 1), Ok(()));
        assert_eq!(table.renumber(3, 1), Err(Errno::Badf.into()));
        assert_eq!(table.renumber(1, 3), Err(Errno::Badf.into()));
        assert_eq!(table.renumber(u32::MAX, 1), Err(Errno::Badf.into()));
        assert_eq!(table.insert(device()), Ok(3));
    }

    #[test]
    fn a_full_table_refuses_one_more() {
        let table = Table::default();
        for _ in 0..MOST {
            table.insert(device()).expect("room");
        }
        assert_eq!(table.insert(device()), Err(Errno::Mfile.into()));
        table.remove(77).expect("open");
        assert_eq!(table.insert(device()), Ok(77));
    }

    #[test]
    fn a_number_can_be_chosen() {
        let table = Table::default();
        assert_eq!(table.insert_at(5, device()), Ok(()));
        assert_eq!(table.insert_at(5, device()), Err(Errno::Badf.into()));
        assert_eq!(table.insert_at(u32::MAX, device()), Err(Errno::Badf.into()));
        assert_eq!(table.insert_at(1, device()), Ok(()));
        assert_eq!(table.insert(device()), Ok(0));
        assert_eq!(table.insert(device()), Ok(2));
    }
}
