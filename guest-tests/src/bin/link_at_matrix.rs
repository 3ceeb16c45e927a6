//! What `link-at` answers for each kind of path.

use guest_tests::ErrorCode::{Exist, Invalid, NoEntry, NotDirectory, NotPermitted, Unsupported};
use guest_tests::{
    DescriptorType, FOLLOW, NOFOLLOW, answer, expect, lacks, ok, refused, symlink, work,
};

fn main() {
    let work = work();
    work.put("file", "content");
    work.make_dir("dir");
    if lacks("hard-links") {
        let linked = work.link_at(NOFOLLOW, "file", &work, "new");
        refused("link-at", Unsupported, linked);
        return expect("names", ["dir", "file"].map(String::from).to_vec(), work.names());
    }
    let rows = [
        (NOFOLLOW, "file", "dir/new", Ok(())),
        (NOFOLLOW, "./dir/../file", "./new", Ok(())),
        // Existing programs rely on this answer, also where no link is followed.
        (FOLLOW, "file", "followed", Err(Invalid)),
        (NOFOLLOW, "dir", "new-dir", Err(NotPermitted)),
        (NOFOLLOW, "nope", "other", Err(NoEntry)),
        (NOFOLLOW, "nope/x", "other", Err(NoEntry)),
        (NOFOLLOW, "file", "nope/x", Err(NoEntry)),
        (NOFOLLOW, "file", "new", Err(Exist)),
        (NOFOLLOW, "file", "file", Err(Exist)),
        (NOFOLLOW, "file", "dir", Err(Exist)),
        (NOFOLLOW, "file/", "other", Err(NotDirectory)),
        (NOFOLLOW, "file", "other/", Err(NoEntry)),
        (NOFOLLOW, "file", "file/x", Err(NotDirectory)),
    ];
    for (flags, old, new, expected) in rows {
        let asked = format!("link-at({flags:?}, {old:?}, {new:?})");
        answer(asked, expected, work.link_at(flags, old, &work, new));
    }
    expect("names", ["dir", "file", "new"].map(String::from).to_vec(), work.names());
    let dir = work.dir("dir");
    ok("link-at between descriptors", dir.link_at(NOFOLLOW, "new", &work, "fourth"));
    expect("link-count", 4, work.stats_at("file").link_count);

    if symlink(&work, "nowhere", "link") {
        ok("link-at of a link", work.link_at(NOFOLLOW, "link", &work, "link2"));
        expect("type", Some(DescriptorType::SymbolicLink), work.kind_of("link2"));
        expect("target", "nowhere".to_owned(), ok("readlink-at", work.readlink_at("link2")));
        expect("link-count of a link", 2, work.stats_at("link").link_count);
    }
}
