//! Reading nothing from a stream gives nothing and leaves it open.

use guest_tests::{expect, ok, read_to_end, streamed, work};

fn main() {
    let file = work().put("file", "content");
    let stream = ok("read-via-stream", file.read_via_stream(0));
    for _ in 0..3 {
        expect("read(0)", Vec::<u8>::new(), streamed("read(0)", stream.read(0)));
        expect("skip(0)", 0, streamed("skip(0)", stream.skip(0)));
    }
    for _ in 0..3 {
        let came = streamed("blocking-read(0)", stream.blocking_read(0));
        expect("blocking-read(0)", Vec::<u8>::new(), came);
        expect("blocking-skip(0)", 0, streamed("blocking-skip(0)", stream.blocking_skip(0)));
    }
    expect("everything", b"content".to_vec(), read_to_end(&stream));
}
