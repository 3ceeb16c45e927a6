//! What Unix has and other systems have not.

use std::ffi::OsStr;
use std::fs::{self, Metadata, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink as link};
use std::path::Path;

use anyhow::{Context, Result};
use wasi_opfs::backend::NodeId;

/// Neither the bits that change who a program runs as, nor the kind.
const BITS: u32 = 0o777;

pub(super) fn name_of(path: &Path) -> Result<&[u8]> {
    path.file_name().map(OsStrExt::as_bytes).context("it has no name")
}

// The other systems' may fail.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn name_here(name: &[u8]) -> Result<&OsStr> {
    Ok(OsStr::from_bytes(name))
}

/// What a directory mount says of the same object.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn id(metadata: &Metadata) -> Option<NodeId> {
    Some(NodeId { device: metadata.dev(), inode: metadata.ino() })
}

#[allow(clippy::unnecessary_wraps)]
pub(super) fn bytes_of(path: &Path) -> Result<&[u8]> {
    Ok(path.as_os_str().as_bytes())
}

#[allow(clippy::unnecessary_wraps)]
pub(super) fn mode(metadata: &Metadata) -> Option<u32> {
    Some(metadata.permissions().mode() & BITS)
}

pub(super) fn links(metadata: &Metadata) -> u64 {
    metadata.nlink()
}

/// Whether it takes less room than its size says.
pub(super) fn is_sparse(metadata: &Metadata) -> bool {
    // Blocks are of 512 bytes here, whatever the file system has.
    metadata.blocks().saturating_mul(512) < metadata.len()
}

/// The system takes away what the user's umask says.
pub(super) fn created_with(options: &mut OpenOptions, mode: u32) {
    options.mode(mode & BITS);
}

/// Takes from a directory the bits that `mode` has not.
pub(super) fn restrict(path: &Path, mode: u32) -> Result<()> {
    let has = fs::symlink_metadata(path)?.permissions().mode() & BITS;
    if has & mode != has {
        fs::set_permissions(path, Permissions::from_mode(has & mode))?;
    }
    Ok(())
}

pub(super) fn symlink(target: &str, path: &Path) -> Result<()> {
    Ok(link(target, path)?)
}
