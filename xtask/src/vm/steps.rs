//! What is run in a machine: one row for each step, and how its output is read.

use std::time::Duration;

use super::suite;

/// What is mounted: the name of the mount, and of what kind it is.
pub(super) const EXPORTS: [&str; 3] = ["volume", "dir", "memory"];

/// How a step's output is read.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    /// It is one test.
    Whole,
    /// Lines `ok NAME` and `FAILED NAME: why`, and others.
    Lines,
    /// That of pjdfstest.
    Suite,
}

pub(super) struct Step {
    pub(super) name: &'static str,
    /// For the shell: HERE is a folder of its own on the mount; SMALL is the same by a second
    /// mount with the smallest messages, MAPPED by a third with `cache=mmap`, without which
    /// Linux maps no file to write to; COUNT is one of the two counts.
    pub(super) command: &'static str,
    /// In the default tests, and with all of them.
    counts: (u32, u32),
    /// Where it belongs to the default tests. With all, it is run everywhere.
    default: &'static [&'static str],
    /// Ten times what it takes on a machine that has nothing else to do, more or less.
    minutes: (u64, u64),
    pub(super) reads: Reads,
}

impl Step {
    pub(super) fn is_run_on(&self, export: &str, all: bool) -> bool {
        all || self.default.contains(&export)
    }

    pub(super) fn limit(&self, all: bool) -> Duration {
        let (default, long) = self.minutes;
        Duration::from_mins(if all { long } else { default })
    }

    /// The command for the folder of this name on a mount.
    pub(super) fn on(&self, export: &str, folder: &str, all: bool) -> String {
        let count = if all { self.counts.1 } else { self.counts.0 };
        self.command
            .replace("HERE", &format!("/mnt/{export}/{folder}"))
            .replace("SMALL", &format!("/mnt/{export}-small/{folder}"))
            .replace("MAPPED", &format!("/mnt/{export}-mapped/{folder}"))
            .replace("COUNT", &count.to_string())
    }
}

const VOLUME: &[&str] = &["volume"];

pub(super) const STEPS: [Step; 14] = [
    Step {
        name: "our own checks",
        command: "guest-vm check HERE SMALL",
        counts: (0, 0),
        // (What is in memory is a volume, too.)
        default: &["volume", "dir"],
        minutes: (10, 10),
        reads: Reads::Lines,
    },
    Step {
        name: "pjdfstest",
        command: "pjdfstest -c /run/steps/pjdfstest.toml -s /tmp -p HERE",
        counts: (0, 0),
        default: VOLUME,
        minutes: (15, 15),
        reads: Reads::Suite,
    },
    Step {
        // The suite leaves files open, after which Linux makes nothing read-only.
        name: "pjdfstest on a mount made read-only",
        command: "pjdfstest -c /run/steps/remount.toml -p HERE erofs",
        counts: (0, 0),
        default: VOLUME,
        minutes: (5, 5),
        reads: Reads::Suite,
    },
    Step {
        name: "fsx",
        command: "cd HERE && fsx -N COUNT -f /run/steps/fsx.toml -P /tmp file",
        counts: (1_000, 100_000),
        default: VOLUME,
        minutes: (5, 90),
        reads: Reads::Whole,
    },
    Step {
        name: "fsx with mapped files",
        command: "cd MAPPED && fsx -N COUNT -f /run/steps/fsx-mapped.toml -P /tmp file",
        counts: (500, 10_000),
        default: VOLUME,
        minutes: (5, 30),
        reads: Reads::Whole,
    },
    Step {
        name: "a session with git",
        command: "sh /run/steps/git.sh HERE COUNT",
        counts: (30, 300),
        default: VOLUME,
        minutes: (10, 20),
        reads: Reads::Whole,
    },
    Step {
        name: "SQLite with a journal",
        command: "sh /run/steps/sqlite.sh HERE delete COUNT",
        counts: (10, 100),
        default: VOLUME,
        minutes: (5, 10),
        reads: Reads::Whole,
    },
    Step {
        name: "SQLite with a write-ahead log",
        command: "sh /run/steps/sqlite.sh HERE wal-alone COUNT",
        counts: (10, 100),
        default: VOLUME,
        minutes: (5, 10),
        reads: Reads::Whole,
    },
    Step {
        name: "SQLite with a write-ahead log that is shared",
        command: "sh /run/steps/sqlite.sh MAPPED wal COUNT",
        counts: (10, 100),
        default: VOLUME,
        minutes: (5, 10),
        reads: Reads::Whole,
    },
    Step {
        name: "rm -rf with messages of 8 KiB",
        command: "sh /run/steps/remove.sh SMALL COUNT",
        counts: (2_000, 5_000),
        default: VOLUME,
        minutes: (5, 10),
        reads: Reads::Whole,
    },
    Step {
        name: "tar",
        command: "sh /run/steps/tar.sh HERE COUNT",
        counts: (200, 2_000),
        default: VOLUME,
        minutes: (5, 10),
        reads: Reads::Whole,
    },
    Step {
        name: "flock between shells",
        command: "sh /run/steps/flock.sh HERE SMALL COUNT",
        counts: (20, 60),
        default: VOLUME,
        minutes: (5, 10),
        reads: Reads::Whole,
    },
    Step {
        name: "dbench",
        command: "dbench -t COUNT -c /usr/share/dbench/client.txt -D HERE 3",
        counts: (3, 20),
        default: &[],
        minutes: (5, 5),
        reads: Reads::Whole,
    },
    Step {
        name: "stress-ng",
        command: "sh /run/steps/stress.sh HERE COUNT",
        counts: (1, 2),
        default: &[],
        minutes: (15, 15),
        reads: Reads::Lines,
    },
];

/// What lies in a machine's folder of steps.
pub(super) const FILES: [(&str, &str); 11] = [
    ("git.sh", include_str!("steps/git.sh")),
    ("sqlite.sh", include_str!("steps/sqlite.sh")),
    ("remove.sh", include_str!("steps/remove.sh")),
    ("tar.sh", include_str!("steps/tar.sh")),
    ("flock.sh", include_str!("steps/flock.sh")),
    ("stress.sh", include_str!("steps/stress.sh")),
    ("measure.sh", include_str!("steps/measure.sh")),
    ("fsx.toml", include_str!("steps/fsx.toml")),
    ("fsx-mapped.toml", include_str!("steps/fsx-mapped.toml")),
    ("pjdfstest.toml", include_str!("steps/pjdfstest.toml")),
    ("remount.toml", include_str!("steps/remount.toml")),
];

impl Reads {
    /// How many tests passed, and what failed.
    pub(super) fn read(self, export: &str, code: i32, output: &str) -> (u64, Vec<String>) {
        let (passed, mut failures) = match self {
            Self::Whole => (u64::from(code == 0), Vec::new()),
            Self::Lines => lines(output),
            Self::Suite => return suite::read(export, code, output),
        };
        if failures.is_empty() && (code != 0 || passed == 0) {
            failures.push(format!("exit code {code}\n{}", end(output)));
        }
        (passed, failures)
    }
}

fn lines(output: &str) -> (u64, Vec<String>) {
    let passed = output.lines().filter(|line| line.starts_with("ok ")).count();
    let failed = output.lines().filter_map(|line| line.strip_prefix("FAILED "));
    (passed as u64, failed.map(str::to_owned).collect())
}

/// The last lines of an output.
pub(super) fn end(output: &str) -> String {
    const LINES: usize = 30;
    let lines: Vec<_> = output.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read() {
        let two = "ok a: b (3 ms)\nFAILED c: why\nskipped d\n";
        assert_eq!(Reads::Lines.read("volume", 1, two), (1, vec!["c: why".to_owned()]));
        assert_eq!(Reads::Lines.read("volume", 0, "ok a\n"), (1, vec![]));
        // One that ended in the middle is no success.
        assert_eq!(Reads::Lines.read("volume", 137, "ok a\n").1.len(), 1);
        assert_eq!(Reads::Lines.read("volume", 0, "").1.len(), 1);
        assert_eq!(Reads::Whole.read("volume", 0, ""), (1, vec![]));
        assert_eq!(Reads::Whole.read("volume", 2, "x"), (0, vec!["exit code 2\nx".to_owned()]));
    }
}
