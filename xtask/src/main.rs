//! The project's own chores. Each does the set-up it needs, and says so.

mod bench;
mod build;
mod demo;
mod fuzz;
mod guests;
mod kills;
mod programs;
mod scripts;
mod tally;
mod test;
mod tools;
mod transcript;
mod vm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The chores of wasi-opfs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Builds the npm package and the command line.
    Build,
    /// Builds the npm package alone.
    Package,
    /// Measures the file systems beside what people use today.
    Bench(bench::Options),
    /// Serves a page on which real programs keep their files in the browser.
    Demo {
        /// With a second page: a Linux, emulated by v86, on the same files. What it boots comes
        /// from Debian's packages.
        #[arg(long)]
        linux: bool,
        /// Drives the page in browsers without a window, and checks what it shows.
        #[arg(long)]
        headless: bool,
        /// The port on the loopback interface; a free one if it is not given.
        #[arg(long)]
        port: Option<u16>,
        /// With --headless: where to write a picture of the page (PNG).
        #[arg(long, value_name = "FILE", requires = "headless")]
        screenshot: Option<PathBuf>,
    },
    /// Runs the behaviour suite in Chromium alone.
    Suite {
        /// What the names of the cases have to contain.
        #[arg(default_value = "")]
        text: String,
    },
    /// Runs the real programs of the tests alone.
    Programs {
        /// Those that take long, too.
        #[arg(long)]
        all: bool,
        /// Without browsers.
        #[arg(long)]
        native: bool,
    },
    /// Looks for damage that the volume does not stand, with random images.
    Fuzz {
        /// One fuzzer, by the name of its file in `fuzz_targets`; all if it is not given.
        target: Option<String>,
        /// For how long each of them runs.
        #[arg(long, default_value_t = 60, value_name = "N")]
        seconds: u32,
    },
    /// Runs the tests; the last line counts them.
    Test {
        /// Those that take long, too.
        #[arg(long)]
        all: bool,
        /// With --all: how many seeds the long runs of random operations, crashes and
        /// failures go through.
        #[arg(long, value_name = "N", requires = "all", default_value_t = 100)]
        seeds: u32,
    },
    /// Runs the tests in a virtual machine alone: a Linux that mounts what is served by 9P.
    Vm {
        /// Those that take long, too.
        #[arg(long)]
        all: bool,
        /// Of what the names of the steps have to contain one; all if left out.
        texts: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace: what went wrong is mostly another program's, and its output
            // is what should be seen last.
            tools::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = tools::root();
    match Arguments::parse().chore {
        Chore::Build => {
            build::package(&root)?;
            let binary = build::cli(&root)?;
            tools::say(&format!(
                "the npm package is in jco/, the command line is {}",
                binary.display()
            ));
            Ok(())
        }
        Chore::Package => build::package(&root),
        Chore::Bench(options) => bench::run(&root, &options),
        Chore::Demo { linux, headless, port, screenshot } => {
            demo::run(&root, linux, headless, port, screenshot.as_deref())
        }
        Chore::Suite { text } => test::run_suite(&root, &text),
        Chore::Programs { all, native } => test::run_programs(&root, all, !native),
        Chore::Fuzz { target, seconds } => fuzz::fuzz(&root, target.as_deref(), seconds),
        Chore::Vm { all, texts } => test::run_vm(&root, all, &texts),
        Chore::Test { all, seeds } => test::run(&root, all.then_some(seeds)),
    }
}
