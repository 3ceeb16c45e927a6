//! What a machine boots from: a kernel of Debian's, its modules, busybox, and the archive of
//! files that the kernel starts with. Fetched once; nothing of it is this repository's.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cpio::newc::{Builder, ModeFileType};
use cpio::write_cpio;

use super::apt::{Apt, is_of, unpack};
use crate::tools::{name, say};

/// What a kind of machine needs.
pub(super) struct Kind {
    /// As Debian calls it.
    pub(super) arch: &'static str,
    /// The package that stands for the newest kernel.
    kernel: &'static str,
    /// Kernels in which one of them is no module have it built in, or in another.
    modules: &'static [&'static str],
    /// What else it has inside, which QEMU brings itself: a package, and the file in it.
    firmware: &'static [(&'static str, &'static str)],
}

/// QEMU's, on a PC.
pub(super) const PC: Kind = Kind {
    arch: "amd64",
    kernel: "linux-image-amd64",
    firmware: &[],
    modules: &[
        "virtio",
        "virtio_ring",
        "virtio_pci_modern_dev",
        "virtio_pci_legacy_dev",
        "virtio_pci",
        "virtio_console",
        "virtio_blk",
        "failover",
        "net_failover",
        "virtio_net",
        "crc16",
        "crc32c_generic",
        "mbcache",
        "jbd2",
        "ext4",
        "netfs",
        "fscache",
        "9pnet",
        "9pnet_fd",
        "9pnet_virtio",
        "9p",
    ],
};

/// The one in a page, which v86 emulates.
pub(super) const PAGE: Kind = Kind {
    arch: "i386",
    kernel: "linux-image-686",
    firmware: &[
        ("seabios", "usr/share/seabios/bios.bin"),
        ("vgabios", "usr/share/vgabios/vgabios.bin"),
    ],
    modules: &[
        "virtio",
        "virtio_ring",
        "virtio_pci_modern_dev",
        "virtio_pci_legacy_dev",
        "virtio_pci",
        "virtio_console",
        "netfs",
        "fscache",
        "9pnet",
        "9pnet_virtio",
        "9p",
    ],
};

/// Where the pieces of one kind lie.
pub(super) struct Pieces {
    folder: PathBuf,
    kind: &'static Kind,
}

impl Pieces {
    /// Those that are there, or fetches them.
    ///
    /// # Errors
    /// If this is no Debian, or nothing can be fetched.
    pub(super) fn new(folder: &Path, kind: &'static Kind) -> Result<Self> {
        let folder = folder.join(kind.arch);
        let pieces = Self { folder, kind };
        if !pieces.kernel().is_file() {
            pieces.fetch()?;
        }
        Ok(pieces)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn kernel(&self) -> PathBuf {
        // Last of all it is put there.
        self.folder.join("vmlinuz")
    }

    fn modules(&self) -> PathBuf {
        self.folder.join("modules")
    }

    fn fetch(&self) -> Result<()> {
        let apt = Apt::new(&self.folder, self.kind.arch)?;
        let mut packages = vec![self.kind.kernel, "busybox-static"];
        packages.extend(self.kind.firmware.iter().map(|(package, _)| *package));
        let found = apt.fetch(&packages)?;
        let unpacked = self.folder.join("unpacked");
        let mut patterns: Vec<_> =
            self.kind.modules.iter().map(|name| format!("*/{name}.ko*")).collect();
        patterns.push("*/vmlinuz-*".to_owned());
        for package in found {
            let called = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // The package that stands for it has no kernel inside.
            if called.starts_with("linux-image-") && !called.starts_with(self.kind.kernel) {
                // Not every module is one in every kernel.
                let _ = unpack(&package, &unpacked, &patterns);
            } else if packages.iter().any(|name| is_of(&package, name)) {
                unpack(&package, &unpacked, &[])?;
            }
        }
        for (_, path) in self.kind.firmware {
            let file = unpacked.join(path);
            let name = file.file_name().context("firmware is a file")?;
            fs::copy(&file, self.folder.join(name))
                .with_context(|| format!("Debian has no {path} any more"))?;
        }
        fs::create_dir_all(self.modules())?;
        let mut files = Vec::new();
        below(&unpacked, &mut files)?;
        let mut kernel = None;
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name == "busybox" {
                fs::copy(&file, self.folder.join("busybox"))?;
            } else if name.starts_with("vmlinuz-") {
                kernel = Some(file);
            } else if let Some((module, packed)) = name.split_once(".ko") {
                let module = self.modules().join(module);
                match packed {
                    "" => fs::copy(&file, module).map(drop)?,
                    _ => fs::write(module, unxz(&file)?)?,
                }
            }
        }
        let kernel = kernel.context("the package of the kernel has a kernel inside")?;
        fs::copy(kernel, self.kernel())?;
        fs::remove_dir_all(unpacked)?;
        apt.end()?;
        say(&format!("the kernel and its modules are in {}", self.folder.display()));
        Ok(())
    }

    /// Writes the archive: `init`, busybox, the modules, and `files` by their paths.
    pub(super) fn archive(&self, to: &Path, init: &str, files: &[(String, Vec<u8>)]) -> Result<()> {
        let busybox = fs::read(self.folder.join("busybox")).context("busybox-static has it")?;
        let modules = self.kind.modules.iter().map(|name| (*name, self.modules().join(name)));
        let modules = modules.filter(|(_, path)| path.is_file());
        let modules = modules.map(|(name, path)| Ok((name, fs::read(path)?)));
        let order = in_order(modules.collect::<Result<_>>()?)?;
        let names: Vec<_> = order.iter().map(|(name, _)| format!("{name}\n")).collect();
        let mut all = vec![
            directory("bin"),
            directory("modules"),
            file("init", init.as_bytes().to_vec()),
            file("bin/busybox", busybox),
            file("modules/order", names.concat().into_bytes()),
        ];
        all.extend(
            order.into_iter().map(|(name, module)| file(&format!("modules/{name}"), module)),
        );
        let mut folders: Vec<_> =
            files.iter().filter_map(|(path, _)| Some(path.rsplit_once('/')?.0)).collect();
        folders.dedup();
        all.extend(folders.into_iter().map(directory));
        all.extend(files.iter().map(|(path, bytes)| file(path, bytes.clone())));
        let archive = fs::File::create(to)?;
        write_cpio(all.into_iter(), archive)?;
        Ok(())
    }
}

/// Modules so that each comes after those that it depends on, which is another order in
/// another kernel.
fn in_order(mut modules: Vec<(&str, Vec<u8>)>) -> Result<Vec<(&str, Vec<u8>)>> {
    let mut ordered = Vec::new();
    while !modules.is_empty() {
        let waits = |module: &[u8]| {
            let needs = depends(module);
            modules.iter().any(|(other, _)| needs.contains(other))
        };
        let next = modules.iter().position(|(_, module)| !waits(module));
        ordered.push(modules.remove(next.context("modules that depend on each other")?));
    }
    Ok(ordered)
}

/// The modules that a module says it depends on.
fn depends(module: &[u8]) -> Vec<&str> {
    let strings = module.split(|byte| *byte == 0);
    let depends = strings.filter_map(|string| string.strip_prefix(b"depends="));
    let names = depends.flat_map(|names| names.split(|byte| *byte == b','));
    names.filter_map(|name| std::str::from_utf8(name).ok()).collect()
}

fn directory(path: &str) -> (Builder, Cursor<Vec<u8>>) {
    let entry = Builder::new(path).mode(0o755).set_mode_file_type(ModeFileType::Directory);
    (entry, Cursor::default())
}

/// A file that may be run.
fn file(path: &str, bytes: Vec<u8>) -> (Builder, Cursor<Vec<u8>>) {
    let entry = Builder::new(path).mode(0o755).set_mode_file_type(ModeFileType::Regular);
    (entry, Cursor::new(bytes))
}

/// All files below a folder.
fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            below(&entry.path(), found)?;
        } else if entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn unxz(file: &Path) -> Result<Vec<u8>> {
    let mut xz = Command::new("xz");
    xz.arg("-dc").arg(file);
    let output = xz.output().with_context(|| format!("cannot start {}", name(&xz)))?;
    ensure!(output.status.success(), "{} failed ({})", name(&xz), output.status);
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_after_what_they_need() -> Result<()> {
        let module = |needs: &str| format!("x\0depends={needs}\0license=GPL\0").into_bytes();
        let modules =
            vec![("c", module("a,b")), ("a", module("b")), ("b", module("")), ("d", module("x"))];
        let names: Vec<_> = in_order(modules)?.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a", "c", "d"]);
        assert!(in_order(vec![("a", module("b")), ("b", module("a"))]).is_err());
        Ok(())
    }
}
