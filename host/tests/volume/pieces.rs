//! How many places on the disk a volume writes to: pieces cost, now and whenever they are read.

use pollster::block_on;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{Backend, Fresh, Position, Removal, Source};
use wasi_opfs::path::Name;

use crate::sim::{Event, Platter, Sim};
use crate::work::{BOTH, Random};

const BLOCK: usize = 4096;

#[test]
fn what_a_large_file_leaves_is_written_to_in_one_piece() {
    let sim = Sim::new(&Platter::default());
    let volume = Volume::open(sim.clone(), Options::default()).expect("a volume");
    let root = volume.root();
    let create = |name: &str| {
        let name = Name::new(name.as_bytes()).expect("a name");
        block_on(volume.create(&root, &name, Fresh::FILE, BOTH)).expect("a file").1
    };
    let large = create("large");
    let blocks = 8192;
    for block in (0..blocks).step_by(256) {
        let bytes = vec![1; 256 * BLOCK];
        large.write(Source::Slice(&bytes), Position::At(block * BLOCK as u64)).expect("room");
    }
    let mut random = Random::new(7);
    for _ in 0..2 * blocks {
        let at = random.below(blocks) * BLOCK as u64;
        large.write(Source::Slice(&[2; BLOCK]), Position::At(at)).expect("room");
    }
    large.sync(false).expect("stored");
    drop(large);
    let name = Name::new(b"large").expect("a name");
    block_on(volume.remove(&root, &name, Removal::File)).expect("removed");
    volume.write_out().expect("written");
    let before = sim.time();
    for number in 0..200 {
        let file = create(&format!("small{number}"));
        file.write(Source::Slice(&[3; BLOCK]), Position::At(0)).expect("room");
    }
    volume.write_out().expect("written");
    let events = sim.events();
    let writes = events[before..].iter().filter(|event| matches!(event, Event::Write(..)));
    let writes = writes.count();
    assert!(writes < 20, "{writes} writes for 200 blocks");
}
