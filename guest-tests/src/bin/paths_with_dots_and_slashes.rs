//! Dots and repeated slashes change nothing, `..` is resolved step by step, and a slash or a
//! dot at the end asks for a directory.

use guest_tests::ErrorCode::{NoEntry, NotDirectory};
use guest_tests::{FOLLOW, NOFOLLOW, PLAIN, R, answer, work};

fn main() {
    let work = work();
    work.make_dir("d");
    work.make_dir("d/sub");
    work.put("d/f", "f");
    let rows = [
        (".", Ok(())),
        ("./", Ok(())),
        ("./.", Ok(())),
        ("d", Ok(())),
        ("d/", Ok(())),
        ("d//", Ok(())),
        ("d/.", Ok(())),
        ("d/./", Ok(())),
        ("d//sub", Ok(())),
        ("./d/./sub/.", Ok(())),
        ("d/..", Ok(())),
        ("d/../d/f", Ok(())),
        ("d/sub/../f", Ok(())),
        ("d/sub/../../d/f", Ok(())),
        ("./d/f", Ok(())),
        ("d/f", Ok(())),
        // A slash is never dropped, as in POSIX.
        ("d/f/", Err(NotDirectory)),
        ("d/f//", Err(NotDirectory)),
        ("d/f/.", Err(NotDirectory)),
        ("d/f/..", Err(NotDirectory)),
        ("d/f/../f", Err(NotDirectory)),
        ("nope", Err(NoEntry)),
        ("nope/", Err(NoEntry)),
        ("nope/.", Err(NoEntry)),
        // Nothing is folded as text.
        ("nope/..", Err(NoEntry)),
        ("d/nope/../f", Err(NoEntry)),
    ];
    let base = work.dir("d");
    base.put("direct", "");
    for follow in [NOFOLLOW, FOLLOW] {
        for (path, expected) in rows {
            let asked = |method| format!("{method} {path:?}, {follow:?}");
            answer(asked("stat-at"), expected, work.stat_at(follow, path));
            answer(asked("open-at"), expected, work.open_at(follow, path, PLAIN, R));
            answer(asked("metadata-hash-at"), expected, work.metadata_hash_at(follow, path));
        }
        let asked = format!("stat-at \"direct/\", {follow:?}");
        answer(asked, Err(NotDirectory), base.stat_at(follow, "direct/"));
    }
}
