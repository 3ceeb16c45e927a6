//! A small file system in memory, and random changes that it and a real one make alike.
//! A change is one call of the host, so that no state lies between two of them, and it
//! depends on the seed and on the changes before alone: who knows their number knows all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::wall_clock::Datetime;
use crate::{
    Answer, CREATE, Descriptor, DescriptorType, EXCLUSIVE, ErrorCode, NOFOLLOW, NewTimestamp,
    PLAIN, R, RW, TRUNCATE, W, answer, append_all, expect, lacks, ok,
};

/// At least every so many changes there is a sync.
pub const SYNC_EVERY: u64 = 40;

/// Objects beside the root, and bytes in all files, at most.
const OBJECTS_MAX: usize = 48;
const BYTES_MAX: u64 = 8 << 20;
const FILE_MAX: u64 = 2 << 20;
const DEPTH_MAX: usize = 4;
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "file", "x", "y"];

/// Times of modification below it were set; all others a clock gave.
const SET_BELOW: u64 = 1000;

/// Xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64, number: u64) -> Self {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
        let mut random = Self((mixed ^ number.wrapping_mul(0xbf58_476d_1ce4_e5b9)) | 1);
        random.below(1);
        random.below(1);
        random
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }

    fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        among.get(usize::try_from(self.below(among.len() as u64)).unwrap_or_default())
    }
}

/// One change, on paths that the state before has.
#[derive(Debug)]
pub enum Change {
    /// Makes an empty file.
    Create(String),
    /// Makes a directory.
    MakeDirectory(String),
    /// Makes a symbolic link: its path, and its target.
    Symlink(String, String),
    /// Gives a file a second name.
    Link(String, String),
    /// Moves something, perhaps over something else.
    Rename(String, String),
    /// Removes a name of what is no directory.
    Unlink(String),
    /// Removes an empty directory.
    RemoveDirectory(String),
    /// Writes so many bytes at an offset.
    Write(String, u64, usize),
    /// Writes so many bytes to the end.
    Append(String, usize),
    /// Opens a file so that it is empty.
    Truncate(String),
    /// Cuts a file, or lets it grow.
    SetSize(String, u64),
    /// Sets a time of modification, in seconds.
    SetModified(String, u64),
    /// Changes nothing, but stores everything.
    Sync(String),
    /// Changes nothing: a chance for whoever watches.
    Pause,
}

/// What a change writes: no two changes the same.
fn content(number: u64, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count + 8);
    let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while bytes.len() < count {
        bytes.extend_from_slice(&word.to_le_bytes());
        word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(number);
    }
    bytes.truncate(count);
    bytes
}

/// A call has to succeed, unless the backend lacks what it asks for.
fn done(change: &Change, lack: &str, came: Result<(), ErrorCode>) {
    let expected: Answer = if lacks(lack) { Err(ErrorCode::Unsupported) } else { Ok(()) };
    answer(format_args!("{change:?}"), expected, came);
}

impl Change {
    /// Has the host make it, as the change of this number.
    pub fn carry_out(&self, work: &Descriptor, number: u64) {
        let asked = format_args!("change {number}, {self:?}");
        let open =
            |path: &String, how, rights| ok(asked, work.open_at(NOFOLLOW, path, how, rights));
        match self {
            Self::Create(path) => drop(open(path, CREATE | EXCLUSIVE, RW)),
            Self::MakeDirectory(path) => ok(asked, work.create_directory_at(path)),
            Self::Symlink(path, target) => {
                done(self, "symlinks", work.symlink_at(target, path));
            }
            Self::Link(path, to) => {
                done(self, "hard-links", work.link_at(NOFOLLOW, path, work, to));
            }
            Self::Rename(path, to) => ok(asked, work.rename_at(path, work, to)),
            Self::Unlink(path) => ok(asked, work.unlink_file_at(path)),
            Self::RemoveDirectory(path) => ok(asked, work.remove_directory_at(path)),
            Self::Write(path, offset, count) => {
                let written =
                    ok(asked, open(path, PLAIN, W).write(&content(number, *count), *offset));
                expect(asked, *count as u64, written);
            }
            Self::Append(path, count) => append_all(&open(path, PLAIN, W), content(number, *count)),
            Self::Truncate(path) => drop(open(path, TRUNCATE, W)),
            Self::SetSize(path, size) => ok(asked, open(path, PLAIN, W).set_size(*size)),
            Self::SetModified(path, seconds) => {
                let time = Datetime { seconds: *seconds, nanoseconds: 7 };
                let (accessed, modified) = (NewTimestamp::NoChange, NewTimestamp::Timestamp(time));
                done(self, "set-times", work.set_times_at(NOFOLLOW, path, accessed, modified));
            }
            Self::Sync(path) => ok(asked, open(path, PLAIN, R).sync()),
            Self::Pause => {}
        }
    }
}

enum Body {
    File(Vec<u8>),
    Directory(BTreeMap<&'static str, u64>),
    Symlink(String),
}

struct Object {
    body: Body,
    /// Names that it has.
    links: u64,
    /// If it was set.
    modified: Option<u64>,
}

/// What can be seen of an object.
#[derive(PartialEq)]
pub struct Seen<'a> {
    kind: &'static str,
    /// Of a file.
    links: Option<u64>,
    modified: Option<u64>,
    content: Cow<'a, [u8]>,
}

/// Everything that can be seen, by path.
pub type State<'a> = BTreeMap<String, Seen<'a>>;

const ROOT: u64 = 0;

/// The reference.
pub struct Model {
    seed: u64,
    number: u64,
    objects: BTreeMap<u64, Object>,
}

/// A path, and what it leads to.
type Place = (String, u64);

impl Model {
    /// An empty file system, and the changes that this seed leads to.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let root = Object { body: Body::Directory(BTreeMap::new()), links: 1, modified: None };
        Self { seed, number: 0, objects: BTreeMap::from([(ROOT, root)]) }
    }

    /// How many changes have been made.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    fn object(&self, id: u64) -> &Object {
        &self.objects[&id]
    }

    fn entries(&self, id: u64) -> Option<&BTreeMap<&'static str, u64>> {
        match &self.object(id).body {
            Body::Directory(entries) => Some(entries),
            Body::File(_) | Body::Symlink(_) => None,
        }
    }

    fn size(&self, id: u64) -> Option<u64> {
        match &self.object(id).body {
            Body::File(bytes) => Some(bytes.len() as u64),
            Body::Directory(_) | Body::Symlink(_) => None,
        }
    }

    /// All paths but the root's; a directory before what it contains.
    fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = vec![(String::new(), ROOT)];
        let mut at = 0;
        while let Some((path, id)) = places.get(at).cloned() {
            for (name, inner) in self.entries(id).into_iter().flatten() {
                let slash = if path.is_empty() { "" } else { "/" };
                places.push((format!("{path}{slash}{name}"), *inner));
            }
            at += 1;
        }
        places.remove(0);
        places
    }

    fn find(&self, path: &str) -> Option<u64> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(ROOT, |id, name| {
            self.entries(id).and_then(|entries| entries.get(name)).copied()
        })
    }

    /// The change that comes next.
    #[must_use]
    pub fn next(&self) -> Change {
        /// Not every change that comes to mind can be made.
        const TRIES: usize = 4;
        if self.number % SYNC_EVERY == SYNC_EVERY - 1 {
            return Change::Sync(".".to_owned());
        }
        let places = self.places();
        let of = |fits: &dyn Fn(u64) -> bool| -> Vec<Place> {
            places.iter().filter(|(_, id)| fits(*id)).cloned().collect()
        };
        let directories = of(&|id| self.entries(id).is_some());
        let files = of(&|id| self.size(id).is_some());
        let bytes: u64 = files.iter().filter_map(|(_, id)| self.size(*id)).sum();
        if bytes > BYTES_MAX {
            let largest = files.iter().max_by_key(|(_, id)| self.size(*id));
            return largest.map_or(Change::Pause, |(path, _)| Change::Truncate(path.clone()));
        }
        let mut random = Random::new(self.seed, self.number);
        let found = (0..TRIES).find_map(|_| match random.below(100) {
            0..54 => self.naming(&places, &directories, &files, &mut random),
            54..96 => self.filling(random.pick(&files)?, &mut random),
            _ => Some(Change::Pause),
        });
        found.unwrap_or(Change::Pause)
    }

    /// A change of what there is.
    fn naming(
        &self,
        places: &[Place],
        directories: &[Place],
        files: &[Place],
        random: &mut Random,
    ) -> Option<Change> {
        let room = places.len() < OBJECTS_MAX;
        let fresh = self.fresh(directories, random).filter(|_| room);
        match random.below(54) {
            0..14 => fresh.map(Change::Create),
            14..20 => fresh.map(Change::MakeDirectory),
            20..23 => {
                let (target, _) = random.pick(places)?;
                fresh.map(|path| Change::Symlink(path, target.clone()))
            }
            23..28 => Some(Change::Link(random.pick(files)?.0.clone(), fresh?)),
            28..42 => self.movement(places, directories, random),
            _ => {
                let (path, id) = random.pick(places)?.clone();
                match self.entries(id) {
                    None => Some(Change::Unlink(path)),
                    Some(entries) if entries.is_empty() => Some(Change::RemoveDirectory(path)),
                    Some(_) => None,
                }
            }
        }
    }

    /// A change of a file.
    fn filling(&self, (path, id): &Place, random: &mut Random) -> Option<Change> {
        let (path, size) = (path.clone(), self.size(*id)?);
        match random.below(42) {
            0..22 => Self::write(path, size, random),
            22..27 => {
                let count = 1 + usize::try_from(random.below(4096)).unwrap_or_default();
                (size < FILE_MAX).then_some(Change::Append(path, count))
            }
            27..30 => (size > 0).then_some(Change::Truncate(path)),
            30..34 => {
                let new = random.below(300_000);
                (new != size).then_some(Change::SetSize(path, new))
            }
            34..38 => Some(Change::SetModified(path, random.below(SET_BELOW))),
            _ => Some(Change::Sync(path)),
        }
    }

    /// A path that nothing has.
    fn fresh(&self, directories: &[Place], random: &mut Random) -> Option<String> {
        let path = Self::somewhere(directories, random)?;
        self.find(&path).is_none().then_some(path)
    }

    /// Any path in a directory that there is.
    fn somewhere(directories: &[Place], random: &mut Random) -> Option<String> {
        let name = random.pick(&NAMES)?;
        let which = random.below(directories.len() as u64 + 1);
        let directory = directories.get(usize::try_from(which).ok()?);
        let path = directory.map_or_else(|| (*name).to_owned(), |(at, _)| format!("{at}/{name}"));
        (path.split('/').count() <= DEPTH_MAX).then_some(path)
    }

    fn movement(
        &self,
        places: &[Place],
        directories: &[Place],
        random: &mut Random,
    ) -> Option<Change> {
        let (from, moved) = random.pick(places)?.clone();
        let to = Self::somewhere(directories, random)?;
        if to.starts_with(&format!("{from}/")) || from.starts_with(&format!("{to}/")) {
            return None;
        }
        let directory = self.entries(moved).is_some();
        let fits = match self.find(&to) {
            None => !directory || to.split('/').count() <= DEPTH_MAX / 2,
            Some(old) => match self.entries(old) {
                Some(entries) => directory && entries.is_empty() && old != moved,
                None => !directory && old != moved,
            },
        };
        fits.then_some(Change::Rename(from, to))
    }

    fn write(path: String, size: u64, random: &mut Random) -> Option<Change> {
        let count = match random.below(40) {
            0 => (1 << 20) + random.below(200_000),
            1..6 => 1 + random.below(10),
            6..24 => 1 + random.below(6000),
            24..30 => 4096 * (1 + random.below(6)),
            30..36 => 1 + random.below(40_000),
            _ => 1 + random.below(200_000),
        };
        let offset = match random.below(3) {
            0 => random.below(size + 1),
            1 => 4096 * random.below(20),
            _ => random.below(size + 50_000),
        };
        let offset = if offset + count > FILE_MAX { 0 } else { offset };
        Some(Change::Write(path, offset, usize::try_from(count).ok()?))
    }

    /// Makes a change here.
    pub fn make(&mut self, change: &Change) {
        let number = self.number;
        self.number += 1;
        match change {
            Change::Create(path) => self.enter(path, Body::File(Vec::new())),
            Change::MakeDirectory(path) => self.enter(path, Body::Directory(BTreeMap::new())),
            Change::Symlink(..) if lacks("symlinks") => {}
            Change::Symlink(path, target) => self.enter(path, Body::Symlink(target.clone())),
            Change::Link(..) if lacks("hard-links") => {}
            Change::Link(path, to) => {
                let id = self.find(path).expect("a file");
                self.name(to, id);
            }
            Change::Rename(path, to) => {
                let id = self.find(path).expect("something");
                if self.find(to).is_some() {
                    self.leave(to);
                }
                // Named first, so that it is never without a name.
                self.name(to, id);
                self.leave(path);
            }
            Change::Unlink(path) | Change::RemoveDirectory(path) => self.leave(path),
            Change::Write(path, offset, count) => self.fill(path, Some(*offset), number, *count),
            Change::Append(path, count) => self.fill(path, None, number, *count),
            Change::Truncate(path) => self.bytes(path, Vec::clear),
            Change::SetSize(path, size) => {
                let size = usize::try_from(*size).expect("small");
                self.bytes(path, |bytes| bytes.resize(size, 0));
            }
            Change::SetModified(..) if lacks("set-times") => {}
            Change::SetModified(path, seconds) => {
                let id = self.find(path).expect("something");
                self.objects.get_mut(&id).expect("an object").modified = Some(*seconds);
            }
            Change::Sync(_) | Change::Pause => {}
        }
    }

    fn fill(&mut self, path: &str, offset: Option<u64>, number: u64, count: usize) {
        self.bytes(path, |bytes| {
            let start = offset.map_or(bytes.len(), |at| usize::try_from(at).expect("small"));
            bytes.resize(bytes.len().max(start + count), 0);
            bytes[start..start + count].copy_from_slice(&content(number, count));
        });
    }

    fn bytes(&mut self, path: &str, act: impl FnOnce(&mut Vec<u8>)) {
        let id = self.find(path).expect("a file");
        let object = self.objects.get_mut(&id).expect("an object");
        object.modified = None;
        if let Body::File(bytes) = &mut object.body {
            act(bytes);
        }
    }

    fn enter(&mut self, path: &str, body: Body) {
        let id = self.objects.keys().next_back().map_or(ROOT, |last| last + 1);
        self.objects.insert(id, Object { body, links: 0, modified: None });
        self.name(path, id);
    }

    fn directory_of<'a>(&mut self, path: &'a str) -> (&mut BTreeMap<&'static str, u64>, &'a str) {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let id = self.find(parent).expect("a directory");
        let object = self.objects.get_mut(&id).expect("an object");
        object.modified = None;
        match &mut object.body {
            Body::Directory(entries) => (entries, name),
            Body::File(_) | Body::Symlink(_) => panic!("'{parent}' is no directory"),
        }
    }

    fn name(&mut self, path: &str, id: u64) {
        let (entries, name) = self.directory_of(path);
        let name = NAMES.into_iter().find(|known| *known == name).expect("one of the names");
        entries.insert(name, id);
        self.objects.get_mut(&id).expect("an object").links += 1;
    }

    fn leave(&mut self, path: &str) {
        let (entries, name) = self.directory_of(path);
        let id = entries.remove(name).expect("an entry");
        let object = self.objects.get_mut(&id).expect("an object");
        object.links -= 1;
        if object.links == 0 {
            self.objects.remove(&id);
        }
    }

    /// Makes changes here until there have been so many.
    pub fn advance(&mut self, number: u64) {
        while self.number < number {
            let change = self.next();
            self.make(&change);
        }
    }

    /// Everything that can be seen of it.
    #[must_use]
    pub fn state(&self) -> State<'_> {
        let all = std::iter::once((String::new(), ROOT)).chain(self.places());
        let seen = |(path, id): Place| {
            let object = self.object(id);
            let (kind, links, content): (_, _, &[u8]) = match &object.body {
                Body::File(bytes) => ("file", Some(object.links), bytes),
                Body::Directory(_) => ("directory", None, &[]),
                Body::Symlink(target) => ("symlink", None, target.as_bytes()),
            };
            let modified = object.modified;
            (path, Seen { kind, links, modified, content: content.into() })
        };
        all.map(seen).collect()
    }
}

/// Everything that can be seen below a directory.
#[must_use]
pub fn look(directory: &Descriptor) -> State<'static> {
    let mut state = State::new();
    let mut pending = vec![String::new()];
    while let Some(path) = pending.pop() {
        let here = if path.is_empty() { "." } else { &path };
        let stat = directory.stats_at(here);
        let seconds = stat.data_modification_timestamp.map(|time| time.seconds);
        let (kind, content) = match stat.type_ {
            DescriptorType::Directory => {
                for name in directory.dir(here).names() {
                    let slash = if path.is_empty() { "" } else { "/" };
                    pending.push(format!("{path}{slash}{name}"));
                }
                ("directory", Vec::new())
            }
            DescriptorType::SymbolicLink => {
                ("symlink", ok("readlink-at", directory.readlink_at(here)).into_bytes())
            }
            DescriptorType::RegularFile => ("file", directory.get(here)),
            _ => ("something else", Vec::new()),
        };
        let links = (kind == "file").then_some(stat.link_count);
        let modified = seconds.filter(|seconds| *seconds < SET_BELOW);
        state.insert(path, Seen { kind, links, modified, content: content.into() });
    }
    state
}

/// What tells two states apart, if anything does.
#[must_use]
pub fn difference(wanted: &State<'_>, found: &State<'_>) -> Option<String> {
    if wanted == found {
        return None;
    }
    let show = |seen: Option<&Seen<'_>>| {
        seen.map_or("nothing".to_owned(), |Seen { kind, links, modified, content }| {
            format!("{kind} of {} bytes, links {links:?}, modified {modified:?}", content.len())
        })
    };
    let paths: std::collections::BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    let differing = paths.into_iter().filter(|path| wanted.get(*path) != found.get(*path));
    let lines = differing.map(|path| {
        let (wanted, found) = (wanted.get(path), found.get(path));
        let byte = wanted.zip(found).and_then(|(wanted, found)| {
            wanted.content.iter().zip(found.content.iter()).position(|(one, other)| one != other)
        });
        let byte = byte.map_or(String::new(), |at| format!(", first another byte at {at}"));
        format!("'{path}': wanted {}, found {}{byte}", show(wanted), show(found))
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}
