//! A descriptor: what a guest holds of a file or a directory. Here is all that is
//! done with the object itself; `open` has what makes a descriptor, `names` what
//! changes directories. `object` and `entries` are the same for callers that go name by
//! name and hold what they have not opened.

mod entries;
mod listing;
mod names;
mod object;
mod open;

use std::hash::{DefaultHasher, Hash, Hasher};

pub use self::entries::{Given, MakeFlags};
pub use self::listing::Listing;
pub use self::object::{Object, Owners, XATTR_SIZE_MAX};
pub use self::open::{DescriptorFlags, OpenFlags};
pub use crate::backend::Stat;
use crate::backend::{
    Backend, Changes, Destination, File, Kind, NewTime, NodeId, Position, Source, Time, Written,
};
use crate::error::{ErrorCode, Result};
use crate::mount::{MountTable, Place};
use crate::path::Path;
use crate::resolve::{Follow, Parent, existing, look, parent, stat};
use crate::shared::Ref;
use crate::stream::{DirectoryStream, InputStream, OutputStream, clamp, writable_range};

/// An open file or directory, with what it was opened for.
///
/// Methods are those of `descriptor` in `wasi:filesystem/types` 0.2 and answer as
/// it does: each names only what the WIT leaves open.
#[derive(Clone)]
pub struct Descriptor {
    place: Place,
    flags: DescriptorFlags,
    /// `None` for a directory.
    file: Option<Ref<dyn File>>,
}

impl Time {
    /// A time as WASI 0.2 has it; more nanoseconds than a second has are carried.
    ///
    /// # Errors
    /// `overflow` beyond what a signed number of seconds holds.
    pub fn from_parts(seconds: u64, nanoseconds: u32) -> Result<Self> {
        let carry = u64::from(nanoseconds / 1_000_000_000);
        let seconds = seconds.checked_add(carry).and_then(|seconds| i64::try_from(seconds).ok());
        Ok(Self {
            seconds: seconds.ok_or(ErrorCode::Overflow)?,
            nanoseconds: nanoseconds % 1_000_000_000,
        })
    }
}

impl MountTable {
    /// The preopened directories, in the order of the mounts: new descriptors at
    /// every call.
    #[must_use]
    pub fn preopens(&self) -> Vec<(Descriptor, String)> {
        let preopen =
            |(guest, root): (&str, &Place)| (Descriptor::preopen(root.clone()), guest.to_owned());
        self.roots().map(preopen).collect()
    }

    /// The preopened directory below which a path of the whole tree is resolved, and the
    /// path from there: of mounts that lie in each other, the outermost shows the others.
    ///
    /// # Errors
    /// `no-entry` if no mount holds it.
    pub fn at<'a>(&self, path: &'a [u8]) -> Result<(Descriptor, &'a [u8])> {
        let holding = if path.is_empty() { None } else { self.holding(path) };
        let (root, rest) = holding.ok_or(ErrorCode::NoEntry)?;
        Ok((Descriptor::preopen(root.clone()), if rest.is_empty() { b"." } else { rest }))
    }
}

impl Descriptor {
    /// The root of a mount.
    fn preopen(place: Place) -> Self {
        let mutate_directory = !place.mount.read_only;
        let flags = DescriptorFlags { read: true, mutate_directory, ..Default::default() };
        Self { place, flags, file: None }
    }

    fn backend(&self) -> &dyn Backend {
        self.place.mount.fs.backend()
    }

    /// The file, for what a directory cannot do.
    fn file(&self, of_a_directory: ErrorCode) -> Result<&Ref<dyn File>> {
        self.file.as_ref().ok_or(of_a_directory)
    }

    fn writable_mount(&self) -> Result<()> {
        if self.place.mount.read_only { Err(ErrorCode::NotPermitted) } else { Ok(()) }
    }

    /// The file, to be written by a method that needs no stream.
    fn writable(&self) -> Result<&Ref<dyn File>> {
        self.writable_mount()?;
        let file = self.file(ErrorCode::BadDescriptor)?;
        if self.flags.write { Ok(file) } else { Err(ErrorCode::BadDescriptor) }
    }

    /// `read-via-stream`: of any mode; a stream that may not read says so when it is
    /// asked to.
    ///
    /// # Errors
    /// `is-directory`.
    pub fn read_via_stream(&self, offset: u64) -> Result<InputStream> {
        let file = self.file(ErrorCode::IsDirectory)?;
        Ok(InputStream::new(file.clone(), self.flags.read, offset))
    }

    /// `write-via-stream`: of any mode; a stream that may not write says so when it
    /// is asked to.
    ///
    /// # Errors
    /// `not-permitted` on a read-only mount, `bad-descriptor` of a directory.
    pub fn write_via_stream(&self, offset: u64) -> Result<OutputStream> {
        self.output(Position::At(offset))
    }

    /// `append-via-stream`: every write goes to where the file ends by then.
    ///
    /// # Errors
    /// As [`Descriptor::write_via_stream`].
    pub fn append_via_stream(&self) -> Result<OutputStream> {
        self.output(Position::End)
    }

    fn output(&self, position: Position) -> Result<OutputStream> {
        self.writable_mount()?;
        let file = self.file(ErrorCode::BadDescriptor)?;
        Ok(OutputStream::new(file.clone(), self.flags.write, position))
    }

    /// `advise`: checked, and otherwise ignored.
    ///
    /// # Errors
    /// `bad-descriptor` of a directory, `invalid` for a range that no file has.
    pub fn advise(&self, offset: u64, length: u64) -> Result<()> {
        self.file(ErrorCode::BadDescriptor)?;
        writable_range(offset, length)
    }

    /// `sync`.
    ///
    /// # Errors
    /// As the storage has them.
    pub async fn sync(&self) -> Result<()> {
        self.sync_as(false).await
    }

    /// `sync-data`.
    ///
    /// # Errors
    /// As the storage has them.
    pub async fn sync_data(&self) -> Result<()> {
        self.sync_as(true).await
    }

    async fn sync_as(&self, data_only: bool) -> Result<()> {
        match &self.file {
            Some(file) => file.sync(data_only),
            None => self.backend().sync_directory(&self.place.node).await,
        }
    }

    /// `get-flags`: what it was opened for.
    #[must_use]
    pub const fn flags(&self) -> DescriptorFlags {
        self.flags
    }

    /// `get-type`.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.place.node.kind()
    }

    /// The object's identity.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.place.node.id()
    }

    /// `set-size`.
    ///
    /// # Errors
    /// `invalid` without the right to write, and beyond `i64::MAX`.
    pub fn set_size(&self, size: u64) -> Result<()> {
        self.writable_mount()?;
        let file = self.file(ErrorCode::BadDescriptor)?;
        if !self.flags.write || i64::try_from(size).is_err() {
            return Err(ErrorCode::Invalid);
        }
        file.set_size(size)
    }

    /// `set-times`, of what is open in whatever mode; `None` leaves a time alone.
    ///
    /// # Errors
    /// `not-permitted` on a read-only mount.
    pub async fn set_times(
        &self,
        accessed: Option<NewTime>,
        modified: Option<NewTime>,
    ) -> Result<()> {
        set_times(&self.place, accessed, modified).await
    }

    /// Changes attributes, all or none, of what is open in whatever mode.
    ///
    /// # Errors
    /// `not-permitted` on a read-only mount, `unsupported` for what the backend does
    /// not store.
    pub async fn set_attributes(&self, changes: Changes) -> Result<()> {
        set_attributes(&self.place, changes).await
    }

    /// `set-times-at`.
    ///
    /// # Errors
    /// As [`Descriptor::set_times`], and what the path gives.
    pub async fn set_times_at(
        &self,
        follow: Follow,
        path: &[u8],
        accessed: Option<NewTime>,
        modified: Option<NewTime>,
    ) -> Result<()> {
        let base = self.directory()?;
        self.writable_below()?;
        let place = existing(base, Path::parse(path)?, follow).await?;
        set_times(&place, accessed, modified).await
    }

    /// `read`: at most [`CHUNK`](crate::stream::CHUNK) bytes, and whether the file
    /// ends there, which is known once no byte came.
    ///
    /// # Errors
    /// `bad-descriptor` of a directory and without the right to read.
    pub fn read(&self, length: u64, offset: u64) -> Result<(Vec<u8>, bool)> {
        let mut bytes = vec![0; clamp(length)];
        let (count, end) = self.read_into(Destination::Slice(&mut bytes), offset)?;
        bytes.truncate(count);
        Ok((bytes, end))
    }

    /// `read` into a buffer of the caller's: how many bytes came, and whether the file
    /// ends there.
    ///
    /// # Errors
    /// As [`Descriptor::read`].
    pub fn read_into(&self, into: Destination<'_>, offset: u64) -> Result<(usize, bool)> {
        let file = self.file_to_read(into.len(), offset)?;
        if into.is_empty() {
            // A read of nothing asks only whether there is something.
            let count = file.read(Destination::Slice(&mut [0]), offset)?;
            return Ok((0, count == 0));
        }
        let count = file.read(into, offset)?;
        Ok((count, count == 0))
    }

    /// How many bytes a `read` of `length` would give now, for a caller that makes room
    /// for as many first.
    ///
    /// # Errors
    /// As [`Descriptor::read`].
    pub fn readable(&self, length: u64, offset: u64) -> Result<usize> {
        let length = clamp(length);
        let rest = self.file_to_read(length, offset)?.size()?.saturating_sub(offset);
        Ok(length.min(clamp(rest)))
    }

    /// The file, if `length` bytes may be read of it there.
    fn file_to_read(&self, length: usize, offset: u64) -> Result<&Ref<dyn File>> {
        let file = self.file(ErrorCode::BadDescriptor)?;
        if !self.flags.read {
            return Err(ErrorCode::BadDescriptor);
        }
        writable_range(offset, length.max(1) as u64)?;
        Ok(file)
    }

    /// `write`: how many bytes there was room for.
    ///
    /// # Errors
    /// `bad-descriptor` of a directory and without the right to write.
    pub fn write(&self, from: Source<'_>, offset: u64) -> Result<u64> {
        let file = self.writable()?;
        writable_range(offset, from.len() as u64)?;
        if from.is_empty() {
            return Ok(0);
        }
        match file.write(from, Position::At(offset))?.count {
            0 => Err(ErrorCode::InsufficientSpace),
            count => Ok(count as u64),
        }
    }

    /// Writes to where the file ends by then: where that was, and how many bytes there was
    /// room for.
    ///
    /// # Errors
    /// As [`Descriptor::write`].
    pub fn append(&self, from: Source<'_>) -> Result<Written> {
        let file = self.writable()?;
        let nothing = from.is_empty();
        let written = file.write(from, Position::End)?;
        if written.count == 0 && !nothing {
            return Err(ErrorCode::InsufficientSpace);
        }
        Ok(written)
    }

    /// `read-directory`: the entries as they are now.
    ///
    /// # Errors
    /// `not-directory`.
    pub async fn read_directory(&self) -> Result<DirectoryStream> {
        let base = self.directory()?;
        let backend = self.backend();
        let mut entries = backend.list(&base.node, 0).await?;
        // Where cookies do not last, one answer is the whole listing.
        while backend.capabilities().stable_cookies {
            let Some(last) = entries.last() else { break };
            let more = backend.list(&base.node, last.cookie).await?;
            if more.is_empty() {
                break;
            }
            entries.extend(more);
        }
        Ok(DirectoryStream::new(entries))
    }

    /// `stat`.
    ///
    /// # Errors
    /// As the storage has them.
    pub async fn stat(&self) -> Result<Stat> {
        stat(&self.place).await
    }

    /// `stat-at`.
    ///
    /// # Errors
    /// What the path gives.
    pub async fn stat_at(&self, follow: Follow, path: &[u8]) -> Result<Stat> {
        look(self.directory()?, Path::parse(path)?, follow).await
    }

    /// Whether the last name of a path stands on a mount that waits.
    ///
    /// # Errors
    /// What the path gives.
    pub async fn waits_at(&self, path: &[u8]) -> Result<bool> {
        let Parent { place, .. } = parent(self.directory()?, Path::parse(path)?).await?;
        Ok(place.mount.fs.backend().capabilities().waits)
    }

    /// `is-same-object`.
    #[must_use]
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.place.node.id() == other.place.node.id()
    }

    /// `metadata-hash`.
    ///
    /// # Errors
    /// As the storage has them.
    pub async fn metadata_hash(&self) -> Result<(u64, u64)> {
        Ok(self.stat().await?.hash())
    }

    /// `metadata-hash-at`.
    ///
    /// # Errors
    /// What the path gives.
    pub async fn metadata_hash_at(&self, follow: Follow, path: &[u8]) -> Result<(u64, u64)> {
        Ok(self.stat_at(follow, path).await?.hash())
    }
}

impl Stat {
    /// The two halves of a `metadata-hash-value`. The lower is the object's identity
    /// and stays the same, because preview1 takes it for the inode number; the upper
    /// changes with the content, as the WIT asks.
    #[must_use]
    pub fn hash(&self) -> (u64, u64) {
        let mut hasher = DefaultHasher::new();
        self.id.hash(&mut hasher);
        let lower = hasher.finish();
        self.attributes.size.hash(&mut hasher);
        let modified = self.attributes.modified;
        modified.map(|time| (time.seconds, time.nanoseconds)).hash(&mut hasher);
        (lower, hasher.finish())
    }
}

async fn set_times(
    place: &Place,
    accessed: Option<NewTime>,
    modified: Option<NewTime>,
) -> Result<()> {
    set_attributes(place, Changes { accessed, modified, ..Changes::default() }).await
}

async fn set_attributes(place: &Place, changes: Changes) -> Result<()> {
    if place.mount.read_only {
        return Err(ErrorCode::NotPermitted);
    }
    if changes == Changes::default() {
        return Ok(());
    }
    let fs = &place.mount.fs;
    let _change = fs.change().await;
    fs.backend().set_attributes(&place.node, changes).await
}
