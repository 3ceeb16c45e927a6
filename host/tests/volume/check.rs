//! Checks: each kind of damage has its finding, and after a repair the volume can be
//! mounted, with all that was not touched as it was.

use std::collections::BTreeMap;

use wasi_opfs::ErrorCode;
use wasi_opfs::backend::volume::disk::{Disk, Ram};
use wasi_opfs::backend::volume::{Options, Report, Severity, Volume, check};

use crate::mutate::{BLOCK, Image, contents, images, used_volume, works};
use crate::sim::{Platter, Sim};
use crate::work::{Bench, Operation, Random};

type Dump = BTreeMap<String, String>;

fn dump(disk: impl Disk) -> Dump {
    let volume = Volume::open(disk, Options::default());
    Bench::of_volume(volume.unwrap_or_else(|error| panic!("it cannot be mounted: {error}"))).dump()
}

/// Repairs an image; answers the report, and what is there afterwards.
fn repaired(image: &Image) -> (Report, Dump) {
    let mut disk = image.disk();
    let report = check(&mut disk, true).unwrap_or_else(|error| panic!("{error}"));
    let again = check(&mut disk, false).expect("a check");
    assert!(again.is_clean(), "{again}\nafter\n{report}");
    let found = dump(disk.clone());
    works(&disk);
    (report, found)
}

/// Asserts that a report says this.
fn says(report: &Report, severity: Severity, text: &str) {
    let said = |severity, text| {
        let mut findings = report.findings.iter();
        findings.any(|finding| finding.severity == severity && finding.text.contains(text))
    };
    assert!(said(severity, text), "no '{text}' in: {report}");
}

/// A file system with known names and contents, each commit in a frame of its own.
fn files() -> Image {
    let disk = Ram::new(64 << 20);
    let volume = Volume::open(disk.clone(), Options::default().each_write()).expect("a volume");
    let mut bench = Bench::of_volume(volume);
    for operation in [
        Operation::MakeDirectory("x".to_owned()),
        Operation::MakeDirectory("x/y".to_owned()),
        Operation::Create("a".to_owned()),
        Operation::Write("a".to_owned(), None, 20_000, 1),
        Operation::Create("x/b".to_owned()),
        Operation::Write("x/b".to_owned(), None, 10_000, 2),
        Operation::Symlink("x/y/l".to_owned(), 10),
        Operation::Link("a".to_owned(), "x/a2".to_owned()),
        Operation::Sync,
    ] {
        bench.run(&operation).expect("an operation");
    }
    drop(bench);
    let mut disk = disk;
    Image::of(contents(&mut disk))
}

/// The frame that says where the content of /x/b lies, which is object 5; and the block.
fn extent_of_b(image: &Image) -> (usize, usize) {
    let found = image.frames.iter().enumerate().find_map(|(number, &(at, length))| {
        let frame = &image.bytes[at..at + length];
        let found = frame.windows(3).position(|bytes| bytes == [8, 5, 0])?;
        let block = usize::from(frame[found + 3] & 0x7f) | usize::from(frame[found + 4]) << 7;
        Some((number, block))
    });
    found.expect("an extent of object 5")
}

/// Bytes of a record: numbers below 128 are one byte each.
fn record(kind: u8, fields: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(fields);
    out.extend_from_slice(bytes);
    out
}

/// The record of an object with some links; `detail` is the size of a file, or the last cookie
/// of a directory.
fn object(ino: u8, kind: u8, links: u8, detail: u8) -> Vec<u8> {
    record(1, &[ino, kind, links, 0, 0, 0, detail], &[0; 32])
}

#[test]
fn what_was_used_is_clean() {
    for seed in crate::seeds(10) {
        let mut disk = used_volume(seed, 60);
        let before = contents(&mut disk);
        let report = check(&mut disk, true).expect("a check");
        assert!(report.is_clean() && !report.repaired, "seed {seed}: {report}");
        assert!(report.counts.directories > 0 && report.counts.commits > 0, "{report:?}");
        assert!(contents(&mut disk) == before, "a clean volume is not written to");
        assert!(report.to_string().starts_with("clean") || !report.findings.is_empty());
    }
}

#[test]
fn an_empty_disk_is_clean_and_other_things_are_no_volume() {
    let report = check(&mut Ram::new(1 << 30), true).expect("a check");
    assert!(report.is_clean() && report.findings.len() == 1, "{report}");
    for bytes in [b"some text".repeat(1000), vec![0; 20 << 20], b"short".to_vec()] {
        let error = check(&mut Ram::with_bytes(&bytes), true).expect_err("no volume");
        assert_eq!(error.code(), ErrorCode::NotRecoverable, "{error}");
    }
}

#[test]
fn a_lost_superblock_is_written_again() {
    let image = files();
    let whole = dump(image.disk());
    for slot in [0, 1] {
        for (byte, text) in [(0, "is damaged"), (50, "is damaged"), (510, "is damaged")] {
            let mut image = image.clone();
            image.bytes[slot * BLOCK + byte] ^= 4;
            let (report, found) = repaired(&image);
            says(&report, Severity::Repairable, text);
            assert_eq!(found, whole, "{report}");
        }
        let mut image = image.clone();
        image.bytes[slot * BLOCK..slot * BLOCK + 512].fill(0);
        let (report, found) = repaired(&image);
        says(&report, Severity::Repairable, "is missing");
        assert_eq!(found, whole, "{report}");
    }
}

#[test]
fn without_superblocks_the_newest_checkpoint_is_found() {
    for seed in crate::seeds(4) {
        let mut disk = used_volume(seed, 40);
        let whole = dump(disk.clone());
        let mut image = Image::of(contents(&mut disk));
        image.bytes[..2 * BLOCK].fill(0);
        let (report, found) = repaired(&image);
        says(&report, Severity::Lost, "both superblocks are lost");
        assert_eq!(found, whole, "seed {seed}: {report}");
    }
}

/// A volume in a file of a volume: its checkpoints are not those of the outer one.
#[test]
fn a_volume_inside_is_not_taken_for_the_one_around() {
    use wasi_opfs::backend::{Backend, Fresh, Position, Source};
    let inner = images()[0].bytes.clone();
    let disk = Ram::new(64 << 20);
    let volume = Volume::open(disk.clone(), Options::default()).expect("a volume");
    let name = wasi_opfs::path::Name::new(b"inner").expect("a name");
    let made =
        pollster::block_on(volume.create(&volume.root(), &name, Fresh::FILE, crate::work::BOTH));
    let (_, file) = made.expect("a file");
    file.write(Source::Slice(&inner), Position::At(0)).expect("a write");
    drop((file, volume));
    let whole = dump(disk.clone());
    let mut disk = disk;
    let mut image = Image::of(contents(&mut disk));
    image.bytes[..2 * BLOCK].fill(0);
    let (report, found) = repaired(&image);
    assert_eq!(found, whole, "{report}");
}

#[test]
fn a_lost_commit_ends_the_log() {
    let image = files();
    let (first, last) = (image.frames[1].0, image.last_frame().0);
    assert!(first < last);
    let mut previous = BTreeMap::new();
    for &(at, _) in &image.frames[1..] {
        let mut image = image.clone();
        image.bytes[at + 60] ^= 1;
        if Volume::open(image.disk(), Options::default()).is_ok() {
            // The last ones may have been torn by a crash, for all that is known.
            continue;
        }
        let (report, found) = repaired(&image);
        says(&report, Severity::Lost, "are given up");
        assert!(found.len() >= previous.len(), "{report}");
        previous = found;
    }
    assert!(!previous.is_empty());
}

#[test]
fn a_damaged_checkpoint_keeps_its_other_frames() {
    // Extended attributes make the image larger than a frame.
    let disk = Ram::new(64 << 20);
    let volume = Volume::open(disk.clone(), Options::default()).expect("a volume");
    let mut bench = Bench::of_volume(volume);
    for number in 0..40 {
        let name = format!("f{number}");
        bench.run(&Operation::Create(name.clone())).expect("create");
        bench.run(&Operation::SetXattr(name, 1, 20_000)).expect("an attribute");
    }
    drop(bench);
    let mut disk = disk;
    disk.write_at(&[0; 512], 0).expect("damage");
    check(&mut disk, true).expect("a checkpoint");
    let whole = dump(disk.clone());
    let image = Image::of(contents(&mut disk));
    let flag = |at: usize| image.bytes[at + 4];
    let frames: Vec<_> = image.frames.iter().filter(|(at, _)| flag(*at) == 1).collect();
    assert!(frames.len() > 2, "{frames:?}");
    assert_eq!(whole.len(), 40);
    let (at, length) = *frames[frames.len() - 2];
    let mut image = image.clone();
    image.bytes[at + length / 2] ^= 1;
    assert!(Volume::open(image.disk(), Options::default()).is_err());
    let (report, found) = repaired(&image);
    says(&report, Severity::Lost, "checkpoint is not whole");
    let kept = whole.iter().filter(|(name, what)| found.get(*name) == Some(what)).count();
    assert!((10..40).contains(&kept), "{kept} of 40 are left: {report}");
}

#[test]
fn records_that_cannot_be_are_left_out() {
    let whole = dump(files().disk());
    let known: [(Vec<u8>, Severity, &str); 7] = [
        (record(3, &[1, 99, 77, 1], b"z"), Severity::Lost, "leads nowhere"),
        (record(3, &[1, 99, 3, 1], b"z"), Severity::Lost, "in two places"),
        (record(3, &[4, 99, 4, 1], b"z"), Severity::Lost, "in no directory"),
        (record(2, &[4], b""), Severity::Lost, "is removed cannot be"),
        (record(4, &[1, 88], b""), Severity::Lost, "missing entry"),
        (record(99, &[], b""), Severity::Lost, "unknown kind 99"),
        (record(8, &[1, 0, 3, 1], b""), Severity::Lost, "not of a file"),
    ];
    for (bytes, severity, text) in known {
        let mut image = files();
        image.append(&bytes);
        let error = Volume::open(image.disk(), Options::default()).err().expect("damage");
        assert_eq!(error.code(), ErrorCode::NotRecoverable, "{error}");
        let (report, found) = repaired(&image);
        says(&report, severity, text);
        assert_eq!(found, whole, "{report}");
    }
}

#[test]
fn names_and_links_are_put_right() {
    let whole = dump(files().disk());
    // Objects: 2 is /x, 3 /x/y, 4 /a and /x/a2, 5 /x/b, 6 /x/y/l.
    for (bytes, text, same) in [
        (object(20, 1, 1, 0), "becomes '/lost+found/20'", false),
        (object(20, 2, 2, 9), "becomes '/lost+found/20'", false),
        (object(2, 2, 9, 9), "counts 9 links, and has 3", true),
        (record(4, &[1, 1], b""), "becomes '/lost+found/2'", false),
        // Two directories in a circle.
        (
            [object(20, 2, 2, 9), object(21, 2, 2, 9)]
                .into_iter()
                .chain([record(3, &[20, 1, 21, 1], b"p"), record(3, &[21, 1, 20, 1], b"q")])
                .flatten()
                .collect(),
            "becomes '/lost+found/2",
            false,
        ),
    ] {
        let mut image = files();
        image.append(&bytes);
        let (report, found) = repaired(&image);
        says(&report, Severity::Repairable, text);
        assert_eq!(report.worst, Some(Severity::Repairable), "{report}");
        let lost = |name: &str| name.starts_with("/lost+found");
        assert_eq!(found.keys().any(|name| lost(name)), !same, "{found:#?}");
        // What went to the place for lost things is still all there.
        let names = found.keys().filter(|name| !lost(name) || name.matches('/').count() > 2);
        let names: Vec<&str> = names.filter_map(|name| name.rsplit('/').next()).collect();
        for name in whole.keys().filter(|name| *name != "/x") {
            let end = name.rsplit('/').next().expect("a name");
            assert!(names.contains(&end), "{name} is missing: {found:#?}");
        }
    }
}

/// Objects in slots far behind the others; what is between them is used before more.
#[test]
fn vacant_slots_are_found_when_they_are_needed() {
    let mut image = files();
    let mut far = object(1, 1, 1, 0);
    // The number 6,000 instead of 1.
    far.splice(1..2, [0xf0, 0x2e]);
    image.append(&[far, record(3, &[2, 100, 0xf0, 0x2e, 1], b"z"), object(2, 2, 3, 101)].concat());
    let disk = image.disk();
    let volume = Volume::open(disk.clone(), Options::default()).expect("a volume");
    let mut bench = Bench::of_volume(volume);
    for number in 0..6100 {
        bench.run(&Operation::Create(format!("n{number}"))).expect("create");
    }
    drop(bench);
    let found = dump(disk);
    assert_eq!(found.len(), 6 + 1 + 6100);
    assert!(found.contains_key("/x/z"));
}

#[test]
fn a_block_has_one_owner() {
    let whole = dump(files().disk());
    let image = files();
    // Of the record of the extent of /x/b: object 5, from block 0 on.
    let map = image.frames.iter().find_map(|&(at, length)| {
        let frame = &image.bytes[at..at + length];
        let found = frame.windows(3).position(|bytes| bytes == [8, 5, 0])?;
        Some(frame[found..found + 6].to_vec())
    });
    let mut map = map.expect("an extent of object 5");
    // The same blocks for object 4, which was changed before.
    map[1] = 4;
    let mut doubled = image.clone();
    doubled.append(&map);
    assert!(Volume::open(doubled.disk(), Options::default()).is_err());
    let (report, found) = repaired(&doubled);
    says(&report, Severity::Lost, "bytes of object 4 lie where something else is");
    assert_eq!(found.get("/x/b"), whole.get("/x/b"), "{report}");
    assert_ne!(found.get("/a"), whole.get("/a"), "a hole is there");
    // Where the superblocks are kept, and behind the end of the disk.
    for run in [[2, 3], [0xff, 0x7f]] {
        let mut outside = image.clone();
        outside.append(&record(8, &[4, 0, run[0], run[1], 1], b"")[..]);
        if run[0] == 2 {
            outside = image.clone();
            outside.append(&record(8, &[4, 0, 2, 1], b""));
        }
        let (report, found) = repaired(&outside);
        says(&report, Severity::Lost, "bytes of object 4 lie where something else is");
        assert_eq!(found.get("/x/b"), whole.get("/x/b"), "{report}");
    }
    let mut behind = image.clone();
    behind.append(&object(4, 1, 2, 1));
    let (report, _) = repaired(&behind);
    says(&report, Severity::Repairable, "blocks behind its end");
}

/// A frame says that data was flushed which is not there, and the frames behind it do not.
#[test]
fn a_claim_that_is_not_the_last_counts_too() {
    let mut image = files();
    let (commit, block) = extent_of_b(&image);
    for number in commit..image.frames.len() {
        let (at, _) = image.frames[number];
        let durable = if number == commit + 1 { 1_u64 << 40 } else { 0 };
        image.bytes[at + 24..at + 32].copy_from_slice(&durable.to_le_bytes());
    }
    image.reseal();
    image.bytes[block * BLOCK] ^= 1;
    assert!(Volume::open(image.disk(), Options::default()).is_err());
    let (report, _) = repaired(&image);
    says(&report, Severity::Lost, "are given up");
}

/// A mount leaves out a commit behind one that was torn; the same commit once more in that
/// place does not bring it back.
#[test]
fn a_commit_that_was_left_out_does_not_come_back() {
    let mut image = files();
    let (mark, length) = image.last_frame();
    // It would be refused.
    image.append(&record(4, &[1, 88], b""));
    image.bytes[mark..mark + length].fill(0);
    let disk = image.disk();
    let whole = dump(files().disk());
    // Nothing is read, and so nothing written but that it was closed.
    drop(Volume::open(disk.clone(), Options::default()).expect("a volume"));
    assert_eq!(dump(disk), whole);
}

#[test]
fn damaged_data_is_named() {
    let image = files();
    let whole = dump(image.disk());
    let (_, block) = extent_of_b(&image);
    let mut image = image;
    image.bytes[(block + 1) * BLOCK + 5] ^= 1;
    let (report, found) = repaired(&image);
    says(&report, Severity::Lost, "1 blocks of '/x/b' (object 5)");
    for (name, what) in whole.iter().filter(|(name, _)| *name != "/x/b") {
        assert_eq!(found.get(name), Some(what), "{report}");
    }
}

#[test]
fn a_cut_volume_keeps_what_is_there() {
    let image = files();
    let mut cut = image.clone();
    // The log is there, the data is not.
    cut.bytes.truncate(1026 * BLOCK);
    assert!(Volume::open(cut.disk(), Options::default()).is_err());
    let (report, found) = repaired(&cut);
    assert_eq!(report.worst, Some(Severity::Lost), "{report}");
    assert!(found.contains_key("/x/y/l") && found.contains_key("/a"), "{report}");
    let mut more = image;
    more.bytes.extend_from_slice(b"more");
    let (report, _) = repaired(&more);
    says(&report, Severity::Note, "4 bytes behind the last block");
}

/// A bit of each of a small volume's bytes of metadata: found, or harmless.
#[test]
fn any_bit_of_the_metadata_may_flip() {
    let every = if std::env::var_os("WASI_OPFS_SEEDS").is_some() { 1 } else { 13 };
    let image = files();
    let whole = dump(image.disk());
    let (mut clean, mut found) = (0, 0);
    for byte in (0..image.metadata()).step_by(every) {
        let mut image = image.clone();
        let at = image.place(byte);
        image.bytes[at] ^= 1 << (byte % 8);
        let mut disk = image.disk();
        let report = check(&mut disk, true).unwrap_or_else(|error| panic!("byte {at}: {error}"));
        let now = dump(disk);
        if report.is_clean() {
            clean += 1;
            assert_eq!(now, whole, "byte {at} is not missed: {report}");
        } else {
            found += 1;
        }
    }
    assert!(found > clean, "{found} were found, {clean} not");
}

#[test]
fn a_repair_that_is_cut_off_can_be_made_again() {
    for seed in crate::seeds(3) {
        let mut image = images()[usize::try_from(seed % 4).expect("small")].clone();
        let mut random = Random::new(seed);
        // Some damage that loses something.
        let at = image.place(512 * 2 + 100 + usize::try_from(random.below(300)).expect("small"));
        image.bytes[at] ^= 1;
        image.reseal();
        // One superblock, or the other, or both.
        for slot in [0, 1] {
            if seed % 3 != slot {
                image.bytes[usize::try_from(slot).expect("small") * BLOCK] ^= 1;
            }
        }
        let platter = Platter::of(image.bytes.clone());
        let mut sim = Sim::new(&platter);
        let report = check(&mut sim, true).expect("a repair");
        let events = sim.events();
        assert!(!report.is_clean() && !events.is_empty(), "seed {seed}: {report}");
        let right = dump(sim.clone());
        for cut in 0..=events.len() {
            for power in [false, true] {
                let mut found = platter.killed(&events[..cut]);
                if power {
                    found = found.cut_off(&mut random);
                }
                let mut disk = Image::of(found.bytes()).disk();
                let report = check(&mut disk, true).expect("a repair");
                assert_eq!(dump(disk), right, "seed {seed} cut {cut}: {report}");
            }
        }
    }
}

#[test]
fn a_repair_without_room_changes_nothing() {
    let mut image = files();
    // The other area lies where it cannot be, so a new one is needed.
    for slot in [0, BLOCK] {
        image.bytes[slot + 76..slot + 80].copy_from_slice(&1_000_000_u32.to_le_bytes());
    }
    image.reseal();
    // Nothing is free either: the volume ends behind the area in use.
    image.bytes.truncate(514 * BLOCK);
    let mut disk = Ram::with_bytes(&image.bytes);
    let error = check(&mut disk, true).expect_err("no room");
    assert_eq!(error.code(), ErrorCode::InsufficientSpace, "{error}");
    assert!(error.to_string().contains("make room"), "{error}");
    assert!(contents(&mut disk) == image.bytes, "nothing is written");
    // With little room there is a small area; with enough, one to go on with.
    let mut little = image.clone();
    little.bytes.resize(540 * BLOCK, 0);
    let mut disk = Ram::with_bytes(&little.bytes);
    check(&mut disk, true).expect("a repair");
    assert!(check(&mut disk, false).expect("a check").is_clean());
    assert!(dump(disk).contains_key("/x/y/l"));
    let (report, _) = repaired(&image);
    says(&report, Severity::Repairable, "it gets a new one");
}
