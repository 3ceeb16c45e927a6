//! `read-directory` gives every entry once, with its kind, without `.` and `..`; streams do
//! not disturb each other, and the end stays the end.

use guest_tests::DescriptorType::{Directory, RegularFile, SymbolicLink};
use guest_tests::ErrorCode::NotDirectory;
use guest_tests::{PLAIN, R, expect, ok, refused, symlink, work};

fn main() {
    let work = work();
    expect("entries of an empty directory", Vec::new(), work.entries());
    work.put("file", "content");
    work.make_dir("dir").put("inside", "");
    work.put(".hidden", "");
    let mut expected = vec![
        (".hidden".to_owned(), RegularFile),
        ("dir".to_owned(), Directory),
        ("file".to_owned(), RegularFile),
    ];
    expect("entries", expected.clone(), work.entries());
    if symlink(&work, "dir", "link") {
        expected.push(("link".to_owned(), SymbolicLink));
        expect("entries", expected.clone(), work.entries());
    }

    let one = ok("read-directory", work.read_directory());
    let two = ok("read-directory", work.read_directory());
    let mut names = (Vec::new(), Vec::new());
    for _ in &expected {
        names.0.extend(ok("entry", one.read_directory_entry()).map(|entry| entry.name));
        names.1.extend(ok("entry", two.read_directory_entry()).map(|entry| entry.name));
    }
    expect("two streams in turns", &names.0, &names.1);
    work.put("later", "");
    for _ in 0..3 {
        let entry = ok("entry", one.read_directory_entry());
        assert!(entry.is_none(), "after the end: expected none, came {entry:?}");
    }

    let by_dot = work.dir(".").names();
    expect("entries by another descriptor", work.names(), by_dot);
    let file = work.open("file", PLAIN, R);
    refused("read-directory of a file", NotDirectory, file.read_directory());
}
