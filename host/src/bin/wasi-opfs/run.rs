//! `wasi-opfs run`: what can be asked for. `job` does it, `batch` does many.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::job::{Job, Runner};
use crate::mounts::{CopySpec, MountSpec};
use crate::stdio::Stdio;
use crate::trace::TraceLog;
use crate::{batch, interrupt, say};

const EXAMPLES: &str = "\
Examples:
  wasi-opfs run ls.wasm --mount /=dir:. -- -l /
  wasi-opfs run app.wasm --mount /=volume:app.volume --mount /tmp=memory
  wasi-opfs run sort.wasm --mount /data=dir:./data:ro -- /data/names.txt
  wasi-opfs run build.wasm --mount /=memory --import ./src=/ --export /out=./out
  wasi-opfs run app.wasm --mount .=dir:/tmp/app --env LANG=C --timeout 5000 --trace
  wasi-opfs run --batch jobs.jsonl

Exit code: the program's own (a component older than WASI 0.2.12 can say but 0 or 1);
134 after a trap, 124 after the time-out; 127 if there is no such program, 126 if it cannot
be run, 125 if its files cannot be made ready, or not be stored at the end; 130 or 143 if it
was interrupted.";

const BATCH_HELP: &str = r#"Runs the programs that FILE (`-`: standard input) names, one by one.

Each line is a JSON object:

  {"name": "first", "program": "ls.wasm", "adapter": false, "args": ["-l", "/"],
   "env": {"LANG": "C"},
   "mounts": {"/": "dir:./data:ro", "/tmp": "memory"}, "imports": {"/tmp": "./src"},
   "exports": {"/tmp": "./out"}, "timeout_ms": 5000}

`program` is enough. As each ends, its result is written as a line of JSON:

  {"name": "first", "exit_code": 0, "stdout": "…", "stderr": "…", "ms": 12}"#;

/// Run a program: a component for WASI 0.2, or a preview1 module, binary or text.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    /// The program's file.
    #[arg(required_unless_present = "batch")]
    program: Option<PathBuf>,

    /// Give the program files, under the name GUEST: `volume:FILE` is a file system in a
    /// file, which is made if it is missing, `dir:HOST` is a directory of this machine,
    /// `memory` is empty and forgotten at the end, `memory:NAME` is the same in every mount
    /// of that name; `:ro` behind it refuses changes.
    #[arg(long = "mount", value_name = "GUEST=KIND[:NAME][:ro]")]
    mounts: Vec<MountSpec>,

    /// Set an environment variable of the program; it gets no others.
    #[arg(long, value_name = "KEY=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,

    /// Make a preview1 module a component, with the adapter of the WASI project, instead of
    /// giving it its calls directly.
    #[arg(long)]
    adapter: bool,

    /// Copy what is in a directory of this machine into the program's directory GUEST
    /// before it starts, also where the program may not write.
    #[arg(long = "import", value_name = "HOSTDIR=GUEST", value_parser = CopySpec::parse_import)]
    imports: Vec<CopySpec>,

    /// Copy what is in the program's directory GUEST into a directory of this machine
    /// when the program has ended, however it ended.
    #[arg(long = "export", value_name = "GUEST=HOSTDIR", value_parser = CopySpec::parse_export)]
    exports: Vec<CopySpec>,

    /// End the program after so many milliseconds; in a batch, where a line says nothing.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,

    /// Write each call on files as a line of JSON, to FILE or to standard error (`-`).
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "-"
    )]
    trace: Option<PathBuf>,

    /// Run many programs; see --help for the format.
    #[arg(
        long,
        value_name = "FILE",
        long_help = BATCH_HELP,
        conflicts_with_all = ["program", "mounts", "env", "adapter", "imports", "exports", "args"]
    )]
    batch: Option<PathBuf>,

    /// The program's arguments.
    #[arg(last = true)]
    args: Vec<String>,
}

fn variable(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(anyhow!("give it as KEY=VALUE")),
    }
}

impl Run {
    pub(crate) fn start(self) -> Result<i32> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // One for the guest, one for its time-out.
            .worker_threads(2)
            .enable_all()
            .build()?;
        let trace = self.trace.as_deref().map(TraceLog::open).transpose()?;
        let trace = trace.map(Arc::new);
        let code = runtime.block_on(self.run(trace.clone()));
        // A guest that hangs in a call of the system is not waited for.
        runtime.shutdown_background();
        if let Some(trace) = trace {
            trace.finish()?;
        }
        code
    }

    async fn run(self, trace: Option<Arc<TraceLog>>) -> Result<i32> {
        interrupt::listen();
        let mut runner = Runner::new()?;
        let timeout = self.timeout.map(Duration::from_millis);
        if let Some(file) = &self.batch {
            batch::run(&mut runner, file, timeout, trace.as_ref()).await?;
            return Ok(interrupt::code().unwrap_or(0));
        }
        let job = Job {
            program: self.program.unwrap_or_default(),
            adapter: self.adapter,
            args: self.args,
            env: self.env,
            mounts: self.mounts,
            imports: self.imports,
            exports: self.exports,
            timeout,
        };
        let tracer = trace.map(|trace| trace.tracer(None));
        let outcome = runner.run(&job, &Stdio::Inherited, tracer).await;
        for line in &outcome.messages {
            say(line);
        }
        Ok(outcome.exit_code)
    }
}
