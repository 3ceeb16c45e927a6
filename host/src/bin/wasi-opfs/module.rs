//! Programs that are modules for WASI preview1.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use wasi_opfs::door::p1::{Device, Exit, Null, P1Builder, P1Ctx, P1View, add_to_linker};
use wasi_opfs::{MountTable, Tracer};
use wasmtime::Engine;
use wasmtime::{InstancePre, Linker, Module, Store, UnknownImportError};

use crate::job::{Ended, Job};
use crate::program::from_wasmtime;
use crate::stdio::{Input, Output, Stdio};

/// What modules import.
pub(crate) struct Modules(Linker<Guest>);

/// A module with all it imports.
pub(crate) struct Command {
    module: InstancePre<Guest>,
    kind: Kind,
}

/// What is called of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Command,
    Reactor,
}

impl Kind {
    fn of(module: &Module) -> Result<Self> {
        let exports = |name| module.get_export(name).is_some_and(|export| export.func().is_some());
        match (exports(Self::Command.entry()), exports(Self::Reactor.entry())) {
            (true, _) => Ok(Self::Command),
            (false, true) => Ok(Self::Reactor),
            (false, false) => {
                bail!("it is no program: it exports neither '_start' nor '_initialize'")
            }
        }
    }

    const fn entry(self) -> &'static str {
        match self {
            Self::Command => "_start",
            Self::Reactor => "_initialize",
        }
    }
}

impl Modules {
    pub(crate) fn new(engine: &Engine) -> Result<Self> {
        let mut linker = Linker::new(engine);
        add_to_linker(&mut linker).map_err(from_wasmtime)?;
        Ok(Self(linker))
    }

    /// Gives `module` what it imports.
    pub(crate) fn link(&self, module: &Module) -> Result<Command> {
        let kind = Kind::of(module)?;
        let module = self.0.instantiate_pre(module).map_err(|error| {
            match error.downcast_ref::<UnknownImportError>() {
                Some(unknown) => anyhow!(
                    "it imports '{}.{}', which WASI preview1 does not have",
                    unknown.module(),
                    unknown.name()
                ),
                None => from_wasmtime(error).context("it is not a program for WASI preview1"),
            }
        })?;
        Ok(Command { module, kind })
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
    ) -> Result<impl Future<Output = wasmtime::Result<Ended>> + Send + use<>> {
        let guest = Guest(wasi(job, stdio, mounts, tracer)?);
        Ok(async move {
            let mut store = Store::new(self.module.module().engine(), guest);
            // The epoch moves on when a time is over.
            store.set_epoch_deadline(1);
            let instance = self.module.instantiate_async(&mut store).await?;
            let entry = instance.get_typed_func::<(), ()>(&mut store, self.kind.entry())?;
            match entry.call_async(&mut store, ()).await {
                Ok(()) if self.kind == Kind::Reactor => Ok(Ended {
                    exit_code: 0,
                    message: Some(
                        "the program is a reactor: it is initialised, and has no '_start' to run"
                            .to_owned(),
                    ),
                }),
                Ok(()) => Ok(Ended::with(0)),
                // The part of it that a shell gets.
                Err(error) => {
                    error.downcast().map(|Exit(code)| Ended::with((code & 0xff).cast_signed()))
                }
            }
        })
    }
}

/// The data of a store.
struct Guest(P1Ctx);

impl P1View for Guest {
    fn p1(&mut self) -> &mut P1Ctx {
        &mut self.0
    }
}

fn wasi(
    job: &Job,
    stdio: &Stdio,
    mounts: MountTable,
    tracer: Option<Arc<dyn Tracer>>,
) -> Result<P1Ctx> {
    let mut builder = P1Builder::new(mounts).arg(job.name().as_ref());
    for argument in &job.args {
        builder = builder.arg(argument.as_str());
    }
    for (key, value) in &job.env {
        builder = builder.env(key, value);
    }
    if let Some(tracer) = tracer {
        builder = builder.trace(tracer);
    }
    let [input, output, error]: [Arc<dyn Device>; 3] = match stdio {
        Stdio::Inherited => [
            Arc::new(Input::new(&tokio::io::stdin())),
            Arc::new(Output::new(&tokio::io::stdout())),
            Arc::new(Output::new(&tokio::io::stderr())),
        ],
        Stdio::Captured { stdout, stderr } => {
            [Arc::new(Null), Arc::new(Output::new(stdout)), Arc::new(Output::new(stderr))]
        }
    };
    let built = builder.stdin(input).stdout(output).stderr(error).build();
    built.context("the program cannot be started")
}
