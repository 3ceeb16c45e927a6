//! What `unlink-file-at` answers for each kind of path.

use guest_tests::ErrorCode::{IsDirectory, NoEntry, NotDirectory, NotPermitted};
use guest_tests::{answer, expect, symlink, work};

fn main() {
    let work = work();
    work.make_dir("dir");
    work.put("file", "");
    work.put("dir/file", "");
    let rows = [
        ("dir", Err(IsDirectory)),
        ("dir/", Err(IsDirectory)),
        (".", Err(IsDirectory)),
        ("..", Err(NotPermitted)),
        ("file/", Err(NotDirectory)),
        ("file/.", Err(NotDirectory)),
        ("nope", Err(NoEntry)),
        ("nope/", Err(NoEntry)),
        ("file", Ok(())),
        ("file", Err(NoEntry)),
        ("./dir/../dir/file", Ok(())),
    ];
    for (path, expected) in rows {
        let asked = format!("unlink-file-at({path:?})");
        answer(asked, expected, work.unlink_file_at(path));
    }
    expect("names", vec!["dir".to_owned()], work.names());

    work.put("target", "kept");
    for (target, path) in [("target", "to-file"), ("dir", "to-dir"), ("nowhere", "dangling")] {
        if !symlink(&work, target, path) {
            return;
        }
    }
    let rows = [
        ("to-file/", Err(NotDirectory)),
        ("to-dir/", Err(IsDirectory)),
        ("to-file", Ok(())),
        ("to-dir", Ok(())),
        ("dangling", Ok(())),
    ];
    for (path, expected) in rows {
        let asked = format!("unlink-file-at({path:?})");
        answer(asked, expected, work.unlink_file_at(path));
    }
    expect("names", ["dir", "target"].map(String::from).to_vec(), work.names());
}
