//! The command line, killed in the middle of a guest's changes on a volume in a file: it is
//! then as it was after some change, and not before the last one that was stored.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};

/// The guest syncs after so many changes at the latest, and says so before and after.
const SYNC_EVERY: u64 = 40;

/// How long the command line takes to start a program, more or less.
const START: Duration = Duration::from_millis(200);

/// Changes for which no run lives long enough.
const MANY: u64 = 1_000_000_000;

/// A program that makes random changes, the volume that it makes them on, and the seed.
pub(crate) struct Kills<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) guest: &'a Path,
    pub(crate) folder: &'a Path,
}

impl Kills<'_> {
    /// Kills it so many times; the number of kills, and what went wrong.
    pub(crate) fn run(&self, count: u64) -> Result<(u64, Vec<String>)> {
        fs::create_dir_all(self.folder)?;
        let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.subsec_micros();
        let seed = u64::from(seed);
        let mut state = 0;
        for kill in 0..count {
            // From at once to after a second.
            let wait = Duration::from_millis((seed + kill * 619) % 1000);
            let next = self
                .killed(seed, state, wait)
                .and_then(|(stored, reached)| self.state(seed, stored, reached + 4 * SYNC_EVERY));
            match next {
                Ok(next) => state = next,
                Err(error) => return Ok((kill, vec![format!("seed {seed}: {error:#}")])),
            }
        }
        Ok((count, Vec::new()))
    }

    fn command(&self, words: [&str; 4]) -> Command {
        let mut command = Command::new(self.binary);
        command.arg("run").arg(self.guest).arg("--mount");
        command.arg(format!("work=volume:{}", self.folder.join("killed.volume").display()));
        command.arg("--").args(words).stdin(Stdio::null());
        command
    }

    /// Lets the guest go on from a state, and kills it after a while. Which state was surely
    /// stored, and which one it had reached.
    fn killed(&self, seed: u64, from: u64, wait: Duration) -> Result<(u64, u64)> {
        let words = ["change", &seed.to_string(), &from.to_string(), &MANY.to_string()];
        let mut child = self.command(words).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("it has an output")?);
        let (mut stored, mut reached) = (from, from);
        // Whoever waits for a line does so until the kill, which comes in any case.
        let killer = std::thread::spawn(move || {
            std::thread::sleep(wait + START);
            let killed = child.kill();
            killed.and_then(|()| child.wait())
        });
        let mut line = String::new();
        // Half a line is none.
        while output.read_line(&mut line)? > 0 && line.ends_with('\n') {
            let (word, number) = line.trim().split_once(' ').context("a word and a number")?;
            reached = number.parse()?;
            if word == "stored" {
                stored = reached;
            }
            line.clear();
        }
        let status = killer.join().map_err(|_| anyhow::anyhow!("the killer failed"))??;
        ensure!(status.code().is_none(), "the program ended by itself: {status}");
        Ok((stored, reached))
    }

    /// Which of the states from one to another is there.
    fn state(&self, seed: u64, from: u64, to: u64) -> Result<u64> {
        let words = ["tell", &seed.to_string(), &from.to_string(), &to.to_string()];
        let output = self.command(words).output()?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{from} were stored: {stderr}");
        let number = stdout.trim().strip_prefix("state ").context("a state")?;
        Ok(number.parse()?)
    }
}
