//! `sync` and `sync-data` succeed on files of any mode, on directories and on read-only
//! mounts, also for a file that has no name any more.

use guest_tests::{DIRECTORY, PLAIN, R, W, expect, ok, preopen, work};

fn main() {
    let work = work();
    let file = work.put("file", "content");
    let dir = work.make_dir("dir");
    let frozen = preopen("frozen");
    let objects = [
        ("a new file", &file),
        ("a file to read", &work.open("file", PLAIN, R)),
        ("a file to write", &work.open("file", PLAIN, W)),
        ("a directory", &dir),
        ("a preopen", &work),
        ("a read-only preopen", &frozen),
        ("a directory in it", &frozen.open("dir", DIRECTORY, R)),
        ("a file in it", &frozen.open("hello.txt", PLAIN, R)),
    ];
    for (name, object) in objects {
        ok(format_args!("sync of {name}"), object.sync());
        ok(format_args!("sync-data of {name}"), object.sync_data());
    }
    ok("unlink-file-at", work.unlink_file_at("file"));
    ok("write after unlink", file.write(b"C", 0));
    ok("sync after unlink", file.sync());
    ok("sync-data after unlink", file.sync_data());
    expect("content", b"Content".to_vec(), file.content());
}
