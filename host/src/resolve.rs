//! From a path to what it names. The only place where `..` is taken, links are
//! followed and mount points are crossed.

use crate::backend::{Kind, Node, Stat, Walk};
use crate::error::{ErrorCode, Result};
use crate::mount::{Mount, Place};
use crate::path::{End, Name, Part, Path};
use crate::shared::Ref;

/// How many symbolic links one resolution follows (Linux's `MAXSYMLINKS`).
pub(crate) const MAX_LINKS: usize = 40;

/// What is done about a symbolic link that a path ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is followed.
    Yes,
    /// It is the object itself.
    No,
}

/// Where a path leads.
pub(crate) enum Found {
    Object(Place),
    /// All but the last name exists.
    Missing {
        parent: Place,
        name: Name,
        /// The path, or a link at its end, asks for a directory.
        wants_directory: bool,
    },
}

/// The directory in which a path's last name stands.
pub(crate) struct Parent {
    pub(crate) place: Place,
    pub(crate) last: Last,
}

/// What a path ends with.
pub(crate) enum Last {
    /// A name; whether a slash or a dot follows it, which asks for a directory.
    Name(Name, End),
    /// `.` alone, `..`, or a dot behind a name: the parent is the object itself.
    Itself,
}

/// Resolves `path` from the directory `base`, never leaving what lies below it.
///
/// A path that ends with a slash follows a link there, and leads to a directory.
///
/// # Errors
/// `no-entry`, `not-directory`, `loop`; `not-permitted` for a way out of `base`.
pub(crate) async fn resolve(base: &Place, path: Path, follow: Follow) -> Result<Found> {
    let wants_directory = path.wants_directory();
    let follow_last = follow == Follow::Yes || wants_directory;
    let path = match one_trip(base, path, follow_last, wants_directory).await? {
        Trip::Done(found) => return Ok(found),
        Trip::Not(path) => path,
    };
    let mut walker = Walker::new(base, path);
    walker.follow_last = follow_last;
    walker.wants_directory = wants_directory;
    walker.run().await
}

/// What became of an attempt to walk all of a path at once.
enum Trip {
    Done(Found),
    /// There is a link in it, or `..`, or a mount: that takes a [`Walker`].
    Not(Path),
}

/// Walks a path of nothing but names in one trip, as most are. It answers what a [`Walker`]
/// would; a test compares them.
async fn one_trip(
    base: &Place,
    mut path: Path,
    follow_last: bool,
    wants_directory: bool,
) -> Result<Trip> {
    if path.parts.is_empty() {
        return Ok(Trip::Done(Found::Object(base.clone())));
    }
    if !names_alone(base, &path) {
        return Ok(Trip::Not(path));
    }
    let end = path.end;
    let mut names = path.take_names();
    let Walk { walked, node } = base.mount.fs.backend().walk(&base.node, &names).await?;
    let found = match (node.kind(), names.len() - walked) {
        (Kind::Symlink, left) if left > 0 || follow_last => {
            let parts = names.into_iter().map(Part::Name).collect();
            return Ok(Trip::Not(Path { parts, end }));
        }
        (Kind::Directory | Kind::Symlink, 0) => object(&base.mount, node),
        (Kind::Directory, 1) => {
            let parent = Place { mount: base.mount.clone(), node };
            let name = names.pop().ok_or(ErrorCode::NoEntry)?;
            Found::Missing { parent, name, wants_directory }
        }
        (Kind::Directory, _) => return Err(ErrorCode::NoEntry),
        (_, 0) if !wants_directory => object(&base.mount, node),
        _ => return Err(ErrorCode::NotDirectory),
    };
    Ok(Trip::Done(found))
}

/// What is known of what `path` leads to, which has to exist.
///
/// # Errors
/// As [`resolve`].
pub(crate) async fn look(base: &Place, mut path: Path, follow: Follow) -> Result<Stat> {
    if names_alone(base, &path) {
        let names = path.take_names();
        if let Some(seen) = base.mount.fs.backend().look(&base.node, &names).await? {
            // What is followed, and what is no directory and should be one, takes a closer look.
            let seen_through = match seen.kind {
                Kind::Directory => true,
                Kind::Symlink => follow == Follow::No && !path.wants_directory(),
                _ => !path.wants_directory(),
            };
            if seen_through {
                return Ok(seen);
            }
        }
        path.parts = names.into_iter().map(Part::Name).collect();
    }
    stat(&existing(base, path, follow).await?).await
}

/// What is known of an object.
pub(crate) async fn stat(place: &Place) -> Result<Stat> {
    let attributes = place.mount.fs.backend().attributes(&place.node).await?;
    Ok(Stat { kind: place.node.kind(), id: place.node.id(), attributes })
}

/// Whether a path is names and nothing else, and no mount can be on the way.
pub(crate) fn names_alone(base: &Place, path: &Path) -> bool {
    let all = path.parts.iter().all(|part| matches!(part, Part::Name(_)));
    all && !path.parts.is_empty() && !base.mount.has_points()
}

/// As [`resolve`], of a path that has to exist.
pub(crate) async fn existing(base: &Place, path: Path, follow: Follow) -> Result<Place> {
    match resolve(base, path, follow).await? {
        Found::Object(place) => Ok(place),
        Found::Missing { .. } => Err(ErrorCode::NoEntry),
    }
}

/// Resolves all of `path` but its last name, which may be anything or nothing.
///
/// # Errors
/// As [`resolve`].
pub(crate) async fn parent(base: &Place, mut path: Path) -> Result<Parent> {
    let last = match (path.parts.pop(), path.end) {
        (Some(Part::Name(name)), end @ (End::Plain | End::Slash)) => Last::Name(name, end),
        (Some(part), _) => {
            path.parts.push(part);
            Last::Itself
        }
        (None, _) => Last::Itself,
    };
    path.end = End::Dot;
    let place = existing(base, path, Follow::Yes).await?;
    Ok(Parent { place, last })
}

/// What `name` leads to in the directory `base`: no link is followed, and a mount point leads
/// to what is mounted there.
///
/// # Errors
/// `not-directory` if `base` is none.
pub(crate) async fn child(base: &Place, name: &Name) -> Result<Option<Place>> {
    if base.node.kind() != Kind::Directory {
        return Err(ErrorCode::NotDirectory);
    }
    if let Some(root) = base.mount.mounted_at(&base.node, name) {
        return Ok(Some(root));
    }
    let backend = base.mount.fs.backend();
    let Walk { walked, node } = backend.walk(&base.node, std::slice::from_ref(name)).await?;
    Ok((walked == 1).then(|| Place { mount: base.mount.clone(), node }))
}

/// The way to a directory: from `from` along `names`, all of which led to real
/// directories when they were walked.
struct Step {
    from: Place,
    names: Vec<Name>,
    /// The directory at the end, when it is known: a run of names is walked in one
    /// trip, which does not tell of the directories between.
    here: Option<Node>,
}

struct Walker {
    /// One step for the base, and one for each mount entered below it.
    trail: Vec<Step>,
    /// What is still to be walked, the next part last.
    pending: Vec<Part>,
    follow_last: bool,
    wants_directory: bool,
    links: usize,
}

impl Walker {
    fn new(base: &Place, path: Path) -> Self {
        let mut pending = path.parts;
        pending.reverse();
        let step = Step { from: base.clone(), names: Vec::new(), here: Some(base.node.clone()) };
        Self { trail: vec![step], pending, follow_last: false, wants_directory: false, links: 0 }
    }

    fn step(&mut self) -> &mut Step {
        self.trail.last_mut().expect("the step of the base is never popped")
    }

    async fn run(&mut self) -> Result<Found> {
        loop {
            match self.pending.last() {
                None => return Ok(Found::Object(self.here().await?)),
                Some(Part::Up) => {
                    self.pending.pop();
                    self.up()?;
                }
                Some(Part::Name(name)) => {
                    let mount = self.trail[self.trail.len() - 1].from.mount.clone();
                    if mount.may_be_point(name) {
                        let name = name.clone();
                        let here = self.here().await?;
                        if let Some(root) = mount.mounted_at(&here.node, &name) {
                            self.pending.pop();
                            self.enter(root);
                            continue;
                        }
                    }
                    if let Some(found) = self.walk_run(&mount).await? {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// Walks the next names in one trip: up to a `..`, or to what may be a mount.
    async fn walk_run(&mut self, mount: &Ref<Mount>) -> Result<Option<Found>> {
        let run: Vec<Name> = self
            .pending
            .iter()
            .rev()
            .map_while(|part| match part {
                Part::Name(name) => Some(name),
                Part::Up => None,
            })
            .enumerate()
            .take_while(|(index, name)| *index == 0 || !mount.may_be_point(name))
            .map(|(_, name)| name.clone())
            .collect();
        let step = self.step();
        let (start, walked_before, names) = if let Some(here) = &step.here {
            (here.clone(), 0, run)
        } else {
            let before = step.names.len();
            (step.from.node.clone(), before, [step.names.as_slice(), &run].concat())
        };
        let walk = mount.fs.backend().walk(&start, &names).await?;
        // Less than before: somebody has removed a directory meanwhile.
        let walked = walk.walked.checked_sub(walked_before).ok_or(ErrorCode::NoEntry)?;
        let run = &names[walked_before..];
        let at_the_end = |walked: usize, pending: &[Part]| walked == pending.len();

        match walk.node.kind() {
            Kind::Directory => {
                let step = self.step();
                step.names.extend_from_slice(&run[..walked]);
                step.here = Some(walk.node);
                self.pending.truncate(self.pending.len() - walked);
                if walked == run.len() {
                    return Ok(None);
                }
                // The next name is missing: an answer only if it is the last.
                match self.pending.as_slice() {
                    [Part::Name(name)] => {
                        let name = name.clone();
                        let wants_directory = self.wants_directory;
                        let parent = self.here().await?;
                        Ok(Some(Found::Missing { parent, name, wants_directory }))
                    }
                    _ => Err(ErrorCode::NoEntry),
                }
            }
            Kind::Symlink if !at_the_end(walked, &self.pending) || self.follow_last => {
                let directories = walked.checked_sub(1).ok_or(ErrorCode::NoEntry)?;
                let step = self.step();
                if directories > 0 {
                    step.names.extend_from_slice(&run[..directories]);
                    step.here = None;
                }
                self.pending.truncate(self.pending.len() - walked);
                let target = mount.fs.backend().read_link(&walk.node).await?;
                self.follow(&target)?;
                Ok(None)
            }
            Kind::Symlink => Ok(Some(object(mount, walk.node))),
            _ if at_the_end(walked, &self.pending) && !self.wants_directory => {
                Ok(Some(object(mount, walk.node)))
            }
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    /// Puts the target of a link in front of what is still to be walked.
    fn follow(&mut self, target: &[u8]) -> Result<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(ErrorCode::Loop);
        }
        let target = Path::parse(target)?;
        if self.pending.is_empty() {
            self.wants_directory |= target.wants_directory();
        }
        self.pending.extend(target.parts.into_iter().rev());
        Ok(())
    }

    fn enter(&mut self, root: Place) {
        let here = Some(root.node.clone());
        self.trail.push(Step { from: root, names: Vec::new(), here });
    }

    /// Takes `..`: the names walked so far are those of real directories, so the
    /// parent is what stands before the last of them.
    fn up(&mut self) -> Result<()> {
        let step = self.step();
        if step.names.pop().is_some() {
            step.here = step.names.is_empty().then(|| step.from.node.clone());
        } else if self.trail.len() > 1 {
            self.trail.pop();
        } else {
            return Err(ErrorCode::NotPermitted);
        }
        Ok(())
    }

    /// The directory that was reached.
    async fn here(&mut self) -> Result<Place> {
        let step = self.step();
        let mount = step.from.mount.clone();
        let node = if let Some(node) = &step.here {
            node.clone()
        } else {
            let walk = mount.fs.backend().walk(&step.from.node, &step.names).await?;
            if walk.walked < step.names.len() || walk.node.kind() != Kind::Directory {
                return Err(ErrorCode::NoEntry);
            }
            step.here.insert(walk.node).clone()
        };
        Ok(Place { mount, node })
    }
}

fn object(mount: &Ref<Mount>, node: Node) -> Found {
    Found::Object(Place { mount: mount.clone(), node })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::backend::volume::Volume;
    use crate::backend::{Access, Backend, Fresh};
    use crate::mount::{FileSystem, MountOptions, MountTable};

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes()).expect("a name")
    }

    /// A directory with a file, a directory, and links to both, to nothing, and upwards; the
    /// directory has the same once more.
    fn base() -> Place {
        let volume = Volume::in_memory(1 << 24).expect("a volume");
        let mut at = volume.root();
        for _ in 0..2 {
            block_on(volume.create(
                &at,
                &name("f"),
                Fresh::FILE,
                Access { read: true, write: true },
            ))
            .expect("a file");
            for (link, target) in [("l", "d"), ("m", "f"), ("n", "x"), ("u", "../d")] {
                block_on(volume.symlink(&at, &name(link), target.as_bytes(), Fresh::FILE))
                    .expect("a link");
            }
            at = block_on(volume.make_directory(&at, &name("d"), Fresh::DIRECTORY))
                .expect("a directory");
        }
        let fs = FileSystem::new(Ref::new(volume));
        let options = MountOptions { guest: "/".to_owned(), fs, read_only: false };
        let table = block_on(MountTable::new(vec![options])).expect("a table");
        table.roots().next().expect("a root").1.clone()
    }

    /// What was found, in a way that can be compared.
    fn shown(answer: Result<Found>) -> String {
        match answer {
            Ok(Found::Object(place)) => format!("{:?}", place.node.id().inode),
            Ok(Found::Missing { parent, name, wants_directory }) => {
                format!("{:?} of {:?} {wants_directory}", name, parent.node.id().inode)
            }
            Err(code) => format!("{code:?}"),
        }
    }

    #[test]
    fn one_trip_finds_what_many_find() {
        const PARTS: [&str; 7] = ["f", "d", "l", "m", "n", "u", "x"];
        let base = base();
        let mut paths = vec![String::new()];
        for depth in 0..3 {
            let longer = paths.iter().filter(|path| path.matches('/').count() == depth);
            let longer: Vec<_> =
                longer.flat_map(|path| PARTS.map(|part| format!("{path}{part}/"))).collect();
            paths.extend(longer);
        }
        let mut at_once = 0;
        for path in paths.iter().filter(|path| !path.is_empty()) {
            for text in [path.trim_end_matches('/'), path, &format!("{path}.")] {
                for follow in [Follow::Yes, Follow::No] {
                    let path = || Path::parse(text.as_bytes()).expect("a path");
                    let wants_directory = path().wants_directory();
                    let follow_last = follow == Follow::Yes || wants_directory;
                    let trip = block_on(one_trip(&base, path(), follow_last, wants_directory));
                    let mut walker = Walker::new(&base, path());
                    (walker.follow_last, walker.wants_directory) = (follow_last, wants_directory);
                    let many = block_on(walker.run());
                    let one = match trip {
                        Ok(Trip::Done(found)) => Ok(found),
                        Ok(Trip::Not(rest)) => {
                            assert_eq!(rest, path(), "{text} is given back whole");
                            continue;
                        }
                        Err(code) => Err(code),
                    };
                    let looked = block_on(look(&base, path(), follow)).map(|seen| seen.id.inode);
                    let existing = match &many {
                        Ok(Found::Object(place)) => Ok(place.node.id().inode),
                        Ok(Found::Missing { .. }) => Err(ErrorCode::NoEntry),
                        Err(code) => Err(*code),
                    };
                    assert_eq!(looked, existing, "a look at {text} {follow:?}");
                    at_once += 1;
                    assert_eq!(shown(one), shown(many), "{text} {follow:?}");
                }
            }
        }
        assert!(at_once > 300, "{at_once} paths were walked at once");
    }
}
