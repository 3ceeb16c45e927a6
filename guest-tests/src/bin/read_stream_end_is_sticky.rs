//! A read stream that has met the end stays closed, also when the file grows afterwards; a
//! new one sees the growth.

use guest_tests::{closed, expect, ok, read_to_end, streamed, work};

fn main() {
    let work = work();
    let file = work.put("file", "one");
    let stream = ok("read-via-stream", file.read_via_stream(0));
    expect("first", b"one".to_vec(), read_to_end(&stream));
    file.put_at(3, b"two");
    closed("blocking-read after growth", stream.blocking_read(8));
    closed("read after growth", stream.read(8));
    closed("skip after growth", stream.skip(8));
    assert!(stream.subscribe().ready(), "ready of a closed stream: expected true, came false");

    let stream = ok("read-via-stream", file.read_via_stream(3));
    expect("blocking-read", b"two".to_vec(), streamed("blocking-read", stream.blocking_read(3)));
    // This one has not met the end yet.
    file.put_at(6, b"three");
    expect("after growth", b"three".to_vec(), read_to_end(&stream));
}
