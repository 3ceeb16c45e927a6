//! The nodes: one per live object, which knows the name under which the object can
//! be reached, because these systems have no descriptor that stands for a mere place.

use std::fs::File as StdFile;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_fs_ext::{
    DirExt, FileTypeExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsSyncExt,
    SystemTimeSpec,
};
use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::errno::from_io;
use super::native;
use crate::backend::{Access, Attributes, Kind, NewTime, NodeId, Time};
use crate::error::{ErrorCode, Result};
use crate::path::Name;
use crate::shared::{Ref, lock};

pub(super) struct Inode {
    pub(super) id: NodeId,
    pub(super) kind: Kind,
    /// Of a directory, which is then all that is needed.
    pub(super) dir: Option<Dir>,
    /// Of anything else.
    place: Mutex<Place>,
    pub(super) appending: Ref<Mutex<()>>,
}

#[derive(Clone)]
enum Place {
    /// A name that led to it last, and that this backend keeps up to date.
    Named { parent: Ref<Inode>, name: Name },
    /// No name that is known, but what was saved when the last one went.
    Gone { file: Option<Ref<StdFile>>, target: Vec<u8>, attributes: Attributes },
}

impl Inode {
    pub(super) fn directory(dir: Dir, metadata: &Metadata) -> Self {
        let root = Place::Gone { file: None, target: Vec::new(), attributes: convert(metadata) };
        let place = Mutex::new(root);
        let kind = Kind::Directory;
        Self { id: id(metadata), kind, dir: Some(dir), place, appending: Ref::default() }
    }

    pub(super) fn other(parent: Ref<Self>, name: Name, metadata: &Metadata) -> Self {
        let place = Mutex::new(Place::Named { parent, name });
        let kind = kind(metadata);
        Self { id: id(metadata), kind, dir: None, place, appending: Ref::default() }
    }

    /// The directory; the contract promises that it is one.
    pub(super) fn dir(&self) -> Result<&Dir> {
        self.dir.as_ref().ok_or(ErrorCode::NotDirectory)
    }

    /// Notes that `name` leads here.
    pub(super) fn named(&self, parent: &Ref<Self>, name: &Name) {
        let mut place = lock(&self.place);
        let known = matches!(&*place, Place::Named { parent: at, name: known }
            if at.id == parent.id && known == name);
        if self.dir.is_none() && !known {
            *place = Place::Named { parent: parent.clone(), name: name.clone() };
        }
    }

    /// Saves what cannot be reached any more once `name` in `parent` is gone.
    pub(super) fn save(&self, parent: &Ref<Self>, name: &Name) -> Result<()> {
        let mut place = lock(&self.place);
        let Place::Named { parent: at, name: known } = &*place else { return Ok(()) };
        if self.dir.is_some() || at.id != parent.id || known != name {
            return Ok(());
        }
        let open = |access| self.open_at(at, known, access).ok().map(Ref::new);
        let file = match self.kind {
            Kind::File => open(Access { read: true, write: true })
                .or_else(|| open(Access { read: true, write: false }))
                .or_else(|| open(Access { read: false, write: true })),
            _ => None,
        };
        let target = if self.kind == Kind::Symlink { link(at, known)? } else { Vec::new() };
        let mut attributes = convert(&self.found(at, known)?);
        attributes.links = attributes.links.saturating_sub(1);
        *place = Place::Gone { file, target, attributes };
        Ok(())
    }

    /// The place and what it is there now; not another object that took the name.
    fn found(&self, parent: &Self, name: &Name) -> Result<Metadata> {
        let found = parent.dir()?.symlink_metadata(native(name)?);
        let metadata = found.map_err(|error| from_io(&error))?;
        if id(&metadata) == self.id { Ok(metadata) } else { Err(ErrorCode::NoEntry) }
    }

    pub(super) fn open(&self, access: Access) -> Result<Ref<StdFile>> {
        let place = lock(&self.place).clone();
        match &place {
            Place::Named { parent, name } => Ok(Ref::new(self.open_at(parent, name, access)?)),
            Place::Gone { file: Some(file), .. } => Ok(file.clone()),
            Place::Gone { file: None, .. } => Err(ErrorCode::Access),
        }
    }

    fn open_at(&self, parent: &Self, name: &Name, access: Access) -> Result<StdFile> {
        let mut options = OpenOptions::new();
        options.read(access.read).write(access.write).follow(FollowSymlinks::No);
        // A pipe would wait for its other end, a device for whatever it likes.
        options.nonblock(self.kind != Kind::File);
        let opened = parent.dir()?.open_with(native(name)?, &options);
        let file = opened.map_err(|error| from_io(&error))?;
        let metadata = file.metadata().map_err(|error| from_io(&error))?;
        if id(&metadata) == self.id { Ok(file.into_std()) } else { Err(ErrorCode::NoEntry) }
    }

    pub(super) fn read_link(&self) -> Result<Vec<u8>> {
        match &*lock(&self.place) {
            Place::Named { parent, name } => link(parent, name),
            Place::Gone { target, .. } => Ok(target.clone()),
        }
    }

    pub(super) fn attributes(&self) -> Result<Attributes> {
        if let Some(dir) = &self.dir {
            return Ok(convert(&dir.dir_metadata().map_err(|error| from_io(&error))?));
        }
        match &*lock(&self.place) {
            Place::Named { parent, name } => Ok(convert(&self.found(parent, name)?)),
            Place::Gone { file: Some(file), .. } => {
                let metadata = Metadata::from_file(file).map_err(|error| from_io(&error))?;
                Ok(convert(&metadata))
            }
            Place::Gone { file: None, attributes, .. } => Ok(attributes.clone()),
        }
    }

    /// Sets times; `None` leaves one as it is.
    pub(super) fn set_times(
        &self,
        accessed: Option<NewTime>,
        modified: Option<NewTime>,
    ) -> Result<()> {
        let opened = match (&self.dir, &*lock(&self.place)) {
            (Some(dir), _) => {
                Ok(Ref::new(dir.open(".").map_err(|error| from_io(&error))?.into_std()))
            }
            (_, Place::Gone { file, .. }) => file.clone().ok_or(ErrorCode::Unsupported),
            (_, Place::Named { parent, name }) => {
                // Of a link, and of what must not be opened for a time.
                self.found(parent, name)?;
                let (accessed, modified) = (spec(accessed)?, spec(modified)?);
                let set = parent.dir()?.set_symlink_times(native(name)?, accessed, modified);
                return set.map_err(|error| from_io(&error));
            }
        };
        let mut times = std::fs::FileTimes::new();
        if let Some(time) = accessed {
            times = times.set_accessed(to_system(time)?);
        }
        if let Some(time) = modified {
            times = times.set_modified(to_system(time)?);
        }
        opened?.set_times(times).map_err(|error| from_io(&error))
    }

    /// A name that leads here.
    pub(super) fn place(&self) -> Result<(Ref<Self>, Name)> {
        match &*lock(&self.place) {
            Place::Named { parent, name } => {
                self.found(parent, name)?;
                Ok((parent.clone(), name.clone()))
            }
            Place::Gone { .. } => Err(ErrorCode::NoEntry),
        }
    }
}

fn spec(time: Option<NewTime>) -> Result<Option<SystemTimeSpec>> {
    match time {
        None => Ok(None),
        Some(NewTime::Now) => Ok(Some(SystemTimeSpec::SymbolicNow)),
        // cap-std panics over a time before 1970.
        Some(NewTime::At(time)) if time.seconds < 0 => Err(ErrorCode::Overflow),
        Some(time) => {
            let time = cap_std::time::SystemTime::from_std(to_system(time)?);
            Ok(Some(SystemTimeSpec::Absolute(time)))
        }
    }
}

fn to_system(time: NewTime) -> Result<SystemTime> {
    let NewTime::At(time) = time else { return Ok(SystemTime::now()) };
    let seconds = Duration::from_secs(time.seconds.unsigned_abs());
    let whole = match time.seconds {
        ..0 => UNIX_EPOCH.checked_sub(seconds),
        0.. => UNIX_EPOCH.checked_add(seconds),
    };
    let part = Duration::from_nanos(time.nanoseconds.into());
    whole.and_then(|whole| whole.checked_add(part)).ok_or(ErrorCode::Overflow)
}

fn link(parent: &Inode, name: &Name) -> Result<Vec<u8>> {
    let target = parent.dir()?.read_link_contents(native(name)?);
    let target = target.map_err(|error| from_io(&error))?;
    Ok(target.into_os_string().into_encoded_bytes())
}

pub(super) fn id(metadata: &Metadata) -> NodeId {
    NodeId { device: metadata.dev(), inode: metadata.ino() }
}

pub(super) fn kind(metadata: &Metadata) -> Kind {
    of_type(metadata.file_type())
}

pub(super) fn of_type(file_type: cap_std::fs::FileType) -> Kind {
    match file_type {
        _ if file_type.is_dir() => Kind::Directory,
        _ if file_type.is_symlink() => Kind::Symlink,
        _ if file_type.is_block_device() => Kind::BlockDevice,
        _ if file_type.is_char_device() => Kind::CharacterDevice,
        _ if file_type.is_fifo() => Kind::Fifo,
        _ if file_type.is_socket() => Kind::Socket,
        _ => Kind::File,
    }
}

fn convert(metadata: &Metadata) -> Attributes {
    let directory = metadata.is_dir();
    let time = |time: std::io::Result<cap_std::time::SystemTime>| {
        time.ok().map(|time| from_system(time.into_std()))
    };
    Attributes {
        links: metadata.nlink(),
        size: metadata.len(),
        // What the interface does not tell is taken to be the size.
        allocated: metadata.len(),
        mode: match (directory, metadata.permissions().readonly()) {
            (true, false) => 0o777,
            (false, false) => 0o666,
            (true, true) => 0o555,
            (false, true) => 0o444,
        },
        uid: 0,
        gid: 0,
        device: (0, 0),
        accessed: time(metadata.accessed()),
        modified: time(metadata.modified()),
        // The interface does not tell the time of the last change of an attribute.
        changed: time(metadata.modified()),
        created: time(metadata.created()),
    }
}

fn from_system(time: SystemTime) -> Time {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Time { seconds: whole(after.as_secs()), nanoseconds: after.subsec_nanos() },
        Err(before) => {
            let before = before.duration();
            match (whole(before.as_secs()), before.subsec_nanos()) {
                (seconds, 0) => Time { seconds: -seconds, nanoseconds: 0 },
                (seconds, part) => {
                    Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - part }
                }
            }
        }
    }
}
