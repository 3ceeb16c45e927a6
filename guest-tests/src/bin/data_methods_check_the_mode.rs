//! `read`, `write` and `set-size` need a file that was opened for them.

use guest_tests::ErrorCode::{BadDescriptor, Invalid};
use guest_tests::{DIRECTORY, PLAIN, R, W, expect, ok, refused, work};

fn main() {
    let work = work();
    work.put("file", "content");
    work.make_dir("dir");

    let dir = work.open("dir", DIRECTORY, R);
    refused("read of a directory", BadDescriptor, dir.read(1, 0));
    refused("write to a directory", BadDescriptor, dir.write(b"x", 0));
    refused("set-size of a directory", BadDescriptor, dir.set_size(0));

    let reader = work.open("file", PLAIN, R);
    refused("write without the mode", BadDescriptor, reader.write(b"x", 0));
    refused("write of nothing without the mode", BadDescriptor, reader.write(b"", 0));
    // As ftruncate answers for a file that was opened for reading.
    refused("set-size without the mode", Invalid, reader.set_size(0));

    let writer = work.open("file", PLAIN, W);
    refused("read without the mode", BadDescriptor, writer.read(1, 0));
    refused("read of nothing without the mode", BadDescriptor, writer.read(0, 0));
    ok("write", writer.write(b"C", 0));
    ok("set-size", writer.set_size(4));
    expect("content", b"Cont".to_vec(), reader.content());
}
