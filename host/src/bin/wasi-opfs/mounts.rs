//! What a program is given: mounts, and copies in and out, as they are written on the
//! command line and in a batch.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Error, Result, anyhow, bail};
use clap::Args;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{Backend, NodeId};
use wasi_opfs::{ErrorCode, FileSystem, MountOptions, MountTable, Ref, SetupError};

use crate::copy;
use crate::place::nearest;

/// What a mount in memory takes.
const MEMORY_MAX: u64 = 1 << 30;

/// One `--mount`.
#[derive(Clone, Debug)]
pub(crate) struct MountSpec {
    guest: String,
    storage: Storage,
    read_only: bool,
}

#[derive(Clone, Debug)]
enum Storage {
    Dir(PathBuf),
    Memory(Option<String>),
    Volume(PathBuf),
}

impl FromStr for MountSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (guest, what) = text.split_once('=').with_context(|| {
            format!("'{text}' has no '='; give it as GUEST=dir:HOST or GUEST=volume:FILE")
        })?;
        Self::new(guest, what)
    }
}

impl MountSpec {
    /// `what` is `KIND[:NAME][:ro]`.
    pub(crate) fn new(guest: &str, what: &str) -> Result<Self> {
        let (storage, read_only) = match what.strip_suffix(":ro") {
            Some(storage) => (storage, true),
            None => (what, false),
        };
        let (kind, name) = match storage.split_once(':') {
            Some((kind, name)) => (kind, Some(name)),
            None => (storage, None),
        };
        let storage = match (kind, name) {
            ("dir", Some(host)) if !host.is_empty() => Storage::Dir(host.into()),
            ("dir", _) => bail!("'{what}' names no directory; give it as dir:HOST"),
            ("volume", Some(file)) if !file.is_empty() => Storage::Volume(file.into()),
            ("volume", _) => bail!("'{what}' names no file; give it as volume:FILE"),
            ("memory", name) => Storage::Memory(name.map(str::to_owned)),
            ("tree", _) => {
                bail!("'{what}' is for the browser; here, mount a directory with dir:HOST")
            }
            _ => bail!(
                "'{what}' is no kind of mount; there are volume:FILE, dir:HOST and memory[:NAME]"
            ),
        };
        Ok(Self { guest: guest.to_owned(), storage, read_only })
    }

    /// The same, where nothing is to be changed.
    fn read_only(&self) -> Self {
        Self { read_only: true, ..self.clone() }
    }

    /// Whether it is a directory of this machine that may be changed.
    pub(crate) fn is_directory_to_write(&self) -> bool {
        matches!(self.storage, Storage::Dir(_)) && !self.read_only
    }

    /// The guest's name of it.
    pub(crate) fn guest(&self) -> &str {
        &self.guest
    }
}

/// The mounts of a command that runs no program.
#[derive(Args)]
pub(crate) struct MountArgs {
    /// Where the files are, and the name GUEST that paths have for them: as for `run`.
    #[arg(long = "mount", value_name = "GUEST=KIND[:NAME][:ro]", required = true)]
    pub(crate) mounts: Vec<MountSpec>,
}

impl MountArgs {
    /// Opens them to be read only: nothing is made, and others may read them meanwhile.
    pub(crate) fn open_read_only(&self) -> Result<Mounts> {
        let specs: Vec<_> = self.mounts.iter().map(MountSpec::read_only).collect();
        Mounts::open(&specs, &[])
    }
}

/// One `--import` or `--export`.
#[derive(Clone, Debug)]
pub(crate) struct CopySpec {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
}

impl CopySpec {
    pub(crate) fn parse_import(text: &str) -> Result<Self> {
        // A guest's name has no '=', a directory's may have.
        match text.rsplit_once('=') {
            Some((host, guest)) => Ok(Self::new(guest, host)),
            None => Err(anyhow!("give it as HOSTDIR=GUEST")),
        }
    }

    pub(crate) fn parse_export(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((guest, host)) => Ok(Self::new(guest, host)),
            None => Err(anyhow!("give it as GUEST=HOSTDIR")),
        }
    }

    pub(crate) fn new(guest: &str, host: &str) -> Self {
        Self { host: host.into(), guest: guest.to_owned() }
    }
}

/// Mounts that are open.
pub(crate) struct Mounts {
    mounts: Vec<(MountSpec, FileSystem)>,
    /// What has to be written at the end, and what it is called.
    volumes: Vec<(String, Ref<Volume>)>,
}

impl Mounts {
    /// Opens each storage once, however often it is mounted. A volume that is only mounted
    /// read-only, and into which nothing is to be imported, is not locked against others
    /// that read it.
    pub(crate) fn open(specs: &[MountSpec], imports: &[CopySpec]) -> Result<Self> {
        // Those of an earlier job are closed.
        OPEN_VOLUMES.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut opened: HashMap<Same, FileSystem> = HashMap::new();
        let mut mounts = Self { mounts: Vec::new(), volumes: Vec::new() };
        let imported = targets(specs, imports);
        let written: Vec<_> = std::iter::zip(specs, imported)
            .filter(|(spec, imported)| *imported || !spec.read_only)
            .map(|(spec, _)| Same::of(&spec.storage))
            .collect();
        for spec in specs {
            let same = Same::of(&spec.storage);
            let known = same.as_ref().and_then(|same| opened.get(same)).cloned();
            let fs = match known {
                Some(fs) => fs,
                None => mounts.open_storage(&spec.storage, !written.contains(&same))?,
            };
            // A file that was missing has its own name only now.
            if let Some(same) = Same::of(&spec.storage) {
                opened.insert(same, fs.clone());
            }
            mounts.mounts.push((spec.clone(), fs));
        }
        Ok(mounts)
    }

    fn open_storage(&mut self, storage: &Storage, read_only: bool) -> Result<FileSystem> {
        let (name, volume) = match storage {
            Storage::Dir(host) => return Ok(FileSystem::new(Ref::new(Dir::open(host)?))),
            Storage::Memory(name) => {
                let name = name.as_deref().unwrap_or("memory");
                (name.to_owned(), Volume::in_memory(MEMORY_MAX)?)
            }
            Storage::Volume(file) => (file.display().to_string(), open_volume(file, read_only)?),
        };
        let volume = Ref::new(volume);
        self.volumes.push((name, volume.clone()));
        Ok(FileSystem::new(volume))
    }

    /// What the guest is given.
    pub(crate) async fn table(&self) -> Result<MountTable> {
        self.table_with(|at| self.mounts[at].0.read_only).await
    }

    /// The same for `imports`: the mounts that they go into may be written.
    pub(crate) async fn table_for(&self, imports: &[CopySpec]) -> Result<MountTable> {
        let specs: Vec<_> = self.mounts.iter().map(|(spec, _)| spec.clone()).collect();
        let imported = targets(&specs, imports);
        self.table_with(|at| specs[at].read_only && !imported[at]).await
    }

    async fn table_with(&self, read_only: impl Fn(usize) -> bool) -> Result<MountTable> {
        let options = self.mounts.iter().enumerate().map(|(at, (spec, fs))| MountOptions {
            guest: spec.guest.clone(),
            fs: fs.clone(),
            read_only: read_only(at),
        });
        Ok(MountTable::new(options.collect()).await?)
    }

    /// Writes what volumes gathered. What cannot be written stays gathered, and the next
    /// change or the end tells why.
    pub(crate) fn write_out(&self) {
        for (_, volume) in &self.volumes {
            let _ = volume.write_out();
        }
    }

    /// Returns when all that was written to volumes will survive a power cut.
    pub(crate) async fn finish(&self) -> Result<()> {
        for (name, volume) in &self.volumes {
            volume.sync().await.with_context(|| {
                format!("what was written last to the volume '{name}' could not be stored")
            })?;
        }
        Ok(())
    }
}

/// The files of the volumes that are mounted.
static OPEN_VOLUMES: Mutex<Vec<NodeId>> = Mutex::new(Vec::new());

/// Whether this is the file of a volume that is mounted.
pub(crate) fn is_open_volume(file: &Metadata) -> bool {
    let open = OPEN_VOLUMES.lock().unwrap_or_else(PoisonError::into_inner);
    copy::id(file).is_some_and(|id| open.contains(&id))
}

/// Opens the volume in `file`; makes one, unless it is only to be read.
pub(crate) fn open_volume(file: &Path, read_only: bool) -> Result<Volume> {
    let options = if read_only { Options::default().read_only() } else { Options::default() };
    let volume = Volume::open_file(file, options).map_err(|error| not_opened(file, error))?;
    let id = fs::metadata(file).ok().as_ref().and_then(copy::id);
    OPEN_VOLUMES.lock().unwrap_or_else(PoisonError::into_inner).extend(id);
    Ok(volume)
}

/// An error about a volume, with what this program can do about it.
pub(crate) fn not_opened(file: &Path, error: SetupError) -> Error {
    let shown = file.display();
    match error.code() {
        ErrorCode::NotRecoverable => {
            anyhow!("{error}; 'wasi-opfs volume check {shown}' tells what is wrong with it")
        }
        _ => error.into(),
    }
}

/// Which mounts something is imported into.
fn targets(specs: &[MountSpec], imports: &[CopySpec]) -> Vec<bool> {
    let names: Vec<_> = specs.iter().map(MountSpec::guest).collect();
    let mut found = vec![false; specs.len()];
    for import in imports {
        if let Some((at, _)) = nearest(&names, &import.guest) {
            found[at] = true;
        }
    }
    found
}

/// What two mounts have in common if they are of the same storage.
#[derive(PartialEq, Eq, Hash)]
enum Same {
    Directory(PathBuf),
    File(PathBuf),
    Name(String),
}

impl Same {
    fn of(storage: &Storage) -> Option<Self> {
        match storage {
            Storage::Dir(path) => Some(Self::Directory(canonical(path))),
            Storage::Volume(path) => Some(Self::File(canonical(path))),
            Storage::Memory(name) => name.clone().map(Self::Name),
        }
    }
}

/// The one path of what may not be there yet.
fn canonical(path: &Path) -> PathBuf {
    let in_parent = || {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
        Some(parent.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(in_parent).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read() {
        // (after the first '=', the storage and whether it is read-only)
        let rows: &[(&str, Option<(&str, bool)>)] = &[
            ("dir:/a", Some(("/a", false))),
            ("dir:/a:ro", Some(("/a", true))),
            ("dir:C:\\a:b:ro", Some(("C:\\a:b", true))),
            ("dir:a=b", Some(("a=b", false))),
            ("volume:a.volume", Some(("volume a.volume", false))),
            ("volume:C:\\a:ro", Some(("volume C:\\a", true))),
            ("volume:", None),
            ("volume", None),
            ("memory", Some(("memory", false))),
            ("memory:ro", Some(("memory", true))),
            ("memory:x:ro", Some(("memory x", true))),
            ("dir:", None),
            ("dir", None),
            ("tree:x", None),
            ("/a", None),
            ("", None),
        ];
        for (what, wanted) in rows {
            let found = format!("/g={what}").parse::<MountSpec>().ok().map(|spec| {
                let storage = match spec.storage {
                    Storage::Dir(host) => host.display().to_string(),
                    Storage::Volume(file) => format!("volume {}", file.display()),
                    Storage::Memory(None) => "memory".to_owned(),
                    Storage::Memory(Some(name)) => format!("memory {name}"),
                };
                assert_eq!(spec.guest, "/g");
                (storage, spec.read_only)
            });
            let wanted = wanted.map(|(storage, read_only)| (storage.to_owned(), read_only));
            assert_eq!(found, wanted, "{what}");
        }
    }
}
