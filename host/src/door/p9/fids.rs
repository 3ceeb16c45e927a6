//! The fids of one connection, and what they stand for.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::errno::{Errno, Result};
use super::messages::NO_FID;
use crate::backend::XattrMode;
use crate::descriptor::{Descriptor, Listing, Object};
use crate::error::ErrorCode;
use crate::locks::LockHolder;
use crate::shared::{Ref, lock};

/// What a fid stands for: an object, and what has become of it.
pub(super) struct Fid {
    pub(super) object: Object,
    /// Whose requests come by it; `None` if the client has not said it.
    pub(super) user: Option<u32>,
    pub(super) held: Ref<Held>,
    pub(super) holder: LockHolder,
    /// Whether a lock was asked for through it.
    pub(super) locked: Ref<AtomicBool>,
}

/// What a fid is open for.
pub(super) enum Held {
    Nothing,
    File(OpenFile),
    Directory(Descriptor, Listing),
    /// The value of an extended attribute, or the names of all.
    Value(Vec<u8>),
    /// An extended attribute that is set when the fid is clunked.
    Writing(Mutex<Writing>),
}

pub(super) struct OpenFile {
    pub(super) descriptor: Descriptor,
    /// Every write goes to the end.
    pub(super) appends: bool,
    /// Every write is stored before it is answered.
    pub(super) syncs: bool,
}

/// An extended attribute in the making.
#[derive(Default)]
pub(super) struct Writing {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) size: usize,
    pub(super) mode: XattrMode,
}

impl Fid {
    pub(super) fn new(object: Object, user: Option<u32>, held: Held) -> Self {
        let locked = Ref::new(AtomicBool::new(false));
        Self { object, user, held: Ref::new(held), holder: LockHolder::new(), locked }
    }

    /// The same, of an object that is known by another name now.
    pub(super) fn moved(&self, object: Object) -> Self {
        let (held, locked) = (self.held.clone(), self.locked.clone());
        Self { object, user: self.user, held, holder: self.holder, locked }
    }

    /// What is open, for what needs that.
    pub(super) fn file(&self) -> Result<&OpenFile> {
        match &*self.held {
            Held::File(file) => Ok(file),
            _ => Err(ErrorCode::BadDescriptor.into()),
        }
    }

    /// The object, of a fid that is nothing else yet.
    pub(super) fn unopened(&self) -> Result<&Object> {
        match &*self.held {
            Held::Nothing => Ok(&self.object),
            _ => Err(ErrorCode::Invalid.into()),
        }
    }

    /// The object, of a fid that does not stand for one of its attributes.
    pub(super) fn object(&self) -> Result<&Object> {
        match &*self.held {
            Held::Value(_) | Held::Writing(_) => Err(ErrorCode::BadDescriptor.into()),
            Held::Nothing | Held::File(_) | Held::Directory(..) => Ok(&self.object),
        }
    }
}

/// All fids of a connection.
#[derive(Default)]
pub(super) struct Fids(Mutex<HashMap<u32, Ref<Fid>>>);

impl Fids {
    pub(super) fn get(&self, number: u32) -> Result<Ref<Fid>> {
        lock(&self.0).get(&number).cloned().ok_or_else(|| ErrorCode::BadDescriptor.into())
    }

    /// Whether `number` can be a new fid.
    pub(super) fn check(&self, number: u32, most: usize) -> Result<()> {
        Self::check_in(&lock(&self.0), number, most)
    }

    fn check_in(fids: &HashMap<u32, Ref<Fid>>, number: u32, most: usize) -> Result<()> {
        match fids.contains_key(&number) {
            true => Err(ErrorCode::Invalid.into()),
            false if number == NO_FID => Err(ErrorCode::Invalid.into()),
            false if fids.len() >= most => Err(Errno::FIDS),
            false => Ok(()),
        }
    }

    /// Makes `number` a fid, which it is not yet.
    pub(super) fn insert(&self, number: u32, fid: Fid, most: usize) -> Result<()> {
        let mut fids = lock(&self.0);
        Self::check_in(&fids, number, most)?;
        fids.insert(number, Ref::new(fid));
        Ok(())
    }

    /// Lets `number` stand for something else.
    pub(super) fn replace(&self, number: u32, old: &Ref<Fid>, new: Fid) -> Result<()> {
        // What it stood for is dropped when nothing is locked.
        let _old = {
            let mut fids = lock(&self.0);
            match fids.get_mut(&number) {
                Some(fid) if Ref::ptr_eq(fid, old) => std::mem::replace(fid, Ref::new(new)),
                // Meanwhile it was clunked, or stands for another thing.
                _ => return Err(ErrorCode::BadDescriptor.into()),
            }
        };
        Ok(())
    }

    pub(super) fn remove(&self, number: u32) -> Result<Ref<Fid>> {
        lock(&self.0).remove(&number).ok_or_else(|| ErrorCode::BadDescriptor.into())
    }

    pub(super) fn remove_all(&self) -> Vec<Ref<Fid>> {
        lock(&self.0).drain().map(|(_, fid)| fid).collect()
    }
}
