//! `read-via-stream` reads from its offset to the end; `skip` and `blocking-skip` pass over
//! bytes; the end is `closed`.

use guest_tests::{closed, expect, ok, read_to_end, streamed, work};

fn main() {
    let work = work();
    let file = work.put("file", "hello world");
    for (offset, content) in [(0, "hello world"), (6, "world"), (11, ""), (12, ""), (1 << 40, "")] {
        let stream = ok("read-via-stream", file.read_via_stream(offset));
        let asked = format!("stream from {offset}");
        expect(asked, content.as_bytes().to_vec(), read_to_end(&stream));
        closed(format_args!("read after the end, from {offset}"), stream.read(1));
    }

    let stream = ok("read-via-stream", file.read_via_stream(0));
    expect("blocking-read(2)", b"he".to_vec(), streamed("blocking-read", stream.blocking_read(2)));
    expect("blocking-skip(4)", 4, streamed("blocking-skip", stream.blocking_skip(4)));
    expect("the rest", b"world".to_vec(), read_to_end(&stream));

    // Without blocking, data comes once the stream is ready.
    let stream = ok("read-via-stream", file.read_via_stream(0));
    let mut skipped = 0;
    while skipped < 6 {
        skipped += streamed("skip", stream.skip(6 - skipped));
        stream.subscribe().block();
    }
    let mut content = Vec::new();
    while content.len() < 5 {
        stream.subscribe().block();
        content.extend(streamed("read", stream.read(5)));
    }
    expect("read when ready", b"world".to_vec(), content);

    let empty = work.put("empty", "");
    let stream = ok("read-via-stream", empty.read_via_stream(0));
    closed("blocking-read of an empty file", stream.blocking_read(1));
    closed("blocking-skip behind the end", stream.blocking_skip(1));
}
