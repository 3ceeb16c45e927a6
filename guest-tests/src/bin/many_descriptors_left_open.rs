//! Hundreds of descriptors and streams of one file work side by side, and a program may end
//! without dropping them.

use std::mem::forget;

use guest_tests::{PLAIN, RW, expect, ok, streamed, work, write_all};

fn main() {
    let work = work();
    let first = work.put("file", "");
    let files: Vec<_> = (0..300).map(|_| work.open("file", PLAIN, RW)).collect();
    for (number, file) in (0..).zip(&files) {
        let byte = u8::try_from(number % 256).expect("a remainder");
        ok("write", file.write(&[byte], number));
    }
    let writers: Vec<_> =
        (0..200).map(|place| ok("write-via-stream", files[0].write_via_stream(place))).collect();
    for writer in &writers {
        write_all(writer, "x");
    }
    let readers: Vec<_> =
        (0..300).map(|place| ok("read-via-stream", first.read_via_stream(place))).collect();
    for (place, reader) in readers.iter().enumerate() {
        let byte = if place < 200 { b'x' } else { u8::try_from(place % 256).expect("a remainder") };
        expect(place, vec![byte], streamed("blocking-read", reader.blocking_read(1)));
    }
    let pollables: Vec<_> = readers.iter().map(guest_tests::InputStream::subscribe).collect();
    let listing = ok("read-directory", work.read_directory());
    ok("unlink-file-at", work.unlink_file_at("file"));
    forget((work, first, files, writers, readers, pollables, listing));
}
