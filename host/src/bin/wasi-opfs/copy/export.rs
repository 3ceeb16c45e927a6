//! From a guest's directory to this machine. Nothing is written through a symbolic link
//! that stands there.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, FileTimes, Metadata, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasi_opfs::backend::{Destination, Kind, NodeId};
use wasi_opfs::{Descriptor, Follow, Stat};

use super::time::from_time;
use super::{CHUNK, FILE, READ, Step, check_apart, check_no_volume, named, open, parts, system};
use crate::progress::Progress;

/// A directory to be copied out, and the one that it stands in; the top has none.
struct Out {
    parent: Option<(Descriptor, Vec<u8>)>,
    stat: Stat,
    host: PathBuf,
}

struct Export<'a> {
    target: Metadata,
    follow: Follow,
    /// Files that may come again under another name, and where they are.
    linked: HashMap<NodeId, PathBuf>,
    progress: &'a mut Progress,
}

/// Copies what is in `from` into the directory `to`, which is created if it is missing.
pub(crate) async fn export(from: &Descriptor, to: &Path, progress: &mut Progress) -> Result<()> {
    fs::create_dir_all(to)?;
    let (stat, target) = (from.stat().await?, fs::metadata(to)?);
    check_apart(&target, stat.id)?;
    let mut export = Export { target, follow: Follow::No, linked: HashMap::new(), progress };
    let mut steps = vec![Step::Copy(Out { parent: None, stat, host: to.to_owned() })];
    while let Some(step) = steps.pop() {
        match step {
            Step::Copy(directory) => {
                let host = directory.host.clone();
                let guest = match &directory.parent {
                    Some((parent, name)) => open(parent, name).await,
                    None => Ok(from.clone()),
                };
                let guest = guest.with_context(|| named(&host))?;
                steps.push(Step::Finish(directory, guest.clone()));
                let entries = guest.read_directory().await.with_context(|| named(&host))?;
                for entry in entries.into_entries() {
                    let name = entry.name.as_bytes();
                    let entry = host.join(system::name_here(name).with_context(|| named(&host))?);
                    let copied = export.entry(&guest, name, &entry).await;
                    steps.extend(copied.with_context(|| named(&entry))?.map(Step::Copy));
                }
            }
            Step::Finish(Out { stat, host, parent: Some(_) }, _) => {
                system::restrict(&host, stat.attributes.mode).with_context(|| named(&host))?;
                // A directory that its bits close to its owner keeps the time of the copy.
                if let Ok(directory) = fs::File::open(&host) {
                    keep_times(&directory, &stat).with_context(|| named(&host))?;
                }
            }
            Step::Finish(Out { parent: None, .. }, _) => {}
        }
    }
    Ok(())
}

/// Copies the file `path` of `from` to `to`; a symbolic link to it is followed.
pub(crate) async fn export_file(
    from: &Descriptor,
    path: &str,
    to: &Path,
    progress: &mut Progress,
) -> Result<()> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let target = fs::metadata(parent)?;
    let mut export = Export { target, follow: Follow::Yes, linked: HashMap::new(), progress };
    let stat = from.stat_at(Follow::Yes, path.as_bytes()).await?;
    export.file(from, path.as_bytes(), &stat, to).await
}

impl Export<'_> {
    /// Copies one entry; of a directory, only itself.
    async fn entry(&mut self, from: &Descriptor, name: &[u8], host: &Path) -> Result<Option<Out>> {
        let stat = from.stat_at(Follow::No, name).await?;
        if stat.kind != Kind::Directory {
            self.file(from, name, &stat, host).await?;
            return Ok(None);
        }
        check_apart(&self.target, stat.id)?;
        if !fs::symlink_metadata(host).is_ok_and(|there| there.is_dir()) {
            make_room(host)?;
            DirBuilder::new().create(host)?;
        }
        self.progress.directory()?;
        let parent = Some((from.clone(), name.to_owned()));
        Ok(Some(Out { parent, stat, host: host.to_owned() }))
    }

    /// Copies what is no directory.
    async fn file(
        &mut self,
        from: &Descriptor,
        name: &[u8],
        stat: &Stat,
        host: &Path,
    ) -> Result<()> {
        // The file itself stands there: to make room would lose it.
        if fs::symlink_metadata(host).is_ok_and(|there| system::id(&there) == Some(stat.id)) {
            return Ok(());
        }
        match stat.kind {
            Kind::File => {}
            Kind::Symlink => {
                make_room(host)?;
                system::symlink(&from.readlink_at(name).await?, host)?;
                return self.progress.link();
            }
            _ => bail!("it is neither a file, a directory nor a symbolic link"),
        }
        make_room(host)?;
        if let Some(first) = self.linked.get(&stat.id)
            && fs::hard_link(first, host).is_ok()
        {
            return self.progress.link();
        }
        let guest = from.open_at(self.follow, name, FILE, READ).await?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        system::created_with(&mut options, stat.attributes.mode);
        let mut file = options.open(host)?;
        let sparse = stat.attributes.allocated < stat.attributes.size;
        copy(&guest, &mut file, sparse, self.progress)?;
        keep_times(&file, stat)?;
        if stat.attributes.links > 1 {
            self.linked.insert(stat.id, host.to_owned());
        }
        self.progress.file()
    }
}

/// Removes what stands at `host`, unless it is a directory.
fn make_room(host: &Path) -> Result<()> {
    match fs::symlink_metadata(host) {
        Ok(there) if there.is_dir() => bail!("a directory of this name is in the way"),
        Ok(there) => {
            check_no_volume(&there)?;
            Ok(fs::remove_file(host)?)
        }
        Err(_) => Ok(()),
    }
}

fn copy(from: &Descriptor, to: &mut fs::File, sparse: bool, progress: &mut Progress) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let (count, _) = from.read_into(Destination::Slice(&mut buffer), offset)?;
        if count == 0 {
            break;
        }
        for part in parts(&buffer[..count], sparse) {
            if sparse {
                to.seek(SeekFrom::Start(offset + part.start as u64))?;
            }
            to.write_all(&buffer[part])?;
        }
        offset += count as u64;
        progress.bytes(count)?;
    }
    // It may end with a hole.
    if sparse {
        to.set_len(offset)?;
    }
    Ok(())
}

fn keep_times(file: &fs::File, stat: &Stat) -> Result<()> {
    let mut times = FileTimes::new();
    if let Some(time) = stat.attributes.accessed.and_then(from_time) {
        times = times.set_accessed(time);
    }
    if let Some(time) = stat.attributes.modified.and_then(from_time) {
        times = times.set_modified(time);
    }
    Ok(file.set_times(times)?)
}
