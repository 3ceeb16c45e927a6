//! Random operations: a volume answers, and holds, what the reference does.

use std::time::Duration;

use wasi_opfs::backend::volume::disk::Ram;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::testing::Model;

use crate::work::{Bench, Random, Style, operation};

const OPERATIONS: usize = 400;

#[test]
fn random_operations_equal_the_reference() {
    for seed in crate::seeds(12) {
        let mut random = Random::new(seed);
        let style = if seed % 3 == 2 { Style::Heavy } else { Style::Mixed };
        let options = match seed % 2 {
            0 => Options::default().gather(50_000, Duration::from_secs(100)),
            _ => Options::default().cache(100_000),
        };
        let disk = Ram::new(1 << 30);
        let mut model = Bench::new(Model::new());
        let mut volume = Bench::of_volume(Volume::open(disk.clone(), options).expect("a volume"));
        for step in 0..OPERATIONS {
            let operation = operation(&mut random, style);
            let what = format!("seed {seed} step {step}: {operation:?}");
            let answers = (volume.run(&operation), model.run(&operation));
            assert_eq!(answers.0, answers.1, "{what}");
            if step % 20 == 0 {
                assert_eq!(volume.dump(), model.dump(), "{what}");
            }
            if random.below(100) == 0 {
                // Closed and opened again; what was only held open is gone in both.
                drop(volume);
                volume = Bench::of_volume(Volume::open(disk.clone(), options).expect("a volume"));
                while model.run(&crate::work::Operation::Close).is_ok() && model.has_open() {}
                assert_eq!(volume.dump(), model.dump(), "{what}, opened again");
            }
        }
        assert_eq!(volume.dump(), model.dump(), "seed {seed}");
    }
}
