//! A file that is open outlives its name: it can be read, written and resized, and says that
//! it has no name any more.

use guest_tests::{PLAIN, R, expect, ok, refused, work};

fn main() {
    let work = work();
    let file = work.put("file", "content");
    let reader = work.open("file", PLAIN, R);
    let hash = ok("metadata-hash", file.metadata_hash());
    ok("unlink-file-at", work.unlink_file_at("file"));
    refused(
        "stat-at",
        guest_tests::ErrorCode::NoEntry,
        work.stat_at(guest_tests::NOFOLLOW, "file"),
    );
    expect("link-count", 0, file.stats().link_count);
    expect("content", b"content".to_vec(), reader.content());
    file.put_at(7, b" more");
    ok("set-size", file.set_size(10));
    expect("content", b"content mo".to_vec(), reader.content());
    expect("is-same-object", true, file.is_same_object(&reader));
    expect("identity", hash.lower, ok("metadata-hash", reader.metadata_hash()).lower);

    let other = work.put("file", "another");
    expect("is-same-object of a new file of that name", false, file.is_same_object(&other));
    expect("content of the old file", b"content mo".to_vec(), reader.content());
    expect("content of the new file", b"another".to_vec(), work.get("file"));
}
