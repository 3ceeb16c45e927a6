//! The measuring guests of this repository as components in wasmtime: on this project's
//! directory and volume, and on wasmtime-wasi's own directory.
//!
//! `guest-phases RUNS HOST,HOST... FOLDER COMPONENT [ARGUMENT...]` runs it on each of them in
//! turn, once more than is asked for, as the first run only warms up. What the guest says of
//! itself is printed, a line of JSON for each figure. FOLDER is where all files are made and
//! removed. Without arguments it says which hosts there are.

#![allow(clippy::print_stdout)]

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::door::wasmtime::{FilesystemCtx, FilesystemCtxView, FilesystemView, add_to_linker};
use wasi_opfs::{FileSystem, MountOptions, MountTable};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::error::Context as _;
use wasmtime::{Engine, Result, Store, bail, ensure, format_err};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::{Command, CommandPre, sync};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// In whose hands a guest is, in the order in which they are measured.
#[derive(Clone, Copy, PartialEq)]
enum Host {
    /// wasmtime-wasi with guests that are called as this project calls them, and no thread for
    /// each call on a file.
    Wasmtime,
    /// The same for guests that are called synchronously.
    WasmtimeSync,
    /// wasmtime-wasi as it comes: each call on a file is made by another thread.
    WasmtimeThreads,
    Dir,
    Volume,
}

const HOSTS: [(Host, &str); 5] = [
    (Host::Wasmtime, "wasmtime-wasi"),
    (Host::WasmtimeSync, "wasmtime-wasi-sync"),
    (Host::WasmtimeThreads, "wasmtime-wasi-threads"),
    (Host::Dir, "dir"),
    (Host::Volume, "volume"),
];

/// Where the files of one run are.
struct Place {
    directory: PathBuf,
    volume: PathBuf,
    /// What is written to before a phase, so that the machine has memory at hand.
    warm: PathBuf,
}

/// What a guest is given.
struct Guest {
    wasi: WasiCtx,
    files: FilesystemCtx,
    table: ResourceTable,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl FilesystemView for Guest {
    fn filesystem(&mut self) -> FilesystemCtxView<'_> {
        FilesystemCtxView { ctx: &self.files, table: &mut self.table }
    }
}

/// The program for each way of linking it.
struct Programs {
    ours: CommandPre<Guest>,
    theirs: CommandPre<Guest>,
    sync: sync::CommandPre<Guest>,
    tokio: tokio::runtime::Runtime,
}

impl Programs {
    fn new(engine: &Engine, component: &Component) -> Result<Self> {
        let mut linker = Linker::new(engine);
        add_to_linker(&mut linker)?;
        let ours = CommandPre::new(linker.instantiate_pre(component)?)?;
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        let theirs = CommandPre::new(linker.instantiate_pre(component)?)?;
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        let sync = sync::CommandPre::new(linker.instantiate_pre(component)?)?;
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { ours, theirs, sync, tokio })
    }

    /// Runs it to its end.
    fn run(&self, host: Host, guest: Guest) -> Result<()> {
        let mut store = Store::new(self.sync.engine(), guest);
        let ended = match host {
            Host::WasmtimeSync => {
                let command = self.sync.instantiate(&mut store)?;
                command.wasi_cli_run().call_run(&mut store)?
            }
            _ => self.tokio.block_on(async {
                let ours = matches!(host, Host::Dir | Host::Volume);
                let of = if ours { &self.ours } else { &self.theirs };
                let command: Command = of.instantiate_async(&mut store).await?;
                command.wasi_cli_run().call_run(&mut store).await
            })?,
        };
        ended.map_err(|()| format_err!("the guest failed"))
    }
}

/// The mounts of a guest, and the volume in them.
type Opened = (MountTable, Option<Arc<Volume>>);

/// Opens this project's files; nothing is in the table of another's.
fn open(host: Host, place: &Place) -> Result<Opened> {
    let (fs, volume) = match host {
        Host::Dir => (FileSystem::new(Arc::new(Dir::open(&place.directory)?)), None),
        Host::Volume => {
            let volume = Arc::new(Volume::open_file(&place.volume, Options::default())?);
            (FileSystem::new(volume.clone()), Some(volume))
        }
        _ => return Ok((pollster::block_on(MountTable::new(Vec::new()))?, None)),
    };
    let mount = MountOptions { guest: "/".to_owned(), fs, read_only: false };
    Ok((pollster::block_on(MountTable::new(vec![mount]))?, volume))
}

/// Runs the guest in one host; the lines that it says.
fn measure(
    programs: &Programs,
    host: Host,
    place: &Place,
    arguments: &[String],
) -> Result<Vec<Value>> {
    let _ = fs::remove_dir_all(&place.directory);
    let _ = fs::remove_file(&place.volume);
    fs::create_dir_all(&place.directory)?;
    let (mounts, volume) = open(host, place)?;
    let said = Said { volume, warm: File::create(&place.warm)?.into(), ..Said::default() };
    let said = Out(Arc::new(Mutex::new(said)));
    let mut wasi = WasiCtxBuilder::new();
    wasi.arg("guest").args(arguments).stdout(said.clone()).inherit_stderr();
    wasi.allow_blocking_current_thread(host != Host::WasmtimeThreads);
    if !matches!(host, Host::Dir | Host::Volume) {
        wasi.preopened_dir(&place.directory, "/", FsPerms::ReadWrite)?;
    }
    let files = FilesystemCtx::new(mounts);
    programs.run(host, Guest { wasi: wasi.build(), files, table: ResourceTable::new() })?;
    let said = std::mem::take(&mut *said.0.lock().unwrap_or_else(PoisonError::into_inner));
    drop(said.volume);
    let mut lines = said.lines;
    if host == Host::Volume && lines.iter().any(|line| line["phase"] == "walk") {
        let begun = Instant::now();
        drop(open(host, place)?);
        lines.push(json!({ "phase": "remount", "ms": milliseconds(begun) }));
    }
    Ok(lines)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// What a guest has said, and what is done while it does.
#[derive(Default)]
struct Said {
    rest: Vec<u8>,
    lines: Vec<Value>,
    volume: Option<Arc<Volume>>,
    warm: Option<File>,
}

impl Said {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<_> = self.rest.drain(..=end).collect();
            self.line(serde_json::from_slice(&line)?)?;
        }
        Ok(())
    }

    /// A phase ends when its changes are stored, so that the end of this process loses none.
    fn line(&mut self, mut line: Value) -> Result<()> {
        if let Some(bytes) = line["writes"].as_u64() {
            self.warm(bytes)?;
        }
        let begun = Instant::now();
        if let Some(volume) = &self.volume {
            volume.write_out()?;
        }
        if let Some(ms) = line["ms"].as_f64() {
            line["ms"] = json!(ms + milliseconds(begun));
        }
        if line.get("at").is_none() && line.get("handles").is_none() {
            self.lines.push(line);
        }
        Ok(())
    }

    /// Memory that the machine touches for the first time would hit whoever comes first.
    fn warm(&mut self, bytes: u64) -> Result<()> {
        let Some(file) = self.warm.as_mut().filter(|_| bytes > 0) else { return Ok(()) };
        let zeros = vec![0; 1 << 20];
        for _ in 0..((bytes * 3 / 2) >> 20) + 8 {
            file.write_all(&zeros)?;
        }
        file.set_len(0)?;
        Ok(std::io::Seek::rewind(file)?)
    }
}

/// The guest's standard output.
#[derive(Clone)]
struct Out(Arc<Mutex<Said>>);

impl IsTerminal for Out {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Out {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only components of preview 3 ask for it.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Out {
    async fn ready(&mut self) {}
}

impl OutputStream for Out {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.take(&bytes).map_err(wasmtime_wasi::p2::StreamError::Trap)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [runs, hosts, folder, program, rest @ ..] = arguments.as_slice() else {
        let known = HOSTS.map(|(_, name)| name).join(", ");
        bail!("guest-phases RUNS HOST,HOST... FOLDER COMPONENT [ARGUMENT...]; hosts: {known}");
    };
    let runs = runs.parse::<u32>().context("RUNS is a number")?;
    let hosts = hosts.split(',').map(|wanted| {
        let found = HOSTS.into_iter().find(|(_, name)| *name == wanted);
        found.with_context(|| format!("there is no host '{wanted}'"))
    });
    let hosts = hosts.collect::<Result<Vec<_>>>()?;
    let folder = Path::new(folder);
    let place = Place {
        directory: folder.join("directory"),
        volume: folder.join("volume"),
        warm: folder.join("warm"),
    };
    let engine = Engine::default();
    let programs = Programs::new(&engine, &Component::from_file(&engine, program)?)?;
    for run in 0..=runs {
        for &(host, name) in &hosts {
            let lines = measure(&programs, host, &place, rest)?;
            ensure!(!lines.is_empty(), "{name} measured nothing");
            for mut line in lines.into_iter().filter(|_| run > 0) {
                line["peer"] = json!(name);
                line["run"] = json!(run - 1);
                println!("{line}");
            }
        }
    }
    fs::remove_dir_all(&place.directory)?;
    let _ = fs::remove_file(&place.volume);
    Ok(fs::remove_file(&place.warm)?)
}
