//! A stream that the descriptor's mode does not allow can be had, but its first operation
//! fails with `bad-descriptor`, which `filesystem-error-code` finds, and closes it.

use guest_tests::ErrorCode::BadDescriptor;
use guest_tests::{OutputStream, PLAIN, R, W, closed, expect, failed, ok, work};

fn main() {
    let work = work();
    work.put("file", "content");

    let writer = work.open("file", PLAIN, W);
    let stream = ok("read-via-stream without read", writer.read_via_stream(0));
    failed("blocking-read", BadDescriptor, stream.blocking_read(1));
    closed("blocking-read after the failure", stream.blocking_read(1));
    closed("read after the failure", stream.read(1));

    let reader = work.open("file", PLAIN, R);
    let stream = ok("write-via-stream without write", reader.write_via_stream(0));
    fails_once("write-via-stream", &stream);
    let stream = ok("append-via-stream without write", reader.append_via_stream());
    fails_once("append-via-stream", &stream);
    expect("content", b"content".to_vec(), reader.content());
}

fn fails_once(made_by: &str, stream: &OutputStream) {
    let asked = format!("{made_by}, blocking-write-and-flush");
    failed(&asked, BadDescriptor, stream.blocking_write_and_flush(b"x"));
    closed(&asked, stream.blocking_write_and_flush(b"x"));
    closed(format_args!("{made_by}, check-write"), stream.check_write());
    closed(format_args!("{made_by}, blocking-flush"), stream.blocking_flush());
}
