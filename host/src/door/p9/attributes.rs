//! What is known of objects, and changed about them.

use super::errno::{Errno, Result};
use super::fids::{Fid, Held};
use super::messages::{Reply, Request};
use super::session::{Inner, Out};
use super::walk::{qid_of, version};
use crate::backend::{Changes, Kind, NewTime, Time};
use crate::descriptor::Stat;
use crate::error::ErrorCode;
use crate::path::NAME_MAX;

/// What of the kind a mode says in Linux.
const KIND_MASK: u32 = 0o170_000;

/// What a mode says of the kind.
pub(super) const fn mode_of(kind: Kind) -> u32 {
    match kind {
        Kind::Fifo => 0o010_000,
        Kind::CharacterDevice => 0o020_000,
        Kind::Directory => 0o040_000,
        Kind::BlockDevice => 0o060_000,
        Kind::File => 0o100_000,
        Kind::Symlink => 0o120_000,
        Kind::Socket => 0o140_000,
    }
}

/// The kind in a mode; one that says none means a file.
pub(super) fn kind_of(mode: u32) -> Result<Kind> {
    const ALL: [Kind; 7] = [
        Kind::Fifo,
        Kind::CharacterDevice,
        Kind::Directory,
        Kind::BlockDevice,
        Kind::File,
        Kind::Symlink,
        Kind::Socket,
    ];
    match mode & KIND_MASK {
        0 => Ok(Kind::File),
        bits => {
            let kind = ALL.into_iter().find(|kind| mode_of(*kind) == bits);
            kind.ok_or_else(|| ErrorCode::Invalid.into())
        }
    }
}

/// Which attributes an answer has: the bits of `Tgetattr`.
mod mask {
    pub(super) const BASIC: u64 = 0x7ff;
    pub(super) const BIRTH: u64 = 0x800;
    pub(super) const VERSION: u64 = 0x2000;
}

/// Which attributes are to be set: the bits of `Tsetattr`.
mod valid {
    pub(super) const MODE: u32 = 0x1;
    pub(super) const UID: u32 = 0x2;
    pub(super) const GID: u32 = 0x4;
    pub(super) const SIZE: u32 = 0x8;
    pub(super) const ATIME: u32 = 0x10;
    pub(super) const MTIME: u32 = 0x20;
    pub(super) const CTIME: u32 = 0x40;
    pub(super) const ATIME_SET: u32 = 0x80;
    pub(super) const MTIME_SET: u32 = 0x100;
    pub(super) const ALL: u32 = 0x1ff;
}

/// The number of Linux's 9P file system, by which programs know where they are.
const V9FS_MAGIC: u32 = 0x0102_1997;

/// A device's number in the one way that Linux's 9P client takes.
fn device_number((major, minor): (u32, u32)) -> u64 {
    u64::from((minor & 0xff) | (major & 0xfff) << 8 | (minor & !0xff) << 12)
}

/// A time as it is sent; what is before 1970 is a negative number of seconds.
fn sent(time: Option<Time>) -> (u64, u64) {
    time.map_or((0, 0), |time| (time.seconds.cast_unsigned(), time.nanoseconds.into()))
}

fn received(seconds: u64, nanoseconds: u64) -> Result<NewTime> {
    match u32::try_from(nanoseconds) {
        Ok(nanoseconds) if nanoseconds < 1_000_000_000 => {
            Ok(NewTime::At(Time { seconds: seconds.cast_signed(), nanoseconds }))
        }
        _ => Err(ErrorCode::Invalid.into()),
    }
}

impl Inner {
    pub(super) async fn getattr(&self, out: &mut Out<'_>, fid: u32, asked: u64) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let object = fid.object()?;
        let stat = object.stat().await?;
        let Stat { kind, attributes, .. } = &stat;
        let birth = if attributes.created.is_some() { mask::BIRTH } else { 0 };
        let (atime, atime_nanos) = sent(attributes.accessed);
        let (mtime, mtime_nanos) = sent(attributes.modified);
        let (ctime, ctime_nanos) = sent(attributes.changed);
        let (btime, btime_nanos) = sent(attributes.created);
        out.put(&Reply::Rgetattr {
            valid: asked & (mask::BASIC | birth | mask::VERSION),
            qid: qid_of(object, &stat),
            mode: mode_of(*kind) | attributes.mode,
            uid: attributes.uid,
            gid: attributes.gid,
            links: attributes.links,
            device: device_number(attributes.device),
            size: attributes.size,
            block_size: self.transfer().into(),
            blocks: attributes.allocated.div_ceil(512),
            atime,
            atime_nanos,
            mtime,
            mtime_nanos,
            ctime,
            ctime_nanos,
            btime,
            btime_nanos,
            generation: 0,
            data_version: version(&stat),
        });
        Ok(())
    }

    /// In what pieces files are best read: as much as a message takes, in whole pages.
    fn transfer(&self) -> u32 {
        const PAGE: u32 = 4096;
        (self.msize().saturating_sub(24) / PAGE * PAGE).max(PAGE)
    }

    pub(super) async fn setattr(&self, out: &mut Out<'_>, request: &Request<'_>) -> Result<()> {
        let Request::Tsetattr {
            fid,
            valid: given,
            mode,
            uid,
            gid,
            size,
            atime,
            atime_nanos,
            mtime,
            mtime_nanos,
        } = *request
        else {
            return Err(ErrorCode::Invalid.into());
        };
        let fid = self.fids.get(fid)?;
        let object = fid.object()?;
        let has = |bit: u32| given & bit != 0;
        if given & !valid::ALL != 0 {
            return Err(ErrorCode::Invalid.into());
        }
        let time = |bit: u32, set: u32, seconds, nanoseconds| match (has(bit), has(set)) {
            (false, _) => Ok(None),
            (true, false) => Ok(Some(NewTime::Now)),
            (true, true) => received(seconds, nanoseconds).map(Some),
        };
        let changes = Changes {
            mode: has(valid::MODE).then_some(mode & 0o7777),
            uid: has(valid::UID).then_some(uid),
            gid: has(valid::GID).then_some(gid),
            accessed: time(valid::ATIME, valid::ATIME_SET, atime, atime_nanos)?,
            modified: time(valid::MTIME, valid::MTIME_SET, mtime, mtime_nanos)?,
        };
        if has(valid::SIZE) {
            set_size(&fid, size).await?;
        }
        // The size has moved the time of the last change already.
        let alone = changes == Changes::default();
        if !alone || has(valid::CTIME) && !has(valid::SIZE) {
            object.change(changes).await?;
        }
        out.put(&Reply::Rsetattr {});
        Ok(())
    }

    pub(super) async fn statfs(&self, out: &mut Out<'_>, fid: u32) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let object = fid.object()?;
        let state = object.statfs().await.map_err(|code| match code {
            ErrorCode::Unsupported => Errno::UNKNOWN,
            code => code.into(),
        })?;
        out.put(&Reply::Rstatfs {
            kind: V9FS_MAGIC,
            block_size: state.block_size,
            blocks: state.blocks,
            free: state.free_blocks,
            available: state.available_blocks,
            files: state.files,
            free_files: state.free_files,
            id: object.id().device,
            name_max: u32::try_from(NAME_MAX).unwrap_or(u32::MAX),
        });
        Ok(())
    }
}

/// A file that is open for writing keeps the right, whatever its mode has become.
async fn set_size(fid: &Fid, size: u64) -> Result<()> {
    match &*fid.held {
        Held::File(file) if file.descriptor.flags().write => Ok(file.descriptor.set_size(size)?),
        _ => Ok(fid.object.set_size(size).await?),
    }
}
