//! The Linux of the demo's page: what v86 boots, and the machine as it is when it has booted,
//! so that no page has to wait for that.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::apt::{Apt, is_of, unpack};
use super::pieces::{PAGE, Pieces};
use crate::tools::{command, run, say};

/// What a saved machine depends on, below `jco`.
const MADE_OF: [&str; 3] =
    ["demo/linux/init.sh", "demo/linux/machine.ts", "node_modules/v86/package.json"];

/// The packages of git's that a clone on one machine needs, and what is in them: a library is
/// in one of two places, by the version of Debian.
const GIT: [(&str, &str); 4] = [
    ("git", "usr/bin/git"),
    ("libc6", "lib/ld-linux.so.2"),
    ("zlib1g", "lib/i386-linux-gnu/libz.so.1"),
    ("libpcre2-8-0", "lib/i386-linux-gnu/libpcre2-8.so.0"),
];
const LIBC: &str = "lib/i386-linux-gnu/libc.so.6";

/// The folder with the pieces, by the names that `jco/demo/serve.mjs` knows them by. The npm
/// packages are there.
///
/// # Errors
/// If something cannot be fetched, or Linux does not boot.
pub(crate) fn linux(root: &Path) -> Result<PathBuf> {
    let pieces = Pieces::new(&root.join("target/vm"), &PAGE)?;
    let (folder, jco) = (pieces.folder(), root.join("jco"));
    let mut made_of = Vec::new();
    for name in MADE_OF {
        made_of.extend(fs::read(jco.join(name)).with_context(|| format!("there is no {name}"))?);
    }
    let stamp = folder.join("saved");
    if !fs::read(&stamp).is_ok_and(|saved| saved == made_of) {
        let init = fs::read_to_string(jco.join(MADE_OF[0]))?;
        let files = folder.join("initramfs");
        pieces.archive(&files, &init, &[])?;
        say("booting the page's Linux and saving it, once, in half a minute");
        let mut save = command(&jco, "node");
        save.args(["demo/linux/save.mjs", "node_modules/v86/build/v86.wasm"]);
        for name in ["bios.bin", "vgabios.bin", "vmlinuz", "initramfs", "state.gz"] {
            save.arg(folder.join(name));
        }
        run(&mut save)?;
        fs::write(stamp, made_of)?;
    }
    Ok(folder.to_owned())
}

/// The archive of a Linux like the page's that has git, too, and something to clone.
///
/// # Errors
/// If something cannot be fetched.
pub(crate) fn files_with_git(root: &Path) -> Result<PathBuf> {
    let pieces = Pieces::new(&root.join("target/vm"), &PAGE)?;
    let files = pieces.folder().join("initramfs-with-git");
    let init = fs::read_to_string(root.join("jco").join(MADE_OF[0]))?;
    let tree = pieces.folder().join("git");
    if !tree.exists() {
        let unfinished = pieces.folder().join("unfinished-git");
        let apt = Apt::new(pieces.folder(), PAGE.arch)?;
        for package in apt.fetch(&["git"])? {
            if GIT.iter().any(|(name, _)| is_of(&package, name)) {
                unpack(&package, &unfinished, &[])?;
            }
        }
        apt.end()?;
        fs::rename(unfinished, &tree)?;
    }
    let paths = GIT.into_iter().map(|(_, path)| path).chain([LIBC]);
    let git = paths.map(|path| {
        let places = [tree.join(path), tree.join("usr").join(path)];
        let found = places.iter().find(|place| place.exists());
        let found = found.with_context(|| format!("Debian has no {path} any more"))?;
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let folder = if name == "git" { "bin" } else { "lib" };
        Ok((format!("{folder}/{name}"), fs::read(found)?))
    });
    let pack = ("bin/pack".to_owned(), include_bytes!("pack.sh").to_vec());
    let inside = git.chain([Ok(pack)]).collect::<Result<Vec<_>>>()?;
    pieces.archive(&files, &init, &inside)?;
    Ok(files)
}
