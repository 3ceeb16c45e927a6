//! All objects of a volume, in memory: inodes, directories, names. It knows what was
//! changed since the last commit, and becomes the same again from the records of that.

mod changes;
mod entries;
mod extents;
mod image;
mod index;
mod inode;
mod mend;
mod names;
mod record;
mod replay;

pub(super) use self::changes::Changes;
pub(super) use self::extents::{Extent, Extents};
pub(super) use self::image::Cursor;
use self::index::Index;
pub(super) use self::inode::{
    ACCESSED, Attr, Body, CHANGED, CREATED, Entry, Inode, MODIFIED, device_detail, nanoseconds,
    time,
};
pub(super) use self::record::{BLOCKS_MAX, Record};
pub(super) use self::replay::Sums;
use crate::backend::Kind;
use crate::error::{ErrorCode, Result};

/// The number of the directory at the top.
pub(super) const ROOT: u64 = 1;

/// The most objects that a volume holds at a time.
pub(super) const INODES_MAX: u32 = 1 << 26;

/// The most bytes that a record has of an object's attributes, of an entry without its
/// name, and of an extent.
const INODE_BYTES: u64 = 76;
const ENTRY_BYTES: u64 = 34;
const EXTENT_BYTES: u64 = 32;

/// Inodes in one piece of memory: the table grows without being copied.
const CHUNK: usize = 64;

/// The part of a number that says where the inode lies. The other part tells apart those
/// that lie there one after the other.
fn slot(ino: u64) -> u32 {
    (ino & 0xffff_ffff) as u32
}

/// The chunk in which an inode lies, and where in it.
fn place(ino: u64) -> (usize, usize) {
    let slot = slot(ino) as usize;
    (slot / CHUNK, slot % CHUNK)
}

pub(super) struct Table {
    chunks: Vec<Option<Box<[Option<Inode>]>>>,
    /// Slots below `next_slot` in which no inode lies: some, if there are any.
    vacant: Vec<u32>,
    next_slot: u32,
    /// The upper part of the next number.
    generation: u32,
    index: Index,
    pub(super) changes: Changes,
    count: Count,
}

/// What the table would take if it were written down.
#[derive(Default)]
struct Count {
    inodes: u64,
    entries: u64,
    extents: u64,
    /// Of names, targets and extended attributes.
    bytes: u64,
}

impl Table {
    /// One with nothing in it, not even a root. `seed` keeps hashes from being foreseen.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            chunks: Vec::new(),
            vacant: Vec::new(),
            next_slot: 1,
            generation: 0,
            index: Index::new(seed),
            changes: Changes::default(),
            count: Count::default(),
        }
    }

    pub(super) fn get(&self, ino: u64) -> Option<&Inode> {
        let (chunk, within) = place(ino);
        let chunk = self.chunks.get(chunk)?.as_ref()?;
        chunk[within].as_ref().filter(|inode| inode.ino == ino)
    }

    /// For changes that [`Changes`] is told of by whoever makes them.
    fn get_mut(&mut self, ino: u64) -> Option<&mut Inode> {
        let (chunk, within) = place(ino);
        let chunk = self.chunks.get_mut(chunk)?.as_mut()?;
        chunk[within].as_mut().filter(|inode| inode.ino == ino)
    }

    /// An inode that a node holds, and which is therefore there.
    pub(super) fn inode(&self, ino: u64) -> Result<&Inode> {
        self.get(ino).ok_or(ErrorCode::Io)
    }

    /// The same, to have its attributes changed.
    pub(super) fn change(&mut self, ino: u64) -> Result<&mut Inode> {
        if self.get(ino).is_none() {
            return Err(ErrorCode::Io);
        }
        self.changes.inode(ino, true);
        self.get_mut(ino).ok_or(ErrorCode::Io)
    }

    /// Every inode.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Inode> {
        self.iter_from(0)
    }

    /// Every inode in this slot or a higher one.
    fn iter_from(&self, slot: u32) -> impl Iterator<Item = &Inode> {
        let (chunk, within) = (slot as usize / CHUNK, slot as usize % CHUNK);
        let chunks = self.chunks.get(chunk..).unwrap_or_default().iter().zip(chunk..);
        chunks.flat_map(move |(inodes, index)| {
            let skip = if index == chunk { within } else { 0 };
            inodes.iter().flat_map(|inodes| inodes.iter()).skip(skip).flatten()
        })
    }

    /// How many objects there are.
    pub(super) const fn objects(&self) -> u64 {
        self.count.inodes
    }

    /// The object in this slot, or the first one behind it: its number, and its slot.
    pub(super) fn object_from(&self, slot: u32) -> Option<(u64, u32)> {
        self.iter_from(slot).next().map(|inode| (inode.ino, self::slot(inode.ino)))
    }

    /// At most as many bytes an image of the table has.
    pub(super) fn image_bytes(&self) -> u64 {
        let count = &self.count;
        let records = count.inodes * INODE_BYTES
            + count.entries * ENTRY_BYTES
            + count.extents * EXTENT_BYTES
            + count.bytes;
        // And what frames the records.
        records + records / 64 + 8 * 1024
    }

    /// Makes an object without a name.
    pub(super) fn make(&mut self, attr: Attr) -> Result<u64> {
        if self.vacant.is_empty() && self.count.inodes + 1 < u64::from(self.next_slot) {
            self.find_vacant();
        }
        let slot = match self.vacant.pop() {
            Some(slot) => {
                // Its last inode may still be known by its number.
                self.generation =
                    self.generation.checked_add(1).ok_or(ErrorCode::InsufficientSpace)?;
                slot
            }
            None if self.next_slot < INODES_MAX => self.next_slot,
            None => return Err(ErrorCode::InsufficientSpace),
        };
        let ino = u64::from(self.generation) << 32 | u64::from(slot);
        self.put(Inode::new(ino, attr));
        self.changes.inode(ino, false);
        Ok(ino)
    }

    /// Puts an inode at its slot, which is below [`INODES_MAX`] and vacant.
    fn put(&mut self, inode: Inode) {
        let slot = slot(inode.ino);
        let (chunk, within) = place(inode.ino);
        if self.chunks.len() <= chunk {
            self.chunks.resize_with(chunk + 1, || None);
        }
        let chunk = self.chunks[chunk]
            .get_or_insert_with(|| std::iter::repeat_with(|| None).take(CHUNK).collect());
        chunk[within] = Some(inode);
        self.next_slot = self.next_slot.max(slot + 1);
        self.count.inodes += 1;
    }

    /// Takes an inode out, with all that belongs to it but its entries.
    fn take(&mut self, ino: u64) -> Option<Inode> {
        self.get(ino)?;
        let (chunk, within) = place(ino);
        let chunk = self.chunks.get_mut(chunk)?.as_mut()?;
        let inode = chunk[within].take()?;
        self.count.inodes -= 1;
        self.count.extents -= inode.extents().map_or(0, |extents| extents.len() as u64);
        self.count.bytes -= inode.xattr_bytes() as u64;
        if let Body::Symlink(target) = &inode.body {
            self.count.bytes -= target.len() as u64;
        }
        Some(inode)
    }

    /// Frees an inode without names, holders and entries; answers what it was.
    pub(super) fn forget(&mut self, ino: u64) -> Option<Inode> {
        let inode = self.take(ino)?;
        self.changes.gone(ino);
        self.vacant.push(slot(ino));
        Some(inode)
    }

    pub(super) fn set_target(&mut self, ino: u64, target: &[u8]) -> Result<()> {
        let inode = self.get_mut(ino).ok_or(ErrorCode::Io)?;
        let Body::Symlink(old) = &mut inode.body else { return Err(ErrorCode::Invalid) };
        let before = std::mem::replace(old, target.into());
        self.count.bytes = self.count.bytes + target.len() as u64 - before.len() as u64;
        Ok(())
    }

    /// Sets or removes an extended attribute; answers whether there was one.
    pub(super) fn set_xattr(
        &mut self,
        ino: u64,
        name: &[u8],
        value: Option<&[u8]>,
    ) -> Result<bool> {
        let inode = self.get_mut(ino).ok_or(ErrorCode::Io)?;
        let xattrs = inode.xattrs.get_or_insert_default();
        let old = match value {
            Some(value) => xattrs.insert(name.to_vec(), value.to_vec()),
            None => xattrs.remove(name),
        };
        if xattrs.is_empty() {
            inode.xattrs = None;
        }
        let was = old.as_ref().map_or(0, |old| name.len() + old.len()) as u64;
        let is = value.map_or(0, |value| name.len() + value.len()) as u64;
        self.count.bytes = self.count.bytes + is - was;
        self.changes.xattr(ino, name, value.map_or(0, <[u8]>::len));
        Ok(old.is_some())
    }

    /// Maps blocks of a file, or makes a hole of them; what lay there goes to `freed`.
    pub(super) fn map(
        &mut self,
        ino: u64,
        change: Mapping,
        freed: &mut impl FnMut(super::space::Run),
    ) -> Result<()> {
        self.changes.mapping(ino, change);
        self.remap(ino, change, freed)
    }

    /// The same, of what is stored already.
    fn remap(
        &mut self,
        ino: u64,
        change: Mapping,
        freed: &mut impl FnMut(super::space::Run),
    ) -> Result<()> {
        let inode = self.get_mut(ino).ok_or(ErrorCode::Io)?;
        let Body::File { extents, blocks } = &mut inode.body else { return Err(ErrorCode::Io) };
        let before = extents.len() as u64;
        let mut gone = |run: super::space::Run| {
            *blocks = blocks.saturating_sub(run.count);
            freed(run);
        };
        match change {
            Mapping::Data(extent) => {
                extents.set(extent, &mut gone);
                *blocks = blocks.saturating_add(extent.run.count);
            }
            Mapping::Hole(from, to) => extents.cut(from, to, &mut gone),
        }
        let after = extents.len() as u64;
        self.count.extents = self.count.extents + after - before;
        Ok(())
    }

    pub(super) fn kind(&self, ino: u64) -> Option<Kind> {
        self.get(ino).map(|inode| inode.attr.kind)
    }

    /// Notes one holder more.
    pub(super) fn hold(&mut self, ino: u64) {
        if let Some(inode) = self.get_mut(ino) {
            inode.holds += 1;
        }
    }

    /// Notes one holder less; answers whether nothing needs the object any more.
    pub(super) fn release(&mut self, ino: u64) -> bool {
        let Some(inode) = self.get_mut(ino) else { return false };
        inode.holds = inode.holds.saturating_sub(1);
        inode.holds == 0 && inode.attr.links == 0
    }
}

/// What becomes of blocks of a file.
#[derive(Clone, Copy)]
pub(super) enum Mapping {
    Data(Extent),
    /// From a block up to another.
    Hole(u64, u64),
}
