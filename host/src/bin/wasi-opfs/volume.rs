//! `wasi-opfs volume`: makes volumes, examines them, and makes them smaller.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use serde::Serialize;
use wasi_opfs::backend::Backend;
use wasi_opfs::backend::volume::{Area, Info, Usage};

use crate::check::Check;
use crate::mounts::open_volume;
use crate::progress::bar;
use crate::{FAILED, block_on, interrupt};

const CREATE_EXAMPLES: &str = "\
Example:
  wasi-opfs volume create app.volume

A new volume takes 5 MiB and grows with what it holds. `run` makes a missing one by itself.

Exit code: 0; 1 if it cannot be made.";

const INFO_EXAMPLES: &str = "\
Examples:
  wasi-opfs volume info app.volume
  wasi-opfs volume info --json app.volume

The volume is only read, also while others read it. live: blocks of files; dead: freed,
comes back when the volume is written next; reserved: superblocks and the log.

Exit code: 0; 1 if it cannot be opened.";

const COMPACT_EXAMPLES: &str = "\
Examples:
  wasi-opfs volume compact app.volume
  wasi-opfs volume compact --json app.volume

What lies at the end is moved to free places, and the end is cut off. An interruption or
a crash leaves the volume whole, and what was moved until then stays moved.

Exit code: 0; 1 if it failed; 130 or 143 if it was interrupted.";

/// How much is moved between two looks at the progress.
const STEP: u64 = 8 << 20;

/// Look after volumes: whole file systems in one file.
#[derive(Subcommand)]
pub(crate) enum Volume {
    Create(Create),
    Info(ShowInfo),
    Check(Check),
    Compact(Compact),
}

/// Make an empty volume.
#[derive(Args)]
#[command(after_help = CREATE_EXAMPLES)]
pub(crate) struct Create {
    /// The file, which must not exist.
    file: PathBuf,
}

/// Show which volume it is, and how full.
#[derive(Args)]
#[command(after_help = INFO_EXAMPLES)]
pub(crate) struct ShowInfo {
    /// Write a line of JSON.
    #[arg(long)]
    json: bool,

    /// The volume's file.
    file: PathBuf,
}

/// Give the room of what was deleted back to the disk.
#[derive(Args)]
#[command(after_help = COMPACT_EXAMPLES)]
pub(crate) struct Compact {
    /// Write what was done as a line of JSON.
    #[arg(long)]
    json: bool,

    /// The volume's file.
    file: PathBuf,
}

impl Volume {
    pub(crate) fn start(self) -> Result<i32> {
        match self {
            Self::Create(create) => create.start(),
            Self::Info(info) => info.start(),
            Self::Check(check) => check.start(),
            Self::Compact(compact) => compact.start(),
        }
    }

    /// What it exits with if it could not do what it was asked for.
    pub(crate) const fn failed(&self) -> i32 {
        match self {
            Self::Check(_) => crate::check::NOT_CHECKED,
            _ => FAILED,
        }
    }
}

impl Create {
    fn start(self) -> Result<i32> {
        let file = &self.file;
        let shown = file.display();
        if let Err(error) = fs::File::create_new(file) {
            let hint = match error.kind() {
                io::ErrorKind::AlreadyExists => "remove it, or give another name",
                _ => "check the path and its permissions",
            };
            bail!("cannot make the volume '{shown}': {error}; {hint}");
        }
        if let Err(error) = open_volume(file, false).map(drop) {
            // Nothing but the empty file was there.
            let _ = fs::remove_file(file);
            return Err(error);
        }
        Ok(0)
    }
}

#[derive(Serialize)]
struct InfoLine<'a> {
    file: &'a Path,
    id: String,
    version: u32,
    generation: u64,
    epoch: u64,
    objects: u64,
    size: u64,
    live: u64,
    dead: u64,
    free: u64,
    reserved: u64,
    areas: [AreaLine; 2],
    checkpoint: u64,
    commits: u64,
}

#[derive(Serialize)]
struct AreaLine {
    start: u64,
    len: u64,
}

impl ShowInfo {
    fn start(self) -> Result<i32> {
        let volume = open_volume(&self.file, true)?;
        let (info, usage) = (volume.info(), volume.usage());
        let text = if self.json {
            let line = info_line(&self.file, &info, &usage);
            serde_json::to_string(&line)? + "\n"
        } else {
            info_text(&self.file, &info, &usage)?
        };
        io::stdout().write_all(text.as_bytes())?;
        Ok(0)
    }
}

fn hexadecimal(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

fn info_line<'a>(file: &'a Path, info: &Info, usage: &Usage) -> InfoLine<'a> {
    InfoLine {
        file,
        id: hexadecimal(info.id),
        version: info.version,
        generation: info.generation,
        epoch: info.epoch,
        objects: usage.objects,
        size: usage.size,
        live: usage.live,
        dead: usage.dead,
        free: usage.free,
        reserved: usage.reserved,
        areas: info.areas.map(|Area { start, len }| AreaLine { start, len }),
        checkpoint: info.checkpoint,
        commits: info.commits,
    }
}

fn info_text(file: &Path, info: &Info, usage: &Usage) -> Result<String> {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| writeln!(text, "{name:12} {value}");
    let bytes = |count: u64| format!("{} ({count} bytes)", HumanBytes(count));
    line("volume", &file.display().to_string())?;
    line("identity", &hexadecimal(info.id))?;
    line("format", &info.version.to_string())?;
    line("generation", &info.generation.to_string())?;
    line("epoch", &info.epoch.to_string())?;
    line("objects", &usage.objects.to_string())?;
    line("size", &bytes(usage.size))?;
    line("  live", &bytes(usage.live))?;
    line("  dead", &bytes(usage.dead))?;
    line("  free", &bytes(usage.free))?;
    line("  reserved", &bytes(usage.reserved))?;
    let [used, other] =
        info.areas.map(|area| format!("{} at {}", HumanBytes(area.len), HumanBytes(area.start)));
    line("log area", &used)?;
    line("  checkpoint", &bytes(info.checkpoint))?;
    line("  commits", &bytes(info.commits))?;
    line("other area", &other)?;
    Ok(text)
}

#[derive(Serialize)]
struct CompactLine {
    before: u64,
    after: u64,
    moved: u64,
}

impl Compact {
    fn start(self) -> Result<i32> {
        let shown = self.file.display();
        if !self.file.exists() {
            bail!("cannot compact '{shown}': there is no such file; give the path of a volume");
        }
        block_on(async {
            let volume = open_volume(&self.file, false)?;
            let done = compact(&volume).await;
            let done = done.with_context(|| format!("cannot compact '{shown}'"))?;
            let text = if self.json {
                serde_json::to_string(&done)?
            } else {
                let CompactLine { before, after, moved } = done;
                let [before, after, moved] = [before, after, moved].map(HumanBytes);
                format!("'{shown}' takes {after} instead of {before}; {moved} were moved")
            };
            writeln!(io::stdout(), "{text}")?;
            Ok(0)
        })
    }
}

async fn compact(volume: &wasi_opfs::backend::volume::Volume) -> Result<CompactLine> {
    let usage = volume.usage();
    let before = usage.size;
    let bar = bar(usage.dead + usage.free);
    let (mut moved, mut after) = (0, before);
    let done = loop {
        if let Err(error) = interrupt::check() {
            break Err(error);
        }
        match volume.compact(STEP) {
            Ok(step) => {
                moved += step.moved;
                after = step.size;
                bar.set_position(before.saturating_sub(after));
                if step.done {
                    break Ok(());
                }
            }
            Err(code) => break Err(code.into()),
        }
    };
    bar.finish_and_clear();
    let stored = volume.sync().await;
    done?;
    stored?;
    Ok(CompactLine { before, after, moved })
}
