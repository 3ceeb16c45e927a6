//! `read_dir` gives the entries of a directory with their kinds.

use std::fs;
use std::io::{self, ErrorKind};

use guest_tests::{expect, kind};

fn main() -> io::Result<()> {
    expect("entries of an empty directory", 0, fs::read_dir("work")?.count());
    fs::create_dir("work/dir")?;
    fs::write("work/dir/inside", "")?;
    for name in ["a", "b", "ü"] {
        fs::write(format!("work/{name}"), name)?;
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir("work")? {
        let entry = entry?;
        let name = entry.file_name().into_string().expect("names are Unicode here");
        expect("path", format!("work/{name}"), entry.path().display().to_string());
        expect("len", entry.path().metadata()?.len(), entry.metadata()?.len());
        entries.push((name, entry.file_type()?.is_dir(), entry.metadata()?.is_file()));
    }
    entries.sort();
    let expected =
        [("a", false, true), ("b", false, true), ("dir", true, false), ("ü", false, true)];
    let expected = expected.map(|(name, dir, file)| (name.to_owned(), dir, file)).to_vec();
    expect("entries", expected, entries);
    expect("entries inside", 1, fs::read_dir("work/dir/")?.count());
    kind("read_dir of a file", ErrorKind::NotADirectory, fs::read_dir("work/a"));
    kind("read_dir of nothing", ErrorKind::NotFound, fs::read_dir("work/nope"));
    Ok(())
}
