//! A directory that is open can be removed: what is left is empty, and nothing can be made
//! in it.

use guest_tests::ErrorCode::NoEntry;
use guest_tests::{CREATE, DescriptorType, NOFOLLOW, RW, expect, ok, refused, work};

fn main() {
    let work = work();
    let dir = work.make_dir("dir");
    let before = ok("read-directory", dir.read_directory());
    ok("remove-directory-at", work.remove_directory_at("dir"));
    for path in [".", "./"] {
        let stat = ok(format_args!("stat-at({path:?})"), dir.stat_at(NOFOLLOW, path));
        expect("type", DescriptorType::Directory, stat.type_);
    }
    expect("type", DescriptorType::Directory, dir.stats().type_);
    expect("names", Vec::<String>::new(), dir.names());
    assert!(ok("read", before.read_directory_entry()).is_none(), "entry: expected none, came one");
    refused("open-at to create", NoEntry, dir.open_at(NOFOLLOW, "file", CREATE, RW));
    refused("create-directory-at", NoEntry, dir.create_directory_at("sub"));
    refused("stat-at a name", NoEntry, dir.stat_at(NOFOLLOW, "file"));

    // The same name again is another directory.
    let other = work.make_dir("dir");
    other.put("file", "");
    expect("is-same-object", false, dir.is_same_object(&other));
    expect("names", Vec::<String>::new(), dir.names());
}
