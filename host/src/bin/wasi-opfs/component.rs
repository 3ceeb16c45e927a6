//! Programs that are components for WASI 0.2.

use std::sync::Arc;

use anyhow::Result;
use wasi_opfs::door::wasmtime::{FilesystemCtx, FilesystemCtxView, FilesystemView, add_to_linker};
use wasi_opfs::{MountTable, Tracer};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::job::{Ended, Job};
use crate::program::from_wasmtime;
use crate::stdio::Stdio;

/// What components import.
pub(crate) struct Components(Linker<Guest>);

/// A component with all it imports.
pub(crate) struct Command(CommandPre<Guest>);

impl Components {
    pub(crate) fn new(engine: &Engine) -> Result<Self> {
        let mut linker = Linker::new(engine);
        add_to_linker(&mut linker).map_err(from_wasmtime)?;
        Ok(Self(linker))
    }

    /// Gives `component` what it imports.
    pub(crate) fn link(&self, component: &Component) -> Result<Command> {
        let linked = self.0.instantiate_pre(component).and_then(CommandPre::new);
        linked
            .map(Command)
            .map_err(|error| from_wasmtime(error).context("it is not a program for WASI 0.2"))
    }
}

impl Command {
    /// Runs to its end what `job` is about.
    pub(crate) fn run(
        self,
        job: &Job,
        stdio: &Stdio,
        mounts: MountTable,
        tracer: Option<Arc<dyn Tracer>>,
    ) -> impl Future<Output = wasmtime::Result<Ended>> + Send + use<> {
        let mut files = FilesystemCtx::new(mounts);
        if let Some(tracer) = tracer {
            files = files.trace(tracer);
        }
        let guest = Guest { wasi: wasi(job, stdio), files, table: ResourceTable::new() };
        async move {
            let mut store = Store::new(self.0.engine(), guest);
            // The epoch moves on when a time is over.
            store.set_epoch_deadline(1);
            let command = self.0.instantiate_async(&mut store).await?;
            let answer = command.wasi_cli_run().call_run(&mut store).await;
            match answer {
                Ok(Ok(())) => Ok(Ended::with(0)),
                Ok(Err(())) => Ok(Ended::with(1)),
                Err(error) => error.downcast().map(|I32Exit(code)| Ended::with(code)),
            }
        }
    }
}

/// The data of a store.
struct Guest {
    wasi: WasiCtx,
    files: FilesystemCtx,
    table: ResourceTable,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl FilesystemView for Guest {
    fn filesystem(&mut self) -> FilesystemCtxView<'_> {
        FilesystemCtxView { ctx: &self.files, table: &mut self.table }
    }
}

fn wasi(job: &Job, stdio: &Stdio) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    builder.arg(job.name()).args(&job.args).envs(&job.env);
    match stdio {
        Stdio::Inherited => builder.inherit_stdio(),
        Stdio::Captured { stdout, stderr } => builder.stdout(stdout.clone()).stderr(stderr.clone()),
    };
    builder.build()
}
