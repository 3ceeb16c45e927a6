//! Guest programs, run in batches by either of the two runners.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::tools::{command, name};

/// One run of a program: a line of a batch file.
#[derive(Serialize, Default)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    /// In a browser, a component's calls by classes and not in the fast form.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) classes: bool,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    /// In the order of the preopens.
    pub(crate) mounts: Map<String, Value>,
    pub(crate) imports: BTreeMap<String, PathBuf>,
    pub(crate) timeout_ms: u64,
}

/// How it ended: a line of a runner's output.
#[derive(Deserialize, Clone)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) exit_code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The two runners.
pub(crate) enum Runner<'a> {
    /// The binary.
    Native(&'a Path),
    /// The npm package's command, with its folder, its word for the engine, and the browser.
    Browser { package: &'a Path, engine: &'static str, browser: &'a Path },
}

impl Runner<'_> {
    /// Runs a batch, and answers how each job ended, in the order of the jobs.
    pub(crate) fn batch(&self, jobs: &[Job], scratch: &Path) -> Result<Vec<Outcome>> {
        fs::create_dir_all(scratch)?;
        let file = scratch.join("batch.jsonl");
        let mut lines = fs::File::create(&file)?;
        for job in jobs {
            serde_json::to_writer(&mut lines, job)?;
            lines.write_all(b"\n")?;
        }
        let mut command = self.command();
        command.args(["run", "--batch"]).arg(&file);
        if let Self::Browser { engine, browser, .. } = self {
            let variable = if *engine == "firefox" { "FIREFOX" } else { "CHROME" };
            command.args(["--browser", engine]).env(variable, browser);
        }
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        let output =
            command.output().with_context(|| format!("cannot start {}", name(&command)))?;
        let mut outcomes = BTreeMap::new();
        for line in String::from_utf8(output.stdout)?.lines() {
            let outcome: Outcome = serde_json::from_str(line)
                .with_context(|| format!("{} printed '{line}'", name(&command)))?;
            outcomes.insert(outcome.name.clone(), outcome);
        }
        let in_order = jobs.iter().map(|job| {
            outcomes.remove(&job.name).with_context(|| format!("{} has no result", job.name))
        });
        let in_order = in_order.collect::<Result<Vec<_>>>()?;
        ensure!(outcomes.is_empty(), "results of nothing that was asked for");
        Ok(in_order)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Native(_) => "wasmtime",
            Self::Browser { engine: "firefox", .. } => "Firefox",
            Self::Browser { .. } => "Chromium",
        }
    }

    fn command(&self) -> Command {
        match self {
            Self::Native(binary) => Command::new(binary),
            Self::Browser { package, .. } => {
                let mut node = command(package, "node");
                node.arg("bin/wasi-opfs.mjs");
                node
            }
        }
    }
}

/// What a kind of backend lacks, in the words of the guest programs.
pub(crate) fn lacks(kind: &str) -> &'static str {
    match kind {
        "tree" => "symlinks,hard-links,set-times,times,backslash,atomic-rename-dir",
        _ => "",
    }
}

/// The jobs that run every guest program on mounts of one kind with `runner`.
pub(crate) fn jobs(
    root: &Path,
    guests: &[(String, PathBuf)],
    runner: &Runner<'_>,
    kind: &str,
    scratch: &Path,
) -> Result<Vec<Job>> {
    fs::create_dir_all(scratch)?;
    let fixtures = root.join("guest-tests/fixtures/frozen");
    let mut jobs = Vec::new();
    for (name, program) in guests {
        let mut mounts = Map::new();
        for (guest, suffix) in
            [("work", ""), ("other", ""), ("frozen", ":ro"), ("nest", ""), ("nest/inner", "")]
        {
            let place = format!("{name}-{}", guest.replace('/', "-"));
            let what = match (runner, kind) {
                (Runner::Native(_), "dir") => {
                    let folder = scratch.join(&place);
                    fs::create_dir_all(&folder)?;
                    format!("dir:{}{suffix}", folder.display())
                }
                // One file of 5 MiB for each program is enough; in memory are volumes, too.
                (Runner::Native(_), "volume") if guest != "work" => format!("memory{suffix}"),
                (Runner::Native(_), "volume") => {
                    format!("volume:{}{suffix}", scratch.join(&place).display())
                }
                _ => format!("{kind}:{place}{suffix}"),
            };
            mounts.insert(guest.to_owned(), what.into());
        }
        jobs.push(Job {
            name: name.clone(),
            program: program.clone(),
            env: BTreeMap::from([("LACKS".to_owned(), lacks(kind).to_owned())]),
            mounts,
            imports: BTreeMap::from([("frozen".to_owned(), fixtures.clone())]),
            timeout_ms: 300_000,
            ..Job::default()
        });
    }
    Ok(jobs)
}
