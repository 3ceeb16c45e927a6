//! Streams hold the file: they go on when its descriptor is dropped, and when it is unlinked.

use guest_tests::{CREATE, RW, closed, expect, ok, read_to_end, streamed, work, write_all};

fn main() {
    let work = work();
    let file = work.put("file", "hello world");
    let witness = work.open("file", CREATE, RW);
    let reader = ok("read-via-stream", file.read_via_stream(0));
    let writer = ok("write-via-stream", file.write_via_stream(6));
    let appender = ok("append-via-stream", file.append_via_stream());
    expect("before", b"hello".to_vec(), streamed("blocking-read", reader.blocking_read(5)));

    drop(file);
    write_all(&writer, "W");
    expect("dropped", b" W".to_vec(), streamed("blocking-read", reader.blocking_read(2)));

    ok("unlink-file-at", work.unlink_file_at("file"));
    expect("names", Vec::<String>::new(), work.names());
    write_all(&writer, "O");
    write_all(&appender, "!");
    expect("unlinked", b"Orld!".to_vec(), read_to_end(&reader));
    closed("blocking-read at the end", reader.blocking_read(1));

    // The same name again is another file.
    work.put("file", "new");
    write_all(&appender, "?");
    expect("the old file", b"hello WOrld!?".to_vec(), witness.content());
    expect("the new file", b"new".to_vec(), work.get("file"));
}
