//! How large the package is, and what a page loads of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::table::{numbers_right, table};
use crate::tools::{chromium, command, name};

/// What `jco/bench/size.mjs` says, in bytes.
#[derive(Serialize, Deserialize)]
pub(super) struct Sizes {
    /// What npm fetches, and what it makes of it.
    tarball: u64,
    unpacked: u64,
    core: Size,
    /// What a page loads to have a volume, by what bundled it.
    pages: BTreeMap<String, Page>,
}

#[derive(Serialize, Deserialize)]
struct Page {
    javascript: Size,
    wasm: Size,
}

#[derive(Serialize, Deserialize)]
struct Size {
    bytes: u64,
    gzipped: u64,
}

impl Sizes {
    /// Packs the package, installs it, and has pages made and opened.
    ///
    /// # Errors
    /// If one of these fails.
    pub(super) fn measure(root: &Path) -> Result<Self> {
        let mut node = command(&root.join("jco"), "node");
        node.arg("bench/size.mjs").env("CHROME", chromium()?).stderr(Stdio::inherit());
        let output = node.output().with_context(|| format!("cannot start {}", name(&node)))?;
        ensure!(output.status.success(), "{} failed ({})", name(&node), output.status);
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    pub(super) fn core_gzipped(&self) -> u64 {
        self.core.gzipped
    }

    /// All sizes, for a terminal.
    pub(super) fn table(&self) -> String {
        let mut table = table(["KB".to_owned(), "as it is".into(), "gzipped".into()]);
        let mut row = |name: &str, bytes: u64, gzipped: u64| {
            table.add_row([name.to_owned(), kilobytes(bytes), kilobytes(gzipped)]);
        };
        row("the package, unpacked and packed", self.unpacked, self.tarball);
        row("the core", self.core.bytes, self.core.gzipped);
        for (bundler, Page { javascript, wasm }) in &self.pages {
            row(&format!("{bundler}: JavaScript"), javascript.bytes, javascript.gzipped);
            if wasm.bytes > 0 {
                row(&format!("{bundler}: WebAssembly"), wasm.bytes, wasm.gzipped);
            }
        }
        numbers_right(&mut table);
        format!("the package\n{table}\n\n")
    }
}

fn kilobytes(bytes: u64) -> String {
    (bytes.saturating_add(500) / 1000).to_string()
}
