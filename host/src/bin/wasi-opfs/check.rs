//! `wasi-opfs volume check`: whether a volume is whole, and its repair.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use wasi_opfs::backend::volume::disk::{Disk, NativeFile};
use wasi_opfs::backend::volume::{Counts, Finding, Report, Severity, check};

const EXAMPLES: &str = "\
Examples:
  wasi-opfs volume check app.volume
  wasi-opfs volume check --repair app.volume
  wasi-opfs volume check --json app.volume

Each finding is a note (nothing is wrong), repairable (nothing that was stored is missing
afterwards) or lost (a repair makes the rest whole). A repair that is interrupted leaves the
volume as it was, or repaired; make a copy before, all the same.

Exit code: 0 if nothing is wrong, 1 if it was put right, 4 if it is left as it is, 8 if it
cannot be checked.";

/// What it exits with, as `fsck` does.
const CLEAN: i32 = 0;
const CORRECTED: i32 = 1;
const LEFT: i32 = 4;
pub(crate) const NOT_CHECKED: i32 = 8;

/// Check whether a volume is whole, and repair it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// Put right what is wrong; what lost its name goes to `/lost+found`.
    #[arg(long)]
    repair: bool,

    /// Write the findings as a line of JSON.
    #[arg(long)]
    json: bool,

    /// The volume's file, which nobody else may have open for writing.
    file: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    file: &'a Path,
    state: &'static str,
    worst: Option<&'static str>,
    findings: Vec<FindingLine<'a>>,
    omitted: u64,
    files: u64,
    directories: u64,
    others: u64,
    used: u64,
    size: u64,
    epoch: u64,
    commits: u64,
    compared: u64,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    severity: &'static str,
    text: &'a str,
    repaired: bool,
}

impl Check {
    pub(crate) fn start(self) -> Result<i32> {
        let shown = self.file.display();
        if !self.file.exists() {
            bail!("cannot check '{shown}': there is no such file; give the path of a volume");
        }
        let mut disk = if self.repair {
            NativeFile::open(&self.file)?
        } else {
            NativeFile::open_read_only(&self.file)?
        };
        let checked = check(&mut disk, self.repair);
        disk.close();
        let report = checked.with_context(|| format!("'{shown}'"))?;
        let text = if self.json {
            serde_json::to_string(&line(&self.file, &report))?
        } else {
            format!("{report}")
        };
        writeln!(io::stdout(), "{text}")?;
        Ok(match (report.is_clean(), report.repaired) {
            (true, _) => CLEAN,
            (false, true) => CORRECTED,
            (false, false) => LEFT,
        })
    }
}

fn line<'a>(file: &'a Path, report: &'a Report) -> Line<'a> {
    let Counts { files, directories, others, used, size, epoch, commits, compared } = report.counts;
    let state = match (report.is_clean(), report.repaired) {
        (true, _) => "clean",
        (false, true) => "repaired",
        (false, false) => "damaged",
    };
    let finding = |finding: &'a Finding| FindingLine {
        severity: finding.severity.name(),
        text: &finding.text,
        repaired: finding.repaired,
    };
    Line {
        file,
        state,
        worst: report.worst.map(Severity::name),
        findings: report.findings.iter().map(finding).collect(),
        omitted: report.omitted,
        files,
        directories,
        others,
        used,
        size,
        epoch,
        commits,
        compared,
    }
}
