//! One program from its file to its exit code: copy in, run, copy out.

use std::borrow::Cow;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::time::MissedTickBehavior;
use wasi_opfs::{MountTable, Tracer};
use wasmtime::{Cache, Config, Engine};

use crate::component::{self, Components};
use crate::module::{self, Modules};
use crate::mounts::{CopySpec, MountSpec, Mounts};
use crate::place::{advised, directory};
use crate::program::{NO_FILES, NOT_RUNNABLE, NotStarted, OrExit, Program, from_wasmtime, load};
use crate::progress::Progress;
use crate::stdio::Stdio;
use crate::{copy, interrupt};

/// What is to be run.
pub(crate) struct Job {
    pub(crate) program: PathBuf,
    /// Whether a preview1 module is made a component.
    pub(crate) adapter: bool,
    /// From `argv[1]` on.
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) mounts: Vec<MountSpec>,
    pub(crate) imports: Vec<CopySpec>,
    pub(crate) exports: Vec<CopySpec>,
    pub(crate) timeout: Option<Duration>,
}

impl Job {
    /// What the program is told that it is called.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        self.program.file_name().unwrap_or_default().to_string_lossy()
    }
}

/// How a program came to its end by itself.
pub(crate) struct Ended {
    pub(crate) exit_code: i32,
    pub(crate) message: Option<String>,
}

impl Ended {
    pub(crate) const fn with(exit_code: i32) -> Self {
        Self { exit_code, message: None }
    }
}

/// How a job ended.
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
    components: Components,
    modules: Modules,
    /// The last program, which the next job often runs again.
    loaded: Option<(PathBuf, bool, Program)>,
}

/// A program with all it imports.
enum Command {
    Component(component::Command),
    Module(module::Command),
}

impl Runner {
    pub(crate) fn new() -> Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        // As much as Go's tools give their programs.
        config.max_wasm_stack(8 << 20).async_stack_size(10 << 20);
        // Without a directory for it, each run compiles.
        config.cache(Cache::from_file(None).ok());
        let engine = Engine::new(&config).map_err(from_wasmtime)?;
        let (components, modules) = (Components::new(&engine)?, Modules::new(&engine)?);
        Ok(Self { engine, components, modules, loaded: None })
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
        let command = self.prepare(job)?;
        let mounts = Mounts::open(&job.mounts, &job.imports).or_exit(NO_FILES)?;
        copy_in(&mounts, &job.imports).await.or_exit(NO_FILES)?;
        let table = mounts.table().await.or_exit(NO_FILES)?;
        let mut outcome = match command {
            Command::Component(command) => {
                let running = command.run(job, stdio, table.clone(), tracer);
                self.wait(running, job.timeout, &mounts).await
            }
            Command::Module(command) => {
                let running = command.run(job, stdio, table.clone(), tracer);
                self.wait(running.or_exit(NO_FILES)?, job.timeout, &mounts).await
            }
        };
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

    fn prepare(&mut self, job: &Job) -> Result<Command, NotStarted> {
        let program = match &self.loaded {
            Some((path, adapter, program)) if (path, adapter) == (&job.program, &job.adapter) => {
                program.clone()
            }
            _ => load(&self.engine, &job.program, job.adapter)?,
        };
        self.loaded = Some((job.program.clone(), job.adapter, program.clone()));
        let linked = match program {
            Program::Component(component) => {
                self.components.link(&component).map(Command::Component)
            }
            Program::Module(module) => self.modules.link(&module).map(Command::Module),
        };
        linked
            .with_context(|| format!("cannot run '{}'", job.program.display()))
            .or_exit(NOT_RUNNABLE)
    }

    /// Waits until a program has ended, or its time is over.
    async fn wait(
        &self,
        running: impl Future<Output = wasmtime::Result<Ended>> + Send + 'static,
        timeout: Option<Duration>,
        mounts: &Mounts,
    ) -> Outcome {
        let mut task = tokio::spawn(running);
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

fn outcome(ended: Result<wasmtime::Result<Ended>, tokio::task::JoinError>) -> Outcome {
    let trap = match ended {
        Ok(Ok(Ended { exit_code, message })) => {
            return Outcome { exit_code, messages: message.into_iter().collect() };
        }
        Ok(Err(error)) => anyhow!("the program trapped: {error:?}"),
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
