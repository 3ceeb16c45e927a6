//! Links inside a path are always followed, the last one if asked or if a slash follows it;
//! one that leads out of the base, or in a circle, is refused when it is followed.

use guest_tests::ErrorCode::{Loop, NoEntry, NotDirectory, NotPermitted};
use guest_tests::{FOLLOW, NOFOLLOW, PLAIN, R, answer, symlink, work};

fn main() {
    let work = work();
    work.make_dir("d").put("f", "f");
    work.make_dir("d/sub");
    let links = [
        ("d", "to-dir"),
        ("d/f", "to-file"),
        ("d/", "to-dir-slash"),
        ("d/f/", "to-file-slash"),
        ("nope", "dangling"),
        (".", "here"),
        ("..", "up"),
        ("../work/d/f", "out-and-in"),
        ("d/../../x", "out-later"),
        ("me", "me"),
        ("pong", "ping"),
        ("ping", "pong"),
    ];
    for (target, path) in links {
        if !symlink(&work, target, path) {
            return;
        }
    }
    assert!(symlink(&work, "../f", "d/sub/back"), "links were made before");
    // path, answer of open-at with nofollow, answer with follow
    let rows = [
        ("to-dir", Err(Loop), Ok(())),
        ("to-dir/", Ok(()), Ok(())),
        ("to-dir/.", Ok(()), Ok(())),
        ("to-dir/f", Ok(()), Ok(())),
        ("to-dir/../d/f", Ok(()), Ok(())),
        ("to-dir/sub/back", Err(Loop), Ok(())),
        ("here/here/here/d/f", Ok(()), Ok(())),
        ("to-dir-slash", Err(Loop), Ok(())),
        ("to-dir-slash/f", Ok(()), Ok(())),
        ("to-file", Err(Loop), Ok(())),
        ("to-file/", Err(NotDirectory), Err(NotDirectory)),
        ("to-file/.", Err(NotDirectory), Err(NotDirectory)),
        ("to-file-slash", Err(Loop), Err(NotDirectory)),
        ("dangling", Err(Loop), Err(NoEntry)),
        ("dangling/", Err(NoEntry), Err(NoEntry)),
        ("dangling/x", Err(NoEntry), Err(NoEntry)),
        ("up", Err(Loop), Err(NotPermitted)),
        ("up/work", Err(NotPermitted), Err(NotPermitted)),
        ("out-and-in", Err(Loop), Err(NotPermitted)),
        ("out-later", Err(Loop), Err(NotPermitted)),
        ("me", Err(Loop), Err(Loop)),
        ("me/x", Err(Loop), Err(Loop)),
        ("ping/x", Err(Loop), Err(Loop)),
    ];
    for (path, plain, followed) in rows {
        for (follow, expected) in [(NOFOLLOW, plain), (FOLLOW, followed)] {
            let asked = |method| format!("{method} {path:?}, {follow:?}");
            answer(asked("open-at"), expected, work.open_at(follow, path, PLAIN, R));
            // A link that is not followed can be looked at, but not opened.
            let is_link = follow == NOFOLLOW && work.readlink_at(path).is_ok();
            let expected = if is_link { Ok(()) } else { expected };
            answer(asked("stat-at"), expected, work.stat_at(follow, path));
            answer(asked("metadata-hash-at"), expected, work.metadata_hash_at(follow, path));
        }
    }
    let base = work.dir("d/sub");
    let came = base.open_at(FOLLOW, "back", PLAIN, R);
    answer("open-at a link out of this base, but not of the preopen", Err(NotPermitted), came);
}
