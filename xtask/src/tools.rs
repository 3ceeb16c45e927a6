//! The tools that the chores call, and how a missing one is set up.

use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Prints a line that says what goes on.
pub(crate) fn say(line: &str) {
    // Nobody reads it if this fails.
    let _ = writeln!(std::io::stderr(), "» {line}");
}

/// `cargo`, the one that runs this, building into the workspace's own folder: what it
/// makes is looked for there.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).env("CARGO_TARGET_DIR", root.join("target"));
    command
}

/// A command to be run in `folder`.
pub(crate) fn command(folder: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}

/// Runs a command to its end; its output is shown as it comes.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", name(command)))?;
    ensure!(status.success(), "{} failed ({status})", name(command));
    Ok(())
}

/// Runs a command and shows its output only if it fails.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", name(command)))?;
    if !output.status.success() {
        let mut stderr = std::io::stderr().lock();
        stderr.write_all(&output.stdout)?;
        stderr.write_all(&output.stderr)?;
        bail!("{} failed ({})", name(command), output.status);
    }
    Ok(())
}

/// The command as somebody would type it.
pub(crate) fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Adds the Rust targets that the builds need.
///
/// # Errors
/// If `rustup` cannot add one.
pub(crate) fn targets() -> Result<()> {
    const TARGETS: [&str; 3] = ["wasm32-unknown-unknown", "wasm32-wasip1", "wasm32-wasip2"];
    let listed = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .output()
        .context("cannot start rustup; install Rust from https://rustup.rs")?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let missing: Vec<_> =
        TARGETS.into_iter().filter(|target| !listed.lines().any(|line| line == *target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("adding the Rust targets {}", missing.join(", ")));
    run_quietly(Command::new("rustup").args(["target", "add"]).args(&missing))
}

/// Installs the npm packages of `folder`, unless they are those of its lock file.
///
/// # Errors
/// If npm is missing or fails.
pub(crate) fn npm_packages(folder: &Path) -> Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    say("installing the npm packages");
    // Not `npm ci`: it refuses a lock file in which a binding for some other platform is
    // missing. The versions are those of the lock file all the same.
    run_quietly(command(folder, "npm").args(["install", "--no-save", "--no-audit", "--no-fund"]))
        .context("npm is needed: install node 20 or newer")?;
    std::fs::write(&stamp, lock)?;
    Ok(())
}

/// A Chromium: the one of the environment variable `CHROME`, one on the PATH, or on
/// Debian one that is installed now.
///
/// # Errors
/// If there is none, and none can be installed.
pub(crate) fn chromium() -> Result<PathBuf> {
    const NAMES: [&str; 4] =
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    if let Some(chrome) = env::var_os("CHROME") {
        return Ok(chrome.into());
    }
    if let Some(found) = NAMES.iter().find_map(|name| on_path(name)) {
        return Ok(found);
    }
    apt_install(&["chromium"]).context(
        "no Chromium was found; install Chromium or Chrome 137 or newer, or set CHROME to one",
    )?;
    on_path("chromium").context("the package chromium brought no program of that name")
}

/// A Firefox: the one of the environment variable `FIREFOX`, one on the PATH, or on
/// Debian one that is installed now.
///
/// # Errors
/// If there is none, and none can be installed.
pub(crate) fn firefox() -> Result<PathBuf> {
    if let Some(firefox) = env::var_os("FIREFOX") {
        return Ok(firefox.into());
    }
    if let Some(found) = ["firefox-esr", "firefox"].iter().find_map(|name| on_path(name)) {
        return Ok(found);
    }
    apt_install(&["firefox-esr"])
        .context("no Firefox was found; install Firefox 153 or newer, or set FIREFOX to one")?;
    on_path("firefox-esr").context("the package firefox-esr brought no program of that name")
}

/// Where on the PATH a program lies.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Installs packages of a Debian system, if this is one and we may.
///
/// # Errors
/// If it is none, or we may not, or the installation fails.
pub(crate) fn apt_install(packages: &[&str]) -> Result<()> {
    ensure!(on_path("apt-get").is_some(), "there is no apt-get to install {}", packages.join(", "));
    let apt = |arguments: &[&str]| {
        let mut command = match (is_root(), on_path("sudo")) {
            (false, Some(sudo)) => {
                let mut command = Command::new(sudo);
                command.args(["-n", "apt-get"]);
                command
            }
            _ => Command::new("apt-get"),
        };
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).args(["-y", "-q"]);
        run_quietly(&mut command)
    };
    say(&format!("installing {} with apt-get", packages.join(", ")));
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"], packages].concat())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
