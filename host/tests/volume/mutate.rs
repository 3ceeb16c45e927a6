//! Valid images with damage done to them by a recipe of a few bytes, and what has to hold
//! afterwards. Digests are made right again on demand, so that damage gets behind them.

use std::sync::OnceLock;

use pollster::block_on;
use wasi_opfs::backend::volume::disk::{Disk, Ram};
use wasi_opfs::backend::volume::{Options, Report, Volume, check};
use wasi_opfs::backend::{
    Access, Backend, Destination, Fresh, Kind, Node, Position, Removal, Source, XattrMode,
};
use wasi_opfs::path::Name;
use wasi_opfs::{ErrorCode, SetupError};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::work::{Bench, Operation, Random, Style, operation};

pub(crate) const BLOCK: usize = 4096;
const SECTOR: usize = 512;
const HEADER: usize = 56;
const SUPERBLOCK: usize = 512;

/// How large a damaged volume may become.
const LIMIT: u64 = 64 << 20;

/// Objects that are looked at, lest a fuzzer waits for a million of them.
const WALK_MAX: usize = 10_000;

/// A volume's bytes, and where its frames lie.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
    /// Of each frame that was whole: where it begins, and bytes with its header.
    pub(crate) frames: Vec<(usize, usize)>,
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

impl Image {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let mut frames = Vec::new();
        for at in (2 * BLOCK..bytes.len().saturating_sub(HEADER)).step_by(SECTOR) {
            if bytes[at..].starts_with(b"WOfr") {
                let length = u32::from_le_bytes(bytes[at + 40..at + 44].try_into().expect("four"));
                let length = HEADER + length as usize;
                let whole = bytes
                    .get(at..at + length)
                    .is_some_and(|frame| digest(frame).to_le_bytes() == frame[HEADER - 8..HEADER]);
                if whole {
                    frames.push((at, length));
                }
            }
        }
        Self { bytes, frames }
    }

    /// The number of a byte of superblocks or frames: where it lies.
    pub(crate) fn place(&self, byte: usize) -> usize {
        let all = 2 * SUPERBLOCK + self.frames.iter().map(|(_, length)| length).sum::<usize>();
        let mut rest = byte % all;
        for (at, length) in [(0, SUPERBLOCK), (BLOCK, SUPERBLOCK)].iter().chain(&self.frames) {
            if rest < *length {
                return at + rest;
            }
            rest -= length;
        }
        0
    }

    /// How many bytes superblocks and frames have.
    pub(crate) fn metadata(&self) -> usize {
        2 * SUPERBLOCK + self.frames.iter().map(|(_, length)| length).sum::<usize>()
    }

    /// Where the last frame begins, and how many bytes it has with its header.
    pub(crate) fn last_frame(&self) -> (usize, usize) {
        let sequence = |(at, _): &&(usize, usize)| number(&self.bytes, at + 16);
        *self.frames.iter().max_by_key(sequence).expect("a frame")
    }

    /// Adds a commit behind the last.
    pub(crate) fn append(&mut self, records: &[u8]) {
        let (last, length) = self.last_frame();
        let at = (last + length).next_multiple_of(SECTOR);
        if at + HEADER + records.len() > self.bytes.len() {
            return;
        }
        let mut frame = self.bytes[last..last + HEADER].to_vec();
        frame[4..8].fill(0);
        let next = number(&frame, 16).wrapping_add(1);
        frame[16..24].copy_from_slice(&next.to_le_bytes());
        frame.copy_within(HEADER - 8..HEADER, 32);
        let count = u32::try_from(records.len()).expect("small");
        frame[40..44].copy_from_slice(&count.to_le_bytes());
        frame.extend_from_slice(records);
        self.bytes[at..at + frame.len()].copy_from_slice(&frame);
        self.frames.push((at, frame.len()));
        self.seal(self.frames.len() - 1);
    }

    fn seal(&mut self, frame: usize) {
        let (at, length) = self.frames[frame];
        let Some(bytes) = self.bytes.get_mut(at..at + length) else { return };
        let digest = digest(bytes);
        bytes[HEADER - 8..HEADER].copy_from_slice(&digest.to_le_bytes());
    }

    /// Makes all digests right, and the chain from frame to frame.
    pub(crate) fn reseal(&mut self) {
        for slot in [0, BLOCK] {
            let Some(bytes) = self.bytes.get_mut(slot..slot + SUPERBLOCK) else { continue };
            if bytes.starts_with(b"wasiopfs") {
                let digest = xxh3_64(&bytes[..SUPERBLOCK - 8]);
                bytes[SUPERBLOCK - 8..].copy_from_slice(&digest.to_le_bytes());
            }
        }
        for frame in 0..self.frames.len() {
            let (at, length) = self.frames[frame];
            let behind = (at + length).next_multiple_of(SECTOR);
            self.seal(frame);
            let next = self.frames.iter().any(|(next, _)| *next == behind);
            if next && self.bytes.len() >= behind + HEADER {
                self.bytes.copy_within(at + HEADER - 8..at + HEADER, behind + 32);
            }
        }
    }

    pub(crate) fn disk(&self) -> Ram {
        let mut disk = Ram::new(LIMIT);
        disk.set_len(self.bytes.len() as u64).expect("room");
        for (chunk, at) in self.bytes.chunks(BLOCK).zip((0_u64..).step_by(BLOCK)) {
            if *chunk != [0; BLOCK][..chunk.len()] {
                assert_eq!(disk.write_at(chunk, at), Ok(chunk.len()));
            }
        }
        disk
    }
}

pub(crate) fn digest(frame: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&frame[..HEADER - 8]);
    hash.update(&frame[HEADER..]);
    hash.digest()
}

/// What a disk holds.
pub(crate) fn contents(disk: &mut Ram) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(disk.len().expect("a length")).expect("small")];
    assert_eq!(disk.read_at(Destination::Slice(&mut bytes), 0), Ok(bytes.len()));
    bytes
}

/// A volume after a workload: a checkpoint with something in it, and a log behind.
pub(crate) fn used_volume(seed: u64, operations: usize) -> Ram {
    let mut disk = Ram::new(LIMIT);
    let mut random = Random::new(seed);
    for round in 0..2 {
        let volume = Volume::open(disk.clone(), Options::default().each_write());
        let mut bench = Bench::of_volume(volume.expect("a volume"));
        for name in ["x", "x/y"] {
            let _ = bench.run(&Operation::MakeDirectory(name.to_owned()));
        }
        for _ in 0..operations {
            let _ = bench.run(&operation(&mut random, Style::Mixed));
        }
        drop(bench);
        if round == 0 {
            // A repair is the shortest way to a checkpoint.
            for slot in [0, 1] {
                let mut superblock = vec![0; SUPERBLOCK];
                disk.read_at(Destination::Slice(&mut superblock), slot * BLOCK as u64)
                    .expect("a superblock");
                if number(&superblock, 48) % 4 < 2 {
                    disk.write_at(&[0; SUPERBLOCK], slot * BLOCK as u64).expect("damage");
                    break;
                }
            }
            check(&mut disk, true).expect("a repair");
        }
    }
    disk
}

/// Images to begin with, made once.
pub(crate) fn images() -> &'static [Image] {
    static IMAGES: OnceLock<Vec<Image>> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let image = |seed| Image::of(contents(&mut used_volume(seed, 25)));
        (0..4).map(image).collect()
    })
}

/// Bytes of a recipe; zeros behind their end.
struct Recipe<'a>(&'a [u8]);

impl Recipe<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> usize {
        let bytes = [self.byte(), self.byte(), self.byte()];
        usize::from(bytes[0]) | usize::from(bytes[1]) << 8 | usize::from(bytes[2]) << 16
    }

    /// A field of a record, mostly one that makes sense.
    fn field(&mut self, out: &mut Vec<u8>) {
        match self.byte() {
            255 => out.extend_from_slice(&[0xff; 9]),
            254 => out.extend_from_slice(&[0x81, 0x80, 0x80, 0x80, 0x10]),
            byte @ 128.. => out.extend_from_slice(&[byte, self.byte() % 128]),
            byte => out.push(byte),
        }
    }

    fn record(&mut self, out: &mut Vec<u8>) {
        let kind = 1 + self.byte() % 11;
        out.push(kind);
        let fields = match kind {
            1 | 2 | 5 | 6 | 7 => 1,
            4 => 2,
            3 | 9 => 3,
            8 => 4,
            _ => 0,
        };
        (0..fields).for_each(|_| self.field(out));
        match kind {
            1 => {
                out.push(1 + self.byte() % 8);
                (0..5).for_each(|_| self.field(out));
                out.extend_from_slice(&[0; 32]);
            }
            3 | 5 | 6 | 7 | 10 => {
                if kind == 10 {
                    self.field(out);
                }
                let count = self.byte() % 32;
                out.push(count);
                (0..count).for_each(|_| out.push(self.byte()));
                if kind == 6 {
                    out.push(0);
                }
            }
            _ => {}
        }
    }
}

/// The image that a recipe makes; some are bytes as they are.
pub(crate) fn damaged(recipe: &[u8]) -> Image {
    let mut recipe = Recipe(recipe);
    let how = recipe.byte();
    if how == 0xff {
        return Image { bytes: recipe.0.to_vec(), frames: Vec::new() };
    }
    let mut image = images()[usize::from(how & 3)].clone();
    for _ in 0..64 {
        if recipe.0.is_empty() {
            break;
        }
        match recipe.byte() % 8 {
            0 | 1 => {
                let at = image.place(recipe.number());
                image.bytes[at] = recipe.byte();
            }
            2 => {
                let at = image.place(recipe.number());
                image.bytes[at] ^= 1 << (recipe.byte() % 8);
            }
            3 => {
                let at = image.place(recipe.number()) / SECTOR * SECTOR;
                image.bytes[at..at + SECTOR].fill(0);
            }
            4 => {
                let from = image.place(recipe.number()) / SECTOR * SECTOR;
                let to = image.place(recipe.number()) / SECTOR * SECTOR;
                image.bytes.copy_within(from..from + SECTOR, to);
            }
            5 => {
                let at = recipe.number() * SECTOR % image.bytes.len();
                image.bytes[at] ^= recipe.byte();
            }
            _ => {
                let mut records = Vec::new();
                (0..=recipe.byte() % 4).for_each(|_| recipe.record(&mut records));
                image.append(&records);
            }
        }
    }
    if how & 4 > 0 {
        image.reseal();
    }
    if how & 8 > 0 {
        let len = recipe.number() * SECTOR % image.bytes.len();
        image.bytes.truncate(len.max(1));
    }
    image
}

/// A mount of a damaged image: refused with words, or it works, and works again.
pub(crate) fn mount(recipe: &[u8]) {
    let disk = damaged(recipe).disk();
    match Volume::open(disk.clone(), Options::default()) {
        Err(error) => refused(&error),
        Ok(volume) => {
            drop(volume);
            works(&disk);
        }
    }
}

/// A check of a damaged image: what is called clean can be mounted, and so can what is
/// repaired.
pub(crate) fn check_and_repair(recipe: &[u8]) {
    let image = damaged(recipe);
    let mut disk = image.disk();
    let found = check(&mut disk, false);
    assert!(contents(&mut disk) == image.bytes, "a check without repair changes nothing");
    if found.as_ref().is_ok_and(Report::is_clean) {
        works(&image.disk());
    }
    match check(&mut disk, true) {
        Err(error) => refused(&error),
        Ok(report) => {
            assert!(found.is_ok(), "what can be repaired can be checked");
            let again = check(&mut disk, false).unwrap_or_else(|error| panic!("{error}\n{report}"));
            assert!(again.is_clean(), "{again}\nafter\n{report}");
            works(&disk);
        }
    }
}

fn refused(error: &SetupError) {
    use ErrorCode as Code;
    let known = [Code::NotRecoverable, Code::Unsupported, Code::InsufficientSpace];
    assert!(known.contains(&error.code()), "{error}");
}

/// A volume that can be mounted holds together: all of it can be read, it takes changes, and
/// shows them when it is mounted again.
pub(crate) fn works(disk: &Ram) {
    let open = || {
        Volume::open(disk.clone(), Options::default())
            .unwrap_or_else(|error| panic!("it cannot be mounted: {error}"))
    };
    let volume = open();
    walk(&volume);
    change(&volume);
    let before = walk(&volume);
    drop(volume);
    assert_eq!(walk(&open()), before, "mounted again");
}

/// Reads everything below the root, and answers what it was.
fn walk(volume: &Volume) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![volume.root()];
    while let Some(directory) = directories.pop() {
        let mut after = 0;
        loop {
            let entries = block_on(volume.list(&directory, after)).expect("a list");
            let Some(last) = entries.last() else { break };
            after = last.cookie;
            for entry in entries {
                if found.len() > WALK_MAX {
                    return found;
                }
                let walk = block_on(volume.walk(&directory, std::slice::from_ref(&entry.name)));
                let walk = walk.expect("a walk");
                assert_eq!((walk.walked, walk.node.kind()), (1, entry.kind));
                found.push(format!("{:?} {}", entry.name, describe(volume, &walk.node)));
                if entry.kind == Kind::Directory {
                    directories.push(walk.node);
                }
            }
        }
    }
    found
}

fn describe(volume: &Volume, node: &Node) -> String {
    let attributes = block_on(volume.attributes(node)).expect("attributes");
    let mut content = Vec::new();
    match node.kind() {
        Kind::File => {
            let file = block_on(volume.open(node, Access { read: true, write: true }));
            let file = file.expect("an open file");
            // Files can be larger than memory; holes are.
            for at in [0, attributes.size.saturating_sub(5000)] {
                let mut bytes = vec![0; 100_000];
                let count = file.read(Destination::Slice(&mut bytes), at).expect("a read");
                assert!(count as u64 >= (attributes.size - at).min(1));
                content.push(xxh3_64(&bytes[..count]));
            }
        }
        Kind::Symlink => content.push(xxh3_64(&block_on(volume.read_link(node)).expect("a link"))),
        _ => {}
    }
    for name in block_on(volume.xattrs(node)).expect("names") {
        content.push(xxh3_64(&block_on(volume.xattr(node, &name)).expect("a value")));
    }
    format!("{:?} {} {} {content:x?}", node.kind(), attributes.size, attributes.links)
}

/// Some changes, each of which may be refused for want of room.
fn change(volume: &Volume) {
    let may = |answer: Result<(), ErrorCode>| match answer {
        Ok(()) | Err(ErrorCode::InsufficientSpace | ErrorCode::Exist) => {}
        Err(code) => panic!("a change is refused: {code}"),
    };
    let name = |text: &str| Name::new(text.as_bytes()).expect("a name");
    let (root, both) = (volume.root(), Access { read: true, write: true });
    may(block_on(volume.make_directory(&root, &name("new"), Fresh::DIRECTORY)).map(drop));
    may(block_on(volume.symlink(&root, &name("link"), b"new", Fresh::FILE)).map(drop));
    let made = block_on(volume.create(&root, &name("file"), Fresh::FILE, both));
    may(made.map(|(node, file)| {
        let content = vec![7; 70_000];
        for at in [10, 100_000, 5000] {
            may(file.write(Source::Slice(&content), Position::At(at)).map(drop));
        }
        may(file.set_size(50_000));
        may(block_on(volume.set_xattr(&node, b"user.a", b"value", XattrMode::Set)));
        may(block_on(volume.link(&node, &root, &name("second"))));
        may(file.sync(false));
    }));
    let entries = block_on(volume.list(&root, 0)).expect("a list");
    for (number, entry) in entries.iter().take(20).enumerate() {
        let renamed = name(&format!("renamed-{number}"));
        let walk = block_on(volume.walk(&root, std::slice::from_ref(&entry.name))).expect("a walk");
        match (number % 3, entry.kind) {
            (0, _) => may(block_on(volume.rename(&root, &entry.name, &root, &renamed))),
            (1, Kind::Directory) => {
                match block_on(volume.remove(&root, &entry.name, Removal::Directory)) {
                    Err(ErrorCode::NotEmpty) => {}
                    answer => may(answer),
                }
            }
            (1, _) => may(block_on(volume.remove(&root, &entry.name, Removal::File))),
            (_, Kind::File) => {
                let file = block_on(volume.open(&walk.node, both)).expect("an open file");
                match file.write(Source::Slice(b"behind the end"), Position::End) {
                    Err(ErrorCode::FileTooLarge) => {}
                    answer => may(answer.map(drop)),
                }
                may(file.set_size(3));
                may(file.set_size(60_000));
            }
            _ => {}
        }
    }
    may(block_on(volume.sync()));
}
