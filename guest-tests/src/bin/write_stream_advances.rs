//! `write-via-stream` writes from its offset on, as much as `check-write` allows, fills a gap
//! with zeros, and everything is there after a flush.

use guest_tests::{expect, ok, streamed, work, write_all};

fn main() {
    let work = work();
    let file = work.put("file", "0123456789");
    let stream = ok("write-via-stream", file.write_via_stream(4));
    for chunk in ["a", "bc", "", "def"] {
        write_all(&stream, chunk);
    }
    expect("over what was there", b"0123abcdef".to_vec(), file.content());
    write_all(&stream, "growth");
    expect("past the end", b"0123abcdefgrowth".to_vec(), work.get("file"));

    let gap = ok("write-via-stream", file.write_via_stream(20));
    write_all(&gap, "x");
    expect("a gap", b"0123abcdefgrowth\0\0\0\0x".to_vec(), file.content());

    let large = work.put("large", "");
    let stream = ok("write-via-stream", large.write_via_stream(0));
    let content: Vec<u8> =
        (0..300_000_u32).map(|at| at.to_le_bytes()[usize::from(at % 3 == 1)]).collect();
    let mut rest = content.as_slice();
    while !rest.is_empty() {
        stream.subscribe().block();
        let room = usize::try_from(streamed("check-write", stream.check_write())).expect("fits");
        assert!(room > 0, "check-write of a ready stream: expected some, came 0");
        let (now, later) = rest.split_at(room.min(rest.len()));
        streamed("write", stream.write(now));
        rest = later;
    }
    streamed("flush", stream.flush());
    streamed("blocking-flush", stream.blocking_flush());
    assert!(large.content() == content, "content: expected what was written, came something else");
}
