//! From this machine into a guest's directory.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};
use wasi_opfs::backend::{Changes, Kind, NewTime, NodeId, Source};
use wasi_opfs::{Descriptor, ErrorCode, Follow, Stat};

use super::time::to_time;
use super::{
    CHUNK, NEW_FILE, Step, WRITE, check_apart, check_no_volume, named, open, parts, system,
};
use crate::progress::Progress;

/// A directory to be copied in, and the guest's that it stands in; the top has none.
struct In {
    host: PathBuf,
    metadata: Metadata,
    parent: Option<Descriptor>,
    /// Its path from the top, with a slash behind it.
    inside: Vec<u8>,
}

struct Import<'a> {
    top: &'a Descriptor,
    target: NodeId,
    /// Files that may come again under another name, and where they are.
    linked: HashMap<NodeId, Vec<u8>>,
    progress: &'a mut Progress,
}

/// Copies what is in the directory `from` into `to`.
pub(crate) async fn import(from: &Path, to: &Descriptor, progress: &mut Progress) -> Result<()> {
    let metadata = fs::metadata(from)?;
    if !metadata.is_dir() {
        bail!("it is not a directory; give the directory that holds it");
    }
    let target = to.stat().await?.id;
    check_apart(&metadata, target)?;
    let mut import = Import { top: to, target, linked: HashMap::new(), progress };
    let top = In { host: from.to_owned(), metadata, parent: None, inside: Vec::new() };
    let mut steps = vec![Step::Copy(top)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Copy(directory) => {
                let host = directory.host.clone();
                let guest = match &directory.parent {
                    Some(parent) => open(parent, system::name_of(&host)?).await,
                    None => Ok(to.clone()),
                };
                let guest = guest.with_context(|| named(&host))?;
                let inside = directory.inside.clone();
                steps.push(Step::Finish(directory, guest.clone()));
                for entry in fs::read_dir(&host).with_context(|| named(&host))? {
                    let entry = entry.with_context(|| named(&host))?.path();
                    let copied = import.entry(&entry, &guest, &inside).await;
                    steps.extend(copied.with_context(|| named(&entry))?.map(Step::Copy));
                }
            }
            Step::Finish(In { host, metadata, parent: Some(_), .. }, guest) => {
                keep_attributes(&guest, &metadata).await.with_context(|| named(&host))?;
            }
            // The mount's own directory stays as it is.
            Step::Finish(In { parent: None, .. }, _) => {}
        }
    }
    Ok(())
}

/// Copies one file to `name` in `to`; a symbolic link to it is followed.
pub(crate) async fn import_file(
    from: &Path,
    to: &Descriptor,
    name: &str,
    progress: &mut Progress,
) -> Result<()> {
    let target = to.stat().await?.id;
    let mut import = Import { top: to, target, linked: HashMap::new(), progress };
    let metadata = fs::metadata(from)?;
    import.file(from, &metadata, to, name.as_bytes(), b"").await
}

impl Import<'_> {
    /// Copies one entry; of a directory, only itself.
    async fn entry(&mut self, host: &Path, to: &Descriptor, inside: &[u8]) -> Result<Option<In>> {
        let metadata = fs::symlink_metadata(host)?;
        let name = system::name_of(host)?;
        if !metadata.is_dir() {
            self.file(host, &metadata, to, name, inside).await?;
            return Ok(None);
        }
        check_apart(&metadata, self.target)?;
        match to.create_directory_at(name).await {
            Ok(()) | Err(ErrorCode::Exist) => {}
            Err(code) => return Err(code.into()),
        }
        self.progress.directory()?;
        let inside = [inside, name, b"/"].concat();
        Ok(Some(In { host: host.to_owned(), metadata, parent: Some(to.clone()), inside }))
    }

    /// Copies what is no directory.
    async fn file(
        &mut self,
        host: &Path,
        metadata: &Metadata,
        to: &Descriptor,
        name: &[u8],
        inside: &[u8],
    ) -> Result<()> {
        check_no_volume(metadata)?;
        let id = system::id(metadata);
        let there = match to.stat_at(Follow::No, name).await {
            // The file itself stands there: to write it would empty it.
            Ok(stat) if Some(stat.id) == id => return Ok(()),
            Ok(stat) => Some(stat),
            Err(ErrorCode::NoEntry) => None,
            Err(code) => return Err(code.into()),
        };
        if let Some(first) = id.and_then(|id| self.linked.get(&id))
            && link(self.top, first, to, name, there.as_ref()).await?
        {
            return self.progress.link();
        }
        // A link that stands there is replaced, not followed.
        if there.is_some_and(|there| there.kind == Kind::Symlink || metadata.is_symlink()) {
            to.unlink_file_at(name).await?;
        }
        if metadata.is_symlink() {
            let target = fs::read_link(host)?;
            let refused = |code| match code {
                ErrorCode::NotPermitted => anyhow!("it is a link to an absolute path"),
                ErrorCode::Unsupported => anyhow!("symbolic links cannot be stored there"),
                code => code.into(),
            };
            to.symlink_at(system::bytes_of(&target)?, name).await.map_err(refused)?;
            return self.progress.link();
        }
        if !metadata.is_file() {
            bail!("it is neither a file, a directory nor a symbolic link");
        }
        let file = to.open_at(Follow::No, name, NEW_FILE, WRITE).await?;
        copy(&mut fs::File::open(host)?, &file, system::is_sparse(metadata), self.progress)?;
        keep_attributes(&file, metadata).await?;
        if let Some(id) = id
            && system::links(metadata) > 1
        {
            self.linked.insert(id, [inside, name].concat());
        }
        self.progress.file()
    }
}

/// Gives the file that was copied to `first` one more name; answers whether it can have one.
async fn link(
    top: &Descriptor,
    first: &[u8],
    to: &Descriptor,
    name: &[u8],
    there: Option<&Stat>,
) -> Result<bool> {
    if let Some(there) = there {
        if top.stat_at(Follow::No, first).await.is_ok_and(|first| first.id == there.id) {
            return Ok(true);
        }
        to.unlink_file_at(name).await?;
    }
    Ok(top.link_at(Follow::No, first, to, name).await.is_ok())
}

fn copy(from: &mut fs::File, to: &Descriptor, sparse: bool, progress: &mut Progress) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        for part in parts(&buffer[..count], sparse) {
            let mut at = offset + part.start as u64;
            let mut rest = &buffer[part];
            while !rest.is_empty() {
                let written = to.write(Source::Slice(rest), at)?;
                at += written;
                rest = &rest[usize::try_from(written)?..];
            }
        }
        offset += count as u64;
        progress.bytes(count)?;
    }
    // It may end with a hole.
    if sparse {
        to.set_size(offset)?;
    }
    Ok(())
}

async fn keep_attributes(guest: &Descriptor, metadata: &Metadata) -> Result<()> {
    let time = |time: std::io::Result<SystemTime>| time.ok().map(|time| NewTime::At(to_time(time)));
    let mode = Changes { mode: system::mode(metadata), ..Changes::default() };
    let times = Changes {
        accessed: time(metadata.accessed()),
        modified: time(metadata.modified()),
        ..Changes::default()
    };
    for changes in [mode, times] {
        match guest.set_attributes(changes).await {
            Ok(()) | Err(ErrorCode::Unsupported) => {}
            Err(code) => return Err(code.into()),
        }
    }
    Ok(())
}
