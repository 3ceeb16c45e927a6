//! `get-type`, `stat` and `stat-at` agree on what an object is, how large, and how often
//! it is named.

use guest_tests::DescriptorType::{Directory, RegularFile, SymbolicLink};
use guest_tests::{FOLLOW, expect, ok, symlink, work};

fn main() {
    let work = work();
    let file = work.put("file", "content");
    let dir = work.make_dir("dir");
    for (name, object, kind) in [("file", &file, RegularFile), ("dir", &dir, Directory)] {
        expect(format_args!("get-type of a {name}"), kind, ok("get-type", object.get_type()));
        let (open, named) = (object.stats(), work.stats_at(name));
        expect(format_args!("type in stat of a {name}"), kind, open.type_);
        expect(format_args!("type in stat-at of a {name}"), kind, named.type_);
        expect(format_args!("size of a {name}, open and by name"), open.size, named.size);
        expect(format_args!("links of a {name}"), open.link_count, named.link_count);
    }
    expect("size of a file", 7, file.stats().size);
    expect("link-count of a file", 1, file.stats().link_count);
    assert!(dir.stats().link_count > 0, "link-count of a directory: expected some, came 0");

    let target = "file/../é";
    if symlink(&work, target, "link") {
        let link = work.stats_at("link");
        expect("type of a link", SymbolicLink, link.type_);
        expect("size of a link", target.len() as u64, link.size);
        ok("unlink-file-at", work.unlink_file_at("link"));
        assert!(symlink(&work, "file", "link"), "links were made before");
        let followed = ok("stat-at, follow", work.stat_at(FOLLOW, "link"));
        expect("type of a followed link", RegularFile, followed.type_);
        expect("size of a followed link", 7, followed.size);
    }
}
