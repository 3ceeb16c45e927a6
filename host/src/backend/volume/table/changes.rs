//! What is different from the last commit. Kept as what has changed, not how: an object
//! that was written a thousand times is one record of the next commit.

use std::collections::{BTreeMap, BTreeSet};

use super::{Body, Cursor, Mapping, Record, Table};

#[derive(Default)]
pub(in crate::backend::volume) struct Changes {
    /// Objects, and whether the last commit knows them.
    inodes: BTreeMap<u64, bool>,
    /// Entries by directory and cookie, and whether the last commit knows them.
    entries: BTreeMap<(u64, u64), bool>,
    xattrs: BTreeSet<(u64, Vec<u8>)>,
    /// In the order in which they were made.
    mappings: Vec<(u64, Mapping)>,
    /// Records of digests, encoded.
    sums: Vec<u8>,
    /// At most as many bytes the records of all this have.
    bytes: usize,
}

impl Changes {
    /// At most as many bytes the records have.
    pub(in crate::backend::volume) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(in crate::backend::volume) const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// An object has other attributes, or is new.
    pub(super) fn inode(&mut self, ino: u64, known: bool) {
        if let std::collections::btree_map::Entry::Vacant(entry) = self.inodes.entry(ino) {
            entry.insert(known);
            self.bytes += 100;
        }
    }

    /// An object is no more; what the last commit does not know needs no word.
    pub(super) fn gone(&mut self, ino: u64) {
        self.inode(ino, true);
    }

    /// An entry came, or went (then `known` until now, unless it came since the commit).
    pub(super) fn entry(&mut self, directory: u64, cookie: u64, known: bool, name: usize) {
        self.entries.entry((directory, cookie)).or_insert(known);
        self.bytes += 40 + name;
    }

    pub(super) fn xattr(&mut self, ino: u64, name: &[u8], value: usize) {
        self.xattrs.insert((ino, name.to_vec()));
        self.bytes += 32 + name.len() + value;
    }

    pub(super) fn mapping(&mut self, ino: u64, change: Mapping) {
        self.mappings.push((ino, change));
        self.bytes += 36;
    }

    /// Blocks were written for the next commit; `sums` has eight bytes for each.
    pub(in crate::backend::volume) fn written(&mut self, start: u32, sums: &[u8]) {
        let before = self.sums.len();
        Record::Sums { start, sums }.encode(&mut self.sums);
        self.bytes += self.sums.len() - before;
    }

    /// A target is set with a new object only, which is noted anyway.
    pub(in crate::backend::volume) fn target(&mut self, length: usize) {
        self.bytes += 16 + length;
    }

    /// The records of all changes of `table`, in an order in which they can be replayed.
    /// Digests are not among them.
    fn encode(&self, table: &Table, of: Cursor, out: &mut Vec<u8>) {
        // Names first go, so that what moved is never there twice.
        for (&(directory, cookie), &known) in &self.entries {
            let gone = known && table.entry(directory, cookie).is_none();
            if gone && of.is_past_entry(directory, cookie) {
                Record::Leave { directory, cookie }.encode(out);
            }
        }
        for (&ino, &known) in self.inodes.iter().filter(|(ino, _)| of.is_past(**ino)) {
            match table.get(ino) {
                None if known => Record::Gone { ino }.encode(out),
                None => {}
                Some(inode) => {
                    Record::Inode { ino, attr: inode.attr }.encode(out);
                    if let (Body::Symlink(target), false) = (&inode.body, known) {
                        Record::Target { ino, target }.encode(out);
                    }
                }
            }
        }
        for (ino, name) in self.xattrs.iter().filter(|(ino, _)| of.is_past(*ino)) {
            let Some(inode) = table.get(*ino) else { continue };
            match inode.xattrs.as_ref().and_then(|xattrs| xattrs.get(name)) {
                Some(value) => Record::Xattr { ino: *ino, name, value }.encode(out),
                None => Record::XattrGone { ino: *ino, name }.encode(out),
            }
        }
        for &(directory, cookie) in self.entries.keys() {
            if let Some(entry) = table.entry(directory, cookie)
                && self.entries.get(&(directory, cookie)) == Some(&false)
                && of.is_past_entry(directory, cookie)
            {
                let name = &entry.name[..];
                Record::Enter { directory, cookie, ino: entry.ino, name }.encode(out);
            }
        }
        for &(ino, change) in self.mappings.iter().filter(|(ino, _)| of.is_past(*ino)) {
            // Of what is gone, nothing more is said.
            if table.get(ino).is_none() {
                continue;
            }
            match change {
                Mapping::Data(extent) => Record::Map { ino, extent }.encode(out),
                Mapping::Hole(from, to) => Record::Unmap { ino, from, to }.encode(out),
            }
        }
    }
}

impl Table {
    fn entry(&self, directory: u64, cookie: u64) -> Option<&super::Entry> {
        self.get(directory)?.directory()?.entries.get(cookie)
    }

    /// The records of all that changed since the last call; from now on nothing has.
    pub(in crate::backend::volume) fn take_changes(&mut self, out: &mut Vec<u8>) {
        let changes = std::mem::take(&mut self.changes);
        changes.encode(self, Cursor::END, out);
        out.extend_from_slice(&changes.sums);
    }

    /// The records of what changed, and of which an image up to `cursor` has an older state.
    pub(in crate::backend::volume) fn changes_of_image(&self, cursor: Cursor, out: &mut Vec<u8>) {
        self.changes.encode(self, cursor, out);
    }
}
