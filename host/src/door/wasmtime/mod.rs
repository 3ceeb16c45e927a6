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
///
/// ```no_run
/// use wasi_opfs::backend::volume::Volume;
/// use wasi_opfs::door::wasmtime::{
///     FilesystemCtx, FilesystemCtxView, FilesystemView, add_to_linker,
/// };
/// use wasi_opfs::{FileSystem, MountOptions, MountTable, Ref};
/// use wasmtime::component::{Component, Linker, ResourceTable};
/// use wasmtime::{Engine, Result, Store};
/// use wasmtime_wasi::p2::bindings::Command;
/// use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
///
/// struct Guest {
///     wasi: WasiCtx,
///     files: FilesystemCtx,
///     table: ResourceTable,
/// }
///
/// impl WasiView for Guest {
///     fn ctx(&mut self) -> WasiCtxView<'_> {
///         WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
///     }
/// }
///
/// impl FilesystemView for Guest {
///     fn filesystem(&mut self) -> FilesystemCtxView<'_> {
///         FilesystemCtxView { ctx: &self.files, table: &mut self.table }
///     }
/// }
///
/// async fn run(program: &str) -> Result<()> {
///     let fs = FileSystem::new(Ref::new(Volume::in_memory(1 << 30)?));
///     let mount = MountOptions { guest: "/".to_owned(), fs, read_only: false };
///     let files = FilesystemCtx::new(MountTable::new(vec![mount]).await?);
///     let wasi = WasiCtx::builder().inherit_stdio().build();
///
///     let engine = Engine::default();
///     let mut linker = Linker::new(&engine);
///     add_to_linker(&mut linker)?;
///     let program = Component::from_file(&engine, program)?;
///     let mut store = Store::new(&engine, Guest { wasi, files, table: ResourceTable::new() });
///     let program = Command::instantiate_async(&mut store, &program, &linker).await?;
///     let _ended_well = program.wasi_cli_run().call_run(&mut store).await?;
///     Ok(())
/// }
/// ```
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
