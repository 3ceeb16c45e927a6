//! `set-size` cuts a file or fills it with zeros, and every descriptor sees it at once.

use guest_tests::{PLAIN, R, W, closed, expect, ok, streamed, work};

fn main() {
    let work = work();
    let file = work.put("file", "0123456789");
    let reader = work.open("file", PLAIN, R);
    let stream = ok("read-via-stream", reader.read_via_stream(0));
    expect("stream", b"01234".to_vec(), streamed("blocking-read", stream.blocking_read(5)));
    let rows: [(u64, &[u8]); 6] = [
        (10, b"0123456789"),
        (4, b"0123"),
        (4, b"0123"),
        // What was cut off does not come back.
        (8, b"0123\0\0\0\0"),
        (0, b""),
        (3, b"\0\0\0"),
    ];
    for (size, content) in rows {
        ok(format_args!("set-size {size}"), file.set_size(size));
        expect(format_args!("size after {size}"), size, reader.stats().size);
        expect(format_args!("size by name after {size}"), size, work.stats_at("file").size);
        expect(format_args!("content after {size}"), content.to_vec(), reader.content());
    }
    closed("stream in front of which the file was cut", stream.blocking_read(5));

    let writer = work.open("file", PLAIN, W);
    ok("set-size with write alone", writer.set_size(1));
    expect("size", 1, file.stats().size);
}
