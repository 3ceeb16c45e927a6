//! `rename` moves files and whole directories, and replaces files.

use std::fs;
use std::io::{self, ErrorKind};

use guest_tests::{ENOTEMPTY, errno, expect, kind};

fn main() -> io::Result<()> {
    fs::create_dir_all("work/dir/sub")?;
    fs::write("work/dir/sub/file", "deep")?;
    fs::write("work/one", "one")?;
    fs::write("work/two", "two")?;
    fs::rename("work/one", "work/two")?;
    expect("replaced", "one".to_owned(), fs::read_to_string("work/two")?);
    expect("old name", false, fs::exists("work/one")?);
    fs::rename("work/two", "work/dir/moved")?;
    fs::rename("work/dir", "work/other")?;
    expect("moved along", "one".to_owned(), fs::read_to_string("work/other/moved")?);
    expect("moved along", "deep".to_owned(), fs::read_to_string("work/other/sub/file")?);
    fs::write("work/file", "")?;
    kind("file over directory", ErrorKind::IsADirectory, fs::rename("work/file", "work/other"));
    kind("directory over file", ErrorKind::NotADirectory, fs::rename("work/other", "work/file"));
    fs::create_dir("work/empty")?;
    errno("over a full one", ENOTEMPTY, fs::rename("work/empty", "work/other"));
    fs::rename("work/other", "work/empty")?;
    expect("over an empty one", "deep".to_owned(), fs::read_to_string("work/empty/sub/file")?);
    kind("of nothing", ErrorKind::NotFound, fs::rename("work/nope", "work/new"));
    kind("into itself", ErrorKind::InvalidInput, fs::rename("work/empty", "work/empty/x"));
    Ok(())
}
