//! `read` gives bytes from any offset, and says that the end was reached when, and only
//! when, it was asked for bytes and there were none.

use guest_tests::{PLAIN, R, expect, ok, work};

fn main() {
    let work = work();
    work.put("file", "hello world");
    let file = work.open("file", PLAIN, R);
    let rows: [(u64, u64, &str, bool); 8] = [
        (5, 0, "hello", false),
        (5, 6, "world", false),
        (11, 0, "hello world", false),
        (100, 0, "hello world", false),
        (1, 10, "d", false),
        (1, 11, "", true),
        (100, 12, "", true),
        (u64::MAX, 0, "hello world", false),
    ];
    for (length, offset, bytes, end) in rows {
        let asked = format!("read({length}, {offset})");
        let came = ok(&asked, file.read(length, offset));
        expect(asked, (bytes.as_bytes().to_vec(), end), came);
    }
    let (bytes, end) = ok("read(0, 0)", file.read(0, 0));
    expect("read(0, 0)", (Vec::new(), false), (bytes, end));

    let empty = work.put("empty", "");
    expect("read(1, 0) of an empty file", (Vec::new(), true), ok("read", empty.read(1, 0)));
}
