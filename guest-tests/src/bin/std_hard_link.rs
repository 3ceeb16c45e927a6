//! `hard_link` gives a file a second name.

use std::fs;
use std::io::{self, ErrorKind};

use guest_tests::{expect, kind, lacks};

fn main() -> io::Result<()> {
    fs::write("work/one", "content")?;
    fs::create_dir("work/dir")?;
    let linked = fs::hard_link("work/one", "work/dir/two");
    if lacks("hard-links") {
        kind("hard_link", ErrorKind::Unsupported, linked);
        expect("exists", false, fs::exists("work/dir/two")?);
        return Ok(());
    }
    linked?;
    fs::write("work/dir/two", "changed")?;
    expect("content", "changed".to_owned(), fs::read_to_string("work/one")?);
    kind("hard_link again", ErrorKind::AlreadyExists, fs::hard_link("work/one", "work/dir/two"));
    kind("of nothing", ErrorKind::NotFound, fs::hard_link("work/nope", "work/three"));
    kind("of a directory", ErrorKind::PermissionDenied, fs::hard_link("work/dir", "work/three"));
    fs::remove_file("work/one")?;
    expect("content", "changed".to_owned(), fs::read_to_string("work/dir/two")?);
    Ok(())
}
