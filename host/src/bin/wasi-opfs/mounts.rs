//! What a program is given: mounts, and copies in and out, as they are written on the
//! command line and in a batch.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Error, Result, anyhow, bail};
use wasi_opfs::backend::{dir::Dir, memory::Memory};
use wasi_opfs::{
    Descriptor, DescriptorFlags, ErrorCode, FileSystem, Follow, MountOptions, MountTable,
    OpenFlags, Ref,
};

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
}

impl FromStr for MountSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (guest, what) = text.split_once('=').with_context(|| {
            format!("'{text}' has no '='; give it as GUEST=dir:HOST or GUEST=memory")
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
            ("memory", name) => Storage::Memory(name.map(str::to_owned)),
            ("tree", _) => {
                bail!("'{what}' is for the browser; here, mount a directory with dir:HOST")
            }
            _ => bail!("'{what}' is no kind of mount; there are dir:HOST and memory[:NAME]"),
        };
        Ok(Self { guest: guest.to_owned(), storage, read_only })
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
pub(crate) struct Mounts(Vec<(MountSpec, FileSystem)>);

impl Mounts {
    /// Opens each storage once, however often it is mounted.
    pub(crate) fn open(specs: &[MountSpec]) -> Result<Self> {
        let mut directories: HashMap<PathBuf, FileSystem> = HashMap::new();
        let mut memories: HashMap<String, FileSystem> = HashMap::new();
        let mut mounts = Vec::new();
        for spec in specs {
            let fs = match &spec.storage {
                Storage::Memory(None) => memory(),
                Storage::Memory(Some(name)) => {
                    memories.entry(name.clone()).or_insert_with(memory).clone()
                }
                Storage::Dir(host) => {
                    let same = std::fs::canonicalize(host).unwrap_or_else(|_| host.clone());
                    if let Some(fs) = directories.get(&same) {
                        fs.clone()
                    } else {
                        let fs = FileSystem::new(Ref::new(Dir::open(host)?));
                        directories.insert(same, fs.clone());
                        fs
                    }
                }
            };
            mounts.push((spec.clone(), fs));
        }
        Ok(Self(mounts))
    }

    /// What the guest is given.
    pub(crate) async fn table(&self) -> Result<MountTable> {
        self.table_with(|spec| spec.read_only).await
    }

    /// The same for `imports`: the mounts that they go into may be written.
    pub(crate) async fn table_for(&self, imports: &[CopySpec]) -> Result<MountTable> {
        let names: Vec<_> = self.0.iter().map(|(spec, _)| spec.guest.as_str()).collect();
        let targets: Vec<_> =
            imports.iter().filter_map(|import| nearest(&names, &import.guest)).collect();
        let targeted = |spec: &MountSpec| targets.iter().any(|&(at, _)| names[at] == spec.guest);
        self.table_with(|spec| spec.read_only && !targeted(spec)).await
    }

    async fn table_with(&self, read_only: impl Fn(&MountSpec) -> bool) -> Result<MountTable> {
        let options = self.0.iter().map(|(spec, fs)| MountOptions {
            guest: spec.guest.clone(),
            fs: fs.clone(),
            read_only: read_only(spec),
        });
        Ok(MountTable::new(options.collect()).await?)
    }
}

fn memory() -> FileSystem {
    FileSystem::new(Ref::new(Memory::new()))
}

/// The directory `guest` as a guest with `table` sees it; created where it is missing
/// if `create` is set.
pub(crate) async fn directory(table: &MountTable, guest: &str, create: bool) -> Result<Descriptor> {
    let preopens = table.preopens();
    let names: Vec<_> = preopens.iter().map(|(_, name)| name.as_str()).collect();
    let Some((at, rest)) = nearest(&names, guest) else {
        match names.join("', '") {
            none if none.is_empty() => bail!("nothing is mounted; add --mount '{guest}=…'"),
            names => bail!("no mount has it; there are '{names}'"),
        }
    };
    let mut directory = preopens[at].0.clone();
    for name in rest {
        if create {
            match directory.create_directory_at(name.as_bytes()).await {
                Ok(()) | Err(ErrorCode::Exist) => {}
                Err(code) => return Err(code).with_context(|| format!("at '{name}'")),
            }
        }
        let open = OpenFlags { directory: true, ..OpenFlags::default() };
        let flags = DescriptorFlags { read: true, ..DescriptorFlags::default() };
        directory = directory
            .open_at(Follow::Yes, name.as_bytes(), open, flags)
            .await
            .with_context(|| format!("at '{name}'"))?;
    }
    Ok(directory)
}

/// Which of `mounts` holds `guest`, the innermost, and the names from there on.
fn nearest<'a>(mounts: &[&str], guest: &'a str) -> Option<(usize, Vec<&'a str>)> {
    let names = names_of(guest);
    let holds = |mount: &str| {
        mount.starts_with('/') == guest.starts_with('/') && names.starts_with(&names_of(mount))
    };
    let holding = mounts.iter().enumerate().filter(|(_, mount)| holds(mount));
    let (at, mount) = holding.max_by_key(|(_, mount)| names_of(mount).len())?;
    Some((at, names[names_of(mount).len()..].to_vec()))
}

fn names_of(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).collect()
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

    #[test]
    fn the_innermost_mount_holds_a_path() {
        let mounts = ["/", ".", "/a/b", "data"];
        // (path, the mount, the rest)
        let rows: &[(&str, &str, &[&str])] = &[
            ("/", "/", &[]),
            ("/a", "/", &["a"]),
            ("/a/b", "/a/b", &[]),
            ("/a/b/", "/a/b", &[]),
            ("/a/bc", "/", &["a", "bc"]),
            ("/a/b/c/d", "/a/b", &["c", "d"]),
            (".", ".", &[]),
            ("./x", ".", &["x"]),
            ("data/x", "data", &["x"]),
            ("other", ".", &["other"]),
        ];
        for (path, mount, rest) in rows {
            let (at, names) = nearest(&mounts, path).expect("a mount");
            assert_eq!((mounts[at], &names[..]), (*mount, *rest), "{path}");
        }
        assert!(nearest(&["/a"], "/b").is_none());
        assert!(nearest(&["."], "/b").is_none());
    }
}
