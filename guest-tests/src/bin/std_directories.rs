//! Directories are made and removed, one by one and as trees.

use std::fs;
use std::io::{self, ErrorKind};

use guest_tests::{ENOTEMPTY, errno, expect, kind};

fn main() -> io::Result<()> {
    fs::create_dir("work/one")?;
    kind("create_dir again", ErrorKind::AlreadyExists, fs::create_dir("work/one"));
    kind("create_dir below nothing", ErrorKind::NotFound, fs::create_dir("work/nope/x"));
    fs::create_dir_all("work/one/two/three")?;
    fs::create_dir_all("work/one/two/three")?;
    for path in ["work/one/file", "work/one/two/file", "work/one/two/three/file"] {
        fs::write(path, path)?;
    }
    kind(
        "create_dir_all on a file",
        ErrorKind::NotADirectory,
        fs::create_dir_all("work/one/file/x"),
    );
    errno("remove_dir of a full one", ENOTEMPTY, fs::remove_dir("work/one"));
    kind("remove_dir of a file", ErrorKind::NotADirectory, fs::remove_dir("work/one/file"));
    kind("remove_file of a directory", ErrorKind::IsADirectory, fs::remove_file("work/one/two"));
    expect(
        "file in the tree",
        "work/one/two/file".to_owned(),
        fs::read_to_string("work/one/two/file")?,
    );
    fs::remove_dir_all("work/one/two")?;
    expect("exists", false, fs::exists("work/one/two")?);
    fs::remove_file("work/one/file")?;
    fs::remove_dir("work/one")?;
    expect("entries", 0, fs::read_dir("work")?.count());
    kind("remove_dir of nothing", ErrorKind::NotFound, fs::remove_dir("work/one"));
    kind("remove_file of nothing", ErrorKind::NotFound, fs::remove_file("work/one"));
    kind("remove_dir_all of nothing", ErrorKind::NotFound, fs::remove_dir_all("work/one"));
    Ok(())
}
