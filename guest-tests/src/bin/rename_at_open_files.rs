//! Descriptors follow what they opened: through its renaming, and through its replacement by
//! another file, after which it has no name.

use guest_tests::{PLAIN, RW, append_all, expect, ok, work};

fn main() {
    let work = work();
    let dir = work.make_dir("dir");
    let one = work.put("one", "one");
    let two = work.put("two", "two");
    ok("rename-at", work.rename_at("one", &dir, "moved"));
    one.put_at(3, b" more");
    expect("content of the moved file", b"one more".to_vec(), work.get("dir/moved"));
    expect("same object", true, one.is_same_object(&work.open("dir/moved", PLAIN, RW)));

    ok("rename-at over an open file", dir.rename_at("moved", &work, "two"));
    append_all(&two, "!");
    expect("content of the replaced file", b"two!".to_vec(), two.content());
    expect("links of the replaced file", 0, two.stats().link_count);
    append_all(&one, "?");
    expect("content behind the name", b"one more?".to_vec(), work.get("two"));

    let file = dir.put("inside", "inside");
    ok("rename-at of a directory", work.rename_at("dir", &work, "elsewhere"));
    file.put_at(6, b"!");
    expect("names through the open directory", vec!["inside".to_owned()], dir.names());
    expect("content through it", b"inside!".to_vec(), dir.get("inside"));
    dir.put("later", "later");
    expect("made through it", b"later".to_vec(), work.get("elsewhere/later"));
    expect("same object", true, dir.is_same_object(&work.dir("elsewhere")));
}
