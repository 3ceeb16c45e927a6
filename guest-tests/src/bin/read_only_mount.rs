//! A read-only mount can be read like any other, and refuses every change with
//! `not-permitted`, before it looks anything up.

use guest_tests::DescriptorType::{Directory, RegularFile};
use guest_tests::ErrorCode::NotPermitted;
use guest_tests::{
    CREATE, DIRECTORY, NOFOLLOW, NewTimestamp, PLAIN, R, RW, TRUNCATE, at, expect, ok, preopen,
    read_to_end, refused, work,
};

fn main() {
    let frozen = preopen("frozen");
    let entries = [("dir", Directory), ("empty", RegularFile), ("hello.txt", RegularFile)];
    let entries = entries.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    expect("entries", entries.clone(), frozen.entries());
    expect("content", b"hello from a frozen file\n".to_vec(), frozen.get("hello.txt"));
    expect("content", b"inside\n".to_vec(), frozen.get("dir/inside.txt"));
    expect("size", 25, frozen.stats_at("hello.txt").size);

    let work = work();
    work.put("f", "");
    for path in ["hello.txt", "dir", "nope", "nope/nope", "hello.txt/nope"] {
        for (name, method) in at::CHANGING {
            refused(format_args!("{name} {path:?}"), NotPermitted, method(&frozen, path, &work));
        }
        for (open, flags) in [(CREATE, R), (TRUNCATE, R), (CREATE | TRUNCATE, RW), (PLAIN, RW)] {
            let asked = format!("open-at {path:?}, {open:?}, {flags:?}");
            refused(asked, NotPermitted, frozen.open_at(NOFOLLOW, path, open, flags));
        }
    }
    let dir = frozen.open("dir", DIRECTORY, R);
    refused("open-at in a directory of it", NotPermitted, dir.open_at(NOFOLLOW, "x", CREATE, R));
    refused("rename-at inside it", NotPermitted, frozen.rename_at("empty", &dir, "empty"));
    refused("link-at inside it", NotPermitted, frozen.link_at(NOFOLLOW, "empty", &dir, "x"));

    let file = frozen.open("hello.txt", PLAIN, R);
    refused("write", NotPermitted, file.write(b"x", 0));
    refused("write of nothing", NotPermitted, file.write(b"", 0));
    refused("write-via-stream", NotPermitted, file.write_via_stream(0));
    refused("append-via-stream", NotPermitted, file.append_via_stream());
    refused("set-size", NotPermitted, file.set_size(0));
    for object in [&file, &dir, &frozen] {
        let came = object.set_times(NewTimestamp::Now, NewTimestamp::Now);
        refused("set-times", NotPermitted, came);
    }
    let stream = ok("read-via-stream", file.read_via_stream(6));
    expect("stream", b"from a frozen file\n".to_vec(), read_to_end(&stream));
    expect("entries afterwards", entries, frozen.entries());
}
