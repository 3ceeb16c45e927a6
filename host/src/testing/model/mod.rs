//! The reference for the other backends: files in memory, and small. Directories and
//! links are counted references, so an object lives as long as anything needs it.

mod content;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use self::content::{Budget, Content};
use crate::backend::{
    Access, Attributes, Backend, Capabilities, Changes, DIRECTORY_SIZE, Destination, Entry, File,
    Fresh, Kind, NewTime, Node, NodeId, Position, Removal, Source, Stat, StatFs, Time, Walk,
    Written, XattrMode, new_device,
};
use crate::error::{ErrorCode, Result};
use crate::path::Name;
use crate::shared::{Ref, WeakRef, lock};

/// A file system in memory.
pub struct Model {
    root: Ref<Inode>,
    next_inode: AtomicU64,
    budget: Ref<Budget>,
    /// Held around each use of names, so that each verb is atomic.
    names: Mutex<()>,
}

struct Inode {
    id: NodeId,
    kind: Kind,
    meta: Mutex<Meta>,
    body: Body,
}

struct Meta {
    links: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    accessed: Time,
    modified: Time,
    changed: Time,
    created: Time,
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

enum Body {
    File(Mutex<Content>),
    Directory(Mutex<Directory>),
    Symlink(Vec<u8>),
    /// A device's numbers; nothing of a pipe or a socket.
    Special((u32, u32)),
}

#[derive(Default)]
struct Directory {
    parent: WeakRef<Inode>,
    /// In the order in which they came: cookies are never used again.
    entries: BTreeMap<u64, (Name, Ref<Inode>)>,
    cookies: HashMap<Name, u64>,
    last_cookie: u64,
    /// No name leads here any more.
    removed: bool,
}

impl Drop for Directory {
    /// Takes a deep tree apart level by level: the stack may be too small for it.
    fn drop(&mut self) {
        let mut gone = vec![std::mem::take(&mut self.entries)];
        while let Some(entries) = gone.pop() {
            for inode in entries.into_values().filter_map(|(_, child)| Ref::into_inner(child)) {
                if let Body::Directory(directory) = &inode.body {
                    gone.push(std::mem::take(&mut lock(directory).entries));
                }
            }
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// An empty one that takes up to 1 GiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(1 << 30)
    }

    /// An empty one that takes up to `limit` bytes: content in blocks of 4 KiB, and 1 KiB
    /// for each name, with the target of a symbolic link on top.
    #[must_use]
    pub fn with_limit(limit: u64) -> Self {
        let id = NodeId { device: new_device(), inode: 1 };
        let body = Body::Directory(Mutex::default());
        let root = Inode::new(id, Kind::Directory, body, Fresh { mode: 0o755, owner: None });
        Self {
            root: Ref::new(root),
            next_inode: AtomicU64::new(2),
            budget: Ref::new(Budget::new(limit)),
            names: Mutex::new(()),
        }
    }

    /// Puts a new object at a name that must not exist.
    fn make(
        &self,
        parent: &Node,
        name: &Name,
        kind: Kind,
        body: Body,
        fresh: Fresh,
    ) -> Result<Ref<Inode>> {
        let _names = lock(&self.names);
        let parent = inode(parent);
        let id = NodeId {
            device: self.root.id.device,
            inode: self.next_inode.fetch_add(1, Ordering::Relaxed),
        };
        let new = Ref::new(Inode::new(id, kind, body, fresh));
        if let Body::Directory(directory) = &new.body {
            lock(directory).parent = Ref::downgrade(parent);
        }
        self.add(parent, name, &new)?;
        Ok(new)
    }

    /// Lets one more name lead to `child`.
    fn add(&self, parent: &Inode, name: &Name, child: &Ref<Inode>) -> Result<()> {
        self.budget.take(child.cost_of_a_name())?;
        parent.insert(name, child).inspect_err(|_| self.budget.give_back(child.cost_of_a_name()))
    }

    /// Lets a name lead nowhere any more.
    fn drop_name(&self, parent: &Inode, name: &Name) -> Result<()> {
        let child = parent.take(name)?;
        self.budget.give_back(child.cost_of_a_name());
        child.lose_name();
        Ok(())
    }
}

impl Inode {
    fn new(id: NodeId, kind: Kind, body: Body, fresh: Fresh) -> Self {
        let now = Time::now();
        let (uid, gid) = fresh.owner.unwrap_or_default();
        let meta = Meta {
            links: if kind == Kind::Directory { 2 } else { 1 },
            mode: fresh.mode,
            uid,
            gid,
            accessed: now,
            modified: now,
            changed: now,
            created: now,
            xattrs: BTreeMap::new(),
        };
        Self { id, kind, meta: Mutex::new(meta), body }
    }

    /// What each name of it takes of the budget, so that there is an end to files that
    /// hold nothing: the longest name, which is stored twice, and the object.
    fn cost_of_a_name(&self) -> u64 {
        match &self.body {
            Body::Symlink(target) => 1024 + target.len() as u64,
            Body::File(_) | Body::Directory(_) | Body::Special(_) => 1024,
        }
    }

    fn entries(&self) -> Result<&Mutex<Directory>> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    fn find(&self, name: &Name) -> Option<Ref<Self>> {
        let directory = lock(self.entries().ok()?);
        let cookie = directory.cookies.get(name)?;
        directory.entries.get(cookie).map(|(_, child)| child.clone())
    }

    fn insert(&self, name: &Name, child: &Ref<Self>) -> Result<()> {
        let mut directory = lock(self.entries()?);
        if directory.removed {
            return Err(ErrorCode::NoEntry);
        }
        if directory.cookies.contains_key(name) {
            return Err(ErrorCode::Exist);
        }
        directory.last_cookie += 1;
        let cookie = directory.last_cookie;
        directory.entries.insert(cookie, (name.clone(), child.clone()));
        directory.cookies.insert(name.clone(), cookie);
        drop(directory);
        self.touch(i64::from(child.kind == Kind::Directory));
        Ok(())
    }

    fn take(&self, name: &Name) -> Result<Ref<Self>> {
        let mut directory = lock(self.entries()?);
        let cookie = directory.cookies.remove(name).ok_or(ErrorCode::NoEntry)?;
        let (_, child) = directory.entries.remove(&cookie).ok_or(ErrorCode::NoEntry)?;
        drop(directory);
        self.touch(-i64::from(child.kind == Kind::Directory));
        Ok(child)
    }

    /// Notes that the content changed, and how many names more lead here.
    fn touch(&self, links: i64) {
        let mut meta = lock(&self.meta);
        meta.modified = Time::now();
        meta.changed = meta.modified;
        meta.links = meta.links.saturating_add_signed(links);
    }

    /// Notes that one name less leads here: the last of a directory.
    fn lose_name(&self) {
        if let Body::Directory(directory) = &self.body {
            lock(directory).removed = true;
        }
        let mut meta = lock(&self.meta);
        meta.changed = Time::now();
        meta.links = if self.kind == Kind::Directory { 0 } else { meta.links.saturating_sub(1) };
    }

    fn is_empty(&self) -> bool {
        self.entries().is_ok_and(|directory| lock(directory).entries.is_empty())
    }

    /// Whether `self` is `inner` or lies above it.
    fn contains(&self, inner: &Ref<Self>) -> bool {
        let mut at = Some(inner.clone());
        while let Some(inode) = at {
            if inode.id == self.id {
                return true;
            }
            at = inode.entries().ok().and_then(|directory| lock(directory).parent.upgrade());
        }
        false
    }
}

fn inode(node: &Node) -> &Ref<Inode> {
    node.handle::<Ref<Inode>>()
}

fn node(inode: Ref<Inode>) -> Node {
    Node::new(inode.kind, inode.id, Ref::new(inode))
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Backend for Model {
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
        node(self.root.clone())
    }

    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk> {
        let _names = lock(&self.names);
        let mut at = inode(from).clone();
        for (walked, name) in names.iter().enumerate() {
            match at.find(name) {
                Some(child) => at = child,
                None => return Ok(Walk { walked, node: node(at) }),
            }
            if at.kind != Kind::Directory {
                return Ok(Walk { walked: walked + 1, node: node(at) });
            }
        }
        Ok(Walk { walked: names.len(), node: node(at) })
    }

    /// Two steps cost as little.
    async fn look(&self, _from: &Node, _names: &[Name]) -> Result<Option<Stat>> {
        Ok(None)
    }

    /// Two steps cost as little.
    async fn open_at(
        &self,
        _from: &Node,
        _names: &[Name],
        _access: Access,
    ) -> Result<Option<(Node, Ref<dyn File>)>> {
        Ok(None)
    }

    async fn open(&self, node: &Node, _access: Access) -> Result<Ref<dyn File>> {
        match node.kind() {
            Kind::File => Ok(Ref::new(OpenFile(inode(node).clone()))),
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
        let body = Body::File(Mutex::new(Content::new(self.budget.clone())));
        let inode = self.make(parent, name, Kind::File, body, fresh)?;
        Ok((node(inode.clone()), Ref::new(OpenFile(inode))))
    }

    async fn make_directory(&self, parent: &Node, name: &Name, fresh: Fresh) -> Result<Node> {
        let body = Body::Directory(Mutex::default());
        Ok(node(self.make(parent, name, Kind::Directory, body, fresh)?))
    }

    async fn symlink(
        &self,
        parent: &Node,
        name: &Name,
        target: &[u8],
        fresh: Fresh,
    ) -> Result<Node> {
        let body = Body::Symlink(target.to_vec());
        Ok(node(self.make(parent, name, Kind::Symlink, body, fresh)?))
    }

    async fn read_link(&self, node: &Node) -> Result<Vec<u8>> {
        match &inode(node).body {
            Body::Symlink(target) => Ok(target.clone()),
            _ => Err(ErrorCode::Invalid),
        }
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
            Kind::BlockDevice | Kind::CharacterDevice | Kind::Fifo | Kind::Socket => {
                Ok(node(self.make(parent, name, kind, Body::Special(device), fresh)?))
            }
            Kind::File | Kind::Directory | Kind::Symlink => Err(ErrorCode::Invalid),
        }
    }

    async fn link(&self, node: &Node, parent: &Node, name: &Name) -> Result<()> {
        let _names = lock(&self.names);
        let old = inode(node);
        if lock(&old.meta).links == 0 {
            return Err(ErrorCode::NoEntry);
        }
        self.add(inode(parent), name, old)?;
        let mut meta = lock(&old.meta);
        meta.links += 1;
        meta.changed = Time::now();
        Ok(())
    }

    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()> {
        let _names = lock(&self.names);
        let (from, to) = (inode(from), inode(to));
        let moved = from.find(name).ok_or(ErrorCode::NoEntry)?;
        let is_directory = moved.kind == Kind::Directory;
        if lock(to.entries()?).removed {
            return Err(ErrorCode::NoEntry);
        }
        if is_directory && moved.contains(to) {
            return Err(ErrorCode::Invalid);
        }
        if let Some(old) = to.find(new_name) {
            match (is_directory, old.kind == Kind::Directory) {
                _ if old.id == moved.id => return Ok(()),
                (false, true) => return Err(ErrorCode::IsDirectory),
                (true, false) => return Err(ErrorCode::NotDirectory),
                (true, true) if !old.is_empty() => return Err(ErrorCode::NotEmpty),
                _ => {}
            }
            self.drop_name(to, new_name)?;
        }
        from.take(name)?;
        to.insert(new_name, &moved)?;
        if let Body::Directory(directory) = &moved.body {
            lock(directory).parent = Ref::downgrade(to);
        }
        lock(&moved.meta).changed = Time::now();
        Ok(())
    }

    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()> {
        let _names = lock(&self.names);
        let parent = inode(parent);
        let child = parent.find(name).ok_or(ErrorCode::NoEntry)?;
        match (what, child.kind) {
            (Removal::File, Kind::Directory) => return Err(ErrorCode::IsDirectory),
            (Removal::Directory, Kind::Directory) if !child.is_empty() => {
                return Err(ErrorCode::NotEmpty);
            }
            (Removal::File, _) | (Removal::Directory, Kind::Directory) => {}
            (Removal::Directory, _) => return Err(ErrorCode::NotDirectory),
        }
        self.drop_name(parent, name)
    }

    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>> {
        /// Entries in one answer.
        const BATCH: usize = 1024;
        let _names = lock(&self.names);
        let directory = lock(inode(directory).entries()?);
        let rest = directory.entries.range((Bound::Excluded(after), Bound::Unbounded));
        let entry = |(cookie, (name, child)): (&u64, &(Name, Ref<Inode>))| Entry {
            name: name.clone(),
            kind: child.kind,
            inode: child.id.inode,
            cookie: *cookie,
        };
        Ok(rest.take(BATCH).map(entry).collect())
    }

    async fn attributes(&self, node: &Node) -> Result<Attributes> {
        let inode = inode(node);
        let (size, allocated, device) = match &inode.body {
            Body::File(content) => {
                let content = lock(content);
                (content.size(), content.allocated(), (0, 0))
            }
            Body::Directory(_) => (DIRECTORY_SIZE, 0, (0, 0)),
            Body::Symlink(target) => (target.len() as u64, 0, (0, 0)),
            Body::Special(device) => (0, 0, *device),
        };
        let meta = lock(&inode.meta);
        Ok(Attributes {
            links: meta.links,
            size,
            allocated,
            mode: meta.mode,
            uid: meta.uid,
            gid: meta.gid,
            device,
            accessed: Some(meta.accessed),
            modified: Some(meta.modified),
            changed: Some(meta.changed),
            created: Some(meta.created),
        })
    }

    async fn set_attributes(&self, node: &Node, changes: Changes) -> Result<()> {
        let now = Time::now();
        let time = |new| match new {
            NewTime::Now => now,
            NewTime::At(time) => time,
        };
        let mut meta = lock(&inode(node).meta);
        meta.mode = changes.mode.unwrap_or(meta.mode);
        meta.uid = changes.uid.unwrap_or(meta.uid);
        meta.gid = changes.gid.unwrap_or(meta.gid);
        meta.accessed = changes.accessed.map_or(meta.accessed, time);
        meta.modified = changes.modified.map_or(meta.modified, time);
        meta.changed = now;
        Ok(())
    }

    async fn xattr(&self, node: &Node, name: &[u8]) -> Result<Vec<u8>> {
        lock(&inode(node).meta).xattrs.get(name).cloned().ok_or(ErrorCode::NoEntry)
    }

    async fn set_xattr(
        &self,
        node: &Node,
        name: &[u8],
        value: &[u8],
        mode: XattrMode,
    ) -> Result<()> {
        let mut meta = lock(&inode(node).meta);
        match (mode, meta.xattrs.contains_key(name)) {
            (XattrMode::Create, true) => return Err(ErrorCode::Exist),
            (XattrMode::Replace, false) => return Err(ErrorCode::NoEntry),
            _ => {}
        }
        let others = meta.xattrs.iter().filter(|(other, _)| *other != name);
        let taken: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        // As Linux bounds one value (`XATTR_SIZE_MAX`), here for all of an object.
        if taken + name.len() + value.len() > 64 * 1024 {
            return Err(ErrorCode::InsufficientSpace);
        }
        meta.xattrs.insert(name.to_vec(), value.to_vec());
        meta.changed = Time::now();
        Ok(())
    }

    async fn xattrs(&self, node: &Node) -> Result<Vec<Vec<u8>>> {
        Ok(lock(&inode(node).meta).xattrs.keys().cloned().collect())
    }

    async fn remove_xattr(&self, node: &Node, name: &[u8]) -> Result<()> {
        let mut meta = lock(&inode(node).meta);
        meta.xattrs.remove(name).ok_or(ErrorCode::NoEntry)?;
        meta.changed = Time::now();
        Ok(())
    }

    async fn statfs(&self) -> Result<StatFs> {
        const BLOCK: u32 = 4096;
        let free_blocks = self.budget.free() / u64::from(BLOCK);
        Ok(StatFs {
            block_size: BLOCK,
            blocks: self.budget.total / u64::from(BLOCK),
            free_blocks,
            available_blocks: free_blocks,
            files: 0,
            free_files: 0,
        })
    }

    async fn sync_directory(&self, _directory: &Node) -> Result<()> {
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        Ok(())
    }
}

struct OpenFile(Ref<Inode>);

impl OpenFile {
    fn content(&self) -> Result<&Mutex<Content>> {
        match &self.0.body {
            Body::File(content) => Ok(content),
            _ => Err(ErrorCode::Invalid),
        }
    }
}

impl File for OpenFile {
    fn size(&self) -> Result<u64> {
        Ok(lock(self.content()?).size())
    }

    fn read(&self, into: Destination<'_>, offset: u64) -> Result<usize> {
        let count = lock(self.content()?).read(into, offset);
        lock(&self.0.meta).accessed = Time::now();
        Ok(count)
    }

    fn write(&self, from: Source<'_>, position: Position) -> Result<Written> {
        let mut content = lock(self.content()?);
        let offset = match position {
            Position::At(offset) => offset,
            Position::End => content.size(),
        };
        // What is appended may reach further than the core could know.
        if offset.saturating_add(from.len() as u64) > i64::MAX.unsigned_abs() {
            return Err(ErrorCode::FileTooLarge);
        }
        let count = content.write(from, offset)?;
        drop(content);
        self.0.touch(0);
        Ok(Written { offset, count })
    }

    fn set_size(&self, size: u64) -> Result<()> {
        lock(self.content()?).set_size(size);
        self.0.touch(0);
        Ok(())
    }

    fn sync(&self, _data_only: bool) -> Result<()> {
        Ok(())
    }
}
