//! A directory has no bytes to stream.

use guest_tests::ErrorCode::{BadDescriptor, IsDirectory};
use guest_tests::{refused, work};

fn main() {
    let work = work();
    for dir in [&work, &work.make_dir("dir")] {
        refused("read-via-stream of a directory", IsDirectory, dir.read_via_stream(0));
        refused("write-via-stream of a directory", BadDescriptor, dir.write_via_stream(0));
        refused("append-via-stream of a directory", BadDescriptor, dir.append_via_stream());
    }
}
