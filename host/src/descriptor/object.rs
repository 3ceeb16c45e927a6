//! An object that was walked to, name by name, whether it is open or not: what a fid of 9P
//! is. It follows the object, not a path; changes of directories are in `entries`.

use xxhash_rust::xxh3::xxh3_64;

use super::open::{Request, open_object};
use super::{Descriptor, DescriptorFlags, OpenFlags, Stat, stat};
use crate::backend::{Backend, Changes, Fresh, Kind, NodeId, StatFs, XattrMode};
use crate::error::{ErrorCode, Result};
use crate::locks::{LockAnswer, LockHolder, LockKind, LockOwner, LockRange, LockWaiter, Wanted};
use crate::mount::{MountTable, Place};
use crate::path::{End, Name, Part, Path};
use crate::resolve::{Follow, child, existing};
use crate::shared::Ref;

/// The longest name of an extended attribute, in bytes (Linux's `XATTR_NAME_MAX`).
const XATTR_NAME_MAX: usize = 255;

/// The largest value of an extended attribute, in bytes (Linux's `XATTR_SIZE_MAX`).
pub const XATTR_SIZE_MAX: usize = 64 * 1024;

/// Whose the files of an export are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owners {
    /// Whose they are said to be when they are made; kept by the backend.
    #[default]
    Stored,
    /// All of them are these; nobody else can be given one.
    Fixed {
        /// The owner's number.
        uid: u32,
        /// The group's number.
        gid: u32,
    },
}

/// One number for each inode number, made for a Linux of 32 bits. That makes an inode number of
/// its own of `number`, the lower half of `number + 2` XOR the upper one, and leaves entries out
/// that come to 0. So it gets the lower half of ours, which no two objects of a volume have at
/// once, and what is shown stays the same where the upper half is 0.
const fn in_32_bits(inode: u64) -> u64 {
    let (upper, lower) = (inode >> 32, inode & 0xffff_ffff);
    (upper << 32 | ((lower + 2) & 0xffff_ffff) ^ upper).wrapping_sub(2)
}

/// What an object was reached through.
struct Export {
    root: Place,
    owners: Owners,
    /// The devices of all mounts, in their order.
    devices: Vec<u64>,
}

/// By which name an object was reached, and so on up to the root of the export.
pub(super) struct Trail {
    above: Option<Ref<Self>>,
    name: Name,
    parent: NodeId,
}

impl Drop for Trail {
    /// A long chain is not dropped by a call within a call.
    fn drop(&mut self) {
        let mut next = self.above.take();
        while let Some(mut trail) = next.and_then(Ref::into_inner) {
            next = trail.above.take();
        }
    }
}

/// A file, a directory or anything else, whatever its names are by now.
#[derive(Clone)]
pub struct Object {
    pub(super) place: Place,
    export: Ref<Export>,
    /// `None` at the root.
    trail: Option<Ref<Trail>>,
}

impl MountTable {
    /// What is exported under `name`: the directory of that path in the tree of mounts.
    /// Without a name, it is the mount at `/`, or the only one there is.
    ///
    /// # Errors
    /// `no-entry` if there is none; what the path gives.
    pub async fn export(&self, name: &[u8], owners: Owners) -> Result<Object> {
        let mut roots = self.roots();
        let only = match (roots.next(), roots.next()) {
            (Some((_, only)), None) => Some((only, &b""[..])),
            _ => None,
        };
        let found = match name {
            b"" | b"/" => self.holding(b"/").filter(|(_, rest)| rest.is_empty()).or(only),
            _ => self.holding(name),
        };
        let (root, rest) = found.ok_or(ErrorCode::NoEntry)?;
        let root = match rest {
            b"" => root.clone(),
            _ => existing(root, Path::parse(rest)?, Follow::Yes).await?,
        };
        if root.node.kind() != Kind::Directory {
            return Err(ErrorCode::NotDirectory);
        }
        let devices = self.roots().map(|(_, root)| root.node.id().device).collect();
        let export = Export { root: root.clone(), owners, devices };
        Ok(Object { place: root, export: Ref::new(export), trail: None })
    }
}

impl Object {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.place.node.kind()
    }

    /// The object's identity.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.place.node.id()
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        self.place.mount.fs.backend()
    }

    /// A number that no other object of the mounts has: for those of the first mount, the
    /// inode number, or what it is in one to one.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number_of(self.id())
    }

    /// The number of what is listed in this directory with an inode number.
    #[must_use]
    pub fn number_of_entry(&self, inode: u64) -> u64 {
        self.number_of(NodeId { inode, ..self.id() })
    }

    /// The number of the directory in which it was found; its own at the root.
    #[must_use]
    pub fn number_above(&self) -> u64 {
        self.trail.as_ref().map_or_else(|| self.number(), |trail| self.number_of(trail.parent))
    }

    fn number_of(&self, id: NodeId) -> u64 {
        let mut devices = self.export.devices.iter();
        let device = match devices.position(|device| *device == id.device) {
            Some(0) => return in_32_bits(id.inode),
            // A number of the run is no help to whoever keeps it beyond that.
            Some(index) => index as u64,
            None => id.device,
        };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&device.to_le_bytes());
        bytes[8..].copy_from_slice(&id.inode.to_le_bytes());
        xxh3_64(&bytes)
    }

    pub(super) fn found(&self, place: Place, name: Name) -> Self {
        let trail = Trail { above: self.trail.clone(), name, parent: self.id() };
        Self { place, export: self.export.clone(), trail: Some(Ref::new(trail)) }
    }

    /// Goes one step, to a name in this directory, or up. No link is followed, and nothing
    /// is above the root of the export but the root.
    ///
    /// # Errors
    /// `not-directory`, `no-entry`; the latter also for the way up, if the directory was
    /// moved since it was walked to.
    pub async fn step(&self, part: &Part) -> Result<Self> {
        match part {
            Part::Name(name) => self.child(name).await?.ok_or(ErrorCode::NoEntry),
            Part::Up if self.kind() != Kind::Directory => Err(ErrorCode::NotDirectory),
            Part::Up if self.trail.is_none() => Ok(self.clone()),
            Part::Up => Ok(self.above().await?.0),
        }
    }

    /// What a name in this directory leads to.
    ///
    /// # Errors
    /// `not-directory`.
    pub async fn child(&self, name: &Name) -> Result<Option<Self>> {
        let found = child(&self.place, name).await?;
        Ok(found.map(|place| self.found(place, name.clone())))
    }

    /// The directory in which it stands, and its name there.
    ///
    /// # Errors
    /// `busy` at the root; `no-entry` if it does not stand there any more.
    pub(super) async fn above(&self) -> Result<(Self, Name)> {
        let Some(trail) = &self.trail else { return Err(ErrorCode::Busy) };
        let mut parts = Vec::new();
        let mut next = trail.above.as_ref();
        while let Some(trail) = next {
            parts.push(Part::Name(trail.name.clone()));
            next = trail.above.as_ref();
        }
        parts.reverse();
        let path = Path { parts, end: End::Dot };
        let place = existing(&self.export.root, path, Follow::No).await;
        let place = place.map_err(|code| match code {
            // Something else stands on the way.
            ErrorCode::NotDirectory | ErrorCode::Loop | ErrorCode::NotPermitted => {
                ErrorCode::NoEntry
            }
            code => code,
        })?;
        let parent = Self { place, export: self.export.clone(), trail: trail.above.clone() };
        let stands = parent.id() == trail.parent;
        let here = if stands { parent.child(&trail.name).await? } else { None };
        match here {
            Some(here) if here.id() == self.id() => Ok((parent, trail.name.clone())),
            _ => Err(ErrorCode::NoEntry),
        }
    }

    /// From now on, it is known by another name.
    pub(super) fn moved(&mut self, to: &Self, name: Name) {
        let trail = Trail { above: to.trail.clone(), name, parent: to.id() };
        self.trail = Some(Ref::new(trail));
    }

    /// What is known of it.
    ///
    /// # Errors
    /// As the storage has them.
    pub async fn stat(&self) -> Result<Stat> {
        let mut stat = stat(&self.place).await?;
        if let Owners::Fixed { uid, gid } = self.export.owners {
            (stat.attributes.uid, stat.attributes.gid) = (uid, gid);
        }
        Ok(stat)
    }

    /// Refuses to change what must not be.
    pub(super) fn changeable(&self) -> Result<()> {
        if self.place.mount.read_only { Err(ErrorCode::ReadOnly) } else { Ok(()) }
    }

    /// What a new object begins with: `owner` is whose it is, unless nobody knows.
    pub(super) fn fresh(&self, mode: u32, owner: Option<(u32, u32)>) -> Fresh {
        let owner = match self.export.owners {
            Owners::Stored if self.backend().capabilities().owners => owner,
            Owners::Stored | Owners::Fixed { .. } => None,
        };
        Fresh { mode: mode & 0o7777, owner }
    }

    /// Changes attributes, all or none. No change at all is one, too: it moves the time of
    /// the last change.
    ///
    /// # Errors
    /// `read-only`; `not-permitted` to give away what belongs to one for good;
    /// `unsupported` for what the backend does not store.
    pub async fn change(&self, mut changes: Changes) -> Result<()> {
        self.changeable()?;
        if let Owners::Fixed { uid, gid } = self.export.owners {
            let other = |new: Option<u32>, fixed| new.is_some_and(|new| new != fixed);
            if other(changes.uid, uid) || other(changes.gid, gid) {
                return Err(ErrorCode::NotPermitted);
            }
            (changes.uid, changes.gid) = (None, None);
        }
        let fs = &self.place.mount.fs;
        let _change = fs.change().await;
        if changes == Changes::default() {
            let can = fs.backend().capabilities();
            let now = fs.backend().attributes(&self.place.node).await?;
            match self.kind() {
                // A link's mode cannot be set everywhere.
                Kind::Symlink if can.owners => changes.gid = Some(now.gid),
                Kind::Symlink => return Ok(()),
                _ if can.modes => changes.mode = Some(now.mode),
                _ => return Ok(()),
            }
        }
        fs.backend().set_attributes(&self.place.node, changes).await
    }

    /// Takes away the right to act as the owner or the group, as whoever writes to a program
    /// without being privileged does.
    ///
    /// # Errors
    /// As [`Object::change`].
    pub async fn drop_privileges(&self) -> Result<()> {
        const SET_UID: u32 = 0o4000;
        const SET_GID: u32 = 0o2000;
        const GROUP_RUNS: u32 = 0o10;
        let mode = self.stat().await?.attributes.mode;
        let group = if mode & GROUP_RUNS == 0 { 0 } else { SET_GID };
        match mode & (SET_UID | group) {
            0 => Ok(()),
            bits => self.change(Changes { mode: Some(mode & !bits), ..Changes::default() }).await,
        }
    }

    /// Cuts a file, or lets it grow by zeros.
    ///
    /// # Errors
    /// `read-only`; `is-directory`; `invalid` beyond `i64::MAX`.
    pub async fn set_size(&self, size: u64) -> Result<()> {
        let write = DescriptorFlags { write: true, ..DescriptorFlags::default() };
        self.open(OpenFlags::default(), write).await?.set_size(size)
    }

    /// Opens it.
    ///
    /// # Errors
    /// `read-only`; `loop` for a symbolic link; `is-directory` to write one.
    pub async fn open(&self, open: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor> {
        if flags.write || open.truncate {
            self.changeable()?;
        }
        if open.directory && !matches!(self.kind(), Kind::Directory | Kind::Symlink) {
            return Err(ErrorCode::NotDirectory);
        }
        let open = OpenFlags { directory: false, ..open };
        let opened = open_object(self.place.clone(), Request::new(open, flags)?).await?;
        Ok(opened.only(flags))
    }

    /// The target of a symbolic link, whatever it is.
    ///
    /// # Errors
    /// `invalid` for anything else.
    pub async fn target(&self) -> Result<Vec<u8>> {
        match self.kind() {
            Kind::Symlink => self.backend().read_link(&self.place.node).await,
            _ => Err(ErrorCode::Invalid),
        }
    }

    /// An extended attribute.
    ///
    /// # Errors
    /// `no-entry` if there is none of this name; `unsupported`.
    pub async fn xattr(&self, name: &[u8]) -> Result<Vec<u8>> {
        xattr_name(name)?;
        self.backend().xattr(&self.place.node, name).await
    }

    /// The names of all extended attributes.
    ///
    /// # Errors
    /// `unsupported`.
    pub async fn xattrs(&self) -> Result<Vec<Vec<u8>>> {
        self.backend().xattrs(&self.place.node).await
    }

    /// Sets an extended attribute.
    ///
    /// # Errors
    /// `read-only`; `insufficient-space` beyond [`XATTR_SIZE_MAX`]; as `mode` says.
    pub async fn set_xattr(&self, name: &[u8], value: &[u8], mode: XattrMode) -> Result<()> {
        self.changeable()?;
        xattr_name(name)?;
        if value.len() > XATTR_SIZE_MAX {
            return Err(ErrorCode::InsufficientSpace);
        }
        let fs = &self.place.mount.fs;
        let _change = fs.change().await;
        fs.backend().set_xattr(&self.place.node, name, value, mode).await
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// `read-only`; `no-entry` if there is none of this name.
    pub async fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        self.changeable()?;
        xattr_name(name)?;
        let fs = &self.place.mount.fs;
        let _change = fs.change().await;
        fs.backend().remove_xattr(&self.place.node, name).await
    }

    /// The state of the storage on which it lies.
    ///
    /// # Errors
    /// `unsupported` where nobody knows it.
    pub async fn statfs(&self) -> Result<StatFs> {
        self.backend().statfs().await
    }

    /// Locks a range of a file for `owner`, until that is let go or `holder` is closed. With
    /// a waiter, who gets the ticket, it may come later.
    ///
    /// # Errors
    /// `deadlock`; `no-lock` if there are too many.
    pub fn lock(
        &self,
        owner: LockOwner,
        holder: LockHolder,
        kind: LockKind,
        range: LockRange,
        waiter: Option<(u64, Ref<dyn LockWaiter>)>,
    ) -> Result<LockAnswer> {
        let wanted = Wanted { owner, holder, kind, range };
        self.place.mount.fs.locks().lock(self.id(), wanted, waiter)
    }

    /// Lets go what an owner has locked of a range.
    ///
    /// # Errors
    /// `no-lock` if there are too many.
    pub fn unlock(&self, owner: &LockOwner, range: LockRange) -> Result<()> {
        self.place.mount.fs.locks().unlock(self.id(), owner, range)
    }

    /// A lock that is in the way of another one, with its owner.
    #[must_use]
    pub fn lock_in_the_way(
        &self,
        owner: &LockOwner,
        kind: LockKind,
        range: LockRange,
    ) -> Option<(LockOwner, LockKind, LockRange)> {
        self.place.mount.fs.locks().in_the_way(self.id(), owner, kind, range)
    }

    /// Waits no longer for the lock with this ticket; whether it did.
    #[must_use]
    pub fn cancel_lock(&self, ticket: u64) -> bool {
        self.place.mount.fs.locks().cancel(self.id(), ticket)
    }

    /// `holder` is closed: its locks are let go. Answers the tickets that nobody waits for
    /// any more.
    #[must_use]
    pub fn release_locks(&self, holder: LockHolder) -> Vec<u64> {
        self.place.mount.fs.locks().release(self.id(), holder)
    }
}

fn xattr_name(name: &[u8]) -> Result<()> {
    match name {
        b"" => Err(ErrorCode::Invalid),
        _ if name.contains(&0) => Err(ErrorCode::Invalid),
        _ if name.len() > XATTR_NAME_MAX => Err(ErrorCode::NameTooLong),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::in_32_bits;

    #[test]
    fn a_linux_of_32_bits_tells_inodes_apart() {
        let numbers = [0, 1, 2, 0xffff_fffd].into_iter().flat_map(|upper: u64| {
            [1, 2, 3, 1000, 0xffff_fffd].map(|lower: u64| upper << 32 | lower)
        });
        let mut all = Vec::new();
        for inode in numbers {
            let number = in_32_bits(inode);
            // As v9fs has it in `v9fs_qid2ino`.
            let path = number.wrapping_add(2);
            let seen = (path ^ path >> 32) & 0xffff_ffff;
            assert_eq!(seen, (inode & 0xffff_ffff) + 2, "{inode:#x}");
            assert!(inode >> 32 > 0 || number == inode, "{inode:#x}");
            all.push(number);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
