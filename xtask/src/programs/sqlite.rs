//! SQLite, whose source a crate carries, compiled by a clang that knows WebAssembly.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::TARGET;
use crate::tools::{apt_install, cargo, command, on_path, run, say};

/// What WASI lacks, SQLite does without: mapped files, and so the write-ahead log, and
/// extensions in shared libraries. (That it has no threads, its crate knows.)
const SQLITE_FLAGS: &str = "-DSQLITE_OMIT_WAL -DSQLITE_MAX_MMAP_SIZE=0 \
                            -USQLITE_ENABLE_LOAD_EXTENSION -DSQLITE_OMIT_LOAD_EXTENSION";

/// Builds `guest-tests/sqlite`.
pub(super) fn build(root: &Path, folder: &Path) -> Result<PathBuf> {
    let scratch = folder.join("sqlite");
    let program = scratch.join(TARGET).join("release/sqlite.wasm");
    let clang = clang(folder)?;
    if !program.is_file() {
        say("building SQLite, once");
    }
    // Cargo sees by itself whether there is something to do.
    run(cargo(&root.join("guest-tests/sqlite"))
        .args(["build", "--quiet", "--locked", "--release", "--target", TARGET])
        .env("CARGO_TARGET_DIR", &scratch)
        .env("LIBSQLITE3_FLAGS", SQLITE_FLAGS)
        .env(format!("CC_{TARGET}"), &clang.program)
        .env(format!("CFLAGS_{TARGET}"), clang.flags.join(" ")))?;
    Ok(program)
}

/// A C compiler for WASI.
struct Clang {
    program: PathBuf,
    flags: [String; 3],
}

/// The clang of `WASI_SDK_PATH`, one on the PATH with the headers of wasi-libc, or on
/// Debian one that is installed now. Rust brings the library and the linker.
fn clang(scratch: &Path) -> Result<Clang> {
    const MISSING: &str = "SQLite is written in C: install a clang that knows WebAssembly \
                           and wasi-libc, or set WASI_SDK_PATH to a WASI SDK";
    if let Some(clang) = usable_clang(scratch)? {
        return Ok(clang);
    }
    apt_install(&["clang", "wasi-libc"]).context(MISSING)?;
    usable_clang(scratch)?.context(MISSING)
}

/// The first clang that compiles a line with the first headers that there are.
fn usable_clang(scratch: &Path) -> Result<Option<Clang>> {
    let source = scratch.join("probe.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"\"); }\n")?;
    let sdk = env::var_os("WASI_SDK_PATH").map(PathBuf::from);
    let Some(headers) = headers(sdk.as_deref()) else { return Ok(None) };
    // The target by the name that every clang knows; those of the previews are younger.
    let flags = ["--target=wasm32-wasi".into(), "-isystem".into(), headers];
    let in_sdk = sdk.map(|sdk| sdk.join("bin/clang"));
    let versions = (14..40).rev().map(|version| format!("clang-{version}"));
    let names = std::iter::once("clang".to_owned()).chain(versions);
    let compiles = |program: &PathBuf| {
        let mut probe = command(scratch, program);
        probe.args(&flags).args(["-c", "probe.c", "-o", "probe.o"]);
        probe.output().is_ok_and(|output| output.status.success())
    };
    let program = in_sdk.into_iter().chain(names.filter_map(|name| on_path(&name))).find(compiles);
    Ok(program.map(|program| Clang { program, flags }))
}

/// The folder of wasi-libc's headers: that of the SDK, or where systems put it.
fn headers(sdk: Option<&Path>) -> Option<String> {
    let mut folders = Vec::new();
    let prefixes = ["/usr", "/usr/local", "/opt/homebrew"].map(Path::new);
    for sysroot in sdk.into_iter().chain(prefixes).map(|at| at.join("share/wasi-sysroot")) {
        for target in ["wasm32-wasi", "wasm32-wasip1"] {
            folders.push(sysroot.join("include").join(target));
        }
    }
    folders.extend(["/usr/include/wasm32-wasi", "/usr/wasm32-wasi/include"].map(PathBuf::from));
    let found = folders.into_iter().find(|folder| folder.join("stdio.h").is_file())?;
    Some(found.to_string_lossy().into_owned())
}
