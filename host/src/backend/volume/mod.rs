//! A whole file system in one file: of OPFS, of the operating system, or in memory. After a
//! crash it is what it was after some operation, no earlier than the last sync. The bytes
//! are described in `docs/volume-format.md`.
//!
//! From below: [`disk`] keeps bytes, `space` knows which blocks are free, `table` holds all
//! objects, `log` stores their changes, `store` brings these together, `data` is the
//! content of files, and here is what the core calls.

mod cache;
mod check;
mod codec;
mod compact;
mod data;
pub mod disk;
mod findings;
mod info;
mod log;
mod node;
mod options;
mod space;
mod stage;
mod store;
mod table;
mod usage;

use async_trait::async_trait;

pub use self::check::{Counts, Finding, Report, Severity, check};
pub use self::compact::Compaction;
pub use self::info::{Area, Info};
use self::node::{Handle, OpenFile, Shared, ino, node};
pub use self::options::Options;
use self::space::BLOCK;
use self::store::{Change, Store};
use self::table::{
    ACCESSED, Attr, Body, CHANGED, CREATED, MODIFIED, ROOT, device_detail, nanoseconds, time,
};
pub use self::usage::Usage;
use super::{
    Access, Attributes, Backend, Capabilities, Changes, DIRECTORY_SIZE, Entry, File, Fresh, Kind,
    NewTime, Node, Removal, Stat, StatFs, Walk, XattrMode,
};
use crate::error::{ErrorCode, Result};
use crate::path::Name;
use crate::shared::{Ref, lock};

/// Entries in one answer of a listing.
const BATCH: usize = 1024;

/// Bytes of all extended attributes of an object, as Linux bounds one value.
const XATTRS_MAX: usize = 64 * 1024;

/// A file system on a [`Disk`](disk::Disk).
///
/// Changes are gathered, up to the bounds in [`Options`], and written together; a sync
/// writes and flushes everything. If writing fails, what is gathered stays, and is tried
/// again: changes are refused with the error as soon as the bounds are reached, and a sync
/// always answers it. Reading goes on. Dropping the last reference, nodes and open files
/// among them, closes the volume.
pub struct Volume {
    shared: Ref<Shared>,
}

impl Volume {
    /// Writes all that is gathered, without waiting until a power cut cannot harm it.
    ///
    /// # Errors
    /// `insufficient-space`, `io`; then it is still gathered.
    pub fn write_out(&self) -> Result<()> {
        lock(&self.shared.store).commit()
    }

    /// Makes the volume smaller, step by step: what lies near its end moves before it, and
    /// the end is given back to the storage. A step syncs, and moves about `most` bytes.
    /// Other calls may come between two steps; the last one says that it is done.
    ///
    /// # Errors
    /// `read-only`, `io`; what was moved is moved.
    pub fn compact(&self, most: u64) -> Result<Compaction> {
        lock(&self.shared.store).compact(most)
    }

    /// How the volume's bytes are used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        lock(&self.shared.store).usage()
    }

    /// Runs `act` on the store, after what every call does.
    fn with<T>(&self, act: impl FnOnce(&mut Store, i64) -> Result<T>) -> Result<T> {
        self.shared.with(act)
    }

    fn node(&self, store: &mut Store, ino: u64) -> Result<Node> {
        node(&self.shared, store, ino)
    }

    /// Puts a new object at a name that must not exist.
    fn make(
        &self,
        parent: &Node,
        name: &Name,
        fresh: Fresh,
        attr: impl FnOnce(Attr) -> Attr,
        target: &[u8],
    ) -> Result<Node> {
        self.with(|store, now| {
            let parent = ino(parent);
            may_enter(store, parent, name)?;
            store.begin(Change::Grow(1024 + target.len() as u64))?;
            let made = store.table.make(attr(new_attr(fresh, now)))?;
            if !target.is_empty() {
                store.table.set_target(made, target)?;
                store.table.changes.target(target.len());
            }
            store.table.enter(parent, name, made, now)?;
            let node = self.node(store, made);
            store.end(now);
            node
        })
    }
}

/// The attributes of a new file; other kinds differ in little.
fn new_attr(fresh: Fresh, now: i64) -> Attr {
    let (uid, gid) = fresh.owner.unwrap_or_default();
    Attr { kind: Kind::File, links: 1, mode: fresh.mode, uid, gid, detail: 0, times: [now; 4] }
}

/// Whether `name` is free in a directory that still is one.
fn may_enter(store: &Store, parent: u64, name: &Name) -> Result<()> {
    let inode = store.table.inode(parent)?;
    if inode.directory().is_none() {
        return Err(ErrorCode::NotDirectory);
    }
    if inode.attr.links == 0 {
        return Err(ErrorCode::NoEntry);
    }
    if store.table.find(parent, name).is_some() {
        return Err(ErrorCode::Exist);
    }
    Ok(())
}

fn is_directory(store: &Store, ino: u64) -> bool {
    store.table.kind(ino) == Some(Kind::Directory)
}

fn is_empty(store: &Store, ino: u64) -> bool {
    let inode = store.table.get(ino);
    inode.and_then(|inode| inode.directory()).is_some_and(|found| found.entries.is_empty())
}

/// Takes a name away from what it leads to; what nothing needs any more is freed.
fn unlink(store: &mut Store, parent: u64, cookie: u64, now: i64) -> Result<()> {
    let gone = store.table.leave(parent, cookie, now)?;
    let inode = store.table.change(gone)?;
    inode.attr.times[CHANGED] = now;
    inode.attr.links = match inode.attr.kind {
        Kind::Directory => 0,
        _ => inode.attr.links.saturating_sub(1),
    };
    if inode.attr.links == 0 && inode.holds == 0 {
        store.forget(gone);
    }
    Ok(())
}

/// What `names` lead to, unless something is in the way that is no directory.
fn reached(store: &Store, from: u64, names: &[Name]) -> Result<Option<u64>> {
    let mut at = from;
    for (number, name) in names.iter().enumerate() {
        if number > 0 && !is_directory(store, at) {
            return Ok(None);
        }
        (_, at) = store.table.find(at, name).ok_or(ErrorCode::NoEntry)?;
    }
    Ok(Some(at))
}

fn attributes(store: &Store, ino: u64) -> Result<Attributes> {
    let inode = store.table.inode(ino)?;
    let attr = &inode.attr;
    let (size, blocks) = match &inode.body {
        Body::Directory(_) => (DIRECTORY_SIZE, 0),
        Body::File { blocks, .. } => (attr.size(), u64::from(*blocks)),
        Body::Symlink(_) | Body::Special => (inode.size(), 0),
    };
    let moment = |which: usize| Some(time(attr.times[which]));
    Ok(Attributes {
        links: attr.links.into(),
        size,
        allocated: (blocks + store.waiting_for(ino)) * BLOCK as u64,
        mode: attr.mode,
        uid: attr.uid,
        gid: attr.gid,
        device: attr.device(),
        accessed: moment(ACCESSED),
        modified: moment(MODIFIED),
        changed: moment(CHANGED),
        created: moment(CREATED),
    })
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Backend for Volume {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            waits: false,
            symlinks: true,
            hard_links: true,
            modes: true,
            owners: true,
            set_times: true,
            xattrs: true,
            nodes: true,
            byte_names: true,
            stable_cookies: true,
            atomic_directory_rename: true,
        }
    }

    fn root(&self) -> Node {
        lock(&self.shared.store).table.hold(ROOT);
        Node::new(Kind::Directory, self.shared.id(ROOT), Ref::new(Handle::new(&self.shared, ROOT)))
    }

    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk> {
        // Something else follows, and looks at the clock.
        let store = &mut lock(&self.shared.store);
        let mut at = ino(from);
        let mut walked = 0;
        for name in names {
            let Some((_, child)) = store.table.find(at, name) else { break };
            at = child;
            walked += 1;
            if !is_directory(store, child) {
                break;
            }
        }
        Ok(Walk { walked, node: self.node(store, at)? })
    }

    async fn look(&self, from: &Node, names: &[Name]) -> Result<Option<Stat>> {
        self.shared.look(|store| match reached(store, ino(from), names)? {
            Some(ino) => {
                let kind = store.table.kind(ino).ok_or(ErrorCode::Io)?;
                let attributes = attributes(store, ino)?;
                Ok(Some(Stat { kind, id: self.shared.id(ino), attributes }))
            }
            None => Ok(None),
        })
    }

    async fn open_at(
        &self,
        from: &Node,
        names: &[Name],
        _access: Access,
    ) -> Result<Option<(Node, Ref<dyn File>)>> {
        let found = self.shared.look(|store| {
            let ino = reached(store, ino(from), names)?;
            let file = ino.filter(|ino| store.table.kind(*ino) == Some(Kind::File));
            let node = file.map(|ino| self.node(store, ino)).transpose()?;
            if let Some(ino) = file {
                // For the open file, as the node has it for itself.
                store.table.hold(ino);
            }
            Ok(node)
        })?;
        Ok(found.map(|node| {
            let file = OpenFile::held(&self.shared, ino(&node));
            (node, Ref::new(file) as Ref<dyn File>)
        }))
    }

    async fn open(&self, node: &Node, _access: Access) -> Result<Ref<dyn File>> {
        match node.kind() {
            Kind::File => Ok(Ref::new(OpenFile::new(&self.shared, ino(node)))),
            _ => Err(ErrorCode::Unsupported),
        }
    }

    async fn create(
        &self,
        parent: &Node,
        name: &Name,
        fresh: Fresh,
        _access: Access,
    ) -> Result<(Node, Ref<dyn File>)> {
        let node = self.make(parent, name, fresh, |attr| attr, b"")?;
        let file = OpenFile::new(&self.shared, ino(&node));
        Ok((node, Ref::new(file)))
    }

    async fn make_directory(&self, parent: &Node, name: &Name, fresh: Fresh) -> Result<Node> {
        let directory = |attr| Attr { kind: Kind::Directory, links: 2, ..attr };
        self.make(parent, name, fresh, directory, b"")
    }

    async fn symlink(
        &self,
        parent: &Node,
        name: &Name,
        target: &[u8],
        fresh: Fresh,
    ) -> Result<Node> {
        let link = |attr| Attr { kind: Kind::Symlink, ..attr };
        self.make(parent, name, fresh, link, target)
    }

    async fn read_link(&self, node: &Node) -> Result<Vec<u8>> {
        self.with(|store, _| match &store.table.inode(ino(node))?.body {
            Body::Symlink(target) => Ok(target.to_vec()),
            _ => Err(ErrorCode::Invalid),
        })
    }

    async fn make_node(
        &self,
        parent: &Node,
        name: &Name,
        kind: Kind,
        device: (u32, u32),
        fresh: Fresh,
    ) -> Result<Node> {
        match kind {
            Kind::BlockDevice | Kind::CharacterDevice | Kind::Fifo | Kind::Socket => self.make(
                parent,
                name,
                fresh,
                |attr| Attr { kind, detail: device_detail(device), ..attr },
                b"",
            ),
            Kind::File | Kind::Directory | Kind::Symlink => Err(ErrorCode::Invalid),
        }
    }

    async fn link(&self, node: &Node, parent: &Node, name: &Name) -> Result<()> {
        self.with(|store, now| {
            let (old, parent) = (ino(node), ino(parent));
            match store.table.inode(old)?.attr.links {
                0 => return Err(ErrorCode::NoEntry),
                u32::MAX => return Err(ErrorCode::TooManyLinks),
                _ => {}
            }
            may_enter(store, parent, name)?;
            store.begin(Change::Grow(1024))?;
            store.table.enter(parent, name, old, now)?;
            let inode = store.table.change(old)?;
            inode.attr.links += 1;
            inode.attr.times[CHANGED] = now;
            store.end(now);
            Ok(())
        })
    }

    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()> {
        self.with(|store, now| {
            let (from, to) = (ino(from), ino(to));
            let (cookie, moved) = store.table.find(from, name).ok_or(ErrorCode::NoEntry)?;
            let moves_directory = is_directory(store, moved);
            if moves_directory && store.table.contains(moved, to) && !(moved == to && from == to) {
                return Err(ErrorCode::Invalid);
            }
            let old = store.table.find(to, new_name);
            match old.map(|(_, old)| (old, is_directory(store, old))) {
                Some((old, _)) if old == moved => return Ok(()),
                Some((_, true)) if !moves_directory => return Err(ErrorCode::IsDirectory),
                Some((_, false)) if moves_directory => return Err(ErrorCode::NotDirectory),
                Some((old, true)) if !is_empty(store, old) => return Err(ErrorCode::NotEmpty),
                None if store.table.inode(to)?.attr.links == 0 => return Err(ErrorCode::NoEntry),
                _ => {}
            }
            store.begin(Change::Grow(1024))?;
            if let Some((old, _)) = old {
                unlink(store, to, old, now)?;
            }
            store.table.leave(from, cookie, now)?;
            store.table.enter(to, new_name, moved, now)?;
            store.table.change(moved)?.attr.times[CHANGED] = now;
            store.end(now);
            Ok(())
        })
    }

    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()> {
        self.with(|store, now| {
            let parent = ino(parent);
            let (cookie, child) = store.table.find(parent, name).ok_or(ErrorCode::NoEntry)?;
            match (what, is_directory(store, child)) {
                (Removal::File, true) => return Err(ErrorCode::IsDirectory),
                (Removal::Directory, false) => return Err(ErrorCode::NotDirectory),
                (Removal::Directory, true) if !is_empty(store, child) => {
                    return Err(ErrorCode::NotEmpty);
                }
                _ => {}
            }
            store.begin(Change::Keep)?;
            unlink(store, parent, cookie, now)?;
            store.end(now);
            Ok(())
        })
    }

    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>> {
        self.with(|store, _| {
            let table = &store.table;
            let found = table.inode(ino(directory))?.directory().ok_or(ErrorCode::NotDirectory)?;
            let entry = |(cookie, entry): (u64, &table::Entry)| {
                Ok(Entry {
                    name: Name::new(&entry.name)?,
                    kind: table.kind(entry.ino).unwrap_or(Kind::File),
                    inode: entry.ino,
                    cookie,
                })
            };
            found.entries.after(after).take(BATCH).map(entry).collect()
        })
    }

    async fn attributes(&self, node: &Node) -> Result<Attributes> {
        self.shared.look(|store| attributes(store, ino(node)))
    }

    async fn set_attributes(&self, node: &Node, changes: Changes) -> Result<()> {
        self.with(|store, now| {
            let time = |new: Option<NewTime>| match new {
                None => Ok(None),
                Some(NewTime::Now) => Ok(Some(now)),
                Some(NewTime::At(time)) => nanoseconds(time).map(Some),
            };
            let (accessed, modified) = (time(changes.accessed)?, time(changes.modified)?);
            store.begin(Change::Keep)?;
            let attr = &mut store.table.change(ino(node))?.attr;
            attr.mode = changes.mode.unwrap_or(attr.mode);
            attr.uid = changes.uid.unwrap_or(attr.uid);
            attr.gid = changes.gid.unwrap_or(attr.gid);
            attr.times[ACCESSED] = accessed.unwrap_or(attr.times[ACCESSED]);
            attr.times[MODIFIED] = modified.unwrap_or(attr.times[MODIFIED]);
            attr.times[CHANGED] = now;
            store.end(now);
            Ok(())
        })
    }

    async fn xattr(&self, node: &Node, name: &[u8]) -> Result<Vec<u8>> {
        self.with(|store, _| {
            let xattrs = &store.table.inode(ino(node))?.xattrs;
            let value = xattrs.as_ref().and_then(|xattrs| xattrs.get(name));
            value.cloned().ok_or(ErrorCode::NoEntry)
        })
    }

    async fn set_xattr(
        &self,
        node: &Node,
        name: &[u8],
        value: &[u8],
        mode: XattrMode,
    ) -> Result<()> {
        self.with(|store, now| {
            let inode = store.table.inode(ino(node))?;
            let old = inode.xattrs.as_ref().and_then(|xattrs| xattrs.get(name));
            match (mode, old) {
                (XattrMode::Create, Some(_)) => return Err(ErrorCode::Exist),
                (XattrMode::Replace, None) => return Err(ErrorCode::NoEntry),
                _ => {}
            }
            let taken = inode.xattr_bytes() - old.map_or(0, |old| name.len() + old.len());
            if taken + name.len() + value.len() > XATTRS_MAX {
                return Err(ErrorCode::InsufficientSpace);
            }
            store.begin(Change::Grow(512 + (name.len() + value.len()) as u64))?;
            store.table.set_xattr(ino(node), name, Some(value))?;
            store.table.change(ino(node))?.attr.times[CHANGED] = now;
            store.end(now);
            Ok(())
        })
    }

    async fn xattrs(&self, node: &Node) -> Result<Vec<Vec<u8>>> {
        self.with(|store, _| {
            let xattrs = &store.table.inode(ino(node))?.xattrs;
            Ok(xattrs.iter().flat_map(|xattrs| xattrs.keys().cloned()).collect())
        })
    }

    async fn remove_xattr(&self, node: &Node, name: &[u8]) -> Result<()> {
        self.with(|store, now| {
            let xattrs = &store.table.inode(ino(node))?.xattrs;
            if !xattrs.as_ref().is_some_and(|xattrs| xattrs.contains_key(name)) {
                return Err(ErrorCode::NoEntry);
            }
            store.begin(Change::Keep)?;
            store.table.set_xattr(ino(node), name, None)?;
            store.table.change(ino(node))?.attr.times[CHANGED] = now;
            store.end(now);
            Ok(())
        })
    }

    async fn statfs(&self) -> Result<StatFs> {
        self.with(|store, _| store.state(self.shared.limited))
    }

    async fn sync_directory(&self, _directory: &Node) -> Result<()> {
        self.with(|store, _| store.sync())
    }

    async fn sync(&self) -> Result<()> {
        self.with(|store, _| store.sync())
    }
}
