//! One object: its attributes, and what it is besides.

use std::collections::BTreeMap;

use super::entries::Entries;
use super::extents::Extents;
use crate::backend::{Kind, Time};
use crate::error::{ErrorCode, Result};

const SECOND: i64 = 1_000_000_000;

/// Which of the four times.
pub(in crate::backend::volume) const ACCESSED: usize = 0;
pub(in crate::backend::volume) const MODIFIED: usize = 1;
pub(in crate::backend::volume) const CHANGED: usize = 2;
pub(in crate::backend::volume) const CREATED: usize = 3;

/// What is stored of every object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::volume) struct Attr {
    pub(in crate::backend::volume) kind: Kind,
    pub(in crate::backend::volume) links: u32,
    pub(in crate::backend::volume) mode: u32,
    pub(in crate::backend::volume) uid: u32,
    pub(in crate::backend::volume) gid: u32,
    /// Of a file its size, of a directory the last cookie given out (none is used twice), of
    /// a device its major and minor number. Nothing has more than one of these.
    pub(in crate::backend::volume) detail: u64,
    /// In nanoseconds since 1970: from 1678 to 2262.
    pub(in crate::backend::volume) times: [i64; 4],
}

impl Attr {
    /// Bytes of a file; 0 of anything else.
    pub(in crate::backend::volume) fn size(&self) -> u64 {
        if self.kind == Kind::File { self.detail } else { 0 }
    }

    /// The last cookie of a directory; 0 of anything else.
    pub(in crate::backend::volume) fn last_cookie(&self) -> u64 {
        if self.kind == Kind::Directory { self.detail } else { 0 }
    }

    /// The numbers of a device; zeros of anything else.
    #[allow(clippy::cast_possible_truncation)] // It has two parts of 32 bits.
    pub(in crate::backend::volume) fn device(&self) -> (u32, u32) {
        match self.kind {
            Kind::File | Kind::Directory => (0, 0),
            _ => ((self.detail >> 32) as u32, self.detail as u32),
        }
    }
}

/// The numbers of a device as [`Attr::detail`] has them.
pub(in crate::backend::volume) fn device_detail((major, minor): (u32, u32)) -> u64 {
    u64::from(major) << 32 | u64::from(minor)
}

/// A time as it is stored.
pub(in crate::backend::volume) fn nanoseconds(time: Time) -> Result<i64> {
    let whole = time.seconds.checked_mul(SECOND);
    whole.and_then(|whole| whole.checked_add(time.nanoseconds.into())).ok_or(ErrorCode::Overflow)
}

/// A stored time.
pub(in crate::backend::volume) fn time(nanoseconds: i64) -> Time {
    // Below a thousand million, and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let over = nanoseconds.rem_euclid(SECOND) as u32;
    Time { seconds: nanoseconds.div_euclid(SECOND), nanoseconds: over }
}

pub(in crate::backend::volume) struct Inode {
    pub(in crate::backend::volume) ino: u64,
    pub(in crate::backend::volume) attr: Attr,
    pub(in crate::backend::volume) body: Body,
    #[allow(clippy::box_collection)] // Few objects have any.
    pub(in crate::backend::volume) xattrs: Option<Box<BTreeMap<Vec<u8>, Vec<u8>>>>,
    /// Nodes and open files that keep it alive without a name.
    pub(in crate::backend::volume) holds: u32,
}

pub(in crate::backend::volume) enum Body {
    File {
        extents: Extents,
        blocks: u32,
    },
    Directory(Box<Directory>),
    Symlink(Box<[u8]>),
    /// A device, a pipe, a socket.
    Special,
}

#[derive(Default)]
pub(in crate::backend::volume) struct Directory {
    /// The directory that has an entry for this one; 0 for the root, and without a name.
    pub(in crate::backend::volume) parent: u64,
    pub(in crate::backend::volume) entries: Entries,
}

pub(in crate::backend::volume) struct Entry {
    /// A [`Name`](crate::path::Name), in as little memory as there is.
    pub(in crate::backend::volume) name: Box<[u8]>,
    pub(in crate::backend::volume) ino: u64,
}

impl Inode {
    pub(in crate::backend::volume) fn new(ino: u64, attr: Attr) -> Self {
        let body = match attr.kind {
            Kind::File => Body::File { extents: Extents::None, blocks: 0 },
            Kind::Directory => Body::Directory(Box::default()),
            Kind::Symlink => Body::Symlink(Box::default()),
            Kind::BlockDevice | Kind::CharacterDevice | Kind::Fifo | Kind::Socket => Body::Special,
        };
        Self { ino, attr, body, xattrs: None, holds: 0 }
    }

    pub(in crate::backend::volume) fn extents(&self) -> Option<&Extents> {
        match &self.body {
            Body::File { extents, .. } => Some(extents),
            _ => None,
        }
    }

    pub(in crate::backend::volume) fn directory(&self) -> Option<&Directory> {
        match &self.body {
            Body::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    pub(in crate::backend::volume) fn directory_mut(&mut self) -> Option<&mut Directory> {
        match &mut self.body {
            Body::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    /// Bytes of a file or of a link's target.
    pub(in crate::backend::volume) fn size(&self) -> u64 {
        match &self.body {
            Body::Symlink(target) => target.len() as u64,
            _ => self.attr.size(),
        }
    }

    pub(in crate::backend::volume) fn xattr_bytes(&self) -> usize {
        let all = self.xattrs.iter().flat_map(|xattrs| xattrs.iter());
        all.map(|(name, value)| name.len() + value.len()).sum()
    }
}
