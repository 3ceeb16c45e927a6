//! From records to the table: nothing in them is believed.

use std::collections::BTreeMap;

use super::{Body, Entry, INODES_MAX, Inode, Mapping, ROOT, Record, Table, slot};
use crate::backend::Kind;
use crate::backend::volume::codec::{Checked, Damage};
use crate::backend::volume::space::Run;
use crate::error::{ErrorCode, Result};
use crate::path::Name;

/// The digests of blocks, with the number of the commit that wrote them.
pub(in crate::backend::volume) type Sums = BTreeMap<u32, (u64, u64)>;

/// Vacant slots that are found at once: more would take memory for nothing.
const VACANT_MAX: usize = 4096;

/// No directory has given out so many cookies: there is always a next one.
pub(super) const COOKIE_MAX: u64 = 1 << 63;

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
                let needed = |inode: &Inode| inode.holds > 0 || inode.has_entries();
                let needed = ino == ROOT || self.get(ino).is_some_and(needed);
                if needed || self.take(ino).is_none() {
                    return Err(damaged("what is removed cannot be", ino));
                }
            }
            Record::Enter { directory, cookie, ino, name } => {
                self.replay_enter(directory, cookie, ino, name)?;
            }
            Record::Leave { directory, cookie } => {
                let gone = self.detach(directory, cookie);
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
        self.remap(ino, change, &mut |_: Run| {}).map_err(wrong)
    }

    fn replay_enter(&mut self, directory: u64, cookie: u64, ino: u64, name: &[u8]) -> Checked<()> {
        let name = Name::new(name).map_err(|_| damaged("a name is none", directory))?;
        let child = self.get(ino).ok_or_else(|| damaged("a name leads nowhere", directory))?;
        // Each directory has one place, below the root: so no walk goes in circles.
        if ino == ROOT || child.directory().is_some_and(|child| child.parent != 0) {
            return Err(damaged("a directory is in two places", ino));
        }
        let wrong = |code| match code {
            ErrorCode::Exist => damaged("an entry is there twice", directory),
            _ => damaged("a name is in no directory", directory),
        };
        self.attach(directory, cookie, &name, ino).map_err(wrong)
    }

    /// Puts an entry where it is to be. Until the replay has ended, an object's holders are
    /// its names.
    pub(super) fn attach(
        &mut self,
        directory: u64,
        cookie: u64,
        name: &Name,
        ino: u64,
    ) -> Result<()> {
        self.put_entry(directory, cookie, name, ino)?;
        self.hold(ino);
        Ok(())
    }

    /// Takes an entry out in the same way.
    pub(super) fn detach(&mut self, directory: u64, cookie: u64) -> Option<Entry> {
        let entry = self.take_entry(directory, cookie)?;
        self.release(entry.ino);
        Some(entry)
    }

    /// Ends the replay: checks what only the whole can say, and answers all runs that
    /// files have, sorted.
    pub(in crate::backend::volume) fn settle(&mut self, sequence: u64) -> Checked<Vec<Run>> {
        self.changes = super::Changes::default();
        if self.kind(ROOT) != Some(Kind::Directory) {
            return Err(Damage::new(format!("commit {sequence} has no root directory")));
        }
        let mut runs = Vec::new();
        for inode in self.iter_mut() {
            let names = std::mem::take(&mut inode.holds);
            if !inode.links_fit(names) {
                return Err(damaged("the links of an object are not its names", inode.ino));
            }
            if let Body::File { extents, .. } = &inode.body {
                runs.extend(extents.iter().map(|extent| extent.run));
            }
            if inode.lost_count() {
                return Err(damaged("a directory has lost count", inode.ino));
            }
        }
        runs.sort_unstable();
        self.find_vacant();
        Ok(runs)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Inode> {
        self.chunks.iter_mut().flatten().flat_map(|chunk| chunk.iter_mut().flatten())
    }

    /// Finds slots in which no inode lies, the lowest, which are used first.
    pub(super) fn find_vacant(&mut self) {
        let present = |slot: &u32| {
            let chunk = self.chunks.get(*slot as usize / super::CHUNK).and_then(Option::as_ref);
            chunk.is_some_and(|chunk| chunk[*slot as usize % super::CHUNK].is_some())
        };
        let vacant = (1..self.next_slot).filter(|slot| !present(slot));
        self.vacant = vacant.take(VACANT_MAX).collect();
        self.vacant.reverse();
    }

    /// Objects that lost their last name while they were open, when the volume was last
    /// used.
    pub(in crate::backend::volume) fn orphans(&self) -> Vec<u64> {
        let orphan = |inode: &&Inode| inode.attr.links == 0 && inode.ino != ROOT;
        self.iter().filter(orphan).map(|inode| inode.ino).collect()
    }
}

impl Inode {
    pub(super) fn has_entries(&self) -> bool {
        self.directory().is_some_and(|found| !found.entries.is_empty())
    }

    /// Whether an object with so many names can have the links that it has: one without any
    /// is removed, so it has neither names nor entries.
    fn links_fit(&self, names: u32) -> bool {
        match self.attr.kind {
            _ if self.ino == ROOT => names == 0 && self.attr.links > 0,
            Kind::Directory if self.attr.links > 0 => names == 1,
            Kind::Directory => names == 0 && !self.has_entries(),
            _ => self.attr.links == names,
        }
    }

    /// Whether an entry has a cookie that is still to be given out, or none is left.
    pub(super) fn lost_count(&self) -> bool {
        let Some(directory) = self.directory() else { return false };
        let last = directory.entries.last();
        last > self.attr.last_cookie() || self.attr.last_cookie() >= COOKIE_MAX
    }
}
