//! The other ways to write to a stream: `write-zeroes`, `splice`, and their blocking forms.

use guest_tests::{expect, ok, streamed, work};

fn main() {
    let work = work();
    let file = work.put("file", "xxxxxxxxxxxx");
    let stream = ok("write-via-stream", file.write_via_stream(2));
    let zeroes = stream.blocking_write_zeroes_and_flush(3);
    streamed("blocking-write-zeroes-and-flush", zeroes);
    expect("content", b"xx\0\0\0xxxxxxx".to_vec(), file.content());
    assert!(streamed("check-write", stream.check_write()) >= 2, "check-write: expected room");
    streamed("write-zeroes", stream.write_zeroes(2));
    streamed("blocking-flush", stream.blocking_flush());
    expect("content", b"xx\0\0\0\0\0xxxxx".to_vec(), file.content());

    let source = work.put("source", "spliced bytes");
    let from = ok("read-via-stream", source.read_via_stream(0));
    let target = work.put("target", "");
    let to = ok("write-via-stream", target.write_via_stream(0));
    let mut moved = 0;
    while moved < 13 {
        moved += streamed("blocking-splice", to.blocking_splice(&from, 13 - moved));
    }
    streamed("blocking-flush", to.blocking_flush());
    expect("spliced", b"spliced bytes".to_vec(), target.content());

    let from = ok("read-via-stream", source.read_via_stream(0));
    let mut moved = 0;
    while moved < 7 {
        from.subscribe().block();
        to.subscribe().block();
        moved += streamed("splice", to.splice(&from, 7 - moved));
    }
    streamed("blocking-flush", to.blocking_flush());
    expect("spliced again", b"spliced bytesspliced".to_vec(), target.content());
}
