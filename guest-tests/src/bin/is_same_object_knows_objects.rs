//! `is-same-object` is true for any two descriptors of one object, and for no others.

use guest_tests::{FOLLOW, PLAIN, R, W, expect, ok, preopen, symlink, work};

fn main() {
    let work = work();
    let file = work.put("file", "");
    let twin = work.put("twin", "");
    let dir = work.make_dir("dir");
    let same = [
        ("itself", &file, &file),
        ("two opens", &file, &work.open("file", PLAIN, R)),
        ("other modes", &file, &work.open("./dir/../file", PLAIN, W)),
        ("directories", &dir, &work.dir("dir")),
        ("the base by dot", &work, &work.dir(".")),
        ("the base by dots", &work, &work.dir("dir/..")),
    ];
    for (name, one, other) in same {
        expect(format_args!("is-same-object of {name}"), true, one.is_same_object(other));
        expect(format_args!("is-same-object of {name}, swapped"), true, other.is_same_object(one));
    }
    let different = [
        ("two equal files", &file, &twin),
        ("file and directory", &file, &dir),
        ("directory and parent", &dir, &work),
        ("two mounts", &work, &preopen("other")),
        ("files of two mounts", &file, &preopen("other").put("file", "")),
    ];
    for (name, one, other) in different {
        expect(format_args!("is-same-object of {name}"), false, one.is_same_object(other));
    }
    if symlink(&work, "file", "link") {
        let linked = ok("open-at", work.open_at(FOLLOW, "link", PLAIN, R));
        expect("is-same-object through a link", true, file.is_same_object(&linked));
    }
}
