//! Random calls of guests, the same ones on every native backend: all of them answer
//! alike. A failure prints the seed with which it comes again.

#![cfg(all(feature = "dir", feature = "testing"))]

use std::sync::Arc;

use pollster::block_on;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::Volume;
use wasi_opfs::backend::{Backend, Kind, Source};
use wasi_opfs::testing::Model;
use wasi_opfs::{
    Descriptor, DescriptorFlags, ErrorCode, FileSystem, Follow, MountOptions, MountTable, OpenFlags,
};

/// Marsaglia's xorshift: a test needs no better one.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn follow(&mut self) -> Follow {
        self.pick(&[Follow::Yes, Follow::No])
    }

    /// Few names, so that calls meet, and every way to write a path.
    fn path(&mut self) -> String {
        let mut path = String::new();
        for _ in 0..=self.below(3) {
            let odd = self.one_in(6);
            path.push_str(if odd { self.pick(&[".", "..", ""]) } else { self.pick(NAMES) });
            path.push('/');
        }
        if !self.one_in(5) {
            path.pop();
        }
        path
    }
}

const NAMES: &[&str] = &["a", "b", "c", "d"];

/// How many descriptors are held at once.
const HELD: usize = 6;

/// One call, with all that it is about.
#[derive(Clone, Debug)]
enum Call {
    Open(usize, usize, Follow, String, OpenFlags, DescriptorFlags),
    Close(usize),
    MakeDirectory(usize, String),
    RemoveDirectory(usize, String),
    Unlink(usize, String),
    Rename(usize, String, usize, String),
    Link(usize, String, usize, String),
    Symlink(usize, String, String),
    ReadLink(usize, String),
    Stat(usize, Follow, String),
    StatHeld(usize),
    List(usize),
    Write(usize, usize, u64),
    Append(usize, usize),
    Read(usize, u64),
    SetSize(usize, u64),
    Same(usize, usize),
}

impl Call {
    fn random(random: &mut Random) -> Self {
        let at = random.below(HELD);
        let other = random.below(HELD);
        match random.below(20) {
            0..=4 => {
                let open = OpenFlags {
                    create: random.one_in(2),
                    directory: random.one_in(4),
                    exclusive: random.one_in(6),
                    truncate: random.one_in(6),
                };
                let flags = DescriptorFlags {
                    read: random.one_in(2),
                    write: random.one_in(2),
                    ..DescriptorFlags::default()
                };
                Self::Open(at, other, random.follow(), random.path(), open, flags)
            }
            5 => Self::Close(at),
            6 | 7 => Self::MakeDirectory(at, random.path()),
            8 => Self::RemoveDirectory(at, random.path()),
            9 => Self::Unlink(at, random.path()),
            10 | 11 => Self::Rename(at, random.path(), other, random.path()),
            12 => Self::Link(at, random.path(), other, random.path()),
            13 => Self::Symlink(at, random.path(), random.path()),
            14 => match random.below(4) {
                0 => Self::ReadLink(at, random.path()),
                1 => Self::StatHeld(at),
                2 => Self::Same(at, other),
                _ => Self::List(at),
            },
            15 | 16 => Self::Stat(at, random.follow(), random.path()),
            17 => Self::Write(at, random.below(9000), random.pick(&[0, 1, 4000, 9000])),
            18 if random.one_in(2) => Self::Append(at, random.below(100)),
            18 => Self::SetSize(at, random.pick(&[0, 3, 4097, 20_000])),
            _ => Self::Read(at, random.pick(&[0, 1, 5000, 20_000])),
        }
    }
}

/// One backend, and the descriptors that its guest holds; the first is the root.
struct Guest {
    name: &'static str,
    held: Vec<Option<Descriptor>>,
}

impl Guest {
    /// With mounts inside, if `inner`: one that may be changed, and one that may not.
    fn new(name: &'static str, backend: Arc<dyn Backend>, inner: bool) -> Self {
        let mount = |guest: &str, backend: Arc<dyn Backend>, read_only| MountOptions {
            guest: guest.to_owned(),
            fs: FileSystem::new(backend),
            read_only,
        };
        let mut mounts = vec![mount("/", backend, false)];
        if inner {
            mounts.push(mount("/a/b", Arc::new(Model::new()), false));
            mounts.push(mount("/c", Arc::new(Model::new()), true));
        }
        let table = block_on(MountTable::new(mounts)).expect("a table");
        let root = table.preopens().remove(0).0;
        let mut held = vec![None; HELD];
        held[0] = Some(root);
        Self { name, held }
    }

    fn at(&self, at: usize) -> Result<&Descriptor, ErrorCode> {
        self.held[at].as_ref().or(self.held[0].as_ref()).ok_or(ErrorCode::BadDescriptor)
    }

    /// What it is answered, as text.
    fn call(&mut self, call: &Call) -> Result<String, ErrorCode> {
        match call {
            Call::Open(at, to, follow, path, open, flags) => {
                let opened =
                    block_on(self.at(*at)?.open_at(*follow, path.as_bytes(), *open, *flags))?;
                let answer = format!("{:?} {:?}", opened.kind(), opened.flags());
                // The root stays where it is.
                self.held[(*to).max(1)] = Some(opened);
                return Ok(answer);
            }
            Call::Close(at) => self.held[(*at).max(1)] = None,
            Call::MakeDirectory(at, path) => {
                block_on(self.at(*at)?.create_directory_at(path.as_bytes()))?;
            }
            Call::RemoveDirectory(at, path) => {
                block_on(self.at(*at)?.remove_directory_at(path.as_bytes()))?;
            }
            Call::Unlink(at, path) => block_on(self.at(*at)?.unlink_file_at(path.as_bytes()))?,
            Call::Rename(at, path, to, new) => {
                let (from, to) = (self.at(*at)?, self.at(*to)?);
                block_on(from.rename_at(path.as_bytes(), to, new.as_bytes()))?;
            }
            Call::Link(at, path, to, new) => {
                let (from, to) = (self.at(*at)?, self.at(*to)?);
                block_on(from.link_at(Follow::No, path.as_bytes(), to, new.as_bytes()))?;
            }
            Call::Symlink(at, target, path) => {
                block_on(self.at(*at)?.symlink_at(target.as_bytes(), path.as_bytes()))?;
            }
            Call::ReadLink(at, path) => {
                return block_on(self.at(*at)?.readlink_at(path.as_bytes()));
            }
            Call::Stat(at, follow, path) => {
                return Ok(told(&block_on(self.at(*at)?.stat_at(*follow, path.as_bytes()))?));
            }
            Call::StatHeld(at) => return Ok(told(&block_on(self.at(*at)?.stat())?)),
            Call::List(at) => return list(self.at(*at)?),
            Call::Write(at, count, offset) => {
                let bytes = vec![b'w'; *count];
                let written = self.at(*at)?.write(Source::Slice(&bytes), *offset)?;
                return Ok(written.to_string());
            }
            Call::Append(at, count) => {
                let bytes = vec![b'a'; *count];
                let mut stream = self.at(*at)?.append_via_stream()?;
                return Ok(format!("{:?}", stream.write(Source::Slice(&bytes))));
            }
            Call::Read(at, offset) => {
                let (bytes, end) = self.at(*at)?.read(10_000, *offset)?;
                let sum = bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                return Ok(format!("{} bytes, {sum} {end}", bytes.len()));
            }
            Call::SetSize(at, size) => self.at(*at)?.set_size(*size)?,
            Call::Same(at, other) => {
                return Ok(self.at(*at)?.is_same_object(self.at(*other)?).to_string());
            }
        }
        Ok(String::new())
    }
}

fn told(stat: &wasi_opfs::Stat) -> String {
    match stat.kind {
        // Of a directory, sizes and links are up to the storage.
        Kind::Directory => format!("a directory, removed: {}", stat.attributes.links == 0),
        kind => format!("{kind:?} {} {}", stat.attributes.size, stat.attributes.links),
    }
}

fn list(directory: &Descriptor) -> Result<String, ErrorCode> {
    let mut entries = block_on(directory.read_directory())?;
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        let (kind, name) = entry?;
        found.push(format!("{name} {kind:?}"));
    }
    found.sort();
    Ok(found.join(", "))
}

#[test]
fn all_answer_alike() {
    let number = |name: &str| {
        let given = std::env::var(name).ok()?;
        Some(given.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let seeds = match number("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SEEDS").unwrap_or(30),
    };
    for seed in seeds {
        // Neighbours begin far apart.
        let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed) | 1);
        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open(folder.path()).expect("opened");
        let volume = Volume::in_memory(1 << 30).expect("a volume");
        let inner = seed % 2 == 0;
        let mut guests = [
            Guest::new("dir", Arc::new(dir), inner),
            Guest::new("model", Arc::new(Model::new()), inner),
            Guest::new("volume", Arc::new(volume), inner),
        ];
        for step in 0..2000 {
            let call = Call::random(&mut random);
            let answers = guests.each_mut().map(|guest| (guest.name, guest.call(&call)));
            assert!(
                answers.iter().all(|(_, answer)| *answer == answers[0].1),
                "SEED={seed}, step {step}: {call:?} {answers:?}"
            );
        }
    }
}
