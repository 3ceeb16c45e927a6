//! Renaming one name of a file onto another one of the same file leaves both, as in POSIX.

use guest_tests::ErrorCode::Unsupported;
use guest_tests::{NOFOLLOW, expect, lacks, ok, refused, work};

fn main() {
    let work = work();
    work.put("one", "content");
    let linked = work.link_at(NOFOLLOW, "one", &work, "two");
    if lacks("hard-links") {
        return refused("link-at", Unsupported, linked);
    }
    ok("link-at", linked);
    ok("rename-at onto another name", work.rename_at("one", &work, "two"));
    expect("names", ["one", "two"].map(String::from).to_vec(), work.names());
    expect("link-count", 2, work.stats_at("one").link_count);
    ok("rename-at onto a new name", work.rename_at("one", &work, "three"));
    expect("names", ["three", "two"].map(String::from).to_vec(), work.names());
    expect("link-count", 2, work.stats_at("two").link_count);
}
