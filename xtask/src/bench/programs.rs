//! Real programs from their start to their exit: what they are run on, and how long they
//! take in wasmtime with files of the disk. What runs them in browsers is `jco/bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::found::Engine;
use crate::programs::Programs;
use crate::scripts::tree;
use crate::tools::{cargo, command, run, say};

/// As in browsers: so often it is run before it counts, and then.
const RUNS: (usize, usize) = (3, 5);
/// Whose column it is.
const NATIVE: &str = "wasmtime on disk";
const SEARCH: [&str; 4] = ["-n", "--no-heading", "lighthouse", "/"];

/// Unpacks CPython's library, and not below `/usr`: there the module finds one inside itself.
/// Each import is a file or several then, and no archive.
const UNPACK: &str = "\
import os, zipfile
zipfile.ZipFile('/archive.zip').extractall('/python/lib/python3.11')
os.remove('/archive.zip')";
const HOME: (&str, &str) = ("PYTHONHOME", "/python");

/// The programs and the folders that they find at their root.
pub(super) struct Ready {
    wasmtime: PathBuf,
    ripgrep: PathBuf,
    tree: PathBuf,
    python: PathBuf,
    library: PathBuf,
}

/// One run, as the example prints it.
#[derive(Deserialize)]
struct Run {
    ms: f64,
    printed: u64,
}

impl Ready {
    /// Makes what is not there yet.
    ///
    /// # Errors
    /// If something cannot be fetched or built.
    pub(super) fn new(root: &Path) -> Result<Self> {
        let programs = Programs::new(root)?;
        let folder = root.join("target/bench");
        let tree = folder.join("tree");
        tree::write(&tree)?;
        let python = programs.python()?;
        let library = folder.join("python");
        let ready = Self {
            wasmtime: plain_wasmtime(root)?,
            ripgrep: programs.ripgrep()?,
            tree,
            python: python.program,
            library: library.clone(),
        };
        if !library.is_dir() {
            let scratch = folder.join("unpacking");
            fs::create_dir_all(&scratch)?;
            let archive = python.files.join("usr/local/lib/python311.zip");
            fs::copy(archive, scratch.join("archive.zip"))?;
            ready.natively(1, &ready.python, &scratch, &["-c", UNPACK], &[])?;
            fs::rename(&scratch, &library)?;
        }
        Ok(ready)
    }

    /// Asks for them in browsers.
    pub(super) fn ask(&self, request: &mut Value) {
        if let Some(guests) = request["guests"].as_array_mut() {
            guests.extend([json!("ripgrep"), json!("python")]);
        }
        request["files"]["rg.wasm"] = json!(self.ripgrep);
        request["files"]["python.wasm"] = json!(self.python);
        request["folders"] = json!({ "tree": self.tree, "python": self.library });
    }

    /// Runs them in wasmtime, and adds that to what browsers found.
    ///
    /// # Errors
    /// If one fails, or prints something else than in a browser.
    pub(super) fn add_native(&self, engines: &mut [Engine]) -> Result<()> {
        say("running the programs in wasmtime");
        for (name, program, folder, arguments, env) in [
            ("ripgrep", &self.ripgrep, &self.tree, &SEARCH[..], &[][..]),
            ("python", &self.python, &self.library, &["-c", "pass"], &[HOME]),
        ] {
            let runs = self.natively(RUNS.0 + RUNS.1, program, folder, arguments, env)?;
            for engine in &mut *engines {
                for run in &runs[RUNS.0..] {
                    engine.guests.add(name, NATIVE).take(run.ms, Some(run.printed));
                }
                ensure!(engine.guests.agree(name), "{name} does not print the same everywhere");
            }
        }
        Ok(())
    }

    fn natively(
        &self,
        runs: usize,
        program: &Path,
        folder: &Path,
        arguments: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Vec<Run>> {
        let mut wasmtime = command(folder, &self.wasmtime);
        wasmtime.arg(runs.to_string()).args([program, folder]).args(arguments);
        wasmtime.env_clear().envs(env.iter().copied());
        let output = wasmtime.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{} failed ({})", program.display(), output.status);
        let lines = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        let found = lines.collect::<Result<Vec<Run>, _>>()?;
        ensure!(found.len() == runs, "{} of {runs} runs came to an end", found.len());
        Ok(found)
    }
}

/// Builds the example of that name. What compiles and runs guests is optimised by itself.
fn plain_wasmtime(root: &Path) -> Result<PathBuf> {
    say("building wasmtime with its own files");
    run(cargo(root)
        .args(["build", "--quiet", "--package", "wasi-opfs", "--example", "plain-wasmtime"])
        .args(["--features", "cli,plain-wasmtime"]))?;
    let name = format!("plain-wasmtime{}", std::env::consts::EXE_SUFFIX);
    Ok(root.join("target/debug/examples").join(name))
}
