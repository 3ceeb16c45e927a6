//! Directories nest forty deep, and long paths through them work.

use std::fs;
use std::io;
use std::path::PathBuf;

use guest_tests::expect;

const DEPTH: usize = 40;

fn main() -> io::Result<()> {
    let path = |depth| {
        (0..depth).fold(PathBuf::from("work"), |path, level| {
            path.join(format!("level-{level}-{}", "x".repeat(level)))
        })
    };
    fs::create_dir_all(path(DEPTH))?;
    for depth in 0..=DEPTH {
        fs::write(path(depth).join("file"), depth.to_string())?;
    }
    for depth in 0..=DEPTH {
        let content = fs::read_to_string(path(depth).join("file"))?;
        expect("content", depth.to_string(), content);
        let entries = if depth == DEPTH { 1 } else { 2 };
        expect("entries", entries, fs::read_dir(path(depth))?.count());
    }
    let up = path(DEPTH).join("../".repeat(DEPTH)).join("file");
    expect("content by way of the depth", "0".to_owned(), fs::read_to_string(up)?);
    fs::rename(path(2), "work/moved")?;
    let rest = path(DEPTH).strip_prefix(path(2)).expect("it starts so").join("file");
    let moved = PathBuf::from("work/moved").join(rest);
    expect("content of the moved", DEPTH.to_string(), fs::read_to_string(moved)?);
    fs::remove_dir_all("work/moved")?;
    fs::remove_dir_all(path(1))?;
    expect("entries", 1, fs::read_dir("work")?.count());
    Ok(())
}
