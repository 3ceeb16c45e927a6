//! Directories: entries come and go. Nothing here decides whether they may.

use super::{CHANGED, Entry, MODIFIED, ROOT, Table};
use crate::backend::Kind;
use crate::error::{ErrorCode, Result};
use crate::path::Name;

impl Table {
    /// The entry of this name: its cookie, and what it leads to.
    pub(in crate::backend::volume) fn find(
        &self,
        directory: u64,
        name: &Name,
    ) -> Option<(u64, u64)> {
        let entries = &self.get(directory)?.directory()?.entries;
        let is = |cookie| entries.get(cookie).is_some_and(|entry| *entry.name == *name.as_bytes());
        let cookie = self.index.find(directory, name.as_bytes(), is)?;
        Some((cookie, entries.get(cookie)?.ino))
    }

    /// Gives an object a name, which nothing else in the directory has.
    pub(in crate::backend::volume) fn enter(
        &mut self,
        directory: u64,
        name: &Name,
        ino: u64,
        now: i64,
    ) -> Result<()> {
        let is_directory = self.kind(ino).ok_or(ErrorCode::Io)? == Kind::Directory;
        let parent = self.change(directory)?;
        parent.attr.detail += 1;
        let cookie = parent.attr.detail;
        parent.attr.times[MODIFIED] = now;
        parent.attr.times[CHANGED] = now;
        parent.attr.links = parent.attr.links.saturating_add(u32::from(is_directory));
        self.put_entry(directory, cookie, name, ino)?;
        self.changes.entry(directory, cookie, false, name.as_bytes().len());
        Ok(())
    }

    /// Takes an entry away; answers what it led to.
    pub(in crate::backend::volume) fn leave(
        &mut self,
        directory: u64,
        cookie: u64,
        now: i64,
    ) -> Result<u64> {
        let entry = self.take_entry(directory, cookie).ok_or(ErrorCode::Io)?;
        self.changes.entry(directory, cookie, true, 0);
        let is_directory = self.kind(entry.ino) == Some(Kind::Directory);
        let parent = self.change(directory)?;
        parent.attr.times[MODIFIED] = now;
        parent.attr.times[CHANGED] = now;
        parent.attr.links = parent.attr.links.saturating_sub(u32::from(is_directory));
        Ok(entry.ino)
    }

    /// Puts an entry where it is to be, without any accounting of links and times; `exist`
    /// if its name or its cookie, or a later one, is there.
    pub(super) fn put_entry(
        &mut self,
        directory: u64,
        cookie: u64,
        name: &Name,
        ino: u64,
    ) -> Result<()> {
        let (chunk, within) = super::place(directory);
        let chunk = self.chunks.get_mut(chunk).and_then(Option::as_mut).ok_or(ErrorCode::Io)?;
        let parent = chunk[within].as_mut().filter(|inode| inode.ino == directory);
        let parent = parent.and_then(super::Inode::directory_mut);
        let entries = &mut parent.ok_or(ErrorCode::Io)?.entries;
        let name = name.as_bytes();
        if cookie <= entries.last() {
            return Err(ErrorCode::Exist);
        }
        let is = |cookie| entries.get(cookie).is_some_and(|entry| *entry.name == *name);
        if !self.index.insert(directory, name, cookie, is) {
            return Err(ErrorCode::Exist);
        }
        entries.push(cookie, Entry { name: name.into(), ino });
        if let Some(child) = self.get_mut(ino).and_then(super::Inode::directory_mut) {
            child.parent = directory;
        }
        self.count.entries += 1;
        self.count.bytes += name.len() as u64;
        Ok(())
    }

    /// Takes an entry out in the same way.
    pub(super) fn take_entry(&mut self, directory: u64, cookie: u64) -> Option<Entry> {
        let parent = self.get_mut(directory)?.directory_mut()?;
        let entry = parent.entries.remove(cookie)?;
        if let Some(child) = self.get_mut(entry.ino).and_then(super::Inode::directory_mut) {
            child.parent = 0;
        }
        self.index.remove(directory, &entry.name, cookie);
        self.count.entries -= 1;
        self.count.bytes -= entry.name.len() as u64;
        Some(entry)
    }

    /// Whether the directory `outer` is `inner`, or lies above it.
    pub(in crate::backend::volume) fn contains(&self, outer: u64, inner: u64) -> bool {
        let mut at = inner;
        while at != outer {
            if at == ROOT || at == 0 {
                return false;
            }
            at = self.get(at).and_then(super::Inode::directory).map_or(0, |found| found.parent);
        }
        true
    }
}
