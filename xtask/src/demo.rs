//! The demo: a page on which real programs keep their files in the browser, and one on which
//! a Linux does, too.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::build;
use crate::programs::Programs;
use crate::tools::{chromium, command, firefox, name, say};
use crate::vm;

/// Builds and serves the pages until Ctrl+C; or, headless, has browsers use one of them and
/// checks what it shows: the one with Linux if `linux` is served, too.
///
/// # Errors
/// If something cannot be built or served, or the page does not show what it should.
pub(crate) fn run(
    root: &Path,
    linux: bool,
    headless: bool,
    port: Option<u16>,
    screenshot: Option<&Path>,
) -> Result<()> {
    build::package(root)?;
    let programs = Programs::new(root)?;
    let jco = root.join("jco");
    let mut node = command(&jco, "node");
    node.arg("demo/main.mjs");
    let python = programs.python()?;
    node.arg(format!("--files=python={}", python.files.display()));
    for (name, program) in [
        ("coreutils", programs.coreutils()?),
        ("rg", programs.ripgrep()?),
        ("sqlite", programs.sqlite()?),
        ("python", python.program),
        ("php", programs.php()?),
    ] {
        node.arg(format!("{name}={}", program.display()));
    }
    if linux {
        node.arg(format!("--linux={}", vm::linux(root)?.display()));
    }
    if let Some(port) = port {
        node.arg(format!("--port={port}"));
    }
    if headless {
        node.arg("--headless").env("CHROME", chromium()?).env("FIREFOX", firefox()?);
    }
    if let Some(file) = screenshot {
        let file = std::path::absolute(file)?;
        node.arg(format!("--screenshot={}", file.display()));
    }
    say("making the page");
    let mut child = node
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", name(&node)))?;
    // When this process ends, in whatever way, so does its end of the pipe, and node
    // with it.
    let _pipe = child.stdin.take();
    let status = child.wait()?;
    ensure!(status.success(), "the demo failed ({status})");
    Ok(())
}
