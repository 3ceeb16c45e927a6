//! Damaged images: refused with words, or opened as they are; never a panic or a loop.

use wasi_opfs::ErrorCode;
use wasi_opfs::backend::volume::disk::{Disk, NativeFile, Ram};
use wasi_opfs::backend::volume::{Options, Volume};

use crate::sim::{Platter, Sim};
use crate::work::{Bench, Operation, Random, Style, operation};

const BLOCK: usize = 4096;

/// A volume that was used, and closed.
fn image(seed: u64) -> (Vec<u8>, Bench) {
    let sim = Sim::new(&Platter::default());
    let mut random = Random::new(seed);
    let volume = Volume::open(sim.clone(), Options::default().each_write()).expect("a volume");
    let mut bench = Bench::of_volume(volume);
    for _ in 0..120 {
        let _ = bench.run(&operation(&mut random, Style::Mixed));
    }
    bench.run(&Operation::Sync).expect("sync");
    (Platter::default().killed(&sim.events()).bytes(), bench)
}

fn open(bytes: &[u8]) -> Result<Bench, wasi_opfs::SetupError> {
    Volume::open(Ram::with_bytes(bytes), Options::default()).map(Bench::of_volume)
}

#[test]
fn flipped_bits_are_found_or_do_no_harm() {
    for seed in crate::seeds(4) {
        let (bytes, _) = image(seed);
        let mut random = Random::new(seed);
        let mut refused = 0;
        for round in 0..150 {
            let mut bytes = bytes.clone();
            // Superblocks, or where the checkpoint and the log begin, or anywhere else.
            let from = [0, 0, 2 * BLOCK, 2 * BLOCK][round % 4];
            let range = [BLOCK * 2, 512, 3000, bytes.len() - 2 * BLOCK][round % 4];
            for _ in 0..=random.below(3) {
                let at = from + usize::try_from(random.below(range as u64)).expect("small");
                bytes[at] ^= 1 << random.below(8);
            }
            match open(&bytes) {
                Ok(mut bench) => {
                    let _ = bench.run(&Operation::Sync);
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.code(), ErrorCode::NotRecoverable, "seed {seed}: {error}");
                    assert!(error.to_string().contains("copy"), "no help in: {error}");
                }
            }
        }
        assert!(refused > 5, "seed {seed}: only {refused} were refused");
    }
}

#[test]
fn a_commit_that_was_synced_and_is_lost_is_damage() {
    let sim = Sim::new(&Platter::default());
    let volume = Volume::open(sim.clone(), Options::default()).expect("a volume");
    let mut bench = Bench::of_volume(volume);
    let log = sim.time();
    for name in ["a", "b", "c"] {
        bench.run(&Operation::Create(name.to_owned())).expect("create");
        bench.run(&Operation::Sync).expect("sync");
    }
    let Some(crate::sim::Event::Write(at, _)) = sim.events().get(log).cloned() else {
        panic!("a commit is a write");
    };
    let mut bytes = Platter::default().killed(&sim.events()).bytes();
    bytes[usize::try_from(at).expect("small") + 60] ^= 1;
    let error = open(&bytes).err().expect("damage");
    assert_eq!(error.code(), ErrorCode::NotRecoverable, "{error}");
}

#[test]
fn what_is_no_volume_is_left_alone() {
    for (bytes, code) in [
        (b"some text".repeat(1000), ErrorCode::NotRecoverable),
        (vec![0; 20 << 20], ErrorCode::NotRecoverable),
        (b"short".to_vec(), ErrorCode::NotRecoverable),
    ] {
        let error = open(&bytes).err().expect("no volume");
        assert_eq!(error.code(), code, "{error}");
    }
}

#[test]
fn a_newer_format_is_named() {
    let (mut bytes, _) = image(1);
    for slot in [0, BLOCK] {
        bytes[slot + 8] = 2;
        let digest = xxhash_rust::xxh3::xxh3_64(&bytes[slot..slot + 504]);
        bytes[slot + 504..slot + 512].copy_from_slice(&digest.to_le_bytes());
    }
    let error = open(&bytes).err().expect("newer");
    assert_eq!(error.code(), ErrorCode::Unsupported, "{error}");
    assert!(error.to_string().contains("newer wasi-opfs"), "{error}");
}

#[test]
fn a_cut_volume_is_refused() {
    let (bytes, _) = image(2);
    for len in [1, BLOCK, 3 * BLOCK, 600 * BLOCK, 1025 * BLOCK] {
        let error = open(&bytes[..len]).err().expect("damage");
        assert_eq!(error.code(), ErrorCode::NotRecoverable, "{len} bytes: {error}");
    }
}

#[test]
fn read_only_changes_nothing() {
    let (bytes, bench) = image(3);
    let sim = Sim::new(&Platter::of(bytes));
    let volume = Volume::open(sim.clone(), Options::default().read_only()).expect("a volume");
    let mut found = Bench::of_volume(volume);
    assert_eq!(found.dump(), bench.dump());
    for change in [
        Operation::Create("new".to_owned()),
        Operation::MakeDirectory("new".to_owned()),
        Operation::Symlink("new".to_owned(), 10),
    ] {
        assert_eq!(found.run(&change), Err(ErrorCode::ReadOnly), "{change:?}");
    }
    assert_eq!(found.run(&Operation::Sync), Ok(0));
    drop(found);
    assert_eq!(sim.time(), 0, "it was written to");
    let empty = Volume::open(Ram::new(1 << 30), Options::default().read_only());
    assert_eq!(empty.err().map(|error| error.code()), Some(ErrorCode::NoEntry));
}

#[test]
fn a_file_is_opened_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("volume");
    let first = Volume::open_file(&path, Options::default()).expect("a volume");
    let second = Volume::open_file(&path, Options::default()).err().expect("locked");
    assert_eq!(second.code(), ErrorCode::Busy, "{second}");
    let reader = Volume::open_file(&path, Options::default().read_only()).err();
    assert_eq!(reader.map(|error| error.code()), Some(ErrorCode::Busy));
    drop(first);
    let first = Volume::open_file(&path, Options::default().read_only()).expect("a reader");
    let second = Volume::open_file(&path, Options::default().read_only()).expect("another");
    assert!(Volume::open_file(&path, Options::default()).is_err());
    drop((first, second));
    drop(NativeFile::open(&path).expect("free again"));
}

#[test]
fn a_small_volume_without_superblocks_is_not_made_anew() {
    let disk = Ram::new(64 << 20);
    let volume = Volume::open(disk.clone(), Options::default()).expect("a volume");
    let mut bench = Bench::of_volume(volume);
    bench.run(&Operation::Create("a".to_owned())).expect("create");
    drop(bench);
    let mut disk = disk;
    disk.write_at(&[0; 8192], 0).expect("a write");
    let code = Volume::open(disk, Options::default()).err().map(|error| error.code());
    assert_eq!(code, Some(ErrorCode::NotRecoverable));
}
