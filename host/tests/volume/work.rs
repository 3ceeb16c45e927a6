//! Random operations on any backend, and what a backend holds, written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use pollster::block_on;
use wasi_opfs::ErrorCode;
use wasi_opfs::backend::volume::Volume;
use wasi_opfs::backend::{
    Access, Backend, Changes, Destination, File, Fresh, Kind, NewTime, Node, Position, Removal,
    Source, Time, XattrMode,
};
use wasi_opfs::path::Name;

pub(crate) const BOTH: Access = Access { read: true, write: true };

/// Xorshift: small, and the same everywhere.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Everything a bit.
    Mixed,
    /// Large extended attributes, which make the table and the log large.
    Heavy,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Create(String),
    MakeDirectory(String),
    Symlink(String, usize),
    MakeNode(String),
    Link(String, String),
    Rename(String, String),
    Remove(String, bool),
    Write(String, Option<u64>, usize, u8),
    SetSize(String, u64),
    SetXattr(String, u8, usize),
    RemoveXattr(String, u8),
    SetAttributes(String, u32),
    /// Keeps a file open from now on, or closes the oldest one.
    Open(String),
    Close,
    /// Writes to the oldest one, which may have no name.
    WriteOpen(usize, u8),
    SyncFile(String),
    Sync,
    /// One step of a compaction, where there is such a thing.
    Compact(u64),
}

fn path(random: &mut Random) -> String {
    let directory = ["", "", "", "x/", "x/y/"][usize::try_from(random.below(5)).expect("small")];
    let name = ["a", "b", "c", "d"][usize::try_from(random.below(4)).expect("small")];
    format!("{directory}{name}")
}

fn size(random: &mut Random) -> usize {
    let size = match random.below(8) {
        // Of a write of nothing, backends may differ about the times.
        0 => 1 + random.below(10),
        1..5 => 1 + random.below(6000),
        5 => 4096 * (1 + random.below(6)),
        6 => 1 + random.below(40_000),
        _ => 1 + random.below(200_000),
    };
    usize::try_from(size).expect("small")
}

pub(crate) fn operation(random: &mut Random, style: Style) -> Operation {
    let (at, number) = (path(random), u8::try_from(random.below(250)).expect("small"));
    if style == Style::Heavy && random.below(2) == 0 {
        let size = usize::try_from(random.below(60_000)).expect("small");
        return Operation::SetXattr(at, number % 2, size);
    }
    match random.below(38) {
        0..4 => Operation::Create(at),
        4 if number % 4 == 0 => Operation::MakeDirectory(at),
        4..6 => Operation::MakeDirectory(["x", "x/y", "x"][usize::from(number % 3)].to_owned()),
        6 => Operation::Symlink(at, 1 + usize::from(number) * 10),
        7 => Operation::MakeNode(at),
        8 => Operation::Link(at, path(random)),
        9..12 => Operation::Rename(at, path(random)),
        12..14 => Operation::Remove(at, false),
        14 => Operation::Remove(at, true),
        15..20 | 30..36 => {
            let offset = (random.below(3) > 0).then(|| random.below(100_000));
            Operation::Write(at, offset, size(random), number)
        }
        20 => Operation::Write(at, Some(random.below(20) * 4096), 4096 * 20, number),
        21..23 => Operation::SetSize(at, random.below(120_000)),
        23 => Operation::SetXattr(at, number % 4, usize::from(number)),
        24 => Operation::RemoveXattr(at, number % 4),
        25 => Operation::SetAttributes(at, u32::from(number)),
        26 => Operation::Open(at),
        27 if number % 2 == 0 => Operation::Close,
        27 => Operation::WriteOpen(size(random), number),
        28 => Operation::SyncFile(at),
        36.. => Operation::Compact(random.below(200_000)),
        _ => Operation::Sync,
    }
}

/// A backend with the files that a workload has open.
pub(crate) struct Bench {
    pub(crate) backend: Arc<dyn Backend>,
    /// The same, if it is a volume.
    volume: Option<Arc<Volume>>,
    open: Vec<Arc<dyn File>>,
}

type Answer<T> = Result<T, ErrorCode>;

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).expect("a name")
}

fn bytes(count: usize, number: u8) -> Vec<u8> {
    #[allow(clippy::cast_possible_truncation)] // Below 251.
    let byte = |index: usize| number.wrapping_add((index / 511 % 251) as u8);
    (0..count).map(byte).collect()
}

impl Bench {
    pub(crate) fn new(backend: impl Backend) -> Self {
        Self { backend: Arc::new(backend), volume: None, open: Vec::new() }
    }

    pub(crate) fn of_volume(volume: Volume) -> Self {
        let volume = Arc::new(volume);
        Self { backend: volume.clone(), volume: Some(volume), open: Vec::new() }
    }

    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    fn find(&self, path: &str) -> Answer<Node> {
        let names: Vec<_> = path.split('/').filter(|part| !part.is_empty()).map(name).collect();
        let walk = block_on(self.backend.walk(&self.backend.root(), &names))?;
        if walk.walked < names.len() { Err(ErrorCode::NoEntry) } else { Ok(walk.node) }
    }

    fn parent(&self, path: &str) -> Answer<(Node, Name)> {
        let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = self.find(parent)?;
        if parent.kind() == Kind::Directory {
            Ok((parent, name(last)))
        } else {
            Err(ErrorCode::NotDirectory)
        }
    }

    fn file(&self, path: &str) -> Answer<Arc<dyn File>> {
        let node = self.find(path)?;
        if node.kind() == Kind::Directory {
            return Err(ErrorCode::IsDirectory);
        }
        block_on(self.backend.open(&node, BOTH))
    }

    /// Carries out an operation, and answers in a way that can be compared.
    pub(crate) fn run(&mut self, operation: &Operation) -> Answer<usize> {
        use Operation as Op;
        let backend = self.backend.clone();
        let done = |()| 0;
        match operation {
            Op::Create(at) => {
                let (parent, name) = self.parent(at)?;
                block_on(backend.create(&parent, &name, Fresh::FILE, BOTH)).map(|_| 0)
            }
            Op::MakeDirectory(at) => {
                let (parent, name) = self.parent(at)?;
                block_on(backend.make_directory(&parent, &name, Fresh::DIRECTORY)).map(|_| 0)
            }
            Op::Symlink(at, length) => {
                let (parent, name) = self.parent(at)?;
                let target = vec![b't'; *length];
                block_on(backend.symlink(&parent, &name, &target, Fresh::FILE)).map(|_| 0)
            }
            Op::MakeNode(at) => {
                let (parent, name) = self.parent(at)?;
                let kind = Kind::CharacterDevice;
                block_on(backend.make_node(&parent, &name, kind, (1, 3), Fresh::FILE)).map(|_| 0)
            }
            Op::Link(from, to) => {
                let node = self.find(from)?;
                let (parent, name) = self.parent(to)?;
                if node.kind() == Kind::Directory {
                    return Err(ErrorCode::NotPermitted);
                }
                block_on(backend.link(&node, &parent, &name)).map(done)
            }
            Op::Rename(from, to) => {
                let ((from, name), (to, new)) = (self.parent(from)?, self.parent(to)?);
                block_on(backend.rename(&from, &name, &to, &new)).map(done)
            }
            Op::Remove(at, directory) => {
                let (parent, name) = self.parent(at)?;
                let what = if *directory { Removal::Directory } else { Removal::File };
                block_on(backend.remove(&parent, &name, what)).map(done)
            }
            Op::Write(at, offset, count, number) => {
                let position = offset.map_or(Position::End, Position::At);
                let written =
                    self.file(at)?.write(Source::Slice(&bytes(*count, *number)), position)?;
                Ok(written.count)
            }
            Op::SetSize(at, size) => self.file(at)?.set_size(*size).map(done),
            Op::SetXattr(at, number, count) => {
                let value = bytes(*count, *number);
                let at = self.find(at)?;
                block_on(backend.set_xattr(&at, &[*number + 1], &value, XattrMode::Set)).map(done)
            }
            Op::RemoveXattr(at, number) => {
                block_on(backend.remove_xattr(&self.find(at)?, &[*number + 1])).map(done)
            }
            Op::SetAttributes(at, number) => {
                let time = Time { seconds: i64::from(*number), nanoseconds: *number };
                let changes = Changes {
                    mode: Some(*number),
                    uid: Some(number + 1),
                    modified: Some(NewTime::At(time)),
                    ..Changes::default()
                };
                block_on(backend.set_attributes(&self.find(at)?, changes)).map(done)
            }
            Op::Open(at) => {
                let file = self.file(at)?;
                self.open.push(file);
                Ok(0)
            }
            Op::Close => {
                if !self.open.is_empty() {
                    self.open.remove(0);
                }
                Ok(0)
            }
            Op::WriteOpen(count, number) => {
                let Some(file) = self.open.first() else { return Ok(0) };
                let written = file.write(Source::Slice(&bytes(*count, *number)), Position::End)?;
                Ok(written.count)
            }
            Op::SyncFile(at) => self.file(at)?.sync(true).map(done),
            Op::Sync => block_on(backend.sync()).map(done),
            Op::Compact(most) => {
                self.volume.as_ref().map_or(Ok(0), |volume| volume.compact(*most).map(|_| 0))
            }
        }
    }

    /// Everything that can be seen from the root, without times that the clock gave.
    pub(crate) fn dump(&self) -> BTreeMap<String, String> {
        let backend = &*self.backend;
        let mut found = BTreeMap::new();
        let mut directories = vec![(String::new(), backend.root())];
        while let Some((path, directory)) = directories.pop() {
            let mut after = 0;
            loop {
                let entries = block_on(backend.list(&directory, after)).expect("a list");
                let Some(last) = entries.last() else { break };
                after = last.cookie;
                for entry in entries {
                    let path = format!("{path}/{}", entry.name.as_str().expect("text"));
                    let walk = block_on(backend.walk(&directory, &[entry.name])).expect("a walk");
                    assert_eq!((walk.walked, walk.node.kind()), (1, entry.kind), "{path}");
                    found.insert(path.clone(), describe(backend, &walk.node));
                    if entry.kind == Kind::Directory {
                        directories.push((path, walk.node));
                    }
                }
            }
        }
        found
    }
}

fn describe(backend: &dyn Backend, node: &Node) -> String {
    let attributes = block_on(backend.attributes(node)).expect("attributes");
    let content = match node.kind() {
        Kind::File => {
            let file = block_on(backend.open(node, BOTH)).expect("open");
            let mut bytes = vec![0; usize::try_from(attributes.size).expect("small") + 1];
            let count = file.read(Destination::Slice(&mut bytes), 0).expect("read");
            assert_eq!(count as u64, attributes.size, "all of a file");
            digest(&bytes[..count])
        }
        Kind::Symlink => digest(&block_on(backend.read_link(node)).expect("a target")),
        _ => 0,
    };
    let mut xattrs = Vec::new();
    for name in block_on(backend.xattrs(node)).expect("names") {
        let value = block_on(backend.xattr(node, &name)).expect("a value");
        xattrs.push((name, value.len(), digest(&value)));
    }
    xattrs.sort();
    let set = attributes.modified.filter(|time| time.seconds < 1000);
    format!(
        "{:?} size {} links {} mode {:o} uid {} device {:?} set {set:?} {content:x} {xattrs:x?}",
        node.kind(),
        attributes.size,
        attributes.links,
        attributes.mode,
        attributes.uid,
        attributes.device,
    )
}

fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
