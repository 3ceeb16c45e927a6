//! What systems other than Unix have of what Unix has.

use std::fs::{Metadata, OpenOptions};
use std::path::{Component, Path};

use anyhow::{Context, Result, bail};
use wasi_opfs::backend::NodeId;

/// A guest's name, unless it would lead elsewhere: it may hold what separates names
/// here, or begins a drive or a stream.
pub(super) fn name_here(name: &[u8]) -> Result<&str> {
    let name = str::from_utf8(name).context("its name is not Unicode")?;
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name && !name.contains(':') => Ok(name),
        _ => bail!("no file of this system can have the name '{name}'"),
    }
}

pub(crate) fn id(_: &Metadata) -> Option<NodeId> {
    None
}

pub(super) fn name_of(path: &Path) -> Result<&[u8]> {
    bytes_of(Path::new(path.file_name().context("it has no name")?))
}

pub(super) fn bytes_of(path: &Path) -> Result<&[u8]> {
    path.to_str().map(str::as_bytes).context("its name is not Unicode")
}

pub(super) fn mode(_: &Metadata) -> Option<u32> {
    None
}

pub(super) fn links(_: &Metadata) -> u64 {
    1
}

pub(super) fn is_sparse(_: &Metadata) -> bool {
    false
}

pub(super) fn created_with(_: &mut OpenOptions, _: u32) {}

pub(super) fn restrict(_: &Path, _: u32) -> Result<()> {
    Ok(())
}

pub(super) fn symlink(_: &str, _: &Path) -> Result<()> {
    bail!("symbolic links are copied out on Unix only")
}
