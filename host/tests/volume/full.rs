//! A full disk: overwriting, cutting and deleting go on, and space comes back.

use pollster::block_on;
use wasi_opfs::ErrorCode;
use wasi_opfs::backend::volume::disk::Ram;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{Backend, Destination, Fresh, Position, Removal, Source};
use wasi_opfs::path::Name;

use crate::work::{BOTH, Random};

const LIMIT: u64 = 12 << 20;
const FILE: usize = 60_000;

fn name(number: usize) -> Name {
    Name::new(format!("file {number}").as_bytes()).expect("a name")
}

/// Fills the volume with files of [`FILE`] bytes; answers how many there are.
fn fill(volume: &Volume) -> usize {
    let root = volume.root();
    for number in 0.. {
        let created = block_on(volume.create(&root, &name(number), Fresh::FILE, BOTH));
        let (_, file) = match created {
            Ok(created) => created,
            Err(code) => {
                assert_eq!(code, ErrorCode::InsufficientSpace);
                return number;
            }
        };
        let bytes = vec![u8::try_from(number % 250).expect("small"); FILE];
        match file.write(Source::Slice(&bytes), Position::At(0)) {
            Ok(written) if written.count == FILE => {}
            Ok(_) | Err(ErrorCode::InsufficientSpace) => {
                block_on(volume.remove(&root, &name(number), Removal::File)).expect("remove");
                return number;
            }
            Err(code) => panic!("{code}"),
        }
    }
    unreachable!("it has a limit")
}

fn check(volume: &Volume, number: usize, wanted: u8) {
    let walk = block_on(volume.walk(&volume.root(), &[name(number)])).expect("a walk");
    let file = block_on(volume.open(&walk.node, BOTH)).expect("open");
    let mut bytes = vec![0; FILE];
    assert_eq!(file.read(Destination::Slice(&mut bytes), 0), Ok(FILE));
    assert!(bytes.iter().all(|byte| *byte == wanted), "file {number}");
}

#[test]
fn a_full_volume_can_be_overwritten_emptied_and_filled_again() {
    let disk = Ram::new(LIMIT);
    let volume = Volume::open(disk.clone(), Options::default()).expect("a volume");
    let mut least = usize::MAX;
    for round in 0..3_u8 {
        let count = fill(&volume);
        // What was there at first is there again, but for a file or two.
        assert!(count * FILE > 5 << 20, "{count} files");
        assert!(round == 0 || count + 3 >= least, "{count} files after {least}");
        least = least.min(count);
        block_on(volume.sync()).expect("sync");
        let root = volume.root();
        for number in 0..count {
            let walk = block_on(volume.walk(&root, &[name(number)])).expect("a walk");
            let file = block_on(volume.open(&walk.node, BOTH)).expect("open");
            let written = file.write(Source::Slice(&vec![200 + round; FILE]), Position::At(0));
            assert_eq!(written.map(|written| written.count), Ok(FILE), "overwriting {number}");
        }
        for number in 0..count {
            check(&volume, number, 200 + round);
        }
        for number in 0..count {
            block_on(volume.remove(&root, &name(number), Removal::File)).expect("remove");
        }
    }
    let count = fill(&volume);
    drop(volume);
    // Also after it was opened full, and on a disk that refuses every other byte.
    disk.set_limit(0);
    let handle = disk.clone();
    let volume = Volume::open(disk, Options::default()).expect("a volume");
    for number in 0..count {
        check(&volume, number, u8::try_from(number % 250).expect("small"));
        let root = volume.root();
        block_on(volume.remove(&root, &name(number), Removal::File)).expect("remove");
    }
    block_on(volume.sync()).expect("sync");
    // The end of the disk was given back; it may take it again.
    handle.set_limit(LIMIT);
    assert!(fill(&volume) + 3 >= count);
}

#[test]
fn a_full_table_can_be_emptied() {
    let disk = Ram::new(LIMIT);
    let volume = Volume::open(disk, Options::default()).expect("a volume");
    let root = volume.root();
    let long = |number: usize| Name::new(format!("{number:0>200}").as_bytes()).expect("a name");
    for _ in 0..2 {
        let mut count = 0;
        let code = loop {
            match block_on(volume.create(&root, &long(count), Fresh::FILE, BOTH)) {
                Ok(_) => count += 1,
                Err(code) => break code,
            }
        };
        assert_eq!(code, ErrorCode::InsufficientSpace);
        assert!(count > 3000, "{count} files");
        for number in 0..count {
            block_on(volume.remove(&root, &long(number), Removal::File)).expect("remove");
        }
        block_on(volume.sync()).expect("sync");
    }
}

/// Whenever the larger area of the log is taken into use: when it is found too small, in the
/// middle of a commit before, or by a flush.
#[test]
fn a_volume_with_room_is_never_full() {
    for seed in crate::seeds(8) {
        let mut random = Random::new(seed);
        let volume = Volume::open(Ram::new(1 << 30), Options::default()).expect("a volume");
        let root = volume.root();
        let written: Vec<_> = (0..seed % 8).map(|_| random.below(9000)).collect();
        for number in 0..9000 {
            // Long, so that few of them make a large table.
            let name = Name::new(format!("{number:0>250}").as_bytes()).expect("a name");
            let made = block_on(volume.create(&root, &name, Fresh::FILE, BOTH));
            assert!(made.is_ok(), "seed {seed}, file {number}: {:?}", made.err());
            if written.contains(&number) {
                volume.write_out().expect("written");
            }
        }
    }
}
