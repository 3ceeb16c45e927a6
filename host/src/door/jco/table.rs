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

/// The file system that a resource belongs to.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    number: u32,
    /// Whether it has a mount that waits.
    pub(super) waits: bool,
}

impl Owner {
    pub(super) const fn new(number: u32, waits: bool) -> Self {
        Self { number, waits }
    }
}

struct Held {
    owner: Owner,
    resource: Resource,
}

thread_local! {
    static TABLE: RefCell<Slots<Held>> = const { RefCell::new(Slots::new()) };
}

/// A number for `resource`, as long as its file system is open.
pub(super) fn insert(owner: Owner, resource: Resource) -> Result<u32> {
    if !browser::is_open(owner.number) {
        return Err(ErrorCode::BadDescriptor);
    }
    TABLE
        .with_borrow_mut(|table| table.insert(Held { owner, resource }))
        .ok_or(ErrorCode::InsufficientMemory)
}

/// The descriptor `number`, and its owner.
pub(super) fn descriptor(number: u32) -> Result<(Owner, Descriptor)> {
    let held = look(number, |held| match &held.resource {
        Resource::Descriptor(descriptor) => Some((held.owner, descriptor.clone())),
        _ => None,
    });
    held.flatten().ok_or(ErrorCode::BadDescriptor)
}

/// Does `what` with the descriptor `number`, which neither waits nor asks for others.
pub(super) fn with_descriptor<T>(
    number: u32,
    what: impl FnOnce(&Descriptor) -> Result<T>,
) -> Result<T> {
    with(number, |resource| match resource {
        Resource::Descriptor(descriptor) => what(descriptor),
        _ => Err(ErrorCode::BadDescriptor),
    })
    .unwrap_or(Err(ErrorCode::BadDescriptor))
}

/// Does `what` with the resource `number`, if there is one.
pub(super) fn with<T>(number: u32, what: impl FnOnce(&mut Resource) -> T) -> Option<T> {
    look(number, |held| what(&mut held.resource))
}

fn look<T>(number: u32, what: impl FnOnce(&mut Held) -> T) -> Option<T> {
    browser::guest_calls();
    TABLE.with_borrow_mut(|table| table.get(number).map(what))
}

/// Lets `number` go; none that is held is fine too.
pub(super) fn remove(number: u32) {
    // What it held may close files, which is not done under the table's borrow.
    drop(TABLE.with_borrow_mut(|table| table.remove(number)));
}

/// Lets all of a file system's numbers go.
pub(crate) fn remove_all(owner: u32) {
    let held = TABLE.with_borrow_mut(|table| table.remove_all(|held| held.owner.number == owner));
    drop(held);
}

/// How many numbers a file system has given out that were not let go.
pub(super) fn count(owner: u32) -> usize {
    TABLE.with_borrow(|table| table.count(|held| held.owner.number == owner))
}
