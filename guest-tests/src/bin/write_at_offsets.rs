//! `write` puts bytes at any offset, fills a gap with zeros, and leaves the rest alone.

use guest_tests::{expect, ok, work};

fn main() {
    let work = work();
    let file = work.put("file", "hello");
    let rows: [(&str, u64, &[u8]); 6] = [
        ("J", 0, b"Jello"),
        (" you", 5, b"Jello you"),
        ("", 3, b"Jello you"),
        ("gap", 12, b"Jello you\0\0\0gap"),
        ("--", 8, b"Jello yo--\0\0gap"),
        // Nothing is written, so nothing grows.
        ("", 100, b"Jello yo--\0\0gap"),
    ];
    for (bytes, offset, content) in rows {
        let asked = format!("write({bytes:?}, {offset})");
        let written = ok(&asked, file.write(bytes.as_bytes(), offset));
        expect(&asked, bytes.len() as u64, written);
        expect(format_args!("content after {asked}"), content.to_vec(), file.content());
        expect(format_args!("size after {asked}"), content.len() as u64, file.stats().size);
    }
    expect("content by another descriptor", file.content(), work.get("file"));
}
