//! Components in wasmtime: `wasi:filesystem` 0.2 from a [`MountTable`], all other
//! interfaces of WASI from wasmtime-wasi. Resources, streams and pollables share one
//! table, so that a guest polls a file and its standard input together.

mod bindings;
mod convert;
mod link;
mod streams;
mod types;

use std::sync::Arc;

use wasmtime::component::{HasData, ResourceTable};

pub use self::link::{add_filesystem_to_linker, add_to_linker};
use crate::mount::MountTable;
use crate::trace::{Trace, Tracer};

/// What one guest is given: its mounts, and who is told of its calls.
pub struct FilesystemCtx {
    mounts: MountTable,
    trace: Trace,
}

impl FilesystemCtx {
    /// Gives a guest `mounts`.
    #[must_use]
    pub fn new(mounts: MountTable) -> Self {
        Self { mounts, trace: Trace::default() }
    }

    /// Tells `tracer`, in most cases a closure, of each call.
    #[must_use]
    pub fn trace(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.trace = Trace(Some(tracer));
        self
    }
}

/// What a store's data has to give; beside it, it implements
/// [`WasiView`](wasmtime_wasi::WasiView) over the same table.
pub trait FilesystemView: Send {
    /// The parts that calls on files need.
    fn filesystem(&mut self) -> FilesystemCtxView<'_>;
}

/// See [`FilesystemView`].
pub struct FilesystemCtxView<'a> {
    /// What the guest is given.
    pub ctx: &'a FilesystemCtx,
    /// What the guest holds.
    pub table: &'a mut ResourceTable,
}

/// Names [`FilesystemCtxView`] for the linker.
struct Filesystem;

impl HasData for Filesystem {
    type Data<'a> = FilesystemCtxView<'a>;
}
