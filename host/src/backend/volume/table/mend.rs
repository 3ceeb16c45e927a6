//! Puts a replayed table right: what no mount would accept, or would accept and should not
//! have to. Each change is a finding; a table without findings is left as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::replay::COOKIE_MAX;
use super::{Attr, BLOCKS_MAX, Body, Entry, Extent, Inode, Mapping, ROOT, Table};
use crate::backend::Kind;
use crate::backend::volume::findings::Findings;
use crate::backend::volume::space::{BLOCK, Run};
use crate::error::Result;
use crate::path::Name;

/// Where objects go whose names are lost.
const LOST_FOUND: &str = "lost+found";

/// A root that no record has told of.
fn placeholder() -> Attr {
    directory(0o755, 0, i64::MIN)
}

fn directory(mode: u32, links: u32, now: i64) -> Attr {
    Attr { kind: Kind::Directory, links, mode, uid: 0, gid: 0, detail: 0, times: [now; 4] }
}

/// A file that claims blocks.
struct Claim {
    ino: u64,
    extent: Extent,
    modified: i64,
}

impl Table {
    /// One with a root, so that names in it are kept also where its own record is lost.
    pub(in crate::backend::volume) fn with_root(seed: u64) -> Self {
        let mut table = Self::new(seed);
        table.put(Inode::new(ROOT, placeholder()));
        table
    }

    /// Whether a record told of the root.
    pub(in crate::backend::volume) fn has_root(&self) -> bool {
        self.get(ROOT).is_some_and(|root| root.attr != placeholder())
    }

    /// Gives every object its place and every directory its count, after a replay and before
    /// [`Table::settle`].
    ///
    /// # Errors
    /// `insufficient-space` if the table is full.
    pub(in crate::backend::volume) fn mend_names(
        &mut self,
        findings: &mut Findings,
        now: i64,
    ) -> Result<()> {
        if !self.has_root() {
            findings.lost("the root directory is lost; what it named is kept");
            if let Some(root) = self.get_mut(ROOT) {
                root.attr = directory(0o755, 2, now);
            }
        }
        self.find_vacant();
        let mut reached = self.reach(ROOT);
        let mut homeless = Vec::new();
        let mut removed = 0_u64;
        let all: Vec<u64> = self.iter().map(|inode| inode.ino).collect();
        for &ino in &all {
            let Some(inode) = self.get(ino).filter(|inode| inode.holds == 0) else { continue };
            if ino == ROOT {
                continue;
            }
            if inode.attr.links == 0 && !inode.has_entries() {
                removed += 1;
            } else {
                homeless.push(ino);
                reached.extend(self.reach(ino));
            }
        }
        // What is left lies in circles of directories.
        for &ino in &all {
            if self.parent(ino) == 0 || reached.contains(&ino) {
                continue;
            }
            let (mut at, mut seen) = (ino, BTreeSet::new());
            while seen.insert(at) {
                at = self.parent(at);
            }
            if let Some(cookie) = self.named_by(at) {
                self.detach(self.parent(at), cookie);
                homeless.push(at);
                reached.extend(self.reach(at));
            }
        }
        if removed > 0 {
            findings.note(format!(
                "{removed} objects were removed while they were open; the next mount frees them"
            ));
        }
        self.shelter(&homeless, findings, now)?;
        self.mend_cookies(findings);
        self.mend_links(findings);
        Ok(())
    }

    /// The entries of a directory with their cookies; of anything else, none.
    fn entries(&self, ino: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let directory = self.get(ino).and_then(Inode::directory);
        directory.into_iter().flat_map(|directory| directory.entries.after(0))
    }

    fn parent(&self, ino: u64) -> u64 {
        self.get(ino).and_then(Inode::directory).map_or(0, |found| found.parent)
    }

    /// The cookie with which its parent names a directory.
    fn named_by(&self, ino: u64) -> Option<u64> {
        let mut entries = self.entries(self.parent(ino));
        entries.find(|(_, entry)| entry.ino == ino).map(|(cookie, _)| cookie)
    }

    /// Everything below a directory, and it.
    fn reach(&self, from: u64) -> BTreeSet<u64> {
        let mut reached = BTreeSet::from([from]);
        let mut directories = vec![from];
        while let Some(at) = directories.pop() {
            for (_, Entry { ino, .. }) in self.entries(at) {
                if reached.insert(*ino) {
                    directories.push(*ino);
                }
            }
        }
        reached
    }

    /// Gives objects without names new ones, in a directory for them.
    fn shelter(&mut self, homeless: &[u64], findings: &mut Findings, now: i64) -> Result<()> {
        if homeless.is_empty() {
            return Ok(());
        }
        let (place, shown) = self.lost_found(now)?;
        for &ino in homeless {
            findings.repairable(format!(
                "object {ino} has no name any more; it becomes '/{shown}/{ino}'"
            ));
            self.enter_lost(place, &ino.to_string(), ino)?;
        }
        Ok(())
    }

    fn lost_found(&mut self, now: i64) -> Result<(u64, String)> {
        let mut text = LOST_FOUND.to_owned();
        let mut number = 0_u64;
        loop {
            match self.find(ROOT, &Name::new(text.as_bytes())?) {
                Some((_, ino)) if self.kind(ino) == Some(Kind::Directory) => {
                    return Ok((ino, text));
                }
                Some(_) => {
                    number += 1;
                    text = format!("{LOST_FOUND}-{number}");
                }
                None => {
                    let ino = self.make(directory(0o700, 2, now))?;
                    self.enter_lost(ROOT, &text, ino)?;
                    return Ok((ino, text));
                }
            }
        }
    }

    /// Puts an entry behind all others; a name that is taken gets a tail.
    fn enter_lost(&mut self, place: u64, text: &str, ino: u64) -> Result<()> {
        let mut name = Name::new(text.as_bytes())?;
        let mut tail = 0_u64;
        while self.find(place, &name).is_some() {
            tail += 1;
            name = Name::new(format!("{text}-{tail}").as_bytes())?;
        }
        let Some(inode) = self.get_mut(place) else { return Ok(()) };
        let last = inode.directory().map_or(0, |directory| directory.entries.last());
        if last >= COOKIE_MAX - 1 {
            // The counting is put right first, so that there is a next one.
            self.renumber(place);
            return self.enter_lost(place, text, ino);
        }
        let cookie = last.max(inode.attr.last_cookie().min(COOKIE_MAX - 2)) + 1;
        inode.attr.detail = cookie;
        self.attach(place, cookie, &name, ino)
    }

    /// Numbers the entries of a directory from 1.
    fn renumber(&mut self, ino: u64) {
        let old: Vec<u64> = self.entries(ino).map(|(cookie, _)| cookie).collect();
        let taken: Vec<_> = old.iter().filter_map(|cookie| self.detach(ino, *cookie)).collect();
        let mut last = 0;
        for Entry { name, ino: child } in taken {
            last += 1;
            let Ok(name) = Name::new(&name) else { continue };
            // It is a directory, or it would have had no entries.
            let _ = self.attach(ino, last, &name, child);
        }
        if let Some(inode) = self.get_mut(ino) {
            inode.attr.detail = last;
        }
    }

    fn mend_cookies(&mut self, findings: &mut Findings) {
        let lost: Vec<u64> =
            self.iter().filter(|inode| inode.lost_count()).map(|inode| inode.ino).collect();
        for ino in lost {
            findings.repairable(format!(
                "directory {ino} has lost count of its entries; a listing under way starts anew"
            ));
            self.renumber(ino);
        }
    }

    /// Makes the links of every object what its names are.
    fn mend_links(&mut self, findings: &mut Findings) {
        let mut inside: BTreeMap<u64, u32> = BTreeMap::new();
        for inode in self.iter() {
            if let Some(parent) = inode.directory().map(|found| found.parent)
                && parent != 0
            {
                *inside.entry(parent).or_default() += 1;
            }
        }
        for inode in self.iter_mut() {
            if matches!(&inode.body, Body::Symlink(target) if target.is_empty()) {
                findings.note(format!("symbolic link {} has no target", inode.ino));
            }
            let below = inside.get(&inode.ino).copied().unwrap_or_default();
            let right = match inode.attr.kind {
                Kind::Directory if inode.holds == 0 && inode.ino != ROOT => 0,
                Kind::Directory => below.saturating_add(2),
                _ => inode.holds,
            };
            if inode.attr.links != right {
                findings.repairable(format!(
                    "object {} counts {} links, and has {right}",
                    inode.ino, inode.attr.links
                ));
                inode.attr.links = right;
            }
        }
    }

    /// Sees to it that each block is in one place only: below `end`, in none of the runs
    /// `taken`, behind the end of no file. What is not becomes a hole.
    pub(in crate::backend::volume) fn mend_extents(
        &mut self,
        end: u32,
        taken: &[Run],
        findings: &mut Findings,
    ) {
        let mut claims = Vec::new();
        let mut holes = Vec::new();
        for inode in self.iter() {
            let Some(extents) = inode.extents() else { continue };
            let behind = inode.attr.size().div_ceil(BLOCK as u64);
            if extents.next(behind).is_some() {
                findings.repairable(format!(
                    "object {} has blocks behind its end; they are freed",
                    inode.ino
                ));
                holes.push((inode.ino, behind, BLOCKS_MAX));
            }
            for extent in extents.iter().filter(|extent| extent.at < behind) {
                let count = u64::from(extent.run.count).min(behind - extent.at);
                // No more than it was.
                #[allow(clippy::cast_possible_truncation)]
                let run = Run { count: count as u32, ..extent.run };
                let modified = inode.attr.times[super::MODIFIED];
                claims.push(Claim { ino: inode.ino, extent: Extent { run, ..extent }, modified });
            }
        }
        // Who wrote last is more likely to have the content that is there.
        claims.sort_by_key(|claim| (std::cmp::Reverse(claim.modified), claim.ino, claim.extent.at));
        let mut owners = Owners::default();
        for run in taken {
            owners.take(*run, |_| {});
        }
        owners.take(Run { start: end, count: u32::MAX - end }, |_| {});
        let mut lost: BTreeMap<u64, u64> = BTreeMap::new();
        for Claim { ino, extent, .. } in claims {
            owners.take(extent.run, |double| {
                let at = extent.at + u64::from(double.start - extent.run.start);
                let count = u64::from(double.count);
                holes.push((ino, at, at + count));
                *lost.entry(ino).or_default() += count;
            });
        }
        for (ino, count) in lost {
            let bytes = count * BLOCK as u64;
            findings.lost(format!(
                "{bytes} bytes of object {ino} lie where something else is, or behind the end of \
                 the volume; they become a hole"
            ));
        }
        for (ino, from, to) in holes {
            // They are of files, which have extents.
            let _ = self.map(ino, Mapping::Hole(from, to), &mut |_| {});
        }
    }

    /// A path to each of these objects, or their numbers, as they are shown.
    pub(in crate::backend::volume) fn paths(&self, of: &BTreeSet<u64>) -> BTreeMap<u64, String> {
        let mut shown: BTreeMap<u64, String> =
            of.iter().map(|ino| (*ino, format!("object {ino}"))).collect();
        if of.is_empty() {
            return shown;
        }
        for inode in self.iter() {
            for (_, entry) in self.entries(inode.ino) {
                if of.contains(&entry.ino) {
                    let path = self.path(inode.ino, entry);
                    shown.insert(entry.ino, format!("'{path}' (object {})", entry.ino));
                }
            }
        }
        shown
    }

    fn path(&self, directory: u64, entry: &Entry) -> String {
        let text = |name: &[u8]| String::from_utf8_lossy(name).escape_debug().to_string();
        let mut parts = vec![text(&entry.name)];
        let mut at = directory;
        while let Some(cookie) = self.named_by(at) {
            let parent = self.parent(at);
            let names = self.get(parent).and_then(Inode::directory).map(|found| &found.entries);
            let Some(entry) = names.and_then(|names| names.get(cookie)) else { break };
            parts.push(text(&entry.name));
            at = parent;
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }

    /// How many objects there are of each of three sorts: files, directories, others.
    pub(in crate::backend::volume) fn sorts(&self) -> [u64; 3] {
        let mut sorts = [0; 3];
        for inode in self.iter() {
            sorts[match inode.body {
                Body::File { .. } => 0,
                Body::Directory(_) => 1,
                Body::Symlink(_) | Body::Special => 2,
            }] += 1;
        }
        sorts
    }
}

/// Runs of blocks that have an owner; no two meet.
#[derive(Default)]
struct Owners(BTreeMap<u32, u32>);

impl Owners {
    /// Takes what is left of `run`; what was taken before goes to `double`.
    fn take(&mut self, run: Run, mut double: impl FnMut(Run)) {
        // Both are below the number of the last block, which is one.
        #[allow(clippy::cast_possible_truncation)]
        let end = run.end().min(u64::from(u32::MAX)) as u32;
        let mut at = run.start;
        while at < end {
            let before = self.0.range(..=at).next_back().map(|(&start, &count)| start + count);
            if let Some(until) = before.filter(|until| *until > at) {
                let until = until.min(end);
                double(Run { start: at, count: until - at });
                at = until;
                continue;
            }
            let next = self.0.range(at..end).next().map_or(end, |(&start, _)| start);
            self.0.insert(at, next - at);
            at = next;
        }
    }
}
