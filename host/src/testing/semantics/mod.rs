//! The rules of `wasi:filesystem` as the core answers them, on any backend: tables
//! of questions, each row a sentence of the WIT or of POSIX.

mod mounts;
mod names;
mod objects;
mod open;
mod paths;
mod streams;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::backend::{Backend, Capabilities, Fresh, Kind, Source};
use crate::error::ErrorCode;
use crate::mount::{FileSystem, MountOptions, MountTable};
use crate::path::Name;
use crate::resolve::Follow;
use crate::shared::Ref;
use crate::{Descriptor, DescriptorFlags, OpenFlags};

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        paths::cases(),
        open::cases(),
        names::cases(),
        objects::cases(),
        streams::cases(),
        mounts::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const READ: DescriptorFlags = DescriptorFlags {
    read: true,
    write: false,
    file_integrity_sync: false,
    data_integrity_sync: false,
    requested_write_sync: false,
    mutate_directory: false,
};
const WRITE: DescriptorFlags = DescriptorFlags { read: false, write: true, ..READ };
const BOTH: DescriptorFlags = DescriptorFlags { write: true, ..READ };

/// `open-flags` by letters: create, directory, exclusive, truncate.
fn flags(letters: &str) -> OpenFlags {
    OpenFlags {
        create: letters.contains('C'),
        directory: letters.contains('D'),
        exclusive: letters.contains('X'),
        truncate: letters.contains('T'),
    }
}

async fn table(mounts: &[(&str, &FileSystem, bool)]) -> Result<Vec<Descriptor>> {
    let options = mounts.iter().map(|(guest, fs, read_only)| MountOptions {
        guest: (*guest).to_owned(),
        fs: (*fs).clone(),
        read_only: *read_only,
    });
    let table = MountTable::new(options.collect()).await?;
    Ok(table.preopens().into_iter().map(|(descriptor, _)| descriptor).collect())
}

async fn create(at: &Descriptor, path: &str, content: &str) -> Result<Descriptor> {
    let file = at.open_at(Follow::No, path.as_bytes(), flags("CX"), BOTH).await;
    let file = file.with_context(|| format!("creating {path}"))?;
    ensure!(file.write(Source::Slice(content.as_bytes()), 0)? == content.len() as u64);
    Ok(file)
}

async fn content(at: &Descriptor, path: &str) -> Result<String> {
    let file = at.open_at(Follow::Yes, path.as_bytes(), flags(""), READ).await;
    let file = file.with_context(|| format!("opening {path}"))?;
    Ok(String::from_utf8(file.read(1000, 0)?.0)?)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, answer: T, wanted: T) -> Result<()> {
    ensure!(answer == wanted, "{what}: {answer:?} instead of {wanted:?}");
    Ok(())
}

/// A tree with one of everything; symbolic links where there are any.
struct Tree {
    root: Descriptor,
    fs: FileSystem,
    can: Capabilities,
}

impl Tree {
    async fn new(backend: Ref<dyn Backend>) -> Result<Self> {
        let fs = FileSystem::new(backend);
        let can = fs.backend().capabilities();
        let root = table(&[("/", &fs, false)]).await?.remove(0);
        create(&root, "file", "hello").await?;
        root.create_directory_at(b"dir").await?;
        root.create_directory_at(b"dir/sub").await?;
        root.create_directory_at(b"empty").await?;
        create(&root, "dir/inner", "inside").await?;
        if can.symlinks {
            for (target, path) in [
                ("file", "to-file"),
                ("dir", "to-dir"),
                ("nowhere", "dangling"),
                ("..", "up"),
                ("dir/sub/../..", "around"),
                ("circle", "circle"),
                ("../file", "dir/back"),
            ] {
                root.symlink_at(target.as_bytes(), path.as_bytes()).await?;
            }
            // No guest can make this one, but a disk may hold it.
            let top = fs.backend().root();
            let name = Name::new(b"absolute")?;
            fs.backend().symlink(&top, &name, b"/file", Fresh::DIRECTORY).await?;
        }
        Ok(Self { root, fs, can })
    }

    async fn stat(&self, path: &str, follow: Follow) -> Result<Kind, ErrorCode> {
        self.root.stat_at(follow, path.as_bytes()).await.map(|stat| stat.kind)
    }
}
