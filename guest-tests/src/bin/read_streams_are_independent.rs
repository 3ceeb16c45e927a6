//! Streams on one descriptor have each their own offset.

use guest_tests::{expect, ok, read_to_end, streamed, work, write_all};

fn main() {
    let file = work().put("file", "abcdefghij");
    let streams: Vec<_> =
        (0..5).map(|offset| ok("read-via-stream", file.read_via_stream(offset))).collect();
    let writer = ok("write-via-stream", file.write_via_stream(9));
    for (offset, stream) in (0..).zip(&streams) {
        let byte = streamed("blocking-read(1)", stream.blocking_read(1));
        expect(format_args!("first byte from {offset}"), vec![b'a' + offset], byte);
    }
    write_all(&writer, "J");
    for (offset, stream) in (0..).zip(&streams) {
        let rest: Vec<u8> = (b'b' + offset..b'j').chain([b'J']).collect();
        expect(format_args!("the rest from {offset}"), rest, read_to_end(stream));
    }
}
