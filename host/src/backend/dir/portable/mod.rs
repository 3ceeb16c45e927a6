//! The namespace half through cap-std alone, for macOS and Windows, which have no
//! descriptor that stands for a mere place. A directory's node is the open directory;
//! any other is found by a name that this backend keeps up to date through its own
//! renames. A file that another program renames or removes is `no-entry` until a walk
//! finds it again.

mod file;
mod inode;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::OpenOptions;

use self::file::OpenFile;
use self::inode::Inode;
use super::errno::{self, from_io};
use crate::backend::{
    Access, Attributes, Backend, Capabilities, Changes, Entry, File, Fresh, Kind, Node, NodeId,
    Removal, Stat, StatFs, Walk, XattrMode,
};
use crate::error::{ErrorCode, Result, SetupError};
use crate::path::Name;
use crate::shared::{Ref, WeakRef, lock};

/// A directory of this system as a file system.
///
/// Modes, owners, extended attributes and device nodes are not to be had here, and
/// neither is the state of the storage nor a sync of all of it: `unsupported`.
pub struct Dir {
    root: Ref<Inode>,
    /// The live objects that are no directories, so that each has one node.
    live: Mutex<HashMap<NodeId, WeakRef<Inode>>>,
    /// Held around each use of a name, which takes several calls.
    names: Mutex<()>,
}

impl Dir {
    /// Opens the directory at `path`.
    ///
    /// # Errors
    /// `path` leads to no directory, or to one that must not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SetupError> {
        Self::new(super::open_ambient(path.as_ref())?)
    }

    /// Takes over a directory that is open.
    ///
    /// # Errors
    /// The system does not say what it is.
    pub fn new(dir: cap_std::fs::Dir) -> Result<Self, SetupError> {
        let failed = |error: std::io::Error| {
            let message = format!("cannot look at the directory: {error}; open it again");
            SetupError::new(from_io(&error), message)
        };
        let metadata = dir.dir_metadata().map_err(failed)?;
        let root = Ref::new(Inode::directory(dir, &metadata));
        Ok(Self { root, live: Mutex::default(), names: Mutex::default() })
    }

    /// What `name` leads to.
    fn step(&self, parent: &Ref<Inode>, name: &Name) -> Result<Ref<Inode>> {
        let dir = parent.dir()?;
        let name_here = native(name)?;
        let metadata = dir.symlink_metadata(name_here).map_err(|error| from_io(&error))?;
        if metadata.is_dir() {
            let opened = dir.open_dir_nofollow(name_here).map_err(|error| from_io(&error))?;
            let metadata = opened.dir_metadata().map_err(|error| from_io(&error))?;
            return Ok(Ref::new(Inode::directory(opened, &metadata)));
        }
        let mut live = lock(&self.live);
        if let Some(known) = live.get(&inode::id(&metadata)).and_then(WeakRef::upgrade)
            && known.kind == inode::kind(&metadata)
        {
            known.named(parent, name);
            return Ok(known);
        }
        // Each doubling pays for looking at those that are gone.
        if live.len() == live.capacity() {
            live.retain(|_, inode| inode.strong_count() > 0);
        }
        let new = Ref::new(Inode::other(parent.clone(), name.clone(), &metadata));
        live.insert(new.id, Ref::downgrade(&new));
        Ok(new)
    }

    /// The node that is live for what `name` leads to, before the name goes.
    fn save(&self, parent: &Ref<Inode>, name: &Name) -> Result<()> {
        let Ok(metadata) = parent.dir()?.symlink_metadata(native(name)?) else { return Ok(()) };
        let live = lock(&self.live).get(&inode::id(&metadata)).and_then(WeakRef::upgrade);
        live.map_or(Ok(()), |inode| inode.save(parent, name))
    }
}

fn inode(node: &Node) -> Ref<Inode> {
    node.handle::<Handle>().0.clone()
}

/// A node gives out its handle as a borrow; the tree of them needs counted ones.
struct Handle(Ref<Inode>);

fn node(inode: Ref<Inode>) -> Node {
    Node::new(inode.kind, inode.id, Ref::new(Handle(inode)))
}

/// A name as this system has it.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // Other systems refuse some.
fn native(name: &Name) -> Result<&OsStr> {
    Ok(std::os::unix::ffi::OsStrExt::from_bytes(name.as_bytes()))
}

/// A name as this system has it, where every name is text. What it would read as a
/// path, a device or another name is refused.
#[cfg(not(unix))]
fn native(name: &Name) -> Result<&OsStr> {
    let text = name.as_str()?;
    let refused = text.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
        || text.chars().any(|c| c < ' ')
        || text.ends_with(['.', ' ']);
    if refused { Err(ErrorCode::Invalid) } else { Ok(OsStr::new(text)) }
}

fn from_native(name: OsString) -> Option<Name> {
    Name::new(&name.into_encoded_bytes()).ok()
}

#[async_trait]
impl Backend for Dir {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            waits: false,
            symlinks: cfg!(unix),
            hard_links: true,
            modes: false,
            owners: false,
            set_times: true,
            xattrs: false,
            nodes: false,
            byte_names: cfg!(all(unix, not(target_vendor = "apple"))),
            stable_cookies: false,
            atomic_directory_rename: cfg!(unix),
        }
    }

    fn root(&self) -> Node {
        node(self.root.clone())
    }

    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk> {
        let _names = lock(&self.names);
        let mut reached = inode(from);
        let mut walked = 0;
        for name in names {
            if reached.kind != Kind::Directory {
                break;
            }
            match self.step(&reached, name) {
                Ok(next) => reached = next,
                // A name that the system cannot hold is one that nothing has.
                Err(ErrorCode::NoEntry | ErrorCode::Invalid | ErrorCode::IllegalByteSequence) => {
                    break;
                }
                Err(code) => return Err(code),
            }
            walked += 1;
        }
        let node = if walked == 0 { from.clone() } else { node(reached) };
        Ok(Walk { walked, node })
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

    async fn open(&self, node: &Node, access: Access) -> Result<Ref<dyn File>> {
        let inode = inode(node);
        let _names = lock(&self.names);
        let file = inode.open(access)?;
        Ok(Ref::new(OpenFile { file, appending: inode.appending.clone() }))
    }

    async fn create(
        &self,
        parent: &Node,
        name: &Name,
        _fresh: Fresh,
        access: Access,
    ) -> Result<(Node, Ref<dyn File>)> {
        let parent = inode(parent);
        let _names = lock(&self.names);
        let mut options = OpenOptions::new();
        // A new file that cannot be written is one the standard library does not make.
        options.read(access.read).write(true).create_new(true).follow(FollowSymlinks::No);
        let opened = parent.dir()?.open_with(native(name)?, &options);
        let file = opened.map_err(|error| from_io(&error))?;
        let new = self.step(&parent, name)?;
        let file = Ref::new(file.into_std());
        let appending = new.appending.clone();
        Ok((node(new), Ref::new(OpenFile { file, appending })))
    }

    async fn make_directory(&self, parent: &Node, name: &Name, _fresh: Fresh) -> Result<Node> {
        let parent = inode(parent);
        let _names = lock(&self.names);
        parent.dir()?.create_dir(native(name)?).map_err(|error| from_io(&error))?;
        Ok(node(self.step(&parent, name)?))
    }

    #[cfg(unix)]
    async fn symlink(
        &self,
        parent: &Node,
        name: &Name,
        target: &[u8],
        _fresh: Fresh,
    ) -> Result<Node> {
        let parent = inode(parent);
        let _names = lock(&self.names);
        let target: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(target);
        let made = parent.dir()?.symlink_contents(target, native(name)?);
        made.map_err(|error| from_io(&error))?;
        Ok(node(self.step(&parent, name)?))
    }

    #[cfg(not(unix))]
    async fn symlink(&self, _: &Node, _: &Name, _: &[u8], _: Fresh) -> Result<Node> {
        Err(ErrorCode::Unsupported)
    }

    async fn read_link(&self, node: &Node) -> Result<Vec<u8>> {
        let _names = lock(&self.names);
        inode(node).read_link()
    }

    async fn make_node(
        &self,
        _: &Node,
        _: &Name,
        _: Kind,
        _: (u32, u32),
        _: Fresh,
    ) -> Result<Node> {
        Err(ErrorCode::Unsupported)
    }

    async fn link(&self, node: &Node, parent: &Node, name: &Name) -> Result<()> {
        let _names = lock(&self.names);
        let (from, old) = inode(node).place()?;
        let made = from.dir()?.hard_link(native(&old)?, inode(parent).dir()?, native(name)?);
        made.map_err(|error| from_io(&error))
    }

    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()> {
        let (from, to) = (inode(from), inode(to));
        let _names = lock(&self.names);
        let (old, new) = (native(name)?, native(new_name)?);
        let moved = from.dir()?.symlink_metadata(old).map_err(|error| from_io(&error))?;
        let replaced = to.dir()?.symlink_metadata(new).ok();
        let same = replaced.as_ref().is_some_and(|other| inode::id(other) == inode::id(&moved));
        if !same {
            self.save(&to, new_name)?;
        }
        from.dir()?.rename(old, to.dir()?, new).map_err(|error| match from_io(&error) {
            // Some systems look at whether the one leads through the other before they look at
            // what they are.
            ErrorCode::Exist | ErrorCode::NotEmpty if !moved.is_dir() => ErrorCode::IsDirectory,
            ErrorCode::Exist => ErrorCode::NotEmpty,
            code => code,
        })?;
        if !same {
            let live = lock(&self.live).get(&inode::id(&moved)).and_then(WeakRef::upgrade);
            if let Some(inode) = live {
                inode.named(&to, new_name);
            }
        }
        Ok(())
    }

    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()> {
        let parent = inode(parent);
        let _names = lock(&self.names);
        let (dir, here) = (parent.dir()?, native(name)?);
        let metadata = dir.symlink_metadata(here).map_err(|error| from_io(&error))?;
        let removed = match (what, metadata.is_dir()) {
            (Removal::Directory, true) => dir.remove_dir(here),
            (Removal::Directory, false) => return Err(ErrorCode::NotDirectory),
            // Which the systems answer differently.
            (Removal::File, true) => return Err(ErrorCode::IsDirectory),
            (Removal::File, false) => {
                self.save(&parent, name)?;
                dir.remove_file_or_symlink(here)
            }
        };
        removed.map_err(|error| match from_io(&error) {
            ErrorCode::Exist => ErrorCode::NotEmpty,
            code => code,
        })
    }

    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>> {
        let inode = inode(directory);
        let dir = inode.dir()?;
        let entries = match dir.entries() {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(from_io(&error)),
        };
        let mut found = Vec::new();
        let mut cookie = 0;
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                // The directory was removed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
                Err(error) => return Err(from_io(&error)),
            };
            let file_name = entry.file_name();
            // Removed since, or a name that no call can give.
            let Ok(metadata) = dir.symlink_metadata(&file_name) else { continue };
            let Some(name) = from_native(file_name) else { continue };
            cookie += 1;
            if cookie > after {
                let (kind, inode) = (inode::kind(&metadata), inode::id(&metadata).inode);
                found.push(Entry { name, kind, inode, cookie });
            }
        }
        Ok(found)
    }

    async fn attributes(&self, node: &Node) -> Result<Attributes> {
        let _names = lock(&self.names);
        inode(node).attributes()
    }

    async fn set_attributes(&self, node: &Node, changes: Changes) -> Result<()> {
        if changes.mode.is_some() || changes.uid.is_some() || changes.gid.is_some() {
            return Err(ErrorCode::Unsupported);
        }
        if changes == Changes::default() {
            return Ok(());
        }
        let _names = lock(&self.names);
        inode(node).set_times(changes.accessed, changes.modified)
    }

    async fn xattr(&self, _: &Node, _: &[u8]) -> Result<Vec<u8>> {
        Err(ErrorCode::Unsupported)
    }

    async fn set_xattr(&self, _: &Node, _: &[u8], _: &[u8], _: XattrMode) -> Result<()> {
        Err(ErrorCode::Unsupported)
    }

    async fn xattrs(&self, _: &Node) -> Result<Vec<Vec<u8>>> {
        Err(ErrorCode::Unsupported)
    }

    async fn remove_xattr(&self, _: &Node, _: &[u8]) -> Result<()> {
        Err(ErrorCode::Unsupported)
    }

    async fn statfs(&self) -> Result<StatFs> {
        Err(ErrorCode::Unsupported)
    }

    async fn sync_directory(&self, directory: &Node) -> Result<()> {
        // Windows refuses it to a directory, whose names its journal keeps.
        if cfg!(windows) {
            return Ok(());
        }
        let opened = inode(directory).dir()?.open(".");
        opened.and_then(|opened| opened.sync_all()).map_err(|error| from_io(&error))
    }

    async fn sync(&self) -> Result<()> {
        Err(ErrorCode::Unsupported)
    }
}
