//! What components see of their files: what is run, and how long it takes in wasmtime on this
//! project's files and on wasmtime-wasi's. What runs them in browsers is `jco/bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::build;
use super::found::{Engine, Line};
use crate::tools::{cargo, command, run, say};

/// The engine that they are measured under natively.
pub(super) const ENGINE: &str = "wasmtime";
/// In whose hands they are there; the first is what this project's are measured beside.
const HOSTS: &str = "wasmtime-wasi,wasmtime-wasi-sync,wasmtime-wasi-threads,dir,volume";
/// The programs, their arguments natively, and the tables to which their figures go.
const PROGRAMS: [(&str, &str, &str); 2] =
    [("phases", "/", "components"), ("component_calls", "40", "component-calls")];
/// A native run takes two seconds, most of them on the disk, whose time is uneven.
const RUNS_EACH: u32 = 3;

/// All of them, and what runs them natively.
pub(super) struct Ready {
    root: PathBuf,
    guests: Vec<(String, PathBuf)>,
}

impl Ready {
    /// Makes the guests.
    ///
    /// # Errors
    /// If they cannot be built.
    pub(super) fn new(root: &Path) -> Result<Self> {
        let mut guests = build::measuring_guests(root, "wasm32-wasip2")?;
        guests.retain(|(name, _)| PROGRAMS.iter().any(|(program, ..)| name == program));
        Ok(Self { root: root.to_owned(), guests })
    }

    /// Asks for them in browsers.
    pub(super) fn ask(&self, request: &mut Value) {
        request["guests"]["components"] = PROGRAMS.iter().map(|(name, ..)| *name).collect();
        for (name, program) in &self.guests {
            request["components"][name] = json!(program);
        }
    }

    /// Runs them in wasmtime, and adds an engine of its own.
    ///
    /// # Errors
    /// If that cannot be built, or one fails.
    pub(super) fn add_native(&self, engines: &mut Vec<Engine>, runs: u32) -> Result<()> {
        let example = self.example()?;
        let folder = self.root.join("target/bench/components");
        fs::create_dir_all(&folder)?;
        for (name, argument, table) in PROGRAMS {
            say(&format!("running {name} in wasmtime"));
            let (_, program) = self.guests.iter().find(|(guest, _)| guest == name).context(name)?;
            let mut command = command(&self.root, &example);
            command.args([&(runs * RUNS_EACH).to_string(), HOSTS]).args([&folder, program]);
            let output = command.arg(argument).stderr(Stdio::inherit()).output()?;
            ensure!(output.status.success(), "{name} failed in wasmtime ({})", output.status);
            for line in serde_json::Deserializer::from_slice(&output.stdout).into_iter() {
                let mut line: Value = line?;
                line["engine"] = json!(ENGINE);
                line["table"] = json!(table);
                // All of it is in the system's hands, or the volume's time to write it counts.
                line["stored"] = json!(true);
                Engine::of(engines, ENGINE).add(serde_json::from_value::<Line>(line)?);
            }
        }
        Engine::of(engines, ENGINE).version = self.version()?;
        Ok(())
    }

    /// The version of wasmtime that is built.
    fn version(&self) -> Result<String> {
        let lock = fs::read_to_string(self.root.join("Cargo.lock"))?;
        let version = lock.split("name = \"wasmtime\"\nversion = \"").nth(1);
        let version = version.and_then(|rest| rest.split('"').next());
        Ok(version.context("Cargo.lock names wasmtime")?.to_owned())
    }

    /// Builds the example that runs them.
    fn example(&self) -> Result<PathBuf> {
        say("building wasmtime with this project's files");
        run(cargo(&self.root)
            .args(["build", "--quiet", "--profile", "native", "--package", "wasi-opfs"])
            .args(["--example", "guest-phases", "--features", "cli,plain-wasmtime"]))?;
        let name = format!("guest-phases{}", std::env::consts::EXE_SUFFIX);
        Ok(self.root.join("target/native/examples").join(name))
    }
}
