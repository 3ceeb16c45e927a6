//! What holds on to a volume: nodes, open files, and the volume itself.

use super::store::Store;
use super::table::nanoseconds;
use crate::backend::{Destination, File, Node, NodeId, Position, Source, Time, Written};
use crate::error::{ErrorCode, Result};
use crate::shared::{Ref, lock};
use std::sync::Mutex;

/// A mounted volume, as long as anything needs it.
pub(super) struct Shared {
    pub(super) store: Mutex<Store>,
    pub(super) device: u64,
    /// It was given a size that it does not outgrow.
    pub(super) limited: bool,
}

impl Shared {
    pub(super) fn id(&self, inode: u64) -> NodeId {
        NodeId { device: self.device, inode }
    }

    /// Runs `act` on the store, after what every call does.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Store, i64) -> Result<T>) -> Result<T> {
        // A clock beyond the year 2262 is taken for one of 1970.
        let now = nanoseconds(Time::now()).unwrap_or_default();
        let mut store = lock(&self.store);
        let now = store.clock.next(now);
        store.tick(now);
        act(&mut store, now)
    }
}

impl Shared {
    /// Runs `act`, which only looks. The clock is asked if anything waits to be written.
    pub(super) fn look<T>(&self, act: impl FnOnce(&mut Store) -> Result<T>) -> Result<T> {
        let mut store = lock(&self.store);
        if store.is_gathering() {
            store.tick(nanoseconds(Time::now()).unwrap_or_default());
        }
        act(&mut store)
    }
}

impl Drop for Shared {
    /// Closes the volume. Who wants to know whether that works syncs before.
    fn drop(&mut self) {
        let _ = lock(&self.store).close();
    }
}

/// Keeps one object alive.
pub(super) struct Handle {
    shared: Ref<Shared>,
    ino: u64,
}

impl Handle {
    /// For an object that the table holds once more.
    pub(super) fn new(shared: &Ref<Shared>, ino: u64) -> Self {
        Self { shared: shared.clone(), ino }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut store = lock(&self.shared.store);
        if store.table.release(self.ino) && !store.read_only {
            store.forget(self.ino);
        }
    }
}

pub(super) fn ino(node: &Node) -> u64 {
    node.handle::<Handle>().ino
}

/// A node for an object that is there.
pub(super) fn node(shared: &Ref<Shared>, store: &mut Store, ino: u64) -> Result<Node> {
    let kind = store.table.kind(ino).ok_or(ErrorCode::Io)?;
    store.table.hold(ino);
    Ok(Node::new(kind, shared.id(ino), Ref::new(Handle::new(shared, ino))))
}

/// The data half.
pub(super) struct OpenFile(Handle);

impl OpenFile {
    /// For an object that a node holds.
    pub(super) fn new(shared: &Ref<Shared>, ino: u64) -> Self {
        lock(&shared.store).table.hold(ino);
        Self::held(shared, ino)
    }

    /// For an object that the table holds once more.
    pub(super) fn held(shared: &Ref<Shared>, ino: u64) -> Self {
        Self(Handle::new(shared, ino))
    }
}

impl File for OpenFile {
    fn size(&self) -> Result<u64> {
        self.0.shared.with(|store, _| store.size(self.0.ino))
    }

    fn read(&self, into: Destination<'_>, offset: u64) -> Result<usize> {
        self.0.shared.with(|store, now| {
            let count = store.read(self.0.ino, into, offset)?;
            store.note_read(self.0.ino, now);
            Ok(count)
        })
    }

    fn write(&self, from: Source<'_>, position: Position) -> Result<Written> {
        self.0.shared.with(|store, now| store.write(self.0.ino, from, position, now))
    }

    fn set_size(&self, size: u64) -> Result<()> {
        self.0.shared.with(|store, now| store.set_size(self.0.ino, size, now))
    }

    fn sync(&self, _data_only: bool) -> Result<()> {
        self.0.shared.with(|store, _| store.sync())
    }
}
