//! Trees of files between this machine and a guest's directories: contents, symbolic
//! links, permission bits and times. Bits and times are left out where a backend does
//! not store them; anything else that cannot be copied is an error that names it.

use std::fs::{self, DirBuilder, FileTimes, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use wasi_opfs::backend::{Changes, Destination, Kind, NewTime, NodeId, Source, Time};
use wasi_opfs::{Descriptor, DescriptorFlags, ErrorCode, Follow, OpenFlags, Stat};

/// How much is copied at a time.
const CHUNK: usize = 256 * 1024;

const READ: DescriptorFlags = DescriptorFlags {
    read: true,
    write: false,
    file_integrity_sync: false,
    data_integrity_sync: false,
    requested_write_sync: false,
    mutate_directory: false,
};
const WRITE: DescriptorFlags = DescriptorFlags { read: false, write: true, ..READ };
const DIRECTORY: OpenFlags =
    OpenFlags { create: false, directory: true, exclusive: false, truncate: false };
const FILE: OpenFlags = OpenFlags { directory: false, ..DIRECTORY };
const NEW_FILE: OpenFlags = OpenFlags { create: true, truncate: true, ..FILE };

/// A tree is copied without recursion, however deep it is: a directory is opened, its
/// entries are copied, and then it gets its bits and times. One that waits for its turn
/// is not open: of those there may be more than a process may have descriptors.
enum Step<D> {
    Copy(D),
    Finish(D, Descriptor),
}

/// A directory to be copied in, and the guest's that it stands in; the top has none.
struct In {
    host: PathBuf,
    metadata: Metadata,
    parent: Option<Descriptor>,
}

/// Copies what is in the directory `from` into `to`.
pub(crate) async fn import(from: &Path, to: &Descriptor) -> Result<()> {
    let metadata = fs::metadata(from)?;
    if !metadata.is_dir() {
        bail!("it is not a directory; give the directory that holds it");
    }
    let target = to.stat().await?.id;
    check_apart(&metadata, target)?;
    let mut steps = vec![Step::Copy(In { host: from.to_owned(), metadata, parent: None })];
    while let Some(step) = steps.pop() {
        match step {
            Step::Copy(directory) => {
                let host = directory.host.clone();
                let guest = match &directory.parent {
                    Some(parent) => open(parent, system::name_of(&host)?).await,
                    None => Ok(to.clone()),
                };
                let guest = guest.with_context(|| named(&host))?;
                steps.push(Step::Finish(directory, guest.clone()));
                for entry in fs::read_dir(&host).with_context(|| named(&host))? {
                    let entry = entry.with_context(|| named(&host))?.path();
                    let copied = import_entry(&entry, &guest, target).await;
                    steps.extend(copied.with_context(|| named(&entry))?.map(Step::Copy));
                }
            }
            Step::Finish(In { host, metadata, parent: Some(_) }, guest) => {
                keep_attributes(&guest, &metadata).await.with_context(|| named(&host))?;
            }
            // The mount's own directory stays as it is.
            Step::Finish(In { parent: None, .. }, _) => {}
        }
    }
    Ok(())
}

async fn open(parent: &Descriptor, name: &[u8]) -> Result<Descriptor> {
    Ok(parent.open_at(Follow::No, name, DIRECTORY, READ).await?)
}

/// Refuses a copy without end, and one onto what is copied.
fn check_apart(host: &Metadata, guest: NodeId) -> Result<()> {
    if system::id(host) == Some(guest) {
        bail!("a directory cannot be copied into itself");
    }
    Ok(())
}

/// Copies one entry; of a directory, only itself.
async fn import_entry(host: &Path, to: &Descriptor, target: NodeId) -> Result<Option<In>> {
    let metadata = fs::symlink_metadata(host)?;
    let name = system::name_of(host)?;
    if metadata.is_dir() {
        check_apart(&metadata, target)?;
        match to.create_directory_at(name).await {
            Ok(()) | Err(ErrorCode::Exist) => {}
            Err(code) => return Err(code.into()),
        }
        return Ok(Some(In { host: host.to_owned(), metadata, parent: Some(to.clone()) }));
    }
    // A link that stands there is replaced, not followed.
    match to.stat_at(Follow::No, name).await {
        // The file itself stands there: to write it would empty it.
        Ok(stat) if Some(stat.id) == system::id(&metadata) => return Ok(None),
        Ok(stat) if stat.kind == Kind::Symlink || metadata.is_symlink() => {
            to.unlink_file_at(name).await?;
        }
        Ok(_) | Err(ErrorCode::NoEntry) => {}
        Err(code) => return Err(code.into()),
    }
    if metadata.is_symlink() {
        let target = fs::read_link(host)?;
        let refused = |code| match code {
            ErrorCode::NotPermitted => anyhow!("it is a link to an absolute path"),
            ErrorCode::Unsupported => anyhow!("symbolic links cannot be stored there"),
            code => code.into(),
        };
        to.symlink_at(system::bytes_of(&target)?, name).await.map_err(refused)?;
    } else if metadata.is_file() {
        let file = to.open_at(Follow::No, name, NEW_FILE, WRITE).await?;
        copy_file_in(&mut fs::File::open(host)?, &file)?;
        keep_attributes(&file, &metadata).await?;
    } else {
        bail!("it is neither a file, a directory nor a symbolic link");
    }
    Ok(None)
}

fn copy_file_in(from: &mut fs::File, to: &Descriptor) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            let written = to.write(Source::Slice(rest), offset)?;
            offset += written;
            rest = &rest[usize::try_from(written)?..];
        }
    }
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

/// A directory to be copied out, and the one that it stands in; the top has none.
struct Out {
    parent: Option<(Descriptor, String)>,
    stat: Stat,
    host: PathBuf,
}

/// Copies what is in `from` into the directory `to`, which is created if it is
/// missing. Nothing is written through a symbolic link that stands there.
pub(crate) async fn export(from: &Descriptor, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let (stat, target) = (from.stat().await?, fs::metadata(to)?);
    check_apart(&target, stat.id)?;
    let mut steps = vec![Step::Copy(Out { parent: None, stat, host: to.to_owned() })];
    while let Some(step) = steps.pop() {
        match step {
            Step::Copy(directory) => {
                let host = directory.host.clone();
                let guest = match &directory.parent {
                    Some((parent, name)) => open(parent, name.as_bytes()).await,
                    None => Ok(from.clone()),
                };
                let guest = guest.with_context(|| named(&host))?;
                steps.push(Step::Finish(directory, guest.clone()));
                let mut entries = guest.read_directory().await.with_context(|| named(&host))?;
                while let Some(entry) = entries.next() {
                    let (_, name) = entry.with_context(|| named(&host))?;
                    let entry = host.join(system::name_here(&name).with_context(|| named(&host))?);
                    let copied = export_entry(&guest, &name, &entry, &target).await;
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

/// Copies one entry; of a directory, only itself.
async fn export_entry(
    from: &Descriptor,
    name: &str,
    host: &Path,
    target: &Metadata,
) -> Result<Option<Out>> {
    let stat = from.stat_at(Follow::No, name.as_bytes()).await?;
    let there = fs::symlink_metadata(host).ok();
    match stat.kind {
        Kind::Directory => {
            check_apart(target, stat.id)?;
            if !there.is_some_and(|there| there.is_dir()) {
                make_room(host)?;
                DirBuilder::new().create(host)?;
            }
            let parent = Some((from.clone(), name.to_owned()));
            Ok(Some(Out { parent, stat, host: host.to_owned() }))
        }
        // The file itself stands there: to make room would lose it.
        _ if there.is_some_and(|there| system::id(&there) == Some(stat.id)) => Ok(None),
        Kind::File => {
            make_room(host)?;
            let guest = from.open_at(Follow::No, name.as_bytes(), FILE, READ).await?;
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            system::created_with(&mut options, stat.attributes.mode);
            let mut file = options.open(host)?;
            copy_file_out(&guest, &mut file)?;
            keep_times(&file, &stat)?;
            Ok(None)
        }
        Kind::Symlink => {
            make_room(host)?;
            system::symlink(&from.readlink_at(name.as_bytes()).await?, host)?;
            Ok(None)
        }
        Kind::BlockDevice | Kind::CharacterDevice | Kind::Fifo | Kind::Socket => {
            bail!("it is neither a file, a directory nor a symbolic link");
        }
    }
}

/// Removes what stands at `host`, unless it is a directory.
fn make_room(host: &Path) -> Result<()> {
    match fs::symlink_metadata(host) {
        Ok(there) if there.is_dir() => bail!("a directory of this name is in the way"),
        Ok(_) => Ok(fs::remove_file(host)?),
        Err(_) => Ok(()),
    }
}

fn copy_file_out(from: &Descriptor, to: &mut fs::File) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let (count, _) = from.read_into(Destination::Slice(&mut buffer), offset)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
        offset += count as u64;
    }
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

fn named(path: &Path) -> String {
    format!("at '{}'", path.display())
}

fn to_time(time: SystemTime) -> Time {
    let (whole, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()), after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            let carried = u64::from(before.subsec_nanos() > 0);
            let seconds = i64::try_from(before.as_secs() + carried).map(|seconds| -seconds);
            (seconds, (1_000_000_000 - before.subsec_nanos()) % 1_000_000_000)
        }
    };
    Time { seconds: whole.unwrap_or(i64::MAX), nanoseconds }
}

fn from_time(time: Time) -> Option<SystemTime> {
    let whole = Duration::from_secs(time.seconds.unsigned_abs());
    let whole = if time.seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)?
    } else {
        UNIX_EPOCH.checked_add(whole)?
    };
    whole.checked_add(Duration::from_nanos(time.nanoseconds.into()))
}

/// What Unix has and other systems have not.
#[cfg(unix)]
mod system {
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
    pub(super) fn name_here(name: &str) -> Result<&str> {
        Ok(name)
    }

    /// What a directory mount says of the same object.
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn id(metadata: &Metadata) -> Option<NodeId> {
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
}

#[cfg(not(unix))]
mod system {
    use std::fs::{Metadata, OpenOptions};
    use std::path::{Component, Path};

    use anyhow::{Context, Result, bail};
    use wasi_opfs::backend::NodeId;

    /// A guest's name, unless it would lead elsewhere: it may hold what separates names
    /// here, or begins a drive or a stream.
    pub(super) fn name_here(name: &str) -> Result<&str> {
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name && !name.contains(':') => {
                Ok(name)
            }
            _ => bail!("no file of this system can have the name '{name}'"),
        }
    }

    pub(super) fn id(_: &Metadata) -> Option<NodeId> {
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

    pub(super) fn created_with(_: &mut OpenOptions, _: u32) {}

    pub(super) fn restrict(_: &Path, _: u32) -> Result<()> {
        Ok(())
    }

    pub(super) fn symlink(_: &str, _: &Path) -> Result<()> {
        bail!("symbolic links are copied out on Unix only")
    }
}
