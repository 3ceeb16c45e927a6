//! Real programs from their start to their exit: what they are run on, and how long they
//! take in wasmtime with files of the disk. What runs them in browsers is `jco/bench`.

use std::collections::BTreeMap;
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
/// Unpacks CPython's library, and not below `/usr`: there the module finds one inside itself.
/// Each import is a file or several then, and no archive.
const UNPACK: &str = "\
import os, zipfile
zipfile.ZipFile('/archive.zip').extractall('/python/lib/python3.11')
os.remove('/archive.zip')";

/// A program, the folder that it finds at its root, and how it is called.
struct Program {
    name: &'static str,
    module: PathBuf,
    files: PathBuf,
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

/// All of them, and what runs them natively.
pub(super) struct Ready {
    wasmtime: PathBuf,
    programs: [Program; 2],
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
        let wasmtime = plain_wasmtime(root)?;
        let folder = root.join("target/bench");
        let tree = folder.join("tree");
        tree::write(&tree)?;
        let ripgrep = Program {
            name: "ripgrep",
            module: programs.ripgrep()?,
            files: tree,
            args: &["--line-number", "--no-heading", "lighthouse", "/"],
            env: &[],
        };
        let python = programs.python()?;
        let archive = python.files.join("usr/local/lib/python311.zip");
        let python = Program {
            name: "python",
            module: python.program,
            files: folder.join("python"),
            args: &["-c", "pass"],
            env: &[("PYTHONHOME", "/python")],
        };
        if !python.files.is_dir() {
            let scratch = folder.join("unpacking");
            fs::create_dir_all(&scratch)?;
            fs::copy(archive, scratch.join("archive.zip"))?;
            let unpack = Program {
                files: scratch.clone(),
                module: python.module.clone(),
                args: &["-c", UNPACK],
                env: &[],
                ..python
            };
            natively(&wasmtime, 1, &unpack)?;
            fs::rename(&scratch, &python.files)?;
        }
        Ok(Self { wasmtime, programs: [ripgrep, python] })
    }

    /// Asks for them in browsers.
    pub(super) fn ask(&self, request: &mut Value) {
        for Program { name, module, files, args, env } in &self.programs {
            let env = env.iter().copied().collect::<BTreeMap<_, _>>();
            request["programs"][name] =
                json!({ "module": name, "files": name, "args": args, "env": env });
            request["files"][format!("{name}.wasm")] = json!(module);
            request["folders"][name] = json!(files);
        }
    }

    /// Runs them in wasmtime, and adds that to what browsers found.
    ///
    /// # Errors
    /// If one fails, or prints something else than in a browser.
    pub(super) fn add_native(&self, engines: &mut [Engine]) -> Result<()> {
        say("running the programs in wasmtime");
        for program in &self.programs {
            let name = program.name;
            let runs = natively(&self.wasmtime, RUNS.0 + RUNS.1, program)?;
            for engine in &mut *engines {
                for run in &runs[RUNS.0..] {
                    engine.guests.add(name, NATIVE).take(run.ms, Some(run.printed));
                }
                ensure!(engine.guests.agree(name), "{name} does not print the same everywhere");
            }
        }
        Ok(())
    }
}

/// Runs a program so often in wasmtime.
fn natively(wasmtime: &Path, runs: usize, program: &Program) -> Result<Vec<Run>> {
    let mut command = command(&program.files, wasmtime);
    command.arg(runs.to_string()).args([&program.module, &program.files]).args(program.args);
    command.env_clear().envs(program.env.iter().copied()).stderr(Stdio::inherit());
    let output = command.output()?;
    ensure!(output.status.success(), "{} failed in wasmtime ({})", program.name, output.status);
    let lines = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let found = lines.collect::<Result<Vec<Run>, _>>()?;
    ensure!(found.len() == runs, "{} of {runs} runs came to an end", found.len());
    Ok(found)
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
