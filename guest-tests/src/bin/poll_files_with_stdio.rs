//! Streams of files can be polled together with the program's own input and output, and
//! are always ready in the end.

use guest_tests::{Pollable, expect, get_stdin, get_stdout, ok, poll, read_to_end, streamed, work};

fn main() {
    let file = work().put("file", "content");
    let reader = ok("read-via-stream", file.read_via_stream(0));
    let writer = ok("write-via-stream", file.write_via_stream(7));
    let stdin = get_stdin();
    let stdout = get_stdout();

    let pollables = [stdin.subscribe(), stdout.subscribe(), reader.subscribe(), writer.subscribe()];
    let all: Vec<&Pollable> = pollables.iter().collect();
    // Of input that nobody gives nothing is known; the other three become ready.
    let mut seen = [false; 4];
    for _ in 0..1000 {
        for index in poll(&all) {
            seen[index as usize] = true;
        }
        if seen[1..].iter().all(|ready| *ready) {
            break;
        }
    }
    expect("ready in poll: stdout, reader, writer", &[true; 3][..], &seen[1..]);
    expect("poll of one", vec![0], poll(&[&pollables[2]]));
    for pollable in &pollables[1..] {
        pollable.block();
        assert!(pollable.ready(), "ready after block: expected true, came false");
    }
    assert!(streamed("check-write", writer.check_write()) > 0, "check-write: expected room");
    streamed("write", writer.write(b"!"));
    expect("poll of a writing stream", vec![0], poll(&[&pollables[3]]));
    streamed("blocking-flush", writer.blocking_flush());
    expect("content", b"content!".to_vec(), read_to_end(&reader));
    assert!(pollables[2].ready(), "ready at the end: expected true, came false");
}
