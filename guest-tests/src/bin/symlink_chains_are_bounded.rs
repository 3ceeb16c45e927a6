//! Forty links may be followed on one way, the forty-first is `loop`.

use guest_tests::ErrorCode::Loop;
use guest_tests::{FOLLOW, PLAIN, R, answer, symlink, work};

fn main() {
    let work = work();
    work.put("0", "the end");
    for number in 1..=41 {
        if !symlink(&work, &(number - 1).to_string(), &number.to_string()) {
            return;
        }
    }
    for (path, expected) in [("1", Ok(())), ("40", Ok(())), ("41", Err(Loop))] {
        answer(format!("open-at {path}"), expected, work.open_at(FOLLOW, path, PLAIN, R));
        answer(format!("stat-at {path}"), expected, work.stat_at(FOLLOW, path));
    }
}
