//! What a volume keeps of what it has read: which reads go to the disk a second time.

use pollster::block_on;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{Backend, Destination, Fresh, Position, Source};
use wasi_opfs::path::Name;

use crate::sim::{Platter, Sim};
use crate::work::BOTH;

const BLOCK: usize = 4096;

/// How many calls of the disk it takes to read a file of so many bytes twice, in pieces.
fn calls_of_second_reading(size: usize, piece: usize) -> u64 {
    let sim = Sim::new(&Platter::default());
    let options = Options::default().cache_small_files(8 << 20);
    let volume = Volume::open(sim.clone(), options).expect("a volume");
    let name = Name::new(b"file").expect("a name");
    let created = block_on(volume.create(&volume.root(), &name, Fresh::FILE, BOTH));
    let (_, file) = created.expect("a file");
    let mut bytes = vec![0; size];
    for (number, block) in (0_u32..).zip(bytes.chunks_mut(BLOCK)) {
        block.fill(number.to_le_bytes()[0]);
    }
    let written = file.write(Source::Slice(&bytes), Position::At(0)).expect("room");
    assert_eq!(written.count, size);
    file.sync(false).expect("stored");
    let mut before = 0;
    for _ in 0..2 {
        before = sim.calls();
        for at in (0..size).step_by(piece) {
            let mut found = vec![0; piece];
            file.read(Destination::Slice(&mut found), at as u64).expect("readable");
            assert!(found == bytes[at..at + piece], "{at} of {size}");
        }
    }
    sim.calls() - before
}

#[test]
fn short_reads_of_a_middling_file_are_kept() {
    assert_eq!(calls_of_second_reading(1 << 20, BLOCK), 0);
    assert_eq!(calls_of_second_reading(16 * BLOCK, 16 * BLOCK), 0);
    // Long reads are better off without a copy, and what is large would push out the rest.
    assert_eq!(calls_of_second_reading(1 << 20, 16 * BLOCK), 16);
    assert_eq!(calls_of_second_reading(2 << 20, BLOCK), 512);
}
