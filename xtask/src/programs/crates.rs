//! Programs that are crates.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::TARGET;
use crate::tools::{cargo, run, say};

/// Builds the program `binary` of a crate into `folder`, unless that version is there.
pub(super) fn install(
    root: &Path,
    folder: &Path,
    package: &str,
    version: &str,
    binary: &str,
    features: &[&str],
) -> Result<PathBuf> {
    let name = format!("{package}-{version}");
    let installed = folder.join(format!("{name}-{TARGET}"));
    let program = installed.join(format!("bin/{binary}.wasm"));
    if program.is_file() {
        return Ok(program);
    }
    say(&format!("building {name}, once, in a few minutes"));
    let scratch = folder.join("build");
    run(cargo(root)
        .args(["install", "--quiet", "--locked", "--version", version, package])
        .args(features)
        .args(["--target", TARGET])
        .arg("--root")
        .arg(&installed)
        .arg("--target-dir")
        .arg(&scratch)
        // What it says at its end, that `bin` is not on the PATH, is of no use here.
        .arg("--no-track")
        // Browsers are sent these.
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols"))?;
    fs::remove_dir_all(&scratch)?;
    Ok(program)
}
