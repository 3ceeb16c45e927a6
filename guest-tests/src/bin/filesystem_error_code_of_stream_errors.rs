//! `filesystem-error-code` finds the code in a stream's error, also when the stream and the
//! descriptor are gone.

use guest_tests::ErrorCode::{self, BadDescriptor, Invalid};
use guest_tests::{PLAIN, R, StreamError, W, expect, filesystem_error_code, ok, work};

fn check<T>(asked: &str, expected: ErrorCode, came: Result<T, StreamError>) {
    let Err(StreamError::LastOperationFailed(error)) = came else {
        panic!("{asked}: expected last-operation-failed, came something else");
    };
    for _ in 0..2 {
        expect(asked, Some(expected), filesystem_error_code(&error));
    }
    let text = error.to_debug_string();
    assert!(!text.is_empty(), "{asked}, to-debug-string: expected some text, came none");
}

fn main() {
    let work = work();
    work.put("file", "content");
    let came = {
        let writer = work.open("file", PLAIN, W);
        ok("read-via-stream", writer.read_via_stream(0)).blocking_read(1)
    };
    check("blocking-read without read", BadDescriptor, came);
    let came = {
        let reader = work.open("file", PLAIN, R);
        ok("write-via-stream", reader.write_via_stream(0)).blocking_write_and_flush(b"x")
    };
    check("blocking-write-and-flush without write", BadDescriptor, came);
    let came = {
        let reader = work.open("file", PLAIN, R);
        ok("read-via-stream", reader.read_via_stream(u64::MAX)).blocking_read(1)
    };
    check("blocking-read behind every file", Invalid, came);
}
