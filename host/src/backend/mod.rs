//! The contract between the core and what keeps files.
//!
//! A backend has two halves. The namespace half, [`Backend`], is asynchronous:
//! in an OPFS directory every step is a promise. The data half, [`File`], is
//! synchronous everywhere. A backend never sees a path: names are validated,
//! `..`, links and mounts are the core's, and so are rights and flags.

mod buffer;
#[cfg(all(feature = "dir", not(target_arch = "wasm32")))]
pub mod dir;
#[cfg(all(feature = "tree", target_arch = "wasm32"))]
pub mod tree;
pub mod volume;
// What OPFS throws is a table, and needs no browser to be tested.
#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "tree/errors.rs"]
mod tree_errors;

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

pub use self::buffer::{Destination, Source};
use crate::error::Result;
use crate::path::Name;
use crate::shared::{AnyShared, Ref, Shared};

/// What an object of a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharacterDevice,
    /// A named pipe.
    Fifo,
    /// A socket in the file system.
    Socket,
}

/// What stays the same for one object as long as its mount lives, and belongs to
/// no other: whatever its names, also while it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId {
    /// The file system; see [`new_device`].
    pub device: u64,
    /// The object in it.
    pub inode: u64,
}

/// A device number for a backend that has none of its own, used by nobody else in
/// this process.
#[must_use]
pub fn new_device() -> u64 {
    // Far above what an operating system hands out for its disks.
    static NEXT: AtomicU64 = AtomicU64::new(1 << 63);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A backend's handle on one object: it follows the object through renames, and
/// keeps a removed one alive. Dropping the last clone is the forget.
#[derive(Clone)]
pub struct Node {
    kind: Kind,
    id: NodeId,
    handle: Ref<AnyShared>,
}

impl Node {
    /// Wraps what the backend wants to find again in [`Node::handle`].
    pub fn new<T: Shared>(kind: Kind, id: NodeId, handle: Ref<T>) -> Self {
        Self { kind, id, handle }
    }

    /// What the object is; it never changes.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The object's identity.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// The backend's own part.
    ///
    /// # Panics
    /// If another kind of backend made the node, which the core never lets happen.
    #[must_use]
    pub fn handle<T: Shared>(&self) -> &T {
        self.handle.downcast_ref().expect("a node goes back to the backend that made it")
    }
}

/// How far a walk led.
pub struct Walk {
    /// How many names were walked.
    pub walked: usize,
    /// The node that the last of them leads to; the start if there is none.
    pub node: Node,
}

/// What an open file is to be used for; at least one is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Reading.
    pub read: bool,
    /// Writing, appending, changing the size.
    pub write: bool,
}

/// What a new object starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Permission bits, without the bits of the kind. With no owner given, a system's
    /// own rules for new objects (the umask) may take some away.
    pub mode: u32,
    /// The owner and the group. `None`: whoever the backend's objects belong to.
    /// Ignored where owners are not stored.
    pub owner: Option<(u32, u32)>,
}

impl Fresh {
    /// A file of a guest that knows no modes.
    pub const FILE: Self = Self { mode: 0o666, owner: None };
    /// A directory of a guest that knows no modes.
    pub const DIRECTORY: Self = Self { mode: 0o777, owner: None };
}

/// What [`Backend::remove`] is to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Anything but a directory.
    File,
    /// An empty directory.
    Directory,
}

/// One entry of a directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: Name,
    /// What it leads to; links are not followed.
    pub kind: Kind,
    /// Its identity's inode number.
    pub inode: u64,
    /// Where to go on after this entry; never 0.
    pub cookie: u64,
}

/// A moment, in seconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// What is over, below 1,000,000,000.
    pub nanoseconds: u32,
}

impl Time {
    /// Now, by the clock of the system or the browser.
    #[must_use]
    pub fn now() -> Self {
        let since =
            web_time::SystemTime::now().duration_since(web_time::UNIX_EPOCH).unwrap_or_default();
        Self {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: since.subsec_nanos(),
        }
    }
}

/// A time to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewTime {
    /// The time of the change itself.
    Now,
    /// The given one.
    At(Time),
}

/// What a directory's size is said to be where the storage tells none: one block, as
/// small directories have on most disks, so that listings look alike everywhere.
pub const DIRECTORY_SIZE: u64 = 4096;

/// What is known of an object.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// How many names it has; 0 once it was removed.
    pub links: u64,
    /// Bytes: of a file its content, of a symbolic link its target, of a directory what
    /// the storage says, or [`DIRECTORY_SIZE`] where it says nothing.
    pub size: u64,
    /// Bytes that it takes on the storage.
    pub allocated: u64,
    /// Permission bits, without the bits of the kind.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Of a device, its major and minor number.
    pub device: (u32, u32),
    /// Last read.
    pub accessed: Option<Time>,
    /// Last change of the content.
    pub modified: Option<Time>,
    /// Last change of the content or of an attribute.
    pub changed: Option<Time>,
    /// Birth.
    pub created: Option<Time>,
}

/// An object without a node.
#[derive(Clone, Debug)]
pub struct Stat {
    /// What the object is.
    pub kind: Kind,
    /// Its identity.
    pub id: NodeId,
    /// What else is known of it.
    pub attributes: Attributes,
}

/// Attributes to be changed; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// The owner's number.
    pub uid: Option<u32>,
    /// The group's number.
    pub gid: Option<u32>,
    /// Last read.
    pub accessed: Option<NewTime>,
    /// Last change of the content.
    pub modified: Option<NewTime>,
}

/// What [`Backend::set_xattr`] does about an attribute of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XattrMode {
    /// Replace it, or create it.
    #[default]
    Set,
    /// It must not exist: `exist`.
    Create,
    /// It must exist: `no-entry`.
    Replace,
}

/// The state of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatFs {
    /// Bytes in one block.
    pub block_size: u32,
    /// All blocks.
    pub blocks: u64,
    /// Blocks in which nothing is stored.
    pub free_blocks: u64,
    /// Free blocks that a guest may use.
    pub available_blocks: u64,
    /// Objects there can be; 0 if nobody knows.
    pub files: u64,
    /// Objects that can still be made.
    pub free_files: u64,
}

/// What a backend holds of what its interface can say. Where a verb is about what is
/// false here, it answers `unsupported`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Futures of the namespace half may be pending. A synchronous door does not
    /// take such a mount.
    pub waits: bool,
    /// `symlink`.
    pub symlinks: bool,
    /// `link`.
    pub hard_links: bool,
    /// Permission bits are stored.
    pub modes: bool,
    /// Owner and group are stored.
    pub owners: bool,
    /// Times can be set.
    pub set_times: bool,
    /// Extended attributes.
    pub xattrs: bool,
    /// `make_node`.
    pub nodes: bool,
    /// Names that are not UTF-8; where they are not held, what would create one answers
    /// `invalid` or `illegal-byte-sequence`.
    pub byte_names: bool,
    /// Cookies of `list` stay good when other entries come and go. Where they do
    /// not, `list` gives all entries at once.
    pub stable_cookies: bool,
    /// After a crash, a renamed directory is found whole under one of its names.
    pub atomic_directory_rename: bool,
}

/// The namespace half.
///
/// Of every verb the core has established that the nodes come from this backend,
/// that `parent` and `directory` are directories, that names are valid, that the
/// mount may be written if the verb changes anything, and that no two changing
/// verbs run at once if the backend waits; one that does not wait is called from
/// several threads and has to be atomic by itself. A future that is dropped
/// before it is ready leaves its change done or not done.
///
/// Names are different when their bytes are. Verbs on a removed directory answer
/// `no-entry` (a listing is empty, a walk may find that the name is missing), and every
/// verb may answer `io`, `insufficient-space` and `insufficient-memory` beside
/// what it names.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Backend: Shared {
    /// What it can hold. The same at every call.
    fn capabilities(&self) -> Capabilities;

    /// The directory at the top.
    fn root(&self) -> Node;

    /// Walks `names` from the directory `from` as far as they lead: it stops in
    /// front of a missing name, and behind a name that leads to anything but a
    /// directory, which is then the node it answers. One call is one trip, however
    /// many names; it must find what as many calls with one name each would.
    ///
    /// # Errors
    /// `access`; a missing name is no error.
    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk>;

    /// What is known of what `names`, one at least, lead to from the directory `from`: what
    /// `walk` and then `attributes` would answer, in one trip and without a node. `None`
    /// where only these tell: where the walk stops behind something that is no directory, or
    /// where one trip is not to be had.
    ///
    /// # Errors
    /// `no-entry` if the walk stops in front of a missing name.
    async fn look(&self, from: &Node, names: &[Name]) -> Result<Option<Stat>>;

    /// Opens the file that `names`, one at least, lead to from the directory `from`: what
    /// `walk` and then `open` would answer, in one trip. `None` where only these tell: where
    /// it is no file, or one that cannot be opened, or where one trip is not to be had.
    ///
    /// # Errors
    /// As [`Backend::look`].
    async fn open_at(
        &self,
        from: &Node,
        names: &[Name],
        access: Access,
    ) -> Result<Option<(Node, Ref<dyn File>)>>;

    /// Opens anything but a directory or a symbolic link, and never waits for another
    /// end of a pipe or for a device.
    ///
    /// # Errors
    /// `access`, `busy`, `text-file-busy`; `unsupported` for what is not a file, where
    /// nobody stands behind it.
    async fn open(&self, node: &Node, access: Access) -> Result<Ref<dyn File>>;

    /// Creates an empty file and opens it.
    ///
    /// # Errors
    /// `exist`, whatever the name leads to; `invalid` or `illegal-byte-sequence` for
    /// a name that the storage cannot hold as it is.
    async fn create(
        &self,
        parent: &Node,
        name: &Name,
        fresh: Fresh,
        access: Access,
    ) -> Result<(Node, Ref<dyn File>)>;

    /// Creates an empty directory.
    ///
    /// # Errors
    /// As [`Backend::create`].
    async fn make_directory(&self, parent: &Node, name: &Name, fresh: Fresh) -> Result<Node>;

    /// Creates a symbolic link to `target`: not empty, without NUL, at most
    /// [`PATH_MAX`](crate::path::PATH_MAX) bytes, and otherwise anything.
    ///
    /// # Errors
    /// As [`Backend::create`].
    async fn symlink(
        &self,
        parent: &Node,
        name: &Name,
        target: &[u8],
        fresh: Fresh,
    ) -> Result<Node>;

    /// The target of a symbolic link; `node` is one.
    ///
    /// # Errors
    /// None of its own.
    async fn read_link(&self, node: &Node) -> Result<Vec<u8>>;

    /// Creates a device (with its major and minor number), a pipe or a socket.
    ///
    /// # Errors
    /// As [`Backend::create`]; `not-permitted` where the system keeps it to itself.
    async fn make_node(
        &self,
        parent: &Node,
        name: &Name,
        kind: Kind,
        device: (u32, u32),
        fresh: Fresh,
    ) -> Result<Node>;

    /// Gives `node`, which is not a directory, one more name.
    ///
    /// # Errors
    /// `exist`, `too-many-links`; `no-entry` if it has no name left.
    async fn link(&self, node: &Node, parent: &Node, name: &Name) -> Result<()>;

    /// Moves an entry, over another one if there is one, as `rename` in POSIX: a
    /// file over a file, a directory over an empty directory; two names of one
    /// object both stay. Objects that are open stay open.
    ///
    /// # Errors
    /// `no-entry`, `is-directory` (a file over a directory), `not-directory` (a
    /// directory over a file), `not-empty`, `invalid` (a directory into itself).
    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()>;

    /// Removes an entry. An object that is open, or held by a node, lives on
    /// without a name.
    ///
    /// # Errors
    /// `no-entry`; `is-directory` or `not-directory` where `what` does not fit;
    /// `not-empty`.
    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()>;

    /// Entries of a directory, in the backend's order, after the one with the
    /// cookie `after` (0: from the start); empty at the end. Neither `.` nor `..`.
    ///
    /// # Errors
    /// `access`.
    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>>;

    /// What is known of `node`, also of a removed one.
    ///
    /// # Errors
    /// None of its own.
    async fn attributes(&self, node: &Node) -> Result<Attributes>;

    /// Changes attributes, all or none.
    ///
    /// # Errors
    /// `unsupported` for what is not stored; `overflow` for a time that the storage
    /// cannot hold; `not-permitted`.
    async fn set_attributes(&self, node: &Node, changes: Changes) -> Result<()>;

    /// An extended attribute.
    ///
    /// # Errors
    /// `no-entry` if there is none of this name.
    async fn xattr(&self, node: &Node, name: &[u8]) -> Result<Vec<u8>>;

    /// Sets an extended attribute.
    ///
    /// # Errors
    /// As `mode` says; `not-permitted`, `insufficient-space`.
    async fn set_xattr(
        &self,
        node: &Node,
        name: &[u8],
        value: &[u8],
        mode: XattrMode,
    ) -> Result<()>;

    /// The names of all extended attributes.
    ///
    /// # Errors
    /// None of its own.
    async fn xattrs(&self, node: &Node) -> Result<Vec<Vec<u8>>>;

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// `no-entry` if there is none of this name.
    async fn remove_xattr(&self, node: &Node, name: &[u8]) -> Result<()>;

    /// The state of the storage.
    ///
    /// # Errors
    /// `unsupported` where nobody knows it.
    async fn statfs(&self) -> Result<StatFs>;

    /// Returns when the names in `directory` are stored as the storage can.
    ///
    /// # Errors
    /// None of its own.
    async fn sync_directory(&self, directory: &Node) -> Result<()>;

    /// Returns when all that was changed is stored as the storage can.
    ///
    /// # Errors
    /// `unsupported` where there is no way to ask for it.
    async fn sync(&self) -> Result<()>;
}

/// Where a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// To this offset; a gap before it reads as zeros.
    At(u64),
    /// To the end of the file as it is when the write happens.
    End,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it began.
    pub offset: u64,
    /// How many bytes it wrote: fewer than given if the storage took no more.
    pub count: usize,
}

/// The data half: an open file, synchronous everywhere.
///
/// The core has established that the file was opened for what is asked, and that
/// neither a size nor the end of a range goes beyond `i64::MAX`; of what is appended,
/// only the file can know. Calls may come from several threads
/// at once; each is atomic against the others of one file. In a backend that waits,
/// calls may answer `busy` while the file is being moved.
pub trait File: Shared {
    /// Reads into `into`; fewer bytes only at the end of the file.
    ///
    /// # Errors
    /// `io`.
    fn read(&self, into: Destination<'_>, offset: u64) -> Result<usize>;

    /// How many bytes it has now; of what is no regular file, whatever the storage says.
    ///
    /// # Errors
    /// `io`.
    fn size(&self) -> Result<u64>;

    /// Writes all of `from`, or as much as there is room for.
    ///
    /// # Errors
    /// `insufficient-space` if there is no room for one byte, `file-too-large`.
    fn write(&self, from: Source<'_>, position: Position) -> Result<Written>;

    /// Cuts the file, or lets it grow by zeros.
    ///
    /// # Errors
    /// `insufficient-space`, `file-too-large`.
    fn set_size(&self, size: u64) -> Result<()>;

    /// Returns when the content (and, unless `data_only`, all attributes) is stored
    /// as the storage can.
    ///
    /// # Errors
    /// `io`.
    fn sync(&self, data_only: bool) -> Result<()>;
}
