//! What `rename-at` does for each kind of source and target.

use guest_tests::ErrorCode::{Invalid, IsDirectory, NoEntry, NotDirectory, NotEmpty};
use guest_tests::{answer, expect, ok, refused, work};

fn main() {
    let work = work();
    let rows = [
        ("file", "new", Ok(())),
        ("dir", "new", Ok(())),
        ("full", "new", Ok(())),
        ("file", "other-file", Ok(())),
        ("file", "dir", Err(IsDirectory)),
        ("file", "full", Err(IsDirectory)),
        ("dir", "file", Err(NotDirectory)),
        ("dir", "empty", Ok(())),
        ("full", "empty", Ok(())),
        ("dir", "full", Err(NotEmpty)),
        ("file", "file", Ok(())),
        ("dir", "dir", Ok(())),
        ("full", "full", Ok(())),
        ("dir", "dir/inside", Err(Invalid)),
        ("full", "full/dir/inside", Err(Invalid)),
        ("full/inside", "file", Ok(())),
        ("file", "full/file", Ok(())),
        ("nope", "new", Err(NoEntry)),
        ("nope", "file", Err(NoEntry)),
        ("nope/x", "new", Err(NoEntry)),
        ("file", "nope/x", Err(NoEntry)),
        ("file", "other-file/x", Err(NotDirectory)),
        ("file/x", "new", Err(NotDirectory)),
    ];
    for (number, (old, new, expected)) in rows.into_iter().enumerate() {
        let dir = work.make_dir(&number.to_string());
        for path in ["dir", "empty", "full", "full/dir"] {
            dir.make_dir(path);
        }
        for path in ["file", "other-file", "full/inside"] {
            dir.put(path, path);
        }
        let from = dir.stat_at(guest_tests::NOFOLLOW, old).map(|stat| stat.type_);
        let object = dir.metadata_hash_at(guest_tests::NOFOLLOW, old).map(|hash| hash.lower);
        answer(
            format_args!("rename-at({old:?}, {new:?})"),
            expected,
            dir.rename_at(old, &dir, new),
        );
        let asked = format!("after rename-at({old:?}, {new:?})");
        if expected.is_ok() {
            expect(format_args!("type {asked}"), from.ok(), dir.kind_of(new));
            let hash = ok(&asked, dir.metadata_hash_at(guest_tests::NOFOLLOW, new));
            expect(format_args!("identity {asked}"), object.ok(), Some(hash.lower));
            if old != new {
                expect(format_args!("old name {asked}"), None, dir.kind_of(old));
            }
        } else if let Ok(kind) = from {
            expect(format_args!("old name {asked}"), Some(kind), dir.kind_of(old));
        }
        if old == "full" && expected.is_ok() {
            expect(&asked, ["dir", "inside"].map(String::from).to_vec(), dir.dir(new).names());
        } else if old == "file" && expected.is_ok() {
            expect(&asked, b"file".to_vec(), dir.get(new));
        }
    }
    let (one, two) = (work.dir("0"), work.make_dir("two"));
    ok("rename-at between descriptors", one.rename_at("full", &two, "moved"));
    expect("moved", ["dir", "inside"].map(String::from).to_vec(), two.dir("moved").names());
    refused("rename-at again", NoEntry, one.rename_at("full", &two, "moved"));
}
