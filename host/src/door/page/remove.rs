//! Removing a directory with all that is in it.

use std::vec::IntoIter;

use crate::backend::{Entry, Kind};
use crate::descriptor::{Descriptor, DescriptorFlags, OpenFlags};
use crate::error::{ErrorCode, Result};
use crate::resolve::Follow;

/// A directory that is being emptied.
struct Level {
    directory: Descriptor,
    left: IntoIter<Entry>,
    /// Its name in the one above.
    name: Vec<u8>,
}

async fn enter(base: &Descriptor, name: &[u8]) -> Result<Level> {
    let open = OpenFlags { directory: true, ..OpenFlags::default() };
    let flags = DescriptorFlags { read: true, ..DescriptorFlags::default() };
    let directory = base.open_at(Follow::No, name, open, flags).await?;
    let left = directory.read_directory().await?.into_entries();
    Ok(Level { directory, left, name: name.to_owned() })
}

/// Removes the directory at `path`, from the innermost out. What cannot be removed even
/// when it is empty, as a mount point, is not emptied.
///
/// # Errors
/// The first that stands in the way; what was removed before stays so.
pub(super) async fn all(base: &Descriptor, path: &[u8]) -> Result<()> {
    match base.remove_directory_at(path).await {
        Err(ErrorCode::NotEmpty) => {}
        answer => return answer,
    }
    let mut levels = vec![enter(base, path).await?];
    while let Some(level) = levels.last_mut() {
        let Some(entry) = level.left.next() else {
            if let Some(Level { name, .. }) = levels.pop() {
                let above = levels.last().map_or(base, |level| &level.directory);
                above.remove_directory_at(&name).await?;
            }
            continue;
        };
        let (name, directory) = (entry.name.as_bytes(), &level.directory);
        if entry.kind != Kind::Directory {
            directory.unlink_file_at(name).await?;
            continue;
        }
        match directory.remove_directory_at(name).await {
            Err(ErrorCode::NotEmpty) => {
                let inner = enter(directory, name).await?;
                levels.push(inner);
            }
            answer => answer?,
        }
    }
    Ok(())
}
