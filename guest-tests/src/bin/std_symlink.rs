//! Symbolic links, as `std::fs` makes, reads and follows them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use guest_tests::{expect, kind, lacks};

fn symlink(target: &str, path: &str) -> io::Result<()> {
    #[expect(deprecated, reason = "the other names are not stable on WASI")]
    fs::soft_link(target, path)
}

fn main() -> io::Result<()> {
    fs::create_dir("work/dir")?;
    fs::write("work/dir/file", "content")?;
    let made = symlink("dir/file", "work/link");
    if lacks("symlinks") {
        kind("symlink", ErrorKind::Unsupported, made);
        expect("entries", 1, fs::read_dir("work")?.count());
        return Ok(());
    }
    made?;
    symlink("dir", "work/to-dir")?;
    symlink("nowhere", "work/dangling")?;
    symlink("../../etc", "work/out")?;
    expect("read_link", PathBuf::from("dir/file"), fs::read_link("work/link")?);
    expect("content", "content".to_owned(), fs::read_to_string("work/link")?);
    expect("content", "content".to_owned(), fs::read_to_string("work/to-dir/file")?);
    expect("is_symlink", true, fs::symlink_metadata("work/link")?.is_symlink());
    expect("is_symlink when followed", false, fs::metadata("work/link")?.is_symlink());
    expect("is_dir when followed", true, fs::metadata("work/to-dir")?.is_dir());
    expect("exists", false, fs::exists("work/dangling")?);
    kind("read through out", ErrorKind::PermissionDenied, fs::read("work/out/passwd"));
    kind("read_link of a file", ErrorKind::InvalidInput, fs::read_link("work/dir/file"));
    kind("symlink again", ErrorKind::AlreadyExists, symlink("x", "work/link"));
    kind("symlink to a rooted path", ErrorKind::PermissionDenied, symlink("/etc", "work/root"));
    fs::write("work/link", "through")?;
    expect("content", "through".to_owned(), fs::read_to_string("work/dir/file")?);
    fs::remove_dir_all("work/dir")?;
    fs::create_dir("work/dir")?;
    fs::write("work/dir/file", "kept")?;
    fs::create_dir("work/tree")?;
    symlink("../dir", "work/tree/link")?;
    fs::remove_dir_all("work/tree")?;
    expect("behind a removed link", "kept".to_owned(), fs::read_to_string("work/dir/file")?);
    Ok(())
}
