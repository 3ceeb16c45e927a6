//! The command line, killed in the middle of a guest's changes on a volume in a file: it is
//! then as it was after some change, and not before the last one that was stored.

use std::fmt::Display;
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

/// What is killed.
#[derive(Clone, Copy)]
pub(crate) enum Guest<'a> {
    /// A program that makes random changes.
    Changes(&'a Path),
    /// SQLite, which commits transactions.
    Sqlite(&'a Path),
}

impl<'a> Guest<'a> {
    fn program(self) -> &'a Path {
        let (Self::Changes(program) | Self::Sqlite(program)) = self;
        program
    }

    /// Where it wants its files.
    fn mount(self) -> &'static str {
        match self {
            Self::Changes(_) => "work",
            Self::Sqlite(_) => "/",
        }
    }

    /// Arguments with which it goes on from a state, and has no end.
    fn change(self, seed: u64, from: u64) -> Vec<String> {
        match self {
            Self::Changes(_) => words(&[&"change", &seed, &from, &MANY]),
            Self::Sqlite(_) => words(&[&"--grow", &"/grown.db"]),
        }
    }

    /// Arguments with which it prints which state is there, or fails if it is none that may be.
    fn tell(self, seed: u64, from: u64, to: u64) -> Vec<String> {
        match self {
            Self::Changes(_) => words(&[&"tell", &seed, &from, &to]),
            Self::Sqlite(_) => words(&[&"--grown", &"/grown.db"]),
        }
    }

    /// How many changes it makes before it says the next one.
    fn unsaid(self) -> u64 {
        match self {
            Self::Changes(_) => 4 * SYNC_EVERY,
            Self::Sqlite(_) => 1,
        }
    }
}

fn words(words: &[&dyn Display]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// A program, and the folder with the volume that it makes changes on.
pub(crate) struct Kills<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) guest: Guest<'a>,
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
                .and_then(|(stored, reached)| self.state(seed, stored, reached));
            match next {
                Ok(next) => state = next,
                Err(error) => return Ok((kill, vec![format!("seed {seed}: {error:#}")])),
            }
        }
        ensure!(state > 0, "no change was made in {count} runs");
        Ok((count, Vec::new()))
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(self.binary);
        let volume = self.folder.join("killed.volume");
        command.arg("run").arg(self.guest.program()).arg("--mount");
        command.arg(format!("{}=volume:{}", self.guest.mount(), volume.display()));
        command.arg("--").args(arguments).stdin(Stdio::null());
        command
    }

    /// Lets the guest go on from a state, and kills it after a while. Which state was surely
    /// stored, and which one it may have reached.
    fn killed(&self, seed: u64, from: u64, wait: Duration) -> Result<(u64, u64)> {
        let mut command = self.command(&self.guest.change(seed, from));
        let mut child = command.stdout(Stdio::piped()).spawn()?;
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
        Ok((stored, reached + self.guest.unsaid()))
    }

    /// Which of the states from one to another is there.
    fn state(&self, seed: u64, from: u64, to: u64) -> Result<u64> {
        let output = self.command(&self.guest.tell(seed, from, to)).output()?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{from} were stored: {stderr}");
        let number = stdout.trim().strip_prefix("state ").context("a state")?;
        let state = number.parse()?;
        ensure!((from..=to).contains(&state), "{state} is there, {from} to {to} may be");
        Ok(state)
    }
}
