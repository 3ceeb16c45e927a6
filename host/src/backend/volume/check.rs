//! Checks a volume that is not mounted, and puts it right. What a mount asks for and what
//! only a check looks at are in `log` and `table`; here is what comes of it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use super::disk::Disk;
use super::findings::Findings;
pub use super::findings::{Finding, Severity};
use super::log::salvage;
use super::space::BLOCK;
use super::table::nanoseconds;
use crate::backend::Time;
use crate::error::{ErrorCode, Result, SetupError};

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One for each thing that is not as it should be, in the order of the search.
    pub findings: Vec<Finding>,
    /// How many more there are than those.
    pub omitted: u64,
    /// The worst of all findings.
    pub worst: Option<Severity>,
    /// The volume was put right.
    pub repaired: bool,
    /// What was looked at.
    pub counts: Counts,
}

/// What a check looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files.
    pub files: u64,
    /// Directories, the root among them.
    pub directories: u64,
    /// Symbolic links, devices and the like.
    pub others: u64,
    /// Bytes of the blocks that are used, by files and by the volume itself.
    pub used: u64,
    /// Bytes of all blocks.
    pub size: u64,
    /// The number of the last checkpoint.
    pub epoch: u64,
    /// Commits since then.
    pub commits: u64,
    /// Blocks written by these, and compared with their digests.
    pub compared: u64,
}

impl Report {
    /// Whether nothing is wrong: there may be notes.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.worst.is_none_or(|worst| worst == Severity::Note)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.omitted > 0 {
            writeln!(f, "and {} more", self.omitted)?;
        }
        let Counts { files, directories, others, used, size, .. } = self.counts;
        let state = match (self.is_clean(), self.repaired) {
            (true, _) => "clean",
            (false, true) => "repaired",
            (false, false) => "damaged; check with repair puts it right",
        };
        write!(
            f,
            "{state}: {files} files, {directories} directories, {others} others; \
             {used} of {size} bytes used"
        )
    }
}

/// Checks the volume on a disk, and with `repair` puts right what is wrong with it: then a
/// mount takes it, and another check finds nothing. Without findings, nothing is written.
///
/// A repair is a new checkpoint in a place that nothing uses: if it is cut off, the volume is
/// what it was, or repaired. Copy a volume that matters before, all the same: what is given
/// up cannot be had back.
///
/// # Errors
/// `not-recoverable` for what is no volume, or of which nothing is left; `unsupported` for a
/// newer format; `insufficient-space` if a repair has no room; `io`.
pub fn check(disk: &mut dyn Disk, repair: bool) -> Result<Report, SetupError> {
    let now = nanoseconds(Time::now()).unwrap_or_default();
    let seed = RandomState::new().hash_one(now);
    let mut findings = Findings::default();
    let Some(mut found) = salvage(disk, seed, now, &mut findings)? else {
        findings.note("there is no volume yet; the first mount makes it");
        return Ok(report(findings, Counts::default()));
    };
    let [files, directories, others] = found.table.sorts();
    let used: u64 = found.used.iter().map(|run| u64::from(run.count)).sum();
    let counts = Counts {
        files,
        directories,
        others,
        used: used * BLOCK as u64,
        size: u64::from(found.end) * BLOCK as u64,
        epoch: found.epoch(),
        commits: found.commits,
        compared: found.compared,
    };
    let mut report = report(findings, counts);
    if repair && !report.is_clean() {
        found.store(disk).map_err(|code| not_repaired(code, disk))?;
        report.repaired = true;
        for finding in &mut report.findings {
            finding.repaired = finding.severity > Severity::Note;
        }
    }
    Ok(report)
}

fn report(findings: Findings, counts: Counts) -> Report {
    let Findings { list, omitted, worst } = findings;
    Report { findings: list, omitted, worst, repaired: false, counts }
}

fn not_repaired(code: ErrorCode, disk: &mut dyn Disk) -> SetupError {
    let advice = match code {
        ErrorCode::InsufficientSpace => "make room on its storage, and repair it again",
        _ => "check the storage it lies on",
    };
    let size = disk.len().map_or_else(|_| "unknown".to_owned(), |len| len.to_string());
    let message = format!("the volume of {size} bytes cannot be repaired: {code}; {advice}");
    SetupError::new(code, message)
}
