//! What is built from this repository: the npm package, the command line, the
//! guests, and the behaviour suite for the browser.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER;
use wasm_bindgen_cli_support::Bindgen;

use crate::tools::{cargo, command, npm_packages, run, say, targets};
use crate::transcript::TRANSCRIPT;

/// Builds the npm package in `jco/dist`.
pub(crate) fn package(root: &Path) -> Result<()> {
    targets()?;
    let jco = root.join("jco");
    npm_packages(&jco)?;
    say("building the npm package");
    let wasm = host_for_the_browser(root, "browser", "tree,jco")?;
    let core = jco.join("dist/core");
    bindgen(&wasm, &core)?;
    let check = host_for_the_browser(root, "browser", "check")?;
    bindgen(&check, &jco.join("dist/check"))?;
    // Both runners make components of preview1 modules with the same adapter.
    std::fs::write(core.join("preview1-adapter.wasm"), WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)?;
    run(command(&jco, "npm").args(["run", "--silent", "build"]))
}

/// Builds the behaviour suite for the browser, and answers its folder.
pub(crate) fn browser_suite(root: &Path) -> Result<PathBuf> {
    targets()?;
    let folder = root.join("target/browser-suite");
    let wasm = host_for_the_browser(root, "dev", "tree,testing")?;
    bindgen(&wasm, &folder)?;
    Ok(folder)
}

/// Builds the binary `wasi-opfs`, and answers its path.
pub(crate) fn cli(root: &Path) -> Result<PathBuf> {
    say("building the command line");
    run(cargo(root).args(["build", "--quiet", "--package", "wasi-opfs", "--features", "cli"]))?;
    Ok(cli_path(root))
}

/// Where the binary lies, once it was built.
pub(crate) fn cli_path(root: &Path) -> PathBuf {
    root.join("target/debug").join(format!("wasi-opfs{}", std::env::consts::EXE_SUFFIX))
}

/// Builds the guest programs, and answers their names and paths: one for each file and folder
/// in `guest-tests/src/bin`.
pub(crate) fn guests(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    guests_for(root, "wasm32-wasip2", |_| true)
}

/// The same of those that use the standard library alone, as plain preview1 modules.
pub(crate) fn preview1_guests(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    guests_for(root, "wasm32-wasip1", |name| name.starts_with("std_") || name == TRANSCRIPT)
}

fn guests_for(
    root: &Path,
    target: &str,
    takes: impl Fn(&str) -> bool,
) -> Result<Vec<(String, PathBuf)>> {
    targets()?;
    say(&format!("building the guest programs for {target}"));
    let built = root.join("target").join(target).join("guest");
    let mut guests = programs(&root.join("guest-tests/src/bin"), &built)?;
    guests.retain(|(name, _)| takes(name));
    let mut cargo = cargo(root);
    cargo.args(["build", "--quiet", "--package", "guest-tests", "--target", target]);
    cargo.args(["--profile", "guest"]).args(guests.iter().flat_map(|(name, _)| ["--bin", name]));
    run(&mut cargo)?;
    Ok(guests)
}

/// Builds the guest program that is made against the oldest and the newest WIT of WASI 0.2:
/// components for each file in `guest-tests/versions/examples`. They stand on no library of
/// WASI's, which would bring imports of its own version. `jco/test/versions.mjs` does the same.
pub(crate) fn version_guests(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    const TARGET: &str = "wasm32-unknown-unknown";
    targets()?;
    say("building the guest program for the oldest and the newest WASI 0.2");
    run(cargo(root)
        .args(["build", "--quiet", "--package", "guest-versions", "--examples"])
        .args(["--target", TARGET, "--profile", "guest"])
        // The linker of the WASI targets: it makes a component of the module.
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-component-ld")
        .env("RUSTFLAGS", "-Clink-arg=--wasi-adapter=none"))?;
    let built = root.join("target").join(TARGET).join("guest/examples");
    programs(&root.join("guest-tests/versions/examples"), &built)
}

/// Builds the guest programs that measure for `target`, and answers their names and paths: one
/// for each file in `guest-tests/bench/src/bin`.
pub(crate) fn measuring_guests(root: &Path, target: &str) -> Result<Vec<(String, PathBuf)>> {
    targets()?;
    say(&format!("building the guest programs that measure for {target}"));
    run(cargo(root).args(["build", "--quiet", "--package", "guest-bench", "--bins"]).args([
        "--target",
        target,
        "--release",
    ]))?;
    let built = root.join("target").join(target).join("release");
    programs(&root.join("guest-tests/bench/src/bin"), &built)
}

/// The name of each source in a folder, and the module that it is built to.
fn programs(sources: &Path, built: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut programs = Vec::new();
    for file in std::fs::read_dir(sources)? {
        let file = file?.path();
        let name = file.file_stem().context("a guest program has a name")?;
        let name = name.to_string_lossy().into_owned();
        programs.push((name.clone(), built.join(format!("{name}.wasm"))));
    }
    programs.sort();
    Ok(programs)
}

/// Compiles the host to wasm32 with the given features.
fn host_for_the_browser(root: &Path, profile: &str, features: &str) -> Result<PathBuf> {
    // Another folder than the native builds use: features of shared dependencies
    // differ, and neither is to undo the other's work.
    let target = root.join("target/browser").join(features.replace(',', "-"));
    run(cargo(root)
        .args(["rustc", "--quiet", "--package", "wasi-opfs", "--lib", "--crate-type", "cdylib"])
        .args(["--target", "wasm32-unknown-unknown", "--no-default-features"])
        .args(["--features", features, "--profile", profile])
        .env("CARGO_TARGET_DIR", &target)
        // Digests are a good part of writing. Whoever has JSPI or access handles has this.
        .env("RUSTFLAGS", "-Ctarget-feature=+simd128"))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target.join("wasm32-unknown-unknown").join(folder).join("wasi_opfs.wasm"))
}

/// Makes the JavaScript beside the module.
fn bindgen(wasm: &Path, folder: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(true)
        .remove_producers_section(true)
        // Who loads it says where the module is: bundlers would ship it twice.
        .omit_default_module_path(true)
        .generate(folder)
        .with_context(|| format!("cannot make the bindings of {}", wasm.display()))
}
