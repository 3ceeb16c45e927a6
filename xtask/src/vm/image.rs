//! The root of a machine's files: programs of Debian's, and two test suites that are crates,
//! in an image that machines only read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::apt::{Apt, unpack};
use crate::tools::{cargo, on_path, run, run_quietly, say};

/// What the steps call.
const PACKAGES: [&str; 16] = [
    "bash",
    "busybox-static",
    "coreutils",
    "dash",
    "dbench",
    "diffutils",
    "findutils",
    "git",
    "grep",
    "gzip",
    "mount",
    "sed",
    "sqlite3",
    "stress-ng",
    "tar",
    "util-linux",
];
/// The same as crates: package, version, and the program.
const CRATES: [(&str, &str); 2] = [("pjdfstest", "0.2.2"), ("fsx", "0.3.2")];
/// What is not read there.
const NEEDLESS: [&str; 4] = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/X11"];
/// Changes with what is inside.
const VERSION: u32 = 3;

const PASSWD: &str = "\
root:x:0:0:root:/tmp:/bin/sh
tests:x:1001:1001:tests:/tmp:/bin/sh
pjdfstest:x:1002:1002:pjdfstest:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/tmp:/bin/sh
";
const GROUP: &str = "\
root:x:0:
tests:x:1001:
pjdfstest:x:1002:
nobody:x:65534:
";

/// The image, made if it is not there.
///
/// # Errors
/// If something cannot be fetched or built.
pub(super) fn image(root: &Path, folder: &Path, arch: &'static str) -> Result<PathBuf> {
    let folder = folder.join(arch);
    let image = folder.join(format!("root-{VERSION}.ext2"));
    if image.is_file() {
        return Ok(image);
    }
    for version in 1..VERSION {
        // It may never have been made.
        let _ = fs::remove_file(folder.join(format!("root-{version}.ext2")));
    }
    let tree = folder.join("root");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let apt = Apt::new(&folder, arch)?;
    for package in apt.fetch(&PACKAGES)? {
        unpack(&package, &tree, &[])?;
    }
    apt.end()?;
    for needless in NEEDLESS {
        let folder = tree.join(needless);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    for (package, version) in CRATES {
        let program = built(root, &folder, package, version)?;
        fs::copy(program, tree.join("usr/bin").join(package))?;
    }
    furnish(&tree)?;
    say("making the image of a machine's root");
    let unfinished = folder.join("unfinished.ext2");
    // Larger than all packages: what is not written takes no room.
    fs::File::create(&unfinished)?.set_len(1 << 30)?;
    let mke2fs = on_path("mke2fs").unwrap_or_else(|| "/usr/sbin/mke2fs".into());
    let mut make = Command::new(mke2fs);
    make.args(["-q", "-F", "-t", "ext2", "-i", "8192", "-E", "root_owner=0:0", "-d"]);
    run_quietly(make.arg(&tree).arg(&unfinished)).context("mke2fs is of the package e2fsprogs")?;
    fs::rename(unfinished, &image)?;
    fs::remove_dir_all(tree)?;
    Ok(image)
}

/// What packages make when they are installed, and places to mount on.
fn furnish(tree: &Path) -> Result<()> {
    // On systems where these are one with those below `usr`, a package that is not here makes
    // the links.
    for name in ["bin", "sbin", "lib", "lib64"] {
        let link = tree.join(name);
        if !link.exists() {
            symlink(&format!("usr/{name}"), &link)?;
        }
    }
    for (name, program) in [("sh", "dash"), ("which", "busybox")] {
        let link = tree.join("bin").join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(program, &link)?;
        }
    }
    for name in ["dev", "proc", "sys", "tmp", "mnt", "run", "root", "etc"] {
        fs::create_dir_all(tree.join(name))?;
    }
    fs::write(tree.join("etc/passwd"), PASSWD)?;
    fs::write(tree.join("etc/group"), GROUP)?;
    Ok(())
}

#[cfg(unix)]
fn symlink(to: &str, at: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(to, at)?)
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> Result<()> {
    anyhow::bail!("this system has no symbolic links")
}

/// A program that is a crate, with all that it needs inside.
fn built(root: &Path, folder: &Path, package: &str, version: &str) -> Result<PathBuf> {
    let installed = folder.join("crates");
    let program = installed.join("bin").join(package);
    if program.is_file() {
        return Ok(program);
    }
    say(&format!("building {package} {version}, once"));
    let scratch = folder.join("build");
    run(alone(&mut cargo(root))
        .args(["install", "--quiet", "--locked", "--version", version, package])
        .args(["--no-track", "--target", TARGET, "--root"])
        .arg(&installed)
        .arg("--target-dir")
        .arg(&scratch))?;
    fs::remove_dir_all(&scratch)?;
    Ok(program)
}

/// What machines run.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds programs that need no libraries of the system on which they run.
pub(super) fn alone(cargo: &mut Command) -> &mut Command {
    cargo.env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
}
