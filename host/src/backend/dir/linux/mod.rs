//! The namespace half on Linux. A node is a descriptor, so it follows its object
//! through renames, also those of other programs, and keeps a removed one alive.

mod attributes;
mod file;
mod walk;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use async_trait::async_trait;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, RawDir, fstatfs, fstatvfs, fsync,
    linkat, makedev, mkdirat, mknodat, openat, readlinkat, renameat, statat, symlinkat, syncfs,
    unlinkat,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::path::DecInt;

use self::file::OpenFile;
use super::errno::{self, code};
use crate::backend::{
    Access, Attributes, Backend, Capabilities, Changes, Entry, File, Fresh, Kind, Node, Removal,
    Stat, StatFs, Walk, XattrMode,
};
use crate::error::{ErrorCode, Result, SetupError};
use crate::path::Name;
use crate::shared::Ref;

/// A directory of this system as a file system.
///
/// Its objects belong to the user who runs this process. The process's umask takes
/// bits from the mode of what a guest creates that knows no modes
/// ([`Fresh::owner`] is `None`); one that knows them gets those it asks for.
///
/// Identity is the system's device and inode number: unique as long as a node
/// holds the object. The inode number of a directory entry under which another
/// file system of this system is mounted is the one below the mount.
///
/// The calls of one file are as atomic as the kernel's: writes are, a read beside a
/// write may see part of it. An append is a single write to the kernel, so up to
/// 2 GiB; it returns where the kernel put it.
pub struct Dir {
    root: Node,
    /// `/proc/self/fd`, through which a place becomes an open file.
    descriptors: OwnedFd,
    xattrs: bool,
}

impl Dir {
    /// Opens the directory at `path`.
    ///
    /// # Errors
    /// `path` leads to no directory, or to one that must not be read; `/proc` is not
    /// mounted.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SetupError> {
        Self::new(super::open_ambient(path.as_ref())?)
    }

    /// Takes over a directory that is open.
    ///
    /// # Errors
    /// `/proc` is not mounted.
    pub fn new(dir: cap_std::fs::Dir) -> Result<Self, SetupError> {
        let descriptors = open_descriptors().map_err(|errno| {
            let cause = "cannot open /proc/self/fd, through which files are opened";
            let hint = "mount proc at /proc, or use a memory mount";
            SetupError::new(code(errno), format!("{cause}: {errno}; {hint}"))
        })?;
        let root = walk::node(Ref::new(dir.into_std_file().into())).map_err(|code| {
            SetupError::new(code, format!("cannot look at the directory: {code}; open it again"))
        })?;
        let xattrs = attributes::has_xattrs(fd(&root));
        Ok(Self { root, descriptors, xattrs })
    }

    /// Opens what `place` stands for, whatever its names are now.
    fn reopen(&self, place: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd> {
        // The entry is no link with a text but the object: nothing is looked up.
        let entry = DecInt::from_fd(place);
        let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
        retry_on_intr(|| openat(&self.descriptors, entry.as_c_str(), flags, Mode::empty()))
            .map_err(code)
    }

    /// Gives a new object its owner and the exact mode; a guest that names no owner
    /// knows of neither. What cannot have them is removed again.
    fn settle(&self, new: Node, parent: &Node, name: &Name, fresh: Fresh) -> Result<Node> {
        let Some((uid, gid)) = fresh.owner else { return Ok(new) };
        let settled = attributes::chown(fd(&new), Some(uid), Some(gid)).and_then(|()| {
            if new.kind() == Kind::Symlink {
                return Ok(());
            }
            // After the owner: a new owner takes bits away.
            attributes::chmod(self.descriptors.as_fd(), fd(&new), fresh.mode)
        });
        settled.map(|()| new).map_err(|errno| {
            undo(parent, name);
            code(errno)
        })
    }

    /// The node of what was just made under `name`.
    fn made(&self, parent: &Node, name: &Name, kind: Kind, fresh: Fresh) -> Result<Node> {
        let new = walk::step(fd(parent), name)?;
        // Somebody outside has put another object there: the one made is gone.
        if new.kind() != kind {
            return Err(ErrorCode::NoEntry);
        }
        self.settle(new, parent, name, fresh)
    }

    /// Whether `unsupported` is the answer to everything about extended attributes.
    fn need_xattrs(&self) -> Result<()> {
        if self.xattrs { Ok(()) } else { Err(ErrorCode::Unsupported) }
    }
}

/// Best effort: the failure that led here is the one to be told.
fn undo(parent: &Node, name: &Name) {
    if let Err(Errno::ISDIR) = unlinkat(fd(parent), name.as_bytes(), AtFlags::empty()) {
        let _ = unlinkat(fd(parent), name.as_bytes(), AtFlags::REMOVEDIR);
    }
}

fn open_descriptors() -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let descriptors = openat(CWD, c"/proc/self/fd", flags, Mode::empty())?;
    // Something else mounted there could lead anywhere.
    if fstatfs(&descriptors)?.f_type != PROC_SUPER_MAGIC {
        return Err(Errno::NOSYS);
    }
    Ok(descriptors)
}

fn fd(node: &Node) -> BorrowedFd<'_> {
    node.handle::<OwnedFd>().as_fd()
}

fn flags(access: Access) -> OFlags {
    match access {
        Access { read: true, write: true } => OFlags::RDWR,
        Access { write: true, .. } => OFlags::WRONLY,
        Access { .. } => OFlags::RDONLY,
    }
}

fn mode(fresh: Fresh) -> Mode {
    Mode::from_raw_mode(fresh.mode)
}

#[async_trait]
impl Backend for Dir {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            waits: false,
            symlinks: true,
            hard_links: true,
            modes: true,
            owners: true,
            set_times: true,
            xattrs: self.xattrs,
            nodes: true,
            byte_names: true,
            // The kernel's are only as stable as the file system below.
            stable_cookies: false,
            atomic_directory_rename: true,
        }
    }

    fn root(&self) -> Node {
        self.root.clone()
    }

    async fn walk(&self, from: &Node, names: &[Name]) -> Result<Walk> {
        let (walked, node) = walk::walk(fd(from), names)?;
        Ok(Walk { walked, node: node.unwrap_or_else(|| from.clone()) })
    }

    async fn look(&self, from: &Node, names: &[Name]) -> Result<Option<Stat>> {
        if let [name] = names {
            return attributes::look(fd(from), name.as_bytes()).map(Some);
        }
        match walk::open_inside(fd(from), names, walk::PLACE) {
            Some(Ok(place)) => attributes::look(place.as_fd(), b"").map(Some),
            Some(Err(Errno::NOENT)) => Err(ErrorCode::NoEntry),
            Some(Err(_)) | None => Ok(None),
        }
    }

    /// Node and file share the descriptor, as of what is created.
    async fn open_at(
        &self,
        from: &Node,
        names: &[Name],
        access: Access,
    ) -> Result<Option<(Node, Ref<dyn File>)>> {
        // If it is a pipe or a device that somebody has put there meanwhile, it is let go.
        let more = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = match walk::open_inside(fd(from), names, flags(access) | more) {
            Some(Ok(opened)) => Ref::new(opened),
            Some(Err(Errno::NOENT)) => return Err(ErrorCode::NoEntry),
            Some(Err(_)) | None => return Ok(None),
        };
        let node = walk::node(opened.clone())?;
        if node.kind() != Kind::File {
            return Ok(None);
        }
        Ok(Some((node, Ref::new(OpenFile::new(opened)))))
    }

    async fn open(&self, node: &Node, access: Access) -> Result<Ref<dyn File>> {
        let wait = match node.kind() {
            Kind::File => OFlags::empty(),
            // A pipe would wait for its other end, a device for whatever it likes.
            _ => OFlags::NONBLOCK,
        };
        let opened = self.reopen(fd(node), flags(access) | wait)?;
        Ok(Ref::new(OpenFile::new(Ref::new(opened))))
    }

    async fn create(
        &self,
        parent: &Node,
        name: &Name,
        fresh: Fresh,
        access: Access,
    ) -> Result<(Node, Ref<dyn File>)> {
        let new = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let flags = flags(access) | new;
        let opened = retry_on_intr(|| openat(fd(parent), name.as_bytes(), flags, mode(fresh)))
            .map_err(code)?;
        // Node and file share the descriptor: one call less, and half as many of them.
        let opened = Ref::new(opened);
        let node = self.settle(walk::node(opened.clone())?, parent, name, fresh)?;
        Ok((node, Ref::new(OpenFile::new(opened))))
    }

    async fn make_directory(&self, parent: &Node, name: &Name, fresh: Fresh) -> Result<Node> {
        mkdirat(fd(parent), name.as_bytes(), mode(fresh)).map_err(code)?;
        self.made(parent, name, Kind::Directory, fresh)
    }

    async fn symlink(
        &self,
        parent: &Node,
        name: &Name,
        target: &[u8],
        fresh: Fresh,
    ) -> Result<Node> {
        symlinkat(target, fd(parent), name.as_bytes()).map_err(code)?;
        self.made(parent, name, Kind::Symlink, fresh)
    }

    async fn read_link(&self, node: &Node) -> Result<Vec<u8>> {
        Ok(readlinkat(fd(node), c"", Vec::new()).map_err(code)?.into_bytes())
    }

    async fn make_node(
        &self,
        parent: &Node,
        name: &Name,
        kind: Kind,
        (major, minor): (u32, u32),
        fresh: Fresh,
    ) -> Result<Node> {
        let (file_type, device) = match kind {
            Kind::BlockDevice => (FileType::BlockDevice, makedev(major, minor)),
            Kind::CharacterDevice => (FileType::CharacterDevice, makedev(major, minor)),
            Kind::Fifo => (FileType::Fifo, 0),
            Kind::Socket => (FileType::Socket, 0),
            Kind::File | Kind::Directory | Kind::Symlink => return Err(ErrorCode::Invalid),
        };
        mknodat(fd(parent), name.as_bytes(), file_type, mode(fresh), device).map_err(code)?;
        self.made(parent, name, kind, fresh)
    }

    async fn link(&self, node: &Node, parent: &Node, name: &Name) -> Result<()> {
        // AT_EMPTY_PATH would need a privilege; following the entry in /proc needs none.
        let entry = DecInt::from_fd(fd(node));
        let flags = AtFlags::SYMLINK_FOLLOW;
        linkat(&self.descriptors, entry, fd(parent), name.as_bytes(), flags).map_err(code)
    }

    async fn rename(&self, from: &Node, name: &Name, to: &Node, new_name: &Name) -> Result<()> {
        let renamed = renameat(fd(from), name.as_bytes(), fd(to), new_name.as_bytes());
        renamed.map_err(not_empty).map_err(|code| {
            // The kernel looks at whether the one leads through the other before it looks at
            // what they are.
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            let moved = || statat(fd(from), name.as_bytes(), flags).ok();
            let is_directory = |stat: rustix::fs::Stat| {
                FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            };
            match code {
                ErrorCode::NotEmpty if !moved().is_some_and(is_directory) => ErrorCode::IsDirectory,
                code => code,
            }
        })
    }

    async fn remove(&self, parent: &Node, name: &Name, what: Removal) -> Result<()> {
        let flags = match what {
            Removal::File => AtFlags::empty(),
            Removal::Directory => AtFlags::REMOVEDIR,
        };
        unlinkat(fd(parent), name.as_bytes(), flags).map_err(not_empty)
    }

    async fn list(&self, directory: &Node, after: u64) -> Result<Vec<Entry>> {
        let opened = self.reopen(fd(directory), OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut buffer = Vec::with_capacity(32 * 1024);
        let mut raw = RawDir::new(&opened, buffer.spare_capacity_mut());
        let mut entries = Vec::new();
        let mut cookie = 0;
        while let Some(entry) = raw.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(Errno::INTR) => continue,
                // The directory was removed.
                Err(Errno::NOENT) => break,
                Err(errno) => return Err(code(errno)),
            };
            let bytes = entry.file_name().to_bytes();
            // Also what some file systems have and no call can name: more than 255 bytes.
            let Ok(name) = Name::new(bytes) else { continue };
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    match statat(&opened, bytes, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => walk::kind(FileType::from_raw_mode(stat.st_mode)),
                        // Removed since.
                        Err(Errno::NOENT) => continue,
                        Err(errno) => return Err(code(errno)),
                    }
                }
                known => walk::kind(known),
            };
            cookie += 1;
            if cookie > after {
                entries.push(Entry { name, kind, inode: entry.ino(), cookie });
            }
        }
        Ok(entries)
    }

    async fn attributes(&self, node: &Node) -> Result<Attributes> {
        attributes::attributes(fd(node))
    }

    async fn set_attributes(&self, node: &Node, changes: Changes) -> Result<()> {
        attributes::change(self.descriptors.as_fd(), fd(node), node.kind(), changes)
    }

    async fn xattr(&self, node: &Node, name: &[u8]) -> Result<Vec<u8>> {
        self.need_xattrs()?;
        attributes::xattr(fd(node), name)
    }

    async fn set_xattr(
        &self,
        node: &Node,
        name: &[u8],
        value: &[u8],
        mode: XattrMode,
    ) -> Result<()> {
        self.need_xattrs()?;
        attributes::set_xattr(fd(node), name, value, mode)
    }

    async fn xattrs(&self, node: &Node) -> Result<Vec<Vec<u8>>> {
        self.need_xattrs()?;
        attributes::xattrs(fd(node))
    }

    async fn remove_xattr(&self, node: &Node, name: &[u8]) -> Result<()> {
        self.need_xattrs()?;
        attributes::remove_xattr(fd(node), name)
    }

    async fn statfs(&self) -> Result<StatFs> {
        let stat = fstatvfs(fd(&self.root)).map_err(code)?;
        Ok(StatFs {
            block_size: u32::try_from(stat.f_frsize).unwrap_or(u32::MAX),
            blocks: stat.f_blocks,
            free_blocks: stat.f_bfree,
            available_blocks: stat.f_bavail,
            files: stat.f_files,
            free_files: stat.f_ffree,
        })
    }

    async fn sync_directory(&self, directory: &Node) -> Result<()> {
        let opened = self.reopen(fd(directory), OFlags::RDONLY | OFlags::DIRECTORY)?;
        retry_on_intr(|| fsync(&opened)).map_err(code)
    }

    /// Stores what the file system of the top directory holds; another one mounted
    /// below it on this system is not waited for.
    async fn sync(&self) -> Result<()> {
        let opened = self.reopen(fd(&self.root), OFlags::RDONLY | OFlags::DIRECTORY)?;
        syncfs(&opened).map_err(code)
    }
}

/// Some file systems say EEXIST of a directory that is not empty, as POSIX allows.
fn not_empty(errno: Errno) -> ErrorCode {
    match errno {
        Errno::EXIST => ErrorCode::NotEmpty,
        errno => code(errno),
    }
}
