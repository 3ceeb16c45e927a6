//! Runs in a Linux that mounts a file system, and checks what known suites do not.
//! `guest-vm check FOLDER [OTHER]` where OTHER is the same folder by another mount, prints a
//! line for each check. `change` and `compare` are for a server that is killed, `throughput` and
//! `calls` measure; with other words the checks call themselves, as processes of their own.

#![cfg(target_os = "linux")]

mod attributes;
mod data;
mod kept;
mod listing;
mod locks;
mod measure;
mod names;
mod objects;
mod open;
mod sizes;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// A folder that is empty and a check's own, by both mounts if there are two.
struct Place {
    here: PathBuf,
    other: PathBuf,
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.here.join(name)
    }
}

type Check = fn(&Place) -> Result<()>;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match called(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Whoever reads this reads what a failure is, too.
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn called(words: &[&str]) -> Result<bool> {
    match *words {
        ["check", folder] => check(folder, folder),
        ["check", folder, other] => check(folder, other),
        ["change", folder, seed] => kept::change(Path::new(folder), seed.parse()?).map(|()| true),
        ["compare", folder, seed, stored, reached] => {
            let (stored, reached) = (stored.parse()?, reached.parse()?);
            kept::compare(Path::new(folder), seed.parse()?, stored, reached).map(|()| true)
        }
        ["throughput", folder] => measure::throughput(Path::new(folder)).map(|()| true),
        ["calls", folder] => measure::calls(Path::new(folder)).map(|()| true),
        ["append", file, writer] => data::append(Path::new(file), writer).map(|()| true),
        ["create", folder] => open::create(Path::new(folder)).map(|()| true),
        ["lock", file, kind, from, length, how] => {
            locks::held(Path::new(file), kind, from.parse()?, length.parse()?, how)
        }
        _ => bail!("guest-vm check FOLDER [OTHER]"),
    }
}

/// Runs all checks, and prints how each ends. Whether all end well.
fn check(folder: &str, other: &str) -> Result<bool> {
    let mut good = true;
    let parts: [(&str, &[(&str, Check)]); 8] = [
        ("objects", objects::CHECKS),
        ("listing", listing::CHECKS),
        ("names", names::CHECKS),
        ("data", data::CHECKS),
        ("sizes", sizes::CHECKS),
        ("open", open::CHECKS),
        ("attributes", attributes::CHECKS),
        ("locks", locks::CHECKS),
    ];
    let mut out = std::io::stdout().lock();
    for (part, checks) in parts {
        for (name, check) in checks {
            let inside = format!("{part}-{}", name.replace(' ', "-"));
            let place = Place {
                here: Path::new(folder).join(&inside),
                other: Path::new(other).join(&inside),
            };
            let start = Instant::now();
            let made = fs::create_dir(&place.here).context("a folder for the check");
            match made.and_then(|()| check(&place)) {
                Ok(()) => writeln!(out, "ok {part}: {name} ({} ms)", start.elapsed().as_millis())?,
                Err(error) => {
                    good = false;
                    let error = format!("{error:#}").replace('\n', "; ");
                    writeln!(out, "FAILED {part}: {name}: {error}")?;
                }
            }
            out.flush()?;
        }
    }
    Ok(good)
}

/// Itself as a process of its own.
fn itself(words: &[&str]) -> Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command.spawn()?)
}

/// Waits for it, and answers what it printed.
fn ended(child: Child) -> Result<String> {
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "a process ended with {}: {said}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a call failed so.
fn fails<T>(
    result: std::result::Result<T, impl Into<std::io::Error>>,
    wanted: rustix::io::Errno,
    what: &str,
) -> Result<()> {
    match result.map_err(Into::into) {
        Ok(_) => bail!("{what} succeeds, and should be {wanted}"),
        Err(error) if error.raw_os_error() == Some(wanted.raw_os_error()) => Ok(()),
        Err(error) => bail!("{what} is {error}, and should be {wanted}"),
    }
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is UTF-8")
}
