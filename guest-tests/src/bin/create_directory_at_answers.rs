//! What `create-directory-at` answers for each kind of path.

use guest_tests::DescriptorType::Directory;
use guest_tests::ErrorCode::{Exist, NoEntry, NotDirectory, NotPermitted};
use guest_tests::{answer, expect, symlink, work};

fn main() {
    let work = work();
    work.put("file", "");
    let rows = [
        ("dir", Ok(())),
        ("dir/sub", Ok(())),
        ("slash/", Ok(())),
        ("slashes//", Ok(())),
        ("./dir/../dir/./dots", Ok(())),
        ("dir", Err(Exist)),
        ("dir/", Err(Exist)),
        (".", Err(Exist)),
        ("dir/.", Err(Exist)),
        ("file", Err(Exist)),
        ("file/sub", Err(NotDirectory)),
        ("nope/sub", Err(NoEntry)),
        ("new/.", Err(NoEntry)),
        ("..", Err(NotPermitted)),
    ];
    for (path, expected) in rows {
        let asked = format!("create-directory-at({path:?})");
        answer(asked, expected, work.create_directory_at(path));
    }
    expect("names", ["dir", "file", "slash", "slashes"].map(String::from).to_vec(), work.names());
    expect("names inside", ["dots", "sub"].map(String::from).to_vec(), work.dir("dir").names());
    expect("type", Some(Directory), work.kind_of("slashes"));

    if symlink(&work, "dir", "to-dir") && symlink(&work, "nowhere", "dangling") {
        let rows = [
            ("to-dir", Err(Exist)),
            ("to-dir/", Err(Exist)),
            ("dangling", Err(Exist)),
            ("dangling/", Err(Exist)),
            ("to-dir/through", Ok(())),
        ];
        for (path, expected) in rows {
            let asked = format!("create-directory-at({path:?})");
            answer(asked, expected, work.create_directory_at(path));
        }
        expect("made through a link", Some(Directory), work.kind_of("dir/through"));
        expect("the link's target", None, work.kind_of("nowhere"));
    }
}
