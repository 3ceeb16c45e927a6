//! A backend that fails when it is told to, for fault sweeps: at call 0, 1, 2 … until
//! the operation succeeds.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::backend::{
    Access, Attributes, Backend, Capabilities, Changes, Destination, Entry, File, Fresh, Kind,
    Node, Position, Removal, Source, Stat, StatFs, Walk, Written, XattrMode,
};
use crate::error::{ErrorCode, Result};
use crate::path::Name;
use crate::shared::Ref;

/// Another backend, of which one call fails, and then does nothing. A call is any
/// verb of it or of its open files that can fail.
pub struct Failing {
    inner: Ref<dyn Backend>,
    fuse: Ref<Fuse>,
}

struct Fuse {
    calls: AtomicU64,
    fails_at: AtomicU64,
    code: ErrorCode,
}

impl Fuse {
    fn burn(&self) -> Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if call == self.fails_at.load(Ordering::Relaxed) { Err(self.code) } else { Ok(()) }
    }
}

impl Failing {
    /// Wraps `inner`; nothing fails before [`Failing::arm`]. What fails says `code`.
    #[must_use]
    pub fn new(inner: Ref<dyn Backend>, code: ErrorCode) -> Self {
        let (calls, fails_at) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        Self { inner, fuse: Ref::new(Fuse { calls, fails_at, code }) }
    }

    /// Counts from 0 again, and lets the call with this number fail.
    pub fn arm(&self, call: u64) {
        self.fuse.calls.store(0, Ordering::Relaxed);
        self.fuse.fails_at.store(call, Ordering::Relaxed);
    }

    /// How many calls there were since it was armed; more than the number given to
    /// [`Failing::arm`] if one failed.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.fuse.calls.load(Ordering::Relaxed)
    }

    fn file(&self, inner: Ref<dyn File>) -> Ref<dyn File> {
        Ref::new(FailingFile { inner, fuse: self.fuse.clone() })
    }
}

/// Burns the fuse, then asks the inner one.
macro_rules! perhaps {
    ($self:ident.$verb:ident($($argument:expr),*)) => {{
        $self.fuse.burn()?;
        $self.inner.$verb($($argument),*)
    }};
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Backend for Failing {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn root(&self) -> Node {
        self.inner.root()
    }

    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk> {
        perhaps!(self.walk(from, names)).await
    }

    async fn look(&self, from: &Node, names: &[Name]) -> Result<Option<Stat>> {
        perhaps!(self.look(from, names)).await
    }

    async fn open_at(
        &self,
        from: &Node,
        names: &[Name],
        access: Access,
    ) -> Result<Option<(Node, Ref<dyn File>)>> {
        let opened = perhaps!(self.open_at(from, names, access)).await?;
        Ok(opened.map(|(node, file)| (node, self.file(file))))
    }

    async fn open(&self, node: &Node, access: Access) -> Result<Ref<dyn File>> {
        Ok(self.file(perhaps!(self.open(node, access)).await?))
    }

    async fn create(
        &self,
        parent: &Node,
        name: &Name,
        fresh: Fresh,
        access: Access,
    ) -> Result<(Node, Ref<dyn File>)> {
        let (node, file) = perhaps!(self.create(parent, name, fresh, access)).await?;
        Ok((node, self.file(file)))
    }

    async fn make_directory(&self, parent: &Node, name: &Name, fresh: Fresh) -> Result<Node> {
        perhaps!(self.make_directory(parent, name, fresh)).await
    }

    async fn symlink(&self, parent: &Node, name: &Name, to: &[u8], fresh: Fresh) -> Result<Node> {
        perhaps!(self.symlink(parent, name, to, fresh)).await
    }

    async fn read_link(&self, node: &Node) -> Result<Vec<u8>> {
        perhaps!(self.read_link(node)).await
    }

    async fn make_node(
        &self,
        parent: &Node,
        name: &Name,
        kind: Kind,
        device: (u32, u32),
        fresh: Fresh,
    ) -> Result<Node> {
        perhaps!(self.make_node(parent, name, kind, device, fresh)).await
    }

    async fn link(&self, node: &Node, parent: &Node, name: &Name) -> Result<()> {
        perhaps!(self.link(node, parent, name)).await
    }

    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()> {
        perhaps!(self.rename(from, name, to, new_name)).await
    }

    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()> {
        perhaps!(self.remove(parent, name, what)).await
    }

    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>> {
        perhaps!(self.list(directory, after)).await
    }

    async fn attributes(&self, node: &Node) -> Result<Attributes> {
        perhaps!(self.attributes(node)).await
    }

    async fn set_attributes(&self, node: &Node, changes: Changes) -> Result<()> {
        perhaps!(self.set_attributes(node, changes)).await
    }

    async fn xattr(&self, node: &Node, name: &[u8]) -> Result<Vec<u8>> {
        perhaps!(self.xattr(node, name)).await
    }

    async fn set_xattr(&self, node: &Node, name: &[u8], to: &[u8], mode: XattrMode) -> Result<()> {
        perhaps!(self.set_xattr(node, name, to, mode)).await
    }

    async fn xattrs(&self, node: &Node) -> Result<Vec<Vec<u8>>> {
        perhaps!(self.xattrs(node)).await
    }

    async fn remove_xattr(&self, node: &Node, name: &[u8]) -> Result<()> {
        perhaps!(self.remove_xattr(node, name)).await
    }

    async fn statfs(&self) -> Result<StatFs> {
        perhaps!(self.statfs()).await
    }

    async fn sync_directory(&self, directory: &Node) -> Result<()> {
        perhaps!(self.sync_directory(directory)).await
    }

    async fn sync(&self) -> Result<()> {
        perhaps!(self.sync()).await
    }
}

struct FailingFile {
    inner: Ref<dyn File>,
    fuse: Ref<Fuse>,
}

impl File for FailingFile {
    fn size(&self) -> Result<u64> {
        perhaps!(self.size())
    }

    fn read(&self, into: Destination<'_>, offset: u64) -> Result<usize> {
        perhaps!(self.read(into, offset))
    }

    fn write(&self, from: Source<'_>, position: Position) -> Result<Written> {
        perhaps!(self.write(from, position))
    }

    fn set_size(&self, size: u64) -> Result<()> {
        perhaps!(self.set_size(size))
    }

    fn sync(&self, data_only: bool) -> Result<()> {
        perhaps!(self.sync(data_only))
    }
}
