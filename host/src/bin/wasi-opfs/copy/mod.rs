//! Trees of files between this machine and a guest's directories: contents with their holes,
//! symbolic and hard links, permission bits and times. What a backend does not store is left
//! out (a second hard link becomes a copy); anything else that cannot be copied is an error
//! that names it.

mod export;
mod import;
#[cfg(not(unix))]
#[path = "other.rs"]
mod system;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
mod time;

use std::fs::Metadata;
use std::ops::Range;
use std::path::Path;

use anyhow::{Result, bail};
use wasi_opfs::backend::NodeId;
use wasi_opfs::{Descriptor, DescriptorFlags, Follow, OpenFlags};

pub(crate) use self::export::{export, export_file};
pub(crate) use self::import::{import, import_file};
pub(crate) use self::system::id;
use crate::mounts;

/// How much is copied at a time.
const CHUNK: usize = 256 * 1024;

/// What a hole is made of.
const BLOCK: usize = 4096;

pub(crate) const READ: DescriptorFlags = DescriptorFlags {
    read: true,
    write: false,
    file_integrity_sync: false,
    data_integrity_sync: false,
    requested_write_sync: false,
    mutate_directory: false,
};
const WRITE: DescriptorFlags = DescriptorFlags { read: false, write: true, ..READ };
pub(crate) const DIRECTORY: OpenFlags =
    OpenFlags { create: false, directory: true, exclusive: false, truncate: false };
pub(crate) const FILE: OpenFlags = OpenFlags { directory: false, ..DIRECTORY };
const NEW_FILE: OpenFlags = OpenFlags { create: true, truncate: true, ..FILE };

/// A tree is copied without recursion, however deep it is: a directory is opened, its
/// entries are copied, and then it gets its bits and times. One that waits for its turn
/// is not open: of those there may be more than a process may have descriptors.
enum Step<D> {
    Copy(D),
    Finish(D, Descriptor),
}

async fn open(parent: &Descriptor, name: &[u8]) -> Result<Descriptor> {
    Ok(parent.open_at(Follow::No, name, DIRECTORY, READ).await?)
}

/// Refuses to copy a volume that is mounted into itself, or over itself.
fn check_no_volume(host: &Metadata) -> Result<()> {
    if mounts::is_open_volume(host) {
        bail!("it is the file of a volume that is mounted; take a directory without it");
    }
    Ok(())
}

/// Refuses a copy without end, and one onto what is copied.
fn check_apart(host: &Metadata, guest: NodeId) -> Result<()> {
    if system::id(host) == Some(guest) {
        bail!("a directory cannot be copied into itself");
    }
    Ok(())
}

/// The parts of `bytes` that are not holes; all of them, if there are to be none.
fn parts(bytes: &[u8], sparse: bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for block in bytes.chunks(if sparse { BLOCK } else { CHUNK }) {
        let end = at + block.len();
        if !sparse || block.iter().any(|byte| *byte != 0) {
            match found.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => found.push(at..end),
            }
        }
        at = end;
    }
    found
}

fn named(path: &Path) -> String {
    format!("at '{}'", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_whole_blocks_of_zeros() {
        let mut bytes = vec![0; 5 * BLOCK + 7];
        assert!(parts(&bytes, true).is_empty());
        assert_eq!(parts(&bytes, false).pop(), Some(0..bytes.len()));
        bytes[BLOCK] = 1;
        bytes[3 * BLOCK - 1] = 1;
        bytes[5 * BLOCK + 6] = 1;
        assert_eq!(parts(&bytes, true), [BLOCK..3 * BLOCK, 5 * BLOCK..5 * BLOCK + 7]);
    }
}
