//! What a guest is given: file systems at places in one tree. No paths are
//! resolved here, and no call of a guest ends here.

use std::sync::Mutex as SyncMutex;

use async_lock::{Mutex, MutexGuard};

use crate::backend::{Backend, Fresh, Kind, Node};
use crate::error::{ErrorCode, Result, SetupError};
use crate::locks::Locks;
use crate::path::{Name, Part, Path};
use crate::shared::{Ref, lock};

/// A backend with what the core keeps beside it. Clones are the same file system.
#[derive(Clone)]
pub struct FileSystem(Ref<Inner>);

struct Inner {
    backend: Ref<dyn Backend>,
    /// Held around changes where a change is more than one step.
    changes: Option<Mutex<()>>,
    locks: Locks,
}

impl FileSystem {
    /// Takes a backend over.
    #[must_use]
    pub fn new(backend: Ref<dyn Backend>) -> Self {
        let changes = backend.capabilities().waits.then(|| Mutex::new(()));
        Self(Ref::new(Inner { backend, changes, locks: Locks::default() }))
    }

    /// The backend.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        &*self.0.backend
    }

    /// Whether both are the same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Ref::ptr_eq(&self.0, &other.0)
    }

    /// The advisory locks on its files.
    pub(crate) fn locks(&self) -> &Locks {
        &self.0.locks
    }

    /// Waits until no other change is under way.
    pub(crate) async fn change(&self) -> Option<MutexGuard<'_, ()>> {
        match &self.0.changes {
            Some(changes) => Some(changes.lock().await),
            None => None,
        }
    }
}

/// A file system at a place of the tree.
pub(crate) struct Mount {
    pub(crate) fs: FileSystem,
    pub(crate) read_only: bool,
    /// What is mounted inside it.
    points: SyncMutex<Vec<Point>>,
}

/// An object and the mount through which it was reached.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) mount: Ref<Mount>,
    pub(crate) node: Node,
}

struct Point {
    /// The directory that holds the mount point. Held, so that no other one gets its
    /// identity once it is removed.
    parent: Node,
    name: Name,
    root: Place,
}

impl Mount {
    /// What is mounted at `name` in the directory `parent`.
    pub(crate) fn mounted_at(&self, parent: &Node, name: &Name) -> Option<Place> {
        let points = lock(&self.points);
        let point =
            points.iter().find(|point| point.parent.id() == parent.id() && point.name == *name);
        point.map(|point| point.root.clone())
    }

    /// Whether some mount point has this name, in whatever directory.
    pub(crate) fn may_be_point(&self, name: &Name) -> bool {
        lock(&self.points).iter().any(|point| point.name == *name)
    }

    /// Whether something is mounted inside.
    pub(crate) fn has_points(&self) -> bool {
        !lock(&self.points).is_empty()
    }
}

/// One mount as an embedder asks for it.
pub struct MountOptions {
    /// The guest's name of it, which is also the preopen's: `/`, `/tmp`, `.`,
    /// `data`. Names that begin with `/` form one tree, the others a second one;
    /// within a tree a mount may lie inside another.
    pub guest: String,
    /// What is mounted.
    pub fs: FileSystem,
    /// Whether changes are refused.
    pub read_only: bool,
}

/// All that a guest can reach.
#[derive(Clone)]
pub struct MountTable(Ref<[Mounted]>);

impl MountTable {
    /// Puts every file system in its place. The directory in which a mount lies
    /// inside another one is created if it is missing.
    ///
    /// # Errors
    /// A guest name that stands twice or is no path; a mount point that is missing
    /// in a read-only mount, or is no directory.
    pub async fn new(mounts: Vec<MountOptions>) -> Result<Self, SetupError> {
        let mut table: Vec<Mounted> = Vec::new();
        for options in mounts {
            let at = Location::parse(&options.guest)?;
            if let Some(other) = table.iter().find(|other| other.at == at) {
                let (first, second) = (&other.guest, &options.guest);
                let message = if first == second {
                    format!("'{first}' is mounted twice; give one of the mounts another name")
                } else {
                    format!("'{first}' and '{second}' are the same place; leave one of them out")
                };
                return Err(SetupError::new(ErrorCode::Exist, message));
            }
            let node = options.fs.backend().root();
            let points = SyncMutex::default();
            let mount = Mount { fs: options.fs, read_only: options.read_only, points };
            let root = Place { mount: Ref::new(mount), node };
            table.push(Mounted { guest: options.guest, at, root });
        }
        for inner in &table {
            // The innermost of those around it is the one that shows it.
            let outer = table.iter().filter(|outer| outer.at.contains(&inner.at));
            if let Some(outer) = outer.max_by_key(|outer| outer.at.names.len()) {
                attach(outer, inner).await?;
            }
        }
        Ok(Self(table.into()))
    }

    /// The guest name and the root of each mount, in their order.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.0.iter().map(|mounted| (mounted.guest.as_str(), &mounted.root))
    }

    /// The root of the outermost mount that holds `path`, through which all others are
    /// seen, and the path from there.
    pub(crate) fn holding<'a>(&self, path: &'a [u8]) -> Option<(&Place, &'a [u8])> {
        let within = |mounted: &'_ Mounted| Some((mounted.at.names.len(), mounted.at.rest(path)?));
        let holding = self.0.iter().filter_map(|mounted| Some((mounted, within(mounted)?)));
        let (mounted, (_, rest)) = holding.min_by_key(|(_, (names, _))| *names)?;
        Some((&mounted.root, rest))
    }

    /// The guest name of a mount that may wait, if there is one: such a table is
    /// not for a synchronous door.
    #[must_use]
    pub fn waits(&self) -> Option<&str> {
        let waits = |root: &Place| root.mount.fs.backend().capabilities().waits;
        self.roots().find(|(_, root)| waits(root)).map(|(guest, _)| guest)
    }
}

struct Mounted {
    guest: String,
    at: Location,
    root: Place,
}

/// A guest name as a place in one of the two trees.
#[derive(PartialEq, Eq)]
struct Location {
    absolute: bool,
    names: Vec<Name>,
}

impl Location {
    fn parse(guest: &str) -> Result<Self, SetupError> {
        let absolute = guest.starts_with('/');
        let relative = guest.trim_start_matches('/');
        let path = if relative.is_empty() && absolute { "." } else { relative };
        let parsed = Path::parse(path.as_bytes()).and_then(|path| {
            let name = |part| match part {
                Part::Name(name) => Ok(name),
                Part::Up => Err(ErrorCode::Invalid),
            };
            path.parts.into_iter().map(name).collect()
        });
        match parsed {
            Ok(names) => Ok(Self { absolute, names }),
            Err(code) => Err(SetupError::new(
                code,
                format!("cannot mount at '{guest}': {code}; use a path without '..', or '.'"),
            )),
        }
    }

    /// Whether `inner` lies below this place.
    fn contains(&self, inner: &Self) -> bool {
        self.absolute == inner.absolute
            && self.names.len() < inner.names.len()
            && inner.names.starts_with(&self.names)
    }

    /// What is left of `path` behind this place, if it begins with it.
    fn rest<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        if path.starts_with(b"/") != self.absolute {
            return None;
        }
        let mut rest = path;
        for name in &self.names {
            rest = inner_part(rest).strip_prefix(name.as_bytes())?;
            if !matches!(rest.first(), None | Some(b'/')) {
                return None;
            }
        }
        Some(inner_part(rest))
    }
}

/// A path without slashes and dots in front.
fn inner_part(path: &[u8]) -> &[u8] {
    match path {
        [b'/', rest @ ..] | [b'.', b'/', rest @ ..] => inner_part(rest),
        _ => path,
    }
}

/// Makes `inner` seen in `outer`.
async fn attach(outer: &Mounted, inner: &Mounted) -> Result<(), SetupError> {
    let mount = &outer.root.mount;
    let names = &inner.at.names[outer.at.names.len()..];
    let Some((last, parents)) = names.split_last() else { return Ok(()) };
    let failed = |code: ErrorCode| {
        let hint = match code {
            ErrorCode::NotDirectory => "the mount point has to be a directory",
            _ => "create the directory first, or make the outer mount writable",
        };
        let message =
            format!("cannot mount '{}' inside '{}': {code}; {hint}", inner.guest, outer.guest);
        SetupError::new(code, message)
    };
    let mut parent = outer.root.node.clone();
    for name in parents {
        parent = directory(mount, &parent, name).await.map_err(failed)?;
    }
    directory(mount, &parent, last).await.map_err(failed)?;
    let point = Point { parent, name: last.clone(), root: inner.root.clone() };
    lock(&mount.points).push(point);
    Ok(())
}

/// The directory `name`, created if it is missing and may be.
async fn directory(mount: &Mount, parent: &Node, name: &Name) -> Result<Node> {
    let backend = mount.fs.backend();
    // The file system may be in use already, in another table.
    let _change = mount.fs.change().await;
    let walk = backend.walk(parent, std::slice::from_ref(name)).await?;
    match (walk.walked, walk.node.kind()) {
        (0, _) if mount.read_only => Err(ErrorCode::NoEntry),
        (0, _) => backend.make_directory(parent, name, Fresh::DIRECTORY).await,
        (_, Kind::Directory) => Ok(walk.node),
        _ => Err(ErrorCode::NotDirectory),
    }
}
