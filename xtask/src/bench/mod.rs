//! `cargo xtask bench`: what the file systems cost, beside what people use today, and
//! whether that is what this project promises.

mod chart;
mod components;
mod found;
mod goals;
mod programs;
mod size;
mod table;
mod vm;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::build;
use crate::tools::{cargo, chromium, command, firefox, name, npm_packages, say};
use found::{Engine, Line};
use size::Sizes;

/// What is measured, and where to.
#[derive(Args)]
pub(crate) struct Options {
    /// The browsers.
    #[arg(long, value_delimiter = ',', default_value = "chromium")]
    engine: Vec<Browser>,
    /// The file systems beside each other; all if left out.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// The phases, create to remount; all if left out.
    #[arg(long, value_delimiter = ',')]
    phases: Vec<String>,
    /// In whose hands guests are measured in browsers; in all if left out.
    #[arg(long, value_delimiter = ',')]
    hosts: Vec<String>,
    /// What is measured besides the phases, and whether these are; all if left out.
    #[arg(long, value_delimiter = ',')]
    parts: Vec<Part>,
    /// How often the phases are run; the medians count.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Where to write all figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The folder for what each worker in Chromium spent its time on (CPU profiles).
    #[arg(long, value_name = "FOLDER")]
    profile: Option<PathBuf>,
    /// Where to draw the phases (SVG).
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Browser {
    Chromium,
    Firefox,
}

impl Browser {
    fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The phases, for every file system.
    Phases,
    /// Mounting up to 100,000 files, and the longest calls among them.
    Scale,
    /// A transaction with a rollback journal.
    Sqlite,
    /// One small change made durable.
    Sync,
    /// How large a volume is beside what lives in it.
    Space,
    /// The phases and single calls from inside preview1 guests, and one large file.
    Guests,
    /// Files for virtual machines: messages of 9P, and a Linux in v86 beside v86's own files.
    Linux,
    /// The phases and single calls from inside components, in browsers and in wasmtime.
    Components,
    /// Real programs from their start to their exit, beside wasmtime.
    Programs,
    /// The native volume beside a native directory, and 1,000,000 files.
    Native,
    /// The server of 9P under a Linux in QEMU, beside diod and QEMU's own.
    Vm,
    /// The size of the package, of the core, and of what a page loads.
    Size,
}

impl Part {
    /// Its name, if it runs in a browser and is not the phases.
    fn in_a_browser(self) -> Option<&'static str> {
        match self {
            Self::Scale => Some("scale"),
            Self::Sqlite => Some("sqlite"),
            Self::Sync => Some("sync"),
            Self::Space => Some("space"),
            Self::Phases
            | Self::Guests
            | Self::Linux
            | Self::Components
            | Self::Programs
            | Self::Native
            | Self::Vm
            | Self::Size => None,
        }
    }
}

/// Measures.
///
/// # Errors
/// If something cannot be built, or nothing can be measured.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let parts =
        if options.parts.is_empty() { Part::value_variants() } else { options.parts.as_slice() };
    let has = |part: Part| parts.contains(&part);
    let in_browsers =
        parts.iter().any(|part| !matches!(part, Part::Native | Part::Vm | Part::Size));
    if in_browsers || has(Part::Size) {
        build::package(root)?;
    }
    let engines = if in_browsers { browsers(root, options, parts)? } else { Vec::new() };
    let native = if has(Part::Native) { Some(natively(root)?) } else { None };
    let sizes = if has(Part::Size) { Some(Sizes::measure(root)?) } else { None };
    let core = sizes.as_ref().map(Sizes::core_gzipped);
    let vm =
        if has(Part::Vm) { vm::Found::measure(root, options.runs)? } else { vm::Found::default() };
    let mut goals = goals::judge(&engines, native.as_ref(), core);
    goals.extend(vm.goals());

    let mut out = std::io::stdout().lock();
    for engine in &engines {
        out.write_all(table::engine(engine).as_bytes())?;
    }
    if let Some(native) = &native {
        out.write_all(table::native(native).as_bytes())?;
    }
    if let Some(sizes) = &sizes {
        out.write_all(sizes.table().as_bytes())?;
    }
    out.write_all(vm.table().as_bytes())?;
    out.write_all(table::goals(&goals).as_bytes())?;
    if let Some(file) = &options.json {
        let mut all = json(&engines, native.as_ref(), sizes.as_ref(), &goals);
        if has(Part::Vm) {
            all["vm"] = vm.json();
        }
        fs::write(file, serde_json::to_vec_pretty(&all)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &options.chart {
        let phases = has(Part::Phases) || has(Part::Components);
        ensure!(phases, "the chart shows the phases: add 'phases' or 'components' to --parts");
        fs::write(file, chart::draw(&engines))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Measures what is measured in browsers.
fn browsers(root: &Path, options: &Options, parts: &[Part]) -> Result<Vec<Engine>> {
    let mut request = json!({
        "engines": options.engine.iter().map(|engine| engine.name()).collect::<Vec<_>>(),
        "parts": parts.iter().filter_map(|part| part.in_a_browser()).collect::<Vec<_>>(),
        "guests": {},
        "runs": options.runs,
    });
    if !parts.contains(&Part::Phases) {
        request["peers"] = json!([]);
    } else if !options.peers.is_empty() {
        request["peers"] = json!(options.peers);
    }
    if !options.phases.is_empty() {
        request["phases"] = json!(options.phases);
    }
    if !options.hosts.is_empty() {
        request["hosts"] = json!(options.hosts);
    }
    if let Some(folder) = &options.profile {
        fs::create_dir_all(folder)?;
        request["profiles"] = json!(fs::canonicalize(folder)?);
    }
    if parts.contains(&Part::Guests) {
        add_guests(root, &mut request)?;
    }
    if parts.contains(&Part::Linux) {
        add_linux(root, &mut request)?;
    }
    let components = parts.contains(&Part::Components);
    let components = if components { Some(components::Ready::new(root)?) } else { None };
    if let Some(components) = &components {
        components.ask(&mut request);
    }
    let programs = parts.contains(&Part::Programs);
    let programs = if programs { Some(programs::Ready::new(root)?) } else { None };
    if let Some(programs) = &programs {
        programs.ask(&mut request);
    }
    let mut engines = in_browsers(root, &options.engine, &request)?;
    if let Some(programs) = &programs {
        programs.add_native(&mut engines)?;
    }
    if let Some(components) = &components {
        components.add_native(&mut engines, options.runs)?;
    }
    Ok(engines)
}

/// Asks for what is measured from inside guests, and says where these are.
fn add_guests(root: &Path, request: &mut Value) -> Result<()> {
    request["guests"]["modules"] = json!(["phases", "calls", "sustained"]);
    for (name, program) in build::measuring_guests(root, "wasm32-wasip1")? {
        request["files"][format!("{name}.wasm")] = json!(program);
    }
    Ok(())
}

/// Asks for what is measured of files for virtual machines, and says what one boots.
fn add_linux(root: &Path, request: &mut Value) -> Result<()> {
    let folder = crate::vm::linux(root)?;
    for name in ["bios.bin", "vgabios.bin", "vmlinuz"] {
        request["linux"][name] = json!(folder.join(name));
    }
    request["linux"]["initramfs"] = json!(crate::vm::files_with_git(root)?);
    request["linux"]["v86.wasm"] = json!(root.join("jco/node_modules/v86/build/v86.wasm"));
    Ok(())
}

/// All that was found: of one engine as it is, of several in a list.
fn json(
    engines: &[Engine],
    native: Option<&Native>,
    sizes: Option<&Sizes>,
    goals: &[goals::Goal],
) -> Value {
    let mut all = match engines {
        [one] => one.json(),
        several => json!({ "engines": several.iter().map(Engine::json).collect::<Vec<_>>() }),
    };
    if let Some(native) = native {
        all["native"] = json!(native.phases.iter().chain(&native.scale).collect::<Vec<_>>());
    }
    if let Some(sizes) = sizes {
        all["sizes"] = json!(sizes);
    }
    all["goals"] = json!(goals.iter().map(goals::Goal::json).collect::<Vec<_>>());
    all
}

/// Runs the browsers' side and gathers what it says.
///
/// # Errors
/// If a browser or a package is missing, or the program fails.
fn in_browsers(root: &Path, engines: &[Browser], request: &Value) -> Result<Vec<Engine>> {
    let jco = root.join("jco");
    npm_packages(&jco.join("bench"))?;
    let mut node = command(&jco, "node");
    for engine in engines {
        match engine {
            Browser::Chromium => node.env("CHROME", chromium()?),
            Browser::Firefox => node.env("FIREFOX", firefox()?),
        };
    }
    node.arg("bench/main.mjs").arg(request.to_string()).stdout(Stdio::piped());
    let shown = name(&node);
    let mut child = Running(node.spawn().with_context(|| format!("cannot start {shown}"))?);
    let progress = ProgressBar::new_spinner();
    progress.set_style(ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}")?);
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    let mut found = Vec::<Engine>::new();
    let stdout = child.0.stdout.take().context("the output was asked for")?;
    for line in BufReader::new(stdout).lines() {
        let line: Line = serde_json::from_str(&line?)?;
        if progress.is_hidden() && line.begins() {
            say(&line.what());
        }
        progress.set_message(line.what());
        if let Some(failure) = line.failure() {
            progress.suspend(|| say(&failure));
        }
        Engine::of(&mut found, &line.engine).add(line);
    }
    progress.finish_and_clear();
    let status = child.0.wait()?;
    ensure!(status.success(), "{shown} failed ({status})");
    Ok(found)
}

/// A process that does not outlive whoever started it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, mostly.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the native program found, as it printed it.
struct Native {
    phases: Vec<Value>,
    scale: Vec<Value>,
}

/// Runs the native volume beside a directory.
///
/// # Errors
/// If it cannot be built or fails.
fn natively(root: &Path) -> Result<Native> {
    say("building and running the native volume");
    let output = cargo(root)
        .args(["run", "--quiet", "--release", "--package", "wasi-opfs"])
        .args(["--example", "volume-phases", "--", "--json"])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the native phases failed ({})", output.status);
    let mut native = Native { phases: Vec::new(), scale: Vec::new() };
    for line in serde_json::Deserializer::from_slice(&output.stdout).into_iter() {
        let line: Value = line?;
        let list = if line.get("phase").is_some() { &mut native.phases } else { &mut native.scale };
        list.push(line);
    }
    Ok(native)
}

/// What the JSON says of a peer in a phase.
#[derive(Deserialize)]
struct Cell {
    median_ms: f64,
    runs_ms: Vec<f64>,
    flush_ms: Option<f64>,
    stored: bool,
}

/// Proves that the bench measures: tiny counts, every phase verified.
///
/// # Errors
/// If a phase failed or is missing.
pub(crate) fn smoke(root: &Path) -> Result<()> {
    let peers = ["volume", "opfs-by-hand"];
    let mut request = json!({ "peers": peers, "parts": ["sqlite", "sync", "space", "scale"],
        "runs": 1, "tiny": true });
    add_guests(root, &mut request)?;
    let components = components::Ready::new(root)?;
    components.ask(&mut request);
    let engines = in_browsers(root, &[Browser::Chromium], &request)?;
    let goals = goals::judge(&engines, None, None);
    let all = json(&engines, None, None, &goals);
    for phase in ["create", "read", "stat", "list", "rename", "unlink", "seq-write", "seq-read"]
        .into_iter()
        .chain(["random-read", "random-write", "extract", "walk", "remount"])
    {
        for peer in peers {
            let cell = &all["phases"][phase][peer];
            let cell: Cell = serde_json::from_value(cell.clone())
                .with_context(|| format!("{phase} of {peer} was not measured: {cell}"))?;
            ensure!(cell.runs_ms == [cell.median_ms] && cell.stored, "{phase} of {peer} is odd");
            ensure!(cell.flush_ms.is_some() == (peer == "volume"), "{phase} of {peer}: flush");
        }
    }
    let volume = |table: &str, row: &str| &all[table][row]["volume"];
    for phase in ["create", "walk", "remount", "sustained"] {
        ensure!(volume("guests", phase)["stored"] == true, "no {phase} from inside a guest");
    }
    for call in ["fd_filestat_get", "fd_pwrite 64 KiB"] {
        ensure!(volume("calls", call)["median_us"].is_f64(), "{call} was not measured");
    }
    for host in ["volume", "volume-classes", "shim-in-memory", "shim-opfs"] {
        let phase = &all["components"]["walk"][host]["median_ms"];
        ensure!(phase.is_f64(), "no walk from inside a component on {host}: {all}");
        let call = &all["component_calls"]["File::write 64 KiB"][host]["median_us"];
        ensure!(call.is_f64(), "no calls of a component on {host}: {all}");
    }
    for part in ["sqlite", "sync", "space", "scale"] {
        ensure!(all["parts"][part].is_array(), "the part {part} was not measured: {all}");
    }
    ensure!(!goals.is_empty() && chart::draw(&engines).contains("</svg>"), "nothing is shown");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_becomes_figures() -> Result<()> {
        let create = |peer: &str, run: u32, ms: u32, flush: Option<u32>| {
            json!({ "peer": peer, "run": run, "phase": "create", "ms": ms, "flush_ms": flush,
                "cut": flush.is_none(), "stored": true })
        };
        let lines = [
            json!({ "peer": "volume", "run": 0, "at": "create" }),
            create("volume", 0, 4, Some(1)),
            create("volume", 1, 2, Some(3)),
            create("volume", 2, 3, Some(2)),
            create("opfs-by-hand", 0, 240, None),
            json!({ "peer": "memfs", "run": 0, "failed": "no reason" }),
            json!({ "of": "sync", "asked": {}, "found": { "flushes": 2 } }),
            json!({ "version": "156" }),
        ];
        let mut engines = Vec::new();
        for mut line in lines {
            line["engine"] = json!("chromium");
            let line: Line = serde_json::from_value(line)?;
            Engine::of(&mut engines, &line.engine).add(line);
        }
        let goals = goals::judge(&engines, None, Some(200_001));
        let all = json(&engines, None, None, &goals);
        assert_eq!(all["runs"], 3);
        assert_eq!(
            all["phases"]["create"]["volume"],
            json!({ "median_ms": 3.0, "runs_ms": [4.0, 2.0, 3.0], "flush_ms": 2.0,
                "stored": true, "cut": false })
        );
        assert_eq!(all["phases"]["create"]["opfs-by-hand"]["flush_ms"], Value::Null);
        assert_eq!(all["failures"]["memfs"], "no reason");
        let stand: Vec<_> = goals.iter().map(|goal| (goal.value, goal.reached())).collect();
        assert_eq!(stand, [(80.0, false), (2.0, false), (200.001, false)]);
        Ok(())
    }
}
