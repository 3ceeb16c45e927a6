//! Debian packages, fetched and unpacked without being installed: with a state of apt's own
//! for each architecture, so that neither root nor the system's own packages matter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::tools::{name, on_path, run_quietly, say};

pub(super) struct Apt {
    folder: PathBuf,
    arch: &'static str,
}

impl Apt {
    /// Keeps what it fetches below `folder`.
    ///
    /// # Errors
    /// If this is no Debian.
    pub(super) fn new(folder: &Path, arch: &'static str) -> Result<Self> {
        for tool in ["apt-get", "dpkg-deb", "tar"] {
            ensure!(
                on_path(tool).is_some(),
                "there is no {tool}: what virtual machines run comes from Debian's packages, \
                 so this needs a Debian or something like it"
            );
        }
        let folder = folder.join("apt");
        for inside in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(folder.join(inside))?;
        }
        // Nothing is installed, as far as it knows: so it fetches all that is needed.
        fs::write(folder.join("status"), "")?;
        Ok(Self { folder, arch })
    }

    /// Fetches packages and what they depend on.
    pub(super) fn fetch(&self, packages: &[&str]) -> Result<Vec<PathBuf>> {
        say(&format!("fetching {} of Debian for {}", packages.join(", "), self.arch));
        let mut update = self.get();
        let updated = update.arg("update").output();
        let updated = updated.with_context(|| format!("cannot start {}", name(&update)))?;
        let mut get = self.get();
        get.args(["install", "--download-only", "--no-install-recommends", "-y"]);
        // A source that cannot be read may have nothing that is needed.
        run_quietly(get.args(packages)).with_context(|| {
            let why = String::from_utf8_lossy(&updated.stderr);
            format!("these packages are needed, and Debian has them\n{why}")
        })?;
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder.join("archives"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Forgets all: the lists of packages are large, and what was fetched is unpacked.
    pub(super) fn end(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.folder)?)
    }

    fn get(&self) -> Command {
        let mut get = Command::new("apt-get");
        let at = |name: &str| self.folder.join(name).display().to_string();
        for option in [
            format!("Dir::State::lists={}", at("lists")),
            format!("Dir::State::status={}", at("status")),
            format!("Dir::Cache={}", self.folder.display()),
            format!("APT::Architecture={}", self.arch),
            format!("APT::Architectures={}", self.arch),
            "APT::Keep-Downloaded-Packages=true".to_owned(),
            // Whoever it would become may not write here.
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=1".to_owned(),
        ] {
            get.args(["-o", &option]);
        }
        get.arg("-q").env("DEBIAN_FRONTEND", "noninteractive");
        get
    }
}

/// Whether a file that was fetched is the package of this name.
pub(super) fn is_of(file: &Path, package: &str) -> bool {
    let called = file.file_name().unwrap_or_default().to_string_lossy();
    called.strip_prefix(package).is_some_and(|rest| rest.starts_with('_'))
}

/// Unpacks a package into a folder; all of it, or what matches `patterns`.
pub(super) fn unpack(package: &Path, folder: &Path, patterns: &[String]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut packed = Command::new("dpkg-deb");
    let packed = packed.arg("--fsys-tarfile").arg(package).stdout(Stdio::piped());
    let mut packed = packed.spawn().with_context(|| format!("cannot start {}", name(packed)))?;
    let mut tar = Command::new("tar");
    tar.arg("-x").arg("-C").arg(folder).args(["--wildcards", "--no-same-owner"]).args(patterns);
    tar.stdin(packed.stdout.take().context("the archive was asked for")?);
    let unpacked = run_quietly_with(&mut tar);
    let status = packed.wait()?;
    unpacked?;
    ensure!(status.success(), "cannot unpack {} ({status})", package.display());
    Ok(())
}

/// As `run_quietly`, with an input of its own.
fn run_quietly_with(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {}", name(command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed ({})\n{said}", name(command), output.status);
    Ok(())
}
