//! `cargo xtask fuzz`: the fuzzers in `fuzz/`, each for some time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::tools::{cargo, on_path, run, run_quietly, say};

const TARGETS: [&str; 4] = ["mount", "check", "p9_wire", "p9_session"];

/// Runs one fuzzer, or all.
///
/// # Errors
/// If the set-up fails, or a fuzzer finds something.
pub(crate) fn fuzz(root: &Path, target: Option<&str>, seconds: u32) -> Result<()> {
    let known = target.is_none_or(|target| TARGETS.contains(&target));
    ensure!(known, "there is no such fuzzer; give one of {}", TARGETS.join(", "));
    let tool = cargo_fuzz(root)?;
    for name in TARGETS.into_iter().filter(|name| target.is_none_or(|target| target == *name)) {
        say(&format!("fuzzing {name} for {seconds} s; what it finds comes to fuzz/artifacts"));
        let mut command = crate::tools::command(root, &tool);
        // There is no unsafe code to sanitize, and a sanitizer would ask for a nightly Rust.
        command.args(["run", "--sanitizer", "none", name, "--"]);
        command.arg(format!("-max_total_time={seconds}"));
        command.args(["-rss_limit_mb=2048", "-timeout=30", "-max_len=600", "-len_control=0"]);
        run(&mut command).with_context(|| {
            format!("{name} found something; its last lines above say how to run it again")
        })?;
    }
    Ok(())
}

/// The tool that builds and runs fuzzers: one on the PATH, or one that is installed now.
fn cargo_fuzz(root: &Path) -> Result<PathBuf> {
    if let Some(found) = on_path("cargo-fuzz") {
        return Ok(found);
    }
    let folder = root.join("target/tools");
    let tool = folder.join("bin/cargo-fuzz");
    if !tool.exists() {
        say("installing cargo-fuzz into target/tools");
        let mut command = cargo(root);
        command.args(["install", "--locked", "--root"]).arg(&folder).arg("cargo-fuzz");
        run_quietly(&mut command)?;
    }
    Ok(tool)
}
