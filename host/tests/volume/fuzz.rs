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

/// Recipes that once showed a mistake.
#[test]
fn what_was_found_once_is_not_found_again() {
    // A checkpoint that was found by its frames, and frames of the one that was lost.
    check_and_repair(&[
        18, 147, 233, 9, 86, 1, 188, 209, 7, 7, 60, 21, 195, 6, 1, 3, 13, 0, 23, 3, 108, 6, 2, 252,
        6, 3, 184, 2, 4, 28, 206, 2, 145, 5, 19, 3, 5, 11, 244, 2, 23, 7, 89, 4, 1, 126, 0, 134, 4,
        119, 137, 86, 211, 8, 13, 14, 4, 141,
    ]);
}
