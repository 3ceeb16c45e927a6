//! A backslash is a byte like any other, or, where the storage cannot hold it, refused with
//! `invalid`; it never separates names.

use guest_tests::ErrorCode::{Invalid, NoEntry};
use guest_tests::{CREATE, NOFOLLOW, RW, expect, lacks, ok, refused, work};

fn main() {
    let work = work();
    work.make_dir("a").put("b", "not me");
    work.put("file", "");
    for name in ["a\\b", "\\", "..\\x", "a\\", "\\b"] {
        if lacks("backslash") {
            refused(name, Invalid, work.open_at(NOFOLLOW, name, CREATE, RW));
            refused(name, Invalid, work.create_directory_at(name));
            refused(name, Invalid, work.rename_at("file", &work, name));
        } else {
            refused(name, NoEntry, work.stat_at(NOFOLLOW, name));
            work.put(name, name);
            expect(name, name.as_bytes().to_vec(), work.get(name));
            assert!(work.names().contains(&name.to_owned()), "{name:?}: expected in the listing");
            ok(name, work.unlink_file_at(name));
        }
    }
    expect("names", ["a", "file"].map(String::from).to_vec(), work.names());
    expect("content", b"not me".to_vec(), work.get("a/b"));
}
