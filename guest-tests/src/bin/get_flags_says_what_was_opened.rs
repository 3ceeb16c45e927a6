//! `get-flags` answers what a file was opened for; `create` and `truncate` add `write`.

use guest_tests::{CREATE, DescriptorFlags, NONE, PLAIN, R, RW, TRUNCATE, W, expect, ok, work};

fn main() {
    let work = work();
    work.put("file", "content");
    let mutate = DescriptorFlags::MUTATE_DIRECTORY;
    let rows = [
        (PLAIN, NONE, R),
        (PLAIN, R, R),
        (PLAIN, W, W),
        (PLAIN, RW, RW),
        (PLAIN, R | mutate, R),
        (CREATE, R, RW),
        (CREATE, W, W),
        (CREATE, RW, RW),
        (TRUNCATE, R, RW),
        (TRUNCATE, W, W),
        (CREATE | TRUNCATE, RW, RW),
    ];
    for (open, flags, expected) in rows {
        let file = work.open("file", open, flags);
        let asked = format!("get-flags, opened with {open:?}, {flags:?}");
        expect(asked, expected, ok("get-flags", file.get_flags()));
    }
}
