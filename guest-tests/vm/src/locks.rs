//! Locks between processes, through one mount and through two.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::{Check, Place, itself, path_text};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("writers exclude others", writers),
    ("readers share", readers),
    ("parts of a range", parts),
    ("who is in the way", in_the_way),
    ("a lock that is waited for", |place| waited(place, "write")),
    ("a flock that is waited for", |place| waited(place, "flock")),
    ("flocks exclude others", flocks),
    ("the lock of one who is killed", killed_holder),
    ("one who is killed while it waits", killed_waiter),
    ("a lock goes with the file", closed),
    ("many who wait in a row", row),
];

/// How long something takes that happens at once.
const SOON: Duration = Duration::from_secs(10);
/// After which something does not happen.
const NEVER: Duration = Duration::from_millis(300);

fn range(kind: i32, from: i64, length: i64) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).unwrap_or_default(),
        l_whence: 0, // from the start
        l_start: from,
        l_len: length,
        l_pid: 0,
    }
}

fn set(file: RawFd, command: i32, range: &mut libc::flock) -> std::io::Result<()> {
    // SAFETY: the structure that these commands take; the kernel looks at the descriptor.
    match unsafe { libc::fcntl(file, command, std::ptr::from_mut(range)) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// A process that locks, says so, and holds it until its input ends. Whether it got it.
pub(super) fn held(file: &Path, kind: &str, from: i64, length: i64, how: &str) -> Result<bool> {
    let file = OpenOptions::new().read(true).write(true).open(file)?;
    let wait = how == "wait";
    let locked = match kind {
        "flock" | "flock-shared" => {
            let operation = match (kind, wait) {
                ("flock", true) => FlockOperation::LockExclusive,
                ("flock", false) => FlockOperation::NonBlockingLockExclusive,
                (_, true) => FlockOperation::LockShared,
                (_, false) => FlockOperation::NonBlockingLockShared,
            };
            flock(&file, operation).map_err(Into::into)
        }
        _ => {
            let kind = if kind == "read" { libc::F_RDLCK } else { libc::F_WRLCK };
            let command = if wait { libc::F_SETLKW } else { libc::F_SETLK };
            set(file.as_raw_fd(), command, &mut range(kind, from, length))
        }
    };
    let mut out = std::io::stdout().lock();
    match locked {
        Ok(()) => writeln!(out, "locked")?,
        Err(error) if error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => {
            writeln!(out, "busy")?;
            return Ok(true);
        }
        Err(error) => bail!("locking is {error}"),
    }
    out.flush()?;
    std::io::stdin().lock().lines().for_each(drop);
    Ok(true)
}

/// Such a process.
struct Holder {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Holder {
    fn start(file: &Path, kind: &str, from: i64, length: i64, how: &str) -> Result<Self> {
        let (from, length) = (from.to_string(), length.to_string());
        let mut process = itself(&["lock", path_text(file)?, kind, &from, &length, how])?;
        let input = process.stdin.take();
        let output = process.stdout.take().context("the output was asked for")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Ok(Self { process, input, lines })
    }

    fn says(&self, wanted: &str) -> Result<()> {
        let said = self.lines.recv_timeout(SOON).context("it says nothing in time")?;
        ensure!(said == wanted, "it says '{said}' and not '{wanted}'");
        Ok(())
    }

    fn waits(&self) -> Result<()> {
        match self.lines.recv_timeout(NEVER) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            other => bail!("it does not wait: {other:?}"),
        }
    }

    fn ends(mut self) -> Result<()> {
        drop(self.input.take());
        self.process.wait()?;
        Ok(())
    }

    fn killed(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It has ended, mostly.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A file by both mounts.
fn file(place: &Place) -> Result<[std::path::PathBuf; 2]> {
    fs::write(place.at("f"), [0; 1000])?;
    Ok([place.at("f"), place.other.join("f")])
}

fn tries(file: &Path, kind: &str, from: i64, length: i64, wanted: &str) -> Result<()> {
    let holder = Holder::start(file, kind, from, length, "try")?;
    let said = holder.says(wanted);
    holder.ends()?;
    said.with_context(|| format!("a lock, {kind}, {length} from {from}"))
}

fn writers(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    let holder = Holder::start(&here, "write", 0, 100, "try")?;
    holder.says("locked")?;
    for file in [&here, &other] {
        tries(file, "write", 0, 100, "busy")?;
        tries(file, "write", 99, 1, "busy")?;
        tries(file, "read", 50, 500, "busy")?;
        tries(file, "write", 0, 0, "busy")?;
        tries(file, "write", 100, 100, "locked")?;
        tries(file, "write", 1 << 40, 0, "locked")?;
    }
    holder.ends()?;
    tries(&other, "write", 0, 0, "locked")
}

fn readers(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    let one = Holder::start(&here, "read", 0, 100, "try")?;
    one.says("locked")?;
    let two = Holder::start(&other, "read", 0, 100, "try")?;
    two.says("locked")?;
    tries(&here, "read", 0, 0, "locked")?;
    tries(&here, "write", 0, 0, "busy")?;
    tries(&other, "write", 0, 0, "busy")?;
    one.ends()?;
    tries(&here, "write", 0, 0, "busy")?;
    two.ends()?;
    tries(&here, "write", 0, 0, "locked")
}

fn parts(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    let open = File::options().read(true).write(true).open(&here)?;
    let set_range =
        |kind, from, length| set(open.as_raw_fd(), libc::F_SETLK, &mut range(kind, from, length));
    set_range(libc::F_WRLCK, 0, 100)?;
    set_range(libc::F_UNLCK, 40, 20)?;
    set_range(libc::F_RDLCK, 80, 10)?;
    for file in [&here, &other] {
        tries(file, "write", 0, 40, "busy")?;
        tries(file, "write", 40, 20, "locked")?;
        tries(file, "write", 40, 21, "busy")?;
        tries(file, "read", 80, 10, "locked")?;
        tries(file, "write", 80, 10, "busy")?;
        tries(file, "read", 79, 2, "busy")?;
        tries(file, "read", 90, 10, "busy")?;
    }
    set_range(libc::F_UNLCK, 0, 0)?;
    tries(&other, "write", 0, 0, "locked")
}

fn in_the_way(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    let holder = Holder::start(&here, "read", 10, 20, "try")?;
    holder.says("locked")?;
    for path in [&here, &other] {
        let open = File::options().read(true).write(true).open(path)?;
        let mut found = range(libc::F_WRLCK, 0, 0);
        set(open.as_raw_fd(), libc::F_GETLK, &mut found)?;
        let told = (i32::from(found.l_type), found.l_start, found.l_len);
        ensure!(told == (libc::F_RDLCK, 10, 20), "{}: in the way is {told:?}", path.display());
        // (That a reader is not in the way of another, Linux does not ask a server.)
        let mut none = range(libc::F_WRLCK, 30, 0);
        set(open.as_raw_fd(), libc::F_GETLK, &mut none)?;
        ensure!(i32::from(none.l_type) == libc::F_UNLCK, "a lock is in the way beside it");
    }
    holder.ends()
}

fn waited(place: &Place, kind: &str) -> Result<()> {
    let [here, other] = file(place)?;
    for (first, second) in [(&here, &here), (&here, &other), (&other, &here)] {
        let holder = Holder::start(first, kind, 0, 0, "try")?;
        holder.says("locked")?;
        let waiter = Holder::start(second, kind, 0, 0, "wait")?;
        waiter.waits()?;
        // Meanwhile, others are served.
        ensure!(fs::read(second)?.len() == 1000, "it cannot be read");
        holder.ends()?;
        waiter.says("locked")?;
        tries(first, kind, 0, 0, "busy")?;
        waiter.ends()?;
    }
    Ok(())
}

fn flocks(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    let holder = Holder::start(&here, "flock-shared", 0, 0, "try")?;
    holder.says("locked")?;
    for file in [&here, &other] {
        tries(file, "flock-shared", 0, 0, "locked")?;
        tries(file, "flock", 0, 0, "busy")?;
    }
    holder.ends()?;
    tries(&here, "flock", 0, 0, "locked")?;
    tries(&other, "flock", 0, 0, "locked")
}

fn killed_holder(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    for kind in ["write", "flock"] {
        let holder = Holder::start(&here, kind, 0, 0, "try")?;
        holder.says("locked")?;
        let waiter = Holder::start(&other, kind, 0, 0, "wait")?;
        waiter.waits()?;
        holder.killed()?;
        waiter.says("locked").with_context(|| kind.to_owned())?;
        waiter.ends()?;
    }
    Ok(())
}

fn killed_waiter(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    for file in [&here, &other] {
        let holder = Holder::start(&here, "write", 0, 0, "try")?;
        holder.says("locked")?;
        let waiter = Holder::start(file, "write", 0, 0, "wait")?;
        waiter.waits()?;
        waiter.killed()?;
        holder.ends()?;
        // It is not the lock of one who is not there any more.
        tries(&here, "write", 0, 0, "locked")?;
        tries(&other, "write", 0, 0, "locked")?;
    }
    Ok(())
}

fn closed(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    let open = File::options().read(true).write(true).open(&here)?;
    set(open.as_raw_fd(), libc::F_SETLK, &mut range(libc::F_WRLCK, 0, 0))?;
    tries(&other, "read", 0, 1, "busy")?;
    fs::remove_file(&here)?;
    fs::write(&here, [1; 1000])?;
    // The lock is the old file's.
    tries(&here, "write", 0, 0, "locked")?;
    drop(open);
    let open = File::options().read(true).write(true).open(&here)?;
    set(open.as_raw_fd(), libc::F_SETLK, &mut range(libc::F_WRLCK, 0, 0))?;
    tries(&other, "read", 0, 1, "busy")?;
    drop(open);
    tries(&other, "write", 0, 0, "locked")
}

fn row(place: &Place) -> Result<()> {
    let [here, other] = file(place)?;
    let holder = Holder::start(&here, "write", 0, 0, "try")?;
    holder.says("locked")?;
    let waiters: Vec<_> = (0..6)
        .map(|number| {
            let file = if number % 2 == 0 { &here } else { &other };
            Holder::start(file, "write", 0, 0, "wait")
        })
        .collect::<Result<_>>()?;
    holder.ends()?;
    // Each gets it in some order, and one at a time.
    let mut waiting = waiters;
    for _ in 0..6 {
        let until = std::time::Instant::now() + SOON;
        let next = loop {
            if let Some(next) = waiting.iter().position(|waiter| waiter.lines.try_recv().is_ok()) {
                break next;
            }
            ensure!(std::time::Instant::now() < until, "{} wait still", waiting.len());
            std::thread::sleep(Duration::from_millis(5));
        };
        let got = waiting.swap_remove(next);
        std::thread::sleep(Duration::from_millis(30));
        let second = waiting.iter().any(|waiter| waiter.lines.try_recv().is_ok());
        ensure!(!second, "two have it at once");
        got.ends()?;
    }
    Ok(())
}
