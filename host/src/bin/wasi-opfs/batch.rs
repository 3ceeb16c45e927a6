//! Many jobs, a line of JSON each, and a line of JSON for the result of each.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

use crate::interrupt;
use crate::job::{Job, Outcome, Runner};
use crate::mounts::{CopySpec, MountSpec};
use crate::program::NO_FILES;
use crate::stdio::Stdio;
use crate::trace::TraceLog;

/// The most that is kept of what one program writes to one stream.
const OUTPUT_MAX: usize = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Read by itself, so that a line with a mistake has a name.
    #[serde(default, rename = "name")]
    _name: Option<String>,
    program: PathBuf,
    #[serde(default)]
    adapter: bool,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: Pairs,
    #[serde(default)]
    mounts: Pairs,
    #[serde(default)]
    imports: Pairs,
    #[serde(default)]
    exports: Pairs,
    #[serde(default)]
    timeout_ms: Option<u64>,
}

#[derive(Serialize)]
struct ResultLine<'a> {
    name: &'a str,
    exit_code: i32,
    stdout: &'a str,
    stderr: &'a str,
    ms: u64,
}

/// Runs each line of `file`; `-` is standard input.
pub(crate) async fn run(
    runner: &mut Runner,
    file: &Path,
    timeout: Option<Duration>,
    trace: Option<&Arc<TraceLog>>,
) -> Result<()> {
    let shown = file.display();
    let input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = File::open(file).with_context(|| format!("cannot read the batch '{shown}'"))?;
        Box::new(BufReader::new(file))
    };
    for (index, line) in input.split(b'\n').enumerate() {
        let line = line.with_context(|| format!("cannot read the batch '{shown}'"))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        run_line(runner, &line, index + 1, timeout, trace).await?;
        if interrupt::code().is_some() {
            break;
        }
    }
    Ok(())
}

async fn run_line(
    runner: &mut Runner,
    line: &[u8],
    number: usize,
    timeout: Option<Duration>,
    trace: Option<&Arc<TraceLog>>,
) -> Result<()> {
    let start = Instant::now();
    let name = name_of(line).unwrap_or_else(|| format!("line {number}"));
    let (stdout, stderr) = (MemoryOutputPipe::new(OUTPUT_MAX), MemoryOutputPipe::new(OUTPUT_MAX));
    let stdio = Stdio::Captured { stdout: stdout.clone(), stderr: stderr.clone() };
    let outcome = match job(line, timeout) {
        Ok(job) => {
            let tracer = trace.map(|trace| trace.tracer(Some(&name)));
            runner.run(&job, &stdio, tracer).await
        }
        Err(error) => {
            let message = format!("line {number} of the batch is no job: {error:#}");
            Outcome { exit_code: NO_FILES, messages: vec![message] }
        }
    };
    let mut stderr = String::from_utf8_lossy(&stderr.contents()).into_owned();
    for message in outcome.messages {
        if !stderr.is_empty() && !stderr.ends_with('\n') {
            stderr.push('\n');
        }
        stderr.push_str(&message);
        stderr.push('\n');
    }
    let stdout = stdout.contents();
    let result = ResultLine {
        name: &name,
        exit_code: outcome.exit_code,
        stdout: &String::from_utf8_lossy(&stdout),
        stderr: &stderr,
        ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let mut line = serde_json::to_string(&result)?;
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).context("cannot write the result")
}

/// The name in a line, also if something else in it is wrong.
fn name_of(line: &[u8]) -> Option<String> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    Some(line.get("name")?.as_str()?.to_owned())
}

fn job(line: &[u8], timeout: Option<Duration>) -> Result<Job> {
    let line: Line = serde_json::from_slice(line)?;
    let mounts = line.mounts.0.iter().map(|(guest, what)| MountSpec::new(guest, what));
    let copies = |pairs: &Pairs| {
        pairs.0.iter().map(|(guest, host)| CopySpec::new(guest, host)).collect::<Vec<_>>()
    };
    Ok(Job {
        program: line.program,
        adapter: line.adapter,
        args: line.args,
        mounts: mounts.collect::<Result<_>>()?,
        imports: copies(&line.imports),
        exports: copies(&line.exports),
        env: line.env.0,
        timeout: line.timeout_ms.map(Duration::from_millis).or(timeout),
    })
}

/// An object of strings in the order in which it is written, which is that of the
/// preopened directories.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
