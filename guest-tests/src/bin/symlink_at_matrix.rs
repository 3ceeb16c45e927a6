//! What `symlink-at` answers for each kind of target and path; `readlink-at` gives back any
//! target that was taken.

use guest_tests::ErrorCode::{Exist, Invalid, NoEntry, NotDirectory, NotPermitted};
use guest_tests::{DescriptorType, answer, expect, ok, symlink, work};

fn main() {
    let work = work();
    work.put("file", "");
    work.make_dir("dir");
    if !symlink(&work, "file", "link") {
        return expect("names", ["dir", "file"].map(String::from).to_vec(), work.names());
    }
    let long = "t".repeat(255);
    let targets =
        ["file", "nowhere", ".", "..", "../../out", "dir/", "a//b/./c", "__proto__", " ", &long];
    for (number, target) in targets.into_iter().enumerate() {
        let path = format!("dir/{number}");
        ok(format_args!("symlink-at({target:?})"), work.symlink_at(target, &path));
        expect("readlink-at", target.to_owned(), ok("readlink-at", work.readlink_at(&path)));
        expect("type", Some(DescriptorType::SymbolicLink), work.kind_of(&path));
        expect("size", target.len() as u64, work.stats_at(&path).size);
    }
    let rows = [
        ("/", "new", Err(NotPermitted)),
        ("/file", "new", Err(NotPermitted)),
        ("", "new", Err(NoEntry)),
        ("a\0b", "new", Err(Invalid)),
        ("file", "file", Err(Exist)),
        ("file", "dir", Err(Exist)),
        ("file", "dir/", Err(Exist)),
        ("file", "link", Err(Exist)),
        ("file", "dir/1", Err(Exist)),
        ("file", "new/", Err(NoEntry)),
        ("file", "file/", Err(NotDirectory)),
        ("file", "file/x", Err(NotDirectory)),
        ("file", "nope/x", Err(NoEntry)),
    ];
    for (target, path, expected) in rows {
        let asked = format!("symlink-at({target:?}, {path:?})");
        answer(asked, expected, work.symlink_at(target, path));
    }
    expect("names", ["dir", "file", "link"].map(String::from).to_vec(), work.names());
}
