//! The Linux of the demo's page: what v86 boots, and the machine as it is when it has booted,
//! so that no page has to wait for that.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pieces::{PAGE, Pieces};
use crate::tools::{command, run, say};

/// What a saved machine depends on, below `jco`.
const MADE_OF: [&str; 3] =
    ["demo/linux/init.sh", "demo/linux/machine.ts", "node_modules/v86/package.json"];

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
