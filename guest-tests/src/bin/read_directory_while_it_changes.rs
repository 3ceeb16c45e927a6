//! A directory stream shows the directory as it was when the stream was made, so that a
//! program can remove or add entries while it lists them.

use guest_tests::{expect, ok, work};

fn main() {
    let work = work();
    let names: Vec<_> = (100..200).map(|number| format!("file{number}")).collect();
    for name in &names {
        work.put(name, "");
    }
    let stream = ok("read-directory", work.read_directory());
    let other = ok("read-directory", work.read_directory());
    let mut seen = Vec::new();
    while let Some(entry) = ok("read-directory-entry", stream.read_directory_entry()) {
        ok("unlink-file-at", work.unlink_file_at(&entry.name));
        work.put(&format!("new-{}", entry.name), "");
        seen.push(entry.name);
    }
    seen.sort();
    expect("entries, each removed when it was seen", names.clone(), seen);

    let mut seen = Vec::new();
    while let Some(entry) = ok("read-directory-entry", other.read_directory_entry()) {
        seen.push(entry.name);
    }
    seen.sort();
    expect("entries of a stream made before", names.clone(), seen);
    let renamed: Vec<_> = names.iter().map(|name| format!("new-{name}")).collect();
    expect("entries of a stream made now", renamed, work.names());
}
