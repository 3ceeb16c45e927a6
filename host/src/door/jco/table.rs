//! All that guests hold, whichever file system it comes from.

use std::cell::RefCell;

use crate::browser;
use crate::descriptor::Descriptor;
use crate::door::slots::Slots;
use crate::error::{ErrorCode, Result};
use crate::stream::{DirectoryStream, InputStream, OutputStream};

/// What a number may stand for.
pub(super) enum Resource {
    Descriptor(Descriptor),
    Input(InputStream),
    Output(OutputStream),
    Entries(DirectoryStream),
}

struct Held {
    /// The number of the file system it belongs to.
    owner: u32,
    resource: Resource,
}

thread_local! {
    static TABLE: RefCell<Slots<Held>> = const { RefCell::new(Slots::new()) };
}

/// A number for `resource`, as long as its file system is open.
pub(super) fn insert(owner: u32, resource: Resource) -> Result<u32> {
    if !browser::is_open(owner) {
        return Err(ErrorCode::BadDescriptor);
    }
    TABLE
        .with_borrow_mut(|table| table.insert(Held { owner, resource }))
        .ok_or(ErrorCode::InsufficientMemory)
}

/// The descriptor `number`, and its owner.
pub(super) fn descriptor(number: u32) -> Result<(u32, Descriptor)> {
    browser::guest_calls();
    TABLE.with_borrow_mut(|table| match table.get(number) {
        Some(Held { owner, resource: Resource::Descriptor(descriptor) }) => {
            Ok((*owner, descriptor.clone()))
        }
        _ => Err(ErrorCode::BadDescriptor),
    })
}

/// Does `what` with the resource `number`, if there is one.
pub(super) fn with<T>(number: u32, what: impl FnOnce(&mut Resource) -> T) -> Option<T> {
    browser::guest_calls();
    TABLE.with_borrow_mut(|table| table.get(number).map(|held| what(&mut held.resource)))
}

/// Lets `number` go; none that is held is fine too.
pub(super) fn remove(number: u32) {
    // What it held may close files, which is not done under the table's borrow.
    drop(TABLE.with_borrow_mut(|table| table.remove(number)));
}

/// Lets all of a file system's numbers go.
pub(crate) fn remove_all(owner: u32) {
    drop(TABLE.with_borrow_mut(|table| table.remove_all(|held| held.owner == owner)));
}

/// How many numbers a file system has given out that were not let go.
pub(super) fn count(owner: u32) -> usize {
    TABLE.with_borrow(|table| table.count(|held| held.owner == owner))
}
