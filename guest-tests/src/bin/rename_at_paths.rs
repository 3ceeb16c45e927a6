//! How `rename-at` reads its paths: a slash at the end of either asks for a directory as the
//! source, and a dot at the end is refused.

use guest_tests::ErrorCode::{Busy, NoEntry, NotDirectory, NotPermitted};
use guest_tests::{answer, expect, work};

fn main() {
    let work = work();
    for path in ["dir", "base"] {
        work.make_dir(path);
    }
    work.put("file", "content");
    let rows = [
        ("file/", "new", Err(NotDirectory)),
        ("file", "new/", Err(NotDirectory)),
        ("file", "file/", Err(NotDirectory)),
        ("file", "dir/", Err(NotDirectory)),
        ("dir", "file/", Err(NotDirectory)),
        ("nope/", "new", Err(NoEntry)),
        (".", "new", Err(Busy)),
        ("dir/.", "new", Err(Busy)),
        ("file", ".", Err(Busy)),
        ("dir", "dir/.", Err(Busy)),
        ("dir", "base/.", Err(Busy)),
        ("..", "new", Err(NotPermitted)),
        ("dir", "..", Err(NotPermitted)),
        ("dir", "/new", Err(NotPermitted)),
        ("dir", "new/", Ok(())),
        ("new/", "again", Ok(())),
        ("again/", "dir//", Ok(())),
        ("base/../file", "./base/./file", Ok(())),
    ];
    for (old, new, expected) in rows {
        answer(
            format_args!("rename-at({old:?}, {new:?})"),
            expected,
            work.rename_at(old, &work, new),
        );
    }
    expect("names", ["base", "dir"].map(String::from).to_vec(), work.names());
    expect("content", b"content".to_vec(), work.get("base/file"));
}
