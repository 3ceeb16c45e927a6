//! `set_len` cuts a file and fills it with zeros, and leaves the place in it alone.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, Write};

use guest_tests::{expect, kind};

fn main() -> io::Result<()> {
    let mut file = File::create("work/file")?;
    file.write_all(b"0123456789")?;
    for (length, content) in [(4, "0123"), (6, "0123\0\0"), (0, ""), (2, "\0\0")] {
        file.set_len(length)?;
        expect("len", length, file.metadata()?.len());
        expect("place", 10, file.stream_position()?);
        let asked = format!("content after set_len({length})");
        expect(asked, content.to_owned(), fs::read_to_string("work/file")?);
    }
    file.write_all(b"!")?;
    expect("content", "\0".repeat(10) + "!", fs::read_to_string("work/file")?);
    let came = File::open("work/file")?.set_len(0);
    kind("set_len without write", ErrorKind::InvalidInput, came);
    Ok(())
}
