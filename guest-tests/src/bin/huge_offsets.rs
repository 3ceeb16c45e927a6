//! Offsets and sizes that no file can have are errors, never traps, and change nothing.

use guest_tests::ErrorCode::{FileTooLarge, InsufficientMemory, InsufficientSpace, Invalid};
use guest_tests::{expect, failed, ok, one_of, refused, work};

const LARGEST: u64 = i64::MAX as u64;

fn main() {
    let work = work();
    let file = work.put("file", "content");
    for offset in [u64::MAX, LARGEST + 1] {
        refused(format_args!("read at {offset}"), Invalid, file.read(1, offset));
        refused(format_args!("write at {offset}"), Invalid, file.write(b"x", offset));
        refused(format_args!("set-size {offset}"), Invalid, file.set_size(offset));
        let stream = ok("read-via-stream", file.read_via_stream(offset));
        failed(format_args!("stream read at {offset}"), Invalid, stream.blocking_read(1));
        let stream = ok("write-via-stream", file.write_via_stream(offset));
        let came = stream.blocking_write_and_flush(b"x");
        failed(format_args!("stream write at {offset}"), Invalid, came);
        let advised = file.advise(offset, 1, guest_tests::Advice::Normal);
        one_of(format_args!("advise at {offset}"), &[Ok(()), Err(Invalid)], advised);
    }
    refused("read past the largest offset", Invalid, file.read(1, LARGEST));
    refused("write past the largest offset", Invalid, file.write(b"x", LARGEST));
    let far = LARGEST - 16;
    expect("read far behind the end", (Vec::new(), true), ok("read", file.read(8, far)));
    expect("content", b"content".to_vec(), file.content());

    // Whether a file can be as large as that is the storage's answer.
    let large =
        [Ok(()), Err(FileTooLarge), Err(Invalid), Err(InsufficientSpace), Err(InsufficientMemory)];
    one_of("write far away", &large, file.write(b"x", far));
    one_of("set-size to the largest", &large, file.set_size(LARGEST));
    ok("set-size back", file.set_size(7));
    expect("content", b"content".to_vec(), file.content());
}
