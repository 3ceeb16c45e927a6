//! What `remove-directory-at` answers for each kind of path. A slash at the end only says
//! that a directory is meant.

use guest_tests::ErrorCode::{Invalid, NoEntry, NotDirectory, NotEmpty, NotPermitted};
use guest_tests::{answer, expect, symlink, work};

fn main() {
    let work = work();
    for path in ["full", "full/sub", "empty", "slash", "dots", "linked"] {
        work.make_dir(path);
    }
    work.put("file", "");
    work.put("full/file", "");
    let rows = [
        ("full", Err(NotEmpty)),
        ("full/", Err(NotEmpty)),
        ("file", Err(NotDirectory)),
        ("file/", Err(NotDirectory)),
        ("nope", Err(NoEntry)),
        ("nope/", Err(NoEntry)),
        (".", Err(Invalid)),
        ("dots/.", Err(Invalid)),
        ("..", Err(NotPermitted)),
        ("empty", Ok(())),
        ("empty", Err(NoEntry)),
        ("slash/", Ok(())),
        ("slash", Err(NoEntry)),
        ("full/sub", Ok(())),
        ("./full/../dots", Ok(())),
    ];
    for (path, expected) in rows {
        let asked = format!("remove-directory-at({path:?})");
        answer(asked, expected, work.remove_directory_at(path));
    }
    expect("names", ["file", "full", "linked"].map(String::from).to_vec(), work.names());
    if symlink(&work, "linked", "link") {
        for path in ["link", "link/"] {
            let asked = format!("remove-directory-at({path:?}), a link");
            answer(asked, Err(NotDirectory), work.remove_directory_at(path));
        }
    }
}
