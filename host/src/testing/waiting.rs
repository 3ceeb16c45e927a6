//! A backend that waits, for tests of whoever holds one.

use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;

use crate::backend::{
    Access, Attributes, Backend, Capabilities, Changes, Entry, File, Fresh, Kind, Node, Removal,
    Stat, StatFs, Walk, XattrMode,
};
use crate::error::Result;
use crate::path::Name;
use crate::shared::Ref;

/// Another backend, of which every future is pending once before it answers.
pub struct Waiting(Ref<dyn Backend>);

impl Waiting {
    /// Lets `inner` wait.
    #[must_use]
    pub fn new(inner: Ref<dyn Backend>) -> Self {
        Self(inner)
    }
}

/// Pending at the first poll, ready at the second.
async fn turn() {
    let mut pending = true;
    poll_fn(|context| {
        if std::mem::take(&mut pending) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// Waits, then asks the inner one.
macro_rules! later {
    ($self:ident.$verb:ident($($argument:expr),*)) => {{
        turn().await;
        $self.0.$verb($($argument),*).await
    }};
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Backend for Waiting {
    fn capabilities(&self) -> Capabilities {
        Capabilities { waits: true, ..self.0.capabilities() }
    }

    fn root(&self) -> Node {
        self.0.root()
    }

    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk> {
        later!(self.walk(from, names))
    }

    async fn look(&self, from: &Node, names: &[Name]) -> Result<Option<Stat>> {
        later!(self.look(from, names))
    }

    async fn open_at(
        &self,
        from: &Node,
        names: &[Name],
        access: Access,
    ) -> Result<Option<(Node, Ref<dyn File>)>> {
        later!(self.open_at(from, names, access))
    }

    async fn open(&self, node: &Node, access: Access) -> Result<Ref<dyn File>> {
        later!(self.open(node, access))
    }

    async fn create(
        &self,
        parent: &Node,
        name: &Name,
        fresh: Fresh,
        access: Access,
    ) -> Result<(Node, Ref<dyn File>)> {
        later!(self.create(parent, name, fresh, access))
    }

    async fn make_directory(&self, parent: &Node, name: &Name, fresh: Fresh) -> Result<Node> {
        later!(self.make_directory(parent, name, fresh))
    }

    async fn symlink(&self, parent: &Node, name: &Name, to: &[u8], fresh: Fresh) -> Result<Node> {
        later!(self.symlink(parent, name, to, fresh))
    }

    async fn read_link(&self, node: &Node) -> Result<Vec<u8>> {
        later!(self.read_link(node))
    }

    async fn make_node(
        &self,
        parent: &Node,
        name: &Name,
        kind: Kind,
        device: (u32, u32),
        fresh: Fresh,
    ) -> Result<Node> {
        later!(self.make_node(parent, name, kind, device, fresh))
    }

    async fn link(&self, node: &Node, parent: &Node, name: &Name) -> Result<()> {
        later!(self.link(node, parent, name))
    }

    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()> {
        later!(self.rename(from, name, to, new_name))
    }

    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()> {
        later!(self.remove(parent, name, what))
    }

    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>> {
        later!(self.list(directory, after))
    }

    async fn attributes(&self, node: &Node) -> Result<Attributes> {
        later!(self.attributes(node))
    }

    async fn set_attributes(&self, node: &Node, changes: Changes) -> Result<()> {
        later!(self.set_attributes(node, changes))
    }

    async fn xattr(&self, node: &Node, name: &[u8]) -> Result<Vec<u8>> {
        later!(self.xattr(node, name))
    }

    async fn set_xattr(&self, node: &Node, name: &[u8], to: &[u8], mode: XattrMode) -> Result<()> {
        later!(self.set_xattr(node, name, to, mode))
    }

    async fn xattrs(&self, node: &Node) -> Result<Vec<Vec<u8>>> {
        later!(self.xattrs(node))
    }

    async fn remove_xattr(&self, node: &Node, name: &[u8]) -> Result<()> {
        later!(self.remove_xattr(node, name))
    }

    async fn statfs(&self) -> Result<StatFs> {
        later!(self.statfs())
    }

    async fn sync_directory(&self, directory: &Node) -> Result<()> {
        later!(self.sync_directory(directory))
    }

    async fn sync(&self) -> Result<()> {
        later!(self.sync())
    }
}
