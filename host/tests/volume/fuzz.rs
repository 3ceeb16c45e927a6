//! What the fuzzers in `fuzz/` do, with a few recipes by seed.

use crate::mutate::{check_and_repair, mount};
use crate::work::Random;

/// A recipe: bytes of all sizes, small ones more often.
fn recipe(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let count = random.below(60);
    let byte = |random: &mut Random| {
        let below = [8, 32, 256][usize::try_from(random.below(3)).expect("small")];
        u8::try_from(random.below(below)).expect("a byte")
    };
    (0..=count).map(|_| byte(&mut random)).collect()
}

/// Runs `target` on recipes, and names the seed of one that fails.
fn pass(seeds: u64, target: fn(&[u8])) {
    for seed in crate::seeds(seeds) {
        let recipe = recipe(seed);
        let run = std::panic::catch_unwind(|| target(&recipe));
        assert!(run.is_ok(), "seed {seed}: {recipe:?}");
    }
}

#[test]
fn damaged_images_are_refused_or_work() {
    pass(300, mount);
}

#[test]
fn what_is_checked_and_repaired_works() {
    pass(300, check_and_repair);
}
