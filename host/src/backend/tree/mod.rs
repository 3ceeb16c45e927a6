//! An OPFS directory as it is: other code of the page sees the same names. Each
//! step is a promise, so the mount waits; what OPFS has no place for is
//! `unsupported`. Here is what a mount is and its verbs; `nodes` has what is known
//! of the tree, `names` and `moves` what finds, makes and moves entries, `reserved`
//! where removed files live on, and `file` the data half.

mod dom;
mod errors;
mod file;
mod moves;
mod names;
mod nodes;
mod reserved;

use std::cell::Cell;
use std::rc::Rc;

use async_lock::RwLock;
use async_trait::async_trait;

pub use self::reserved::RESERVED;

use self::dom::{Make, to_the_end};
use self::moves::Target;
use self::names::LAST;
use self::nodes::{Live, Object};
use self::reserved::Reserved;
use super::{
    Access, Attributes, Backend, Capabilities, Changes, DIRECTORY_SIZE, Entry, File, Fresh, Kind,
    Node, NodeId, Removal, Stat, StatFs, Time, Walk, XattrMode, new_device,
};
use crate::error::{ErrorCode, Result, SetupError};
use crate::path::Name;
use crate::shared::Ref;

/// A directory of the origin's private file system, in a dedicated worker.
///
/// Every file that is open is locked: other mounts and other code of the page get
/// an error for it, as this mount gets `busy` for what they have open. What others
/// change is seen when its name is looked up.
///
/// Where the engine cannot move directories (Chromium), renaming one moves what is
/// in it file by file. A tab that is closed in the middle leaves it split over both
/// names: every file is whole, in one of the two; renaming the rest ends it.
pub struct Tree(Rc<Inner>);

struct Inner {
    device: u64,
    top: Rc<Object>,
    last_inode: Cell<u64>,
    /// About how many objects are known, and how many may be, if that is more than
    /// the usual.
    known: Cell<usize>,
    most: Cell<usize>,
    reserved: Reserved,
    moves_directories: bool,
    /// Held for writing around changes: a lookup between their steps would find
    /// what nobody has made.
    names: RwLock<()>,
}

impl Tree {
    /// Mounts the directory `name` of OPFS, which is made if it is missing: one
    /// name, or several with `/` between them.
    ///
    /// # Errors
    /// `invalid` for anything else; `unsupported` outside dedicated workers, in
    /// engines without synchronous access, and on insecure origins; what the
    /// storage answers.
    pub async fn open(name: &str) -> Result<Self, SetupError> {
        let names = parse(name)?;
        let storage = dom::storage().filter(|_| dom::has_access_handles()).ok_or_else(|| {
            let message = format!(
                "cannot mount the OPFS directory '{name}': no synchronous access to OPFS here; \
                 it takes a dedicated worker of a secure origin (https or localhost), and a \
                 browser with createSyncAccessHandle"
            );
            SetupError::new(ErrorCode::Unsupported, message)
        })?;
        let failed = |code: ErrorCode| {
            let hint = match code {
                ErrorCode::NotDirectory => "a file has this name; remove it or mount another name",
                ErrorCode::InsufficientSpace => "free some of the origin's storage",
                ErrorCode::Access => {
                    "the browser gives no storage here; allow site data, or leave private browsing"
                }
                _ => "try another name, or another browser profile",
            };
            let message = format!("cannot mount the OPFS directory '{name}': {code}; {hint}");
            SetupError::new(code, message)
        };
        let mut handle = dom::top(&storage).await.map_err(failed)?;
        for name in names {
            handle = dom::directory(&handle, name, Make::Yes).await.map_err(failed)?;
        }
        let inner = Inner {
            device: new_device(),
            moves_directories: dom::can_move(&handle),
            top: Object::top(handle),
            last_inode: Cell::new(1),
            known: Cell::default(),
            most: Cell::default(),
            reserved: Reserved::new(),
            names: RwLock::new(()),
        };
        inner.sweep().await.map_err(failed)?;
        Ok(Self(Rc::new(inner)))
    }
}

fn parse(name: &str) -> Result<Vec<&str>, SetupError> {
    let check = |part: &str| match Name::new(part.as_bytes()) {
        Ok(_) if part == RESERVED => Err(ErrorCode::NotPermitted),
        Ok(_) => Ok(()),
        Err(code) => Err(code),
    };
    let names: Vec<_> = name.split('/').collect();
    match names.iter().try_for_each(|part| check(part)) {
        Ok(()) => Ok(names),
        Err(code) => Err(SetupError::new(
            code,
            format!("'{name}' is no OPFS directory: {code}; give it a name like 'data' or 'a/b'"),
        )),
    }
}

impl Inner {
    fn next_inode(&self) -> u64 {
        self.last_inode.set(self.last_inode.get() + 1);
        self.last_inode.get()
    }

    fn node(&self, live: Rc<Live>) -> Node {
        let id = NodeId { device: self.device, inode: live.object.inode };
        Node::new(live.object.kind, id, live)
    }
}

fn live(node: &Node) -> &Live {
    node.handle::<Live>()
}

fn object(node: &Node) -> &Rc<Object> {
    &live(node).object
}

fn target(parent: &Node, name: &Name) -> Result<Target> {
    Ok(Target { parent: object(parent).clone(), name: name.as_str()?.to_owned() })
}

/// A time in milliseconds, as files have it here.
fn time(milliseconds: f64) -> Option<Time> {
    // Rounded and far below the bounds: no clock shows more.
    #[allow(clippy::cast_possible_truncation)]
    let milliseconds = milliseconds.is_finite().then_some(milliseconds as i64)?;
    Some(Time {
        seconds: milliseconds.div_euclid(1000),
        nanoseconds: u32::try_from(milliseconds.rem_euclid(1000)).ok()? * 1_000_000,
    })
}

#[async_trait(?Send)]
impl Backend for Tree {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            waits: true,
            symlinks: false,
            hard_links: false,
            modes: false,
            owners: false,
            set_times: false,
            xattrs: false,
            nodes: false,
            byte_names: false,
            stable_cookies: false,
            atomic_directory_rename: self.0.moves_directories,
        }
    }

    fn root(&self) -> Node {
        self.0.node(self.0.hold(&self.0.top))
    }

    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk> {
        let _names = self.0.names.read().await;
        let walk = self.0.walk(object(from), names, true).await?;
        let walk = match walk {
            Some(walk) => walk,
            // Without trust there is always an answer.
            None => self.0.walk(object(from), names, false).await?.ok_or(ErrorCode::Io)?,
        };
        self.0.bound();
        Ok(walk)
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
        let (tree, object) = (self.0.clone(), object(node).clone());
        to_the_end(async move {
            let _names = tree.names.read().await;
            file::open(&tree.hold(&object)).await
        })
        .await
    }

    async fn create(
        &self,
        parent: &Node,
        name: &Name,
        _fresh: Fresh,
        _access: Access,
    ) -> Result<(Node, Ref<dyn File>)> {
        let (tree, at) = (self.0.clone(), target(parent, name)?);
        to_the_end(async move {
            let _names = tree.names.write().await;
            tree.create(&at).await
        })
        .await
    }

    async fn make_directory(&self, parent: &Node, name: &Name, _fresh: Fresh) -> Result<Node> {
        let (tree, at) = (self.0.clone(), target(parent, name)?);
        to_the_end(async move {
            let _names = tree.names.write().await;
            tree.make_directory(&at).await
        })
        .await
    }

    async fn symlink(
        &self,
        _parent: &Node,
        _name: &Name,
        _target: &[u8],
        _fresh: Fresh,
    ) -> Result<Node> {
        Err(ErrorCode::Unsupported)
    }

    async fn read_link(&self, _node: &Node) -> Result<Vec<u8>> {
        Err(ErrorCode::Unsupported)
    }

    async fn make_node(
        &self,
        _parent: &Node,
        _name: &Name,
        _kind: Kind,
        _device: (u32, u32),
        _fresh: Fresh,
    ) -> Result<Node> {
        Err(ErrorCode::Unsupported)
    }

    async fn link(&self, _node: &Node, _parent: &Node, _name: &Name) -> Result<()> {
        Err(ErrorCode::Unsupported)
    }

    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()> {
        let tree = self.0.clone();
        let (from, to) = (target(from, name)?, target(to, new_name)?);
        to_the_end(async move {
            let _names = tree.names.write().await;
            tree.rename(&from, &to).await
        })
        .await
    }

    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()> {
        let (tree, at) = (self.0.clone(), target(parent, name)?);
        to_the_end(async move {
            let _names = tree.names.write().await;
            tree.remove(&at, what).await
        })
        .await
    }

    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>> {
        if after & LAST != 0 {
            return Ok(Vec::new());
        }
        let _names = self.0.names.read().await;
        let mut entries = self.0.list(object(directory)).await?;
        entries.drain(..entries.len().min(usize::try_from(after).unwrap_or(usize::MAX)));
        self.0.bound();
        Ok(entries)
    }

    async fn attributes(&self, node: &Node) -> Result<Attributes> {
        let _names = self.0.names.read().await;
        let live = live(node);
        let (mode, size, modified) = if node.kind() == Kind::Directory {
            (Fresh::DIRECTORY.mode, DIRECTORY_SIZE, None)
        } else {
            let (size, modified) = file::details(live).await?;
            (Fresh::FILE.mode, size, time(modified))
        };
        Ok(Attributes {
            links: u64::from(!live.object.is_removed()),
            size,
            allocated: if node.kind() == Kind::Directory { 0 } else { size },
            mode,
            uid: 0,
            gid: 0,
            device: (0, 0),
            accessed: None,
            modified,
            changed: modified,
            created: None,
        })
    }

    async fn set_attributes(&self, _node: &Node, changes: Changes) -> Result<()> {
        if changes == Changes::default() { Ok(()) } else { Err(ErrorCode::Unsupported) }
    }

    async fn xattr(&self, _node: &Node, _name: &[u8]) -> Result<Vec<u8>> {
        Err(ErrorCode::Unsupported)
    }

    async fn set_xattr(
        &self,
        _node: &Node,
        _name: &[u8],
        _value: &[u8],
        _mode: XattrMode,
    ) -> Result<()> {
        Err(ErrorCode::Unsupported)
    }

    async fn xattrs(&self, _node: &Node) -> Result<Vec<Vec<u8>>> {
        Err(ErrorCode::Unsupported)
    }

    async fn remove_xattr(&self, _node: &Node, _name: &[u8]) -> Result<()> {
        Err(ErrorCode::Unsupported)
    }

    async fn statfs(&self) -> Result<StatFs> {
        const BLOCK: u32 = 4096;
        let (quota, usage) = dom::estimate().await?;
        let blocks = |bytes: f64| file::whole(bytes.floor()).unwrap_or(0) / u64::from(BLOCK);
        let free_blocks = blocks((quota - usage).max(0.0));
        Ok(StatFs {
            block_size: BLOCK,
            blocks: blocks(quota),
            free_blocks,
            available_blocks: free_blocks,
            files: 0,
            free_files: 0,
        })
    }

    /// OPFS has no call for names: a change of them is as stored as it gets when
    /// its promise is kept.
    async fn sync_directory(&self, _directory: &Node) -> Result<()> {
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        let _names = self.0.names.read().await;
        // All of them, also after one failed; removed files need no storing.
        let open = self.0.top.open_below();
        let results: Vec<_> = open.iter().map(|live| live.content.flush()).collect();
        results.into_iter().collect()
    }
}
