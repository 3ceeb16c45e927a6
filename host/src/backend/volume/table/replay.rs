//! From records to the table: nothing in them is believed.

use std::collections::BTreeMap;

use super::{Body, INODES_MAX, Inode, Mapping, ROOT, Record, Table, slot};
use crate::backend::Kind;
use crate::backend::volume::codec::{Checked, Damage};
use crate::backend::volume::space::Run;
use crate::path::Name;

/// The digests of blocks, with the number of the commit that wrote them.
pub(in crate::backend::volume) type Sums = BTreeMap<u32, (u64, u64)>;

fn damaged(what: &str, ino: u64) -> Damage {
    Damage::new(format!("{what} (object {ino})"))
}

impl Table {
    /// Makes the change that a record of the commit `sequence` says.
    pub(in crate::backend::volume) fn replay(
        &mut self,
        record: &Record<'_>,
        sequence: u64,
        sums: &mut Sums,
    ) -> Checked<()> {
        match *record {
            Record::Inode { ino, attr } => {
                let taken = self.chunks.get(slot(ino) as usize / super::CHUNK);
                let taken = taken.and_then(Option::as_ref);
                let there =
                    taken.and_then(|chunk| chunk[slot(ino) as usize % super::CHUNK].as_ref());
                match there {
                    Some(inode) if inode.ino != ino || inode.attr.kind != attr.kind => {
                        return Err(damaged("two objects are one", ino));
                    }
                    Some(_) => {
                        if let Some(inode) = self.get_mut(ino) {
                            inode.attr = attr;
                        }
                    }
                    None if slot(ino) == 0 || slot(ino) >= INODES_MAX => {
                        return Err(damaged("there cannot be such an object", ino));
                    }
                    None => self.put(Inode::new(ino, attr)),
                }
                // A number is cut in two on purpose.
                #[allow(clippy::cast_possible_truncation)]
                let generation = (ino >> 32) as u32;
                self.generation = self.generation.max(generation);
            }
            Record::Gone { ino } => {
                let entries = self.get(ino).and_then(Inode::directory).map(|found| &found.entries);
                let named = entries.is_some_and(|entries| !entries.is_empty());
                if ino == ROOT || named || self.take(ino).is_none() {
                    return Err(damaged("what is removed cannot be", ino));
                }
            }
            Record::Enter { directory, cookie, ino, name } => {
                self.replay_enter(directory, cookie, ino, name)?;
            }
            Record::Leave { directory, cookie } => {
                let gone = self.take_entry(directory, cookie);
                gone.ok_or_else(|| damaged("a missing entry is removed", directory))?;
            }
            Record::Target { ino, target } => {
                let wrong = |_| damaged("a target is not of a link", ino);
                self.set_target(ino, target).map_err(wrong)?;
            }
            Record::Xattr { ino, name, value } => {
                let wrong = |_| damaged("an attribute is of nothing", ino);
                self.set_xattr(ino, name, Some(value)).map_err(wrong)?;
            }
            Record::XattrGone { ino, name } => {
                let wrong = |_| damaged("an attribute is of nothing", ino);
                self.set_xattr(ino, name, None).map_err(wrong)?;
            }
            Record::Map { ino, extent } => self.replay_map(ino, Mapping::Data(extent))?,
            Record::Unmap { ino, from, to } => self.replay_map(ino, Mapping::Hole(from, to))?,
            Record::Sums { start, sums: bytes } => {
                let (digests, _) = bytes.as_chunks::<8>();
                for (block, digest) in (start..).zip(digests) {
                    sums.insert(block, (u64::from_le_bytes(*digest), sequence));
                }
            }
        }
        Ok(())
    }

    fn replay_map(&mut self, ino: u64, change: Mapping) -> Checked<()> {
        let wrong = |_| damaged("an extent is not of a file", ino);
        self.map(ino, change, &mut |_: Run| {}).map_err(wrong)
    }

    fn replay_enter(&mut self, directory: u64, cookie: u64, ino: u64, name: &[u8]) -> Checked<()> {
        let name = Name::new(name).map_err(|_| damaged("a name is none", directory))?;
        let child = self.get(ino).ok_or_else(|| damaged("a name leads nowhere", directory))?;
        // Each directory has one place, below the root: so no walk goes in circles.
        if ino == ROOT || child.directory().is_some_and(|child| child.parent != 0) {
            return Err(damaged("a directory is in two places", ino));
        }
        let parent = self.get(directory).and_then(Inode::directory);
        let parent = parent.ok_or_else(|| damaged("a name is in no directory", directory))?;
        if cookie <= parent.entries.last() || self.find(directory, &name).is_some() {
            return Err(damaged("an entry is there twice", directory));
        }
        let wrong = |_| damaged("a name is in no directory", directory);
        self.put_entry(directory, cookie, name, ino).map_err(wrong)
    }

    /// Ends the replay: checks what only the whole can say, and answers all runs that
    /// files have, sorted.
    pub(in crate::backend::volume) fn settle(&mut self, sequence: u64) -> Checked<Vec<Run>> {
        self.changes = super::Changes::default();
        if self.kind(ROOT) != Some(Kind::Directory) {
            return Err(Damage::new(format!("commit {sequence} has no root directory")));
        }
        let mut runs = Vec::new();
        for inode in self.iter() {
            if let Body::File { extents, .. } = &inode.body {
                runs.extend(extents.iter().map(|extent| extent.run));
            }
            let last = inode.directory().map_or(0, |directory| directory.entries.last());
            if last > inode.attr.last_cookie || inode.attr.last_cookie == u64::MAX {
                return Err(damaged("a directory has lost count", inode.ino));
            }
        }
        runs.sort_unstable();
        let present = |slot: &u32| {
            let chunk = self.chunks.get(*slot as usize / super::CHUNK).and_then(Option::as_ref);
            chunk.is_some_and(|chunk| chunk[*slot as usize % super::CHUNK].is_some())
        };
        // The lowest are used first.
        self.vacant = (1..self.next_slot).rev().filter(|slot| !present(slot)).collect();
        Ok(runs)
    }

    /// Objects that lost their last name while they were open, when the volume was last
    /// used.
    pub(in crate::backend::volume) fn orphans(&self) -> Vec<u64> {
        let orphan = |inode: &&Inode| inode.attr.links == 0 && inode.ino != ROOT;
        self.iter().filter(orphan).map(|inode| inode.ino).collect()
    }
}
