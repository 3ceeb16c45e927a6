//! Compaction: the file becomes as small as what lives in it asks for, and nothing of that
//! changes.

use pollster::block_on;
use wasi_opfs::backend::volume::disk::Ram;
use wasi_opfs::backend::volume::{Options, Usage, Volume};
use wasi_opfs::backend::{Backend, Destination, Fresh, Position, Removal, Source};
use wasi_opfs::path::Name;

use crate::work::{BOTH, Random};

fn name(number: usize) -> Name {
    Name::new(format!("file {number}").as_bytes()).expect("a name")
}

fn byte(number: usize) -> u8 {
    u8::try_from(number % 251).expect("small")
}

/// Makes files of a few sizes; answers those.
fn fill(volume: &Volume, count: usize, random: &mut Random) -> Vec<usize> {
    let root = volume.root();
    let size = |random: &mut Random| usize::try_from(random.below(200_000)).expect("small");
    let sizes: Vec<_> = (0..count).map(|_| size(random)).collect();
    for (number, size) in sizes.iter().enumerate() {
        let made = block_on(volume.create(&root, &name(number), Fresh::FILE, BOTH));
        let (_, file) = made.expect("a file");
        let bytes = vec![byte(number); *size];
        let written = file.write(Source::Slice(&bytes), Position::At(0)).expect("room");
        assert_eq!(written.count, *size);
    }
    sizes
}

fn check(volume: &Volume, number: usize, size: usize) {
    let walk = block_on(volume.walk(&volume.root(), &[name(number)])).expect("a walk");
    assert_eq!(walk.walked, 1, "file {number} is there");
    let file = block_on(volume.open(&walk.node, BOTH)).expect("open");
    let mut bytes = vec![0; size + 1];
    assert_eq!(file.read(Destination::Slice(&mut bytes), 0), Ok(size));
    assert!(bytes[..size].iter().all(|found| *found == byte(number)), "file {number}");
}

fn sum(usage: Usage) -> u64 {
    usage.live + usage.dead + usage.free + usage.reserved
}

/// Deletes four files of five, and compacts in steps of `most` bytes.
fn shrink(seed: u64, most: u64) {
    let disk = Ram::new(1 << 30);
    let volume = Volume::open(disk.clone(), Options::default()).expect("a volume");
    let mut random = Random::new(seed);
    let sizes = fill(&volume, 1200, &mut random);
    block_on(volume.sync()).expect("sync");
    let before = volume.usage();
    assert_eq!(sum(before), before.size);
    let root = volume.root();
    let kept = |number: &usize| number % 5 == 3;
    for number in (0..sizes.len()).filter(|number| !kept(number)) {
        block_on(volume.remove(&root, &name(number), Removal::File)).expect("remove");
    }
    let mut steps = 0;
    let mut moved = 0;
    loop {
        let step = volume.compact(most).expect("a step");
        moved += step.moved;
        assert!(step.moved <= most + (1 << 20), "{} moved", step.moved);
        steps += 1;
        assert!(steps < 10_000, "it ends");
        if step.done {
            break;
        }
    }
    let after = volume.usage();
    assert_eq!(sum(after), after.size);
    assert!(moved > 0);
    let given_back = before.size - after.size;
    assert!(given_back * 4 > before.size * 3, "{before:?}, {after:?}");

    for number in (0..sizes.len()).filter(kept) {
        check(&volume, number, sizes[number]);
    }
    assert!(volume.compact(most).expect("a step").done, "there is nothing more to do");
    drop(root);
    drop(volume);
    let volume = Volume::open(disk, Options::default()).expect("a volume");
    for number in (0..sizes.len()).filter(kept) {
        check(&volume, number, sizes[number]);
    }
    assert!(fill_more(&volume), "it grows again");
}

fn fill_more(volume: &Volume) -> bool {
    let made = block_on(volume.create(&volume.root(), &name(10_000), Fresh::FILE, BOTH));
    let (_, file) = made.expect("a file");
    let bytes = vec![1; 10 << 20];
    file.write(Source::Slice(&bytes), Position::At(0)).is_ok_and(|done| done.count == bytes.len())
}

#[test]
fn a_volume_becomes_as_small_as_what_lives_in_it() {
    for seed in crate::seeds(3) {
        shrink(seed, [1, 300_000, u64::MAX / 2][usize::try_from(seed % 3).expect("small")]);
    }
}

#[test]
fn areas_shrink_with_the_table() {
    let disk = Ram::new(1 << 30);
    let volume = Volume::open(disk, Options::default()).expect("a volume");
    let root = volume.root();
    for number in 0..30_000 {
        block_on(volume.create(&root, &name(number), Fresh::FILE, BOTH)).expect("a file");
    }
    block_on(volume.sync()).expect("sync");
    let before = volume.usage();
    for number in 100..30_000 {
        block_on(volume.remove(&root, &name(number), Removal::File)).expect("remove");
    }
    while !volume.compact(1 << 20).expect("a step").done {}
    let after = volume.usage();
    assert!(after.size * 2 < before.size, "{before:?}, {after:?}");
    assert!(after.reserved < 6 << 20, "{after:?}");
    for number in 0..100 {
        check(&volume, number, 0);
    }
}

#[test]
fn space_at_the_end_comes_back_by_itself() {
    let volume = Volume::open(Ram::new(1 << 30), Options::default()).expect("a volume");
    let mut random = Random::new(7);
    let empty = volume.usage().size;
    let count = fill(&volume, 300, &mut random).len();
    block_on(volume.sync()).expect("sync");
    let full = volume.usage().size;
    let root = volume.root();
    for number in 0..count {
        block_on(volume.remove(&root, &name(number), Removal::File)).expect("remove");
    }
    block_on(volume.sync()).expect("sync");
    let after = volume.usage().size;
    assert!(after < empty + (full - empty) / 4, "{empty} {full} {after}");
}
