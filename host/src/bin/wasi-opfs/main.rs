//! The command line: which commands there are, and how each ends.

mod batch;
mod check;
mod component;
mod copy;
mod files;
mod interrupt;
mod job;
mod list;
mod module;
mod mounts;
mod place;
mod preview1;
mod program;
mod progress;
mod run;
mod serve;
mod stdio;
mod trace;
mod volume;

use std::io::{self, Write};

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use self::program::NO_FILES;

/// Runs WebAssembly programs with the files they are given, and looks after these files.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::Run>),
    Ls(list::Ls),
    Cat(files::Cat),
    Import(files::Import),
    Export(files::Export),
    #[command(subcommand)]
    Serve(serve::Serve),
    #[command(subcommand)]
    Volume(volume::Volume),
}

/// What a command other than `run` ends with if it could not do what it was asked for.
const FAILED: i32 = 1;

fn main() {
    let (answer, failed) = match Cli::parse().command {
        Command::Run(run) => (run.start(), NO_FILES),
        Command::Ls(ls) => (ls.start(), FAILED),
        Command::Cat(cat) => (cat.start(), FAILED),
        Command::Import(import) => (import.start(), FAILED),
        Command::Export(export) => (export.start(), FAILED),
        Command::Serve(serve) => (serve.start(), FAILED),
        Command::Volume(volume) => {
            let failed = volume.failed();
            (volume.start(), failed)
        }
    };
    let code = answer.unwrap_or_else(|error| {
        let unread = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        // Nobody reads the output any more, and nobody misses it.
        if !error.downcast_ref().is_some_and(unread) {
            say(&format!("{error:#}"));
        }
        interrupt::code().unwrap_or(failed)
    });
    // Also what is no byte, as the system takes it; a thread that hangs in a call of the
    // system does not hold the exit up.
    std::process::exit(code)
}

/// Does what a command is about; signals are heard meanwhile.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    // One thread for the signals: copying does not give way.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        interrupt::listen();
        work.await
    })
}

/// Writes a line to stderr; if nobody reads it any more, nobody misses it.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "wasi-opfs: {line}");
}
