//! What `readlink-at` answers for what is not a link, and for links in the path.

use guest_tests::ErrorCode::{Invalid, NoEntry, NotDirectory};
use guest_tests::{answer, expect, ok, symlink, work};

fn main() {
    let work = work();
    work.put("file", "");
    work.make_dir("dir");
    let rows = [
        ("file", Err(Invalid)),
        ("dir", Err(Invalid)),
        ("dir/", Err(Invalid)),
        (".", Err(Invalid)),
        ("file/", Err(NotDirectory)),
        ("nope", Err(NoEntry)),
    ];
    for (path, expected) in rows {
        answer(format_args!("readlink-at({path:?})"), expected, work.readlink_at(path));
    }
    if !symlink(&work, "dir", "to-dir") {
        return;
    }
    ok("symlink-at", work.symlink_at("../file", "dir/link"));
    ok("symlink-at", work.symlink_at("file", "to-file"));
    ok("symlink-at", work.symlink_at("to-dir", "to-link"));
    let rows = [
        ("to-dir/", Err(Invalid)),
        ("to-dir/.", Err(Invalid)),
        ("to-file/", Err(NotDirectory)),
        ("to-file/x", Err(NotDirectory)),
    ];
    for (path, expected) in rows {
        answer(format_args!("readlink-at({path:?})"), expected, work.readlink_at(path));
    }
    for (path, target) in [("to-dir", "dir"), ("to-link", "to-dir"), ("to-link/link", "../file")] {
        let asked = format!("readlink-at({path:?})");
        expect(&asked, target.to_owned(), ok(&asked, work.readlink_at(path)));
    }
}
