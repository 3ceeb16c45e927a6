//! One program from its file to its exit code: copy in, run, copy out.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::time::MissedTickBehavior;
use wasi_opfs::door::wasmtime::{FilesystemCtx, FilesystemCtxView, FilesystemView, add_to_linker};
use wasi_opfs::{MountTable, Tracer};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Cache, Config, Engine, Store};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::mounts::{CopySpec, MountSpec, Mounts};
use crate::place::{advised, directory};
use crate::program::{NO_FILES, NOT_RUNNABLE, NotStarted, OrExit, from_wasmtime, load};
use crate::progress::Progress;
use crate::{copy, interrupt};

/// What is to be run.
pub(crate) struct Job {
    pub(crate) program: PathBuf,
    /// From `argv[1]` on.
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) mounts: Vec<MountSpec>,
    pub(crate) imports: Vec<CopySpec>,
    pub(crate) exports: Vec<CopySpec>,
    pub(crate) timeout: Option<Duration>,
}

/// Where a program's input comes from and its output goes to.
pub(crate) enum Stdio {
    /// This process's own.
    Inherited,
    /// No input; output is kept.
    Captured { stdout: MemoryOutputPipe, stderr: MemoryOutputPipe },
}

/// How it ended.
pub(crate) struct Outcome {
    pub(crate) exit_code: i32,
    /// What there is to say beside what the program said itself.
    pub(crate) messages: Vec<String>,
}

const TRAPPED: i32 = 134;
const TIMED_OUT: i32 = 124;

/// How long a guest may take to notice that its time is over: it does at the next
/// loop or call, unless it hangs in a call of the system.
const GRACE: Duration = Duration::from_secs(1);

/// How long what a program wrote to a volume may wait to be written to the file.
const WRITE_OUT: Duration = Duration::from_secs(1);

/// What is needed to run jobs.
pub(crate) struct Runner {
    engine: Engine,
    linker: Linker<Guest>,
    /// The last program, which the next job often runs again.
    loaded: Option<(PathBuf, Component)>,
}

impl Runner {
    pub(crate) fn new() -> Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        // Without a directory for it, each run compiles.
        config.cache(Cache::from_file(None).ok());
        let engine = Engine::new(&config).map_err(from_wasmtime)?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).map_err(from_wasmtime)?;
        Ok(Self { engine, linker, loaded: None })
    }

    /// Runs `job` to its end, whatever that is.
    pub(crate) async fn run(
        &mut self,
        job: &Job,
        stdio: &Stdio,
        tracer: Option<Arc<dyn Tracer>>,
    ) -> Outcome {
        self.try_run(job, stdio, tracer).await.unwrap_or_else(|failure| Outcome {
            exit_code: failure.exit_code,
            messages: vec![failure.to_string()],
        })
    }

    async fn try_run(
        &mut self,
        job: &Job,
        stdio: &Stdio,
        tracer: Option<Arc<dyn Tracer>>,
    ) -> Result<Outcome, NotStarted> {
        let program = self.prepare(job)?;
        let mounts = Mounts::open(&job.mounts, &job.imports).or_exit(NO_FILES)?;
        copy_in(&mounts, &job.imports).await.or_exit(NO_FILES)?;
        let table = mounts.table().await.or_exit(NO_FILES)?;
        let mut files = FilesystemCtx::new(table.clone());
        if let Some(tracer) = tracer {
            files = files.trace(tracer);
        }
        let guest = Guest { wasi: wasi(job, stdio), files, table: ResourceTable::new() };
        let mut outcome = self.call(program, guest, job.timeout, &mounts).await;
        let exported = copy_out(&table, &job.exports).await;
        for answer in [exported, mounts.finish().await] {
            if let Err(error) = answer {
                outcome.messages.push(format!("{error:#}"));
                if outcome.exit_code == 0 {
                    outcome.exit_code = NO_FILES;
                }
            }
        }
        Ok(outcome)
    }

    fn prepare(&mut self, job: &Job) -> Result<CommandPre<Guest>, NotStarted> {
        let component = match &self.loaded {
            Some((path, component)) if *path == job.program => component.clone(),
            _ => load(&self.engine, &job.program)?,
        };
        self.loaded = Some((job.program.clone(), component.clone()));
        self.linker
            .instantiate_pre(&component)
            .and_then(CommandPre::new)
            .map_err(from_wasmtime)
            .with_context(|| format!("'{}' is not a program for WASI 0.2", job.program.display()))
            .or_exit(NOT_RUNNABLE)
    }

    async fn call(
        &self,
        program: CommandPre<Guest>,
        guest: Guest,
        timeout: Option<Duration>,
        mounts: &Mounts,
    ) -> Outcome {
        let mut store = Store::new(&self.engine, guest);
        // The epoch moves on when a time is over.
        store.set_epoch_deadline(1);
        let mut task = tokio::spawn(async move {
            let command = program.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        });
        let over = async {
            match timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        let (exit_code, message) = tokio::select! {
            biased;
            ended = &mut task => return outcome(ended),
            code = interrupt::wait() => (code, "the program was interrupted".to_owned()),
            () = over => {
                let ms = timeout.unwrap_or_default().as_millis();
                (TIMED_OUT, format!("the program was ended after {ms} ms"))
            }
            never = write_out(mounts) => match never {},
        };
        // Whether it computes or waits.
        self.engine.increment_epoch();
        task.abort();
        let _ = tokio::time::timeout(GRACE, task).await;
        Outcome { exit_code, messages: vec![message] }
    }
}

/// Now and then, for a program that makes no calls.
async fn write_out(mounts: &Mounts) -> Infallible {
    let mut clock = tokio::time::interval(WRITE_OUT);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        mounts.write_out();
    }
}

type Ended = Result<wasmtime::Result<Result<(), ()>>, tokio::task::JoinError>;

fn outcome(ended: Ended) -> Outcome {
    let trap = match ended {
        Ok(Ok(Ok(()))) => return Outcome { exit_code: 0, messages: Vec::new() },
        Ok(Ok(Err(()))) => return Outcome { exit_code: 1, messages: Vec::new() },
        Ok(Err(error)) => match error.downcast_ref::<I32Exit>() {
            Some(&I32Exit(exit_code)) => return Outcome { exit_code, messages: Vec::new() },
            None => anyhow!("the program trapped: {error:?}"),
        },
        Err(panic) => anyhow!("the host failed: {panic}"),
    };
    Outcome { exit_code: TRAPPED, messages: vec![trap.to_string()] }
}

async fn copy_in(mounts: &Mounts, imports: &[CopySpec]) -> Result<()> {
    if imports.is_empty() {
        return Ok(());
    }
    let table = mounts.table_for(imports).await?;
    for import in imports {
        let CopySpec { host, guest } = import;
        let copied = async {
            let to = directory(&table, guest, true).await?;
            copy::import(host, &to, &mut Progress::hidden()).await
        };
        let copied = copied.await.map_err(advised);
        copied.with_context(|| format!("cannot import '{}' to '{guest}'", host.display()))?;
    }
    Ok(())
}

async fn copy_out(table: &MountTable, exports: &[CopySpec]) -> Result<()> {
    for CopySpec { host, guest } in exports {
        let copied = async {
            let from = directory(table, guest, false).await?;
            copy::export(&from, host, &mut Progress::unstoppable()).await
        };
        let copied = copied.await.map_err(advised);
        copied.with_context(|| format!("cannot export '{guest}' to '{}'", host.display()))?;
    }
    Ok(())
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
    builder.arg(job.program.file_name().unwrap_or_default().to_string_lossy());
    builder.args(&job.args).envs(&job.env);
    match stdio {
        Stdio::Inherited => builder.inherit_stdio(),
        Stdio::Captured { stdout, stderr } => builder.stdout(stdout.clone()).stderr(stderr.clone()),
    };
    builder.build()
}
