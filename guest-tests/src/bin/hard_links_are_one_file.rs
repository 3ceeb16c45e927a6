//! All names of a file lead to the same object, and the last one to go takes it along.

use guest_tests::ErrorCode::Unsupported;
use guest_tests::{NOFOLLOW, PLAIN, R, expect, lacks, ok, refused, work};

fn main() {
    let work = work();
    let file = work.put("one", "content");
    work.make_dir("dir");
    let linked = work.link_at(NOFOLLOW, "one", &work, "dir/two");
    if lacks("hard-links") {
        return refused("link-at", Unsupported, linked);
    }
    ok("link-at", linked);
    let other = work.open("dir/two", PLAIN, R);
    expect("is-same-object", true, file.is_same_object(&other));
    let hash = |path| ok("metadata-hash-at", work.metadata_hash_at(NOFOLLOW, path));
    expect("lower hash", hash("one").lower, hash("dir/two").lower);
    expect("upper hash", hash("one").upper, hash("dir/two").upper);
    file.put_at(0, b"C");
    expect("content by the other name", b"Content".to_vec(), work.get("dir/two"));
    expect("link-count", 2, other.stats().link_count);
    ok("unlink-file-at", work.unlink_file_at("one"));
    expect("link-count", 1, other.stats().link_count);
    expect("link-count by name", 1, work.stats_at("dir/two").link_count);
    expect("content", b"Content".to_vec(), work.get("dir/two"));
    ok("unlink-file-at", work.unlink_file_at("dir/two"));
    expect("link-count", 0, file.stats().link_count);
    expect("content", b"Content".to_vec(), other.content());
}
