//! Every write of an append stream goes to the end that the file has then, whoever moved it.

use guest_tests::{append_all, expect, ok, work, write_all};

fn main() {
    let work = work();
    let file = work.put("file", "one ");
    let first = ok("append-via-stream", file.append_via_stream());
    let second = ok("append-via-stream", file.append_via_stream());
    write_all(&first, "two ");
    write_all(&second, "three ");
    expect("two appenders", b"one two three ".to_vec(), file.content());

    let other = work.open("file", guest_tests::PLAIN, guest_tests::RW);
    other.put_at(14, b"four ");
    write_all(&first, "five ");
    expect("grown by another descriptor", b"one two three four five ".to_vec(), file.content());

    ok("set-size", other.set_size(4));
    write_all(&second, "six ");
    expect("cut by another descriptor", b"one six ".to_vec(), file.content());

    ok("rename-at", work.rename_at("file", &work, "renamed"));
    write_all(&first, "seven");
    expect("renamed", b"one six seven".to_vec(), work.get("renamed"));

    let writer = work.open("renamed", guest_tests::PLAIN, guest_tests::W);
    append_all(&writer, "!");
    expect("write alone is enough", b"one six seven!".to_vec(), work.get("renamed"));
}
