//! A file written with `std::fs` reads back the same, whole and in pieces.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};

use guest_tests::{expect, kind, ok};

fn main() -> io::Result<()> {
    fs::write("work/file", "one\ntwo\nthree")?;
    expect("read_to_string", "one\ntwo\nthree".to_owned(), fs::read_to_string("work/file")?);
    fs::write("work/file", "less")?;
    expect("read", b"less".to_vec(), fs::read("/work/file")?);
    fs::write("work/empty", "")?;
    expect("read of an empty file", Vec::<u8>::new(), fs::read("work/empty")?);

    let mut writer = BufWriter::new(File::create("work/lines")?);
    for number in 0..10_000 {
        writeln!(writer, "line {number}")?;
    }
    writer.flush()?;
    let mut lines = 0;
    for (number, line) in BufReader::new(File::open("work/lines")?).lines().enumerate() {
        expect("line", format!("line {number}"), line?);
        lines += 1;
    }
    expect("lines", 10_000, lines);

    let mut file = File::open("work/file")?;
    let mut buffer = [0; 3];
    expect("read", 3, file.read(&mut buffer)?);
    expect("bytes", b"les", &buffer);
    expect("read", 1, file.read(&mut buffer)?);
    for _ in 0..2 {
        expect("read at the end", 0, file.read(&mut buffer)?);
    }
    ok("sync_all", File::open("work/file")?.sync_all());
    ok("sync_data", File::create("work/file")?.sync_data());
    kind("open of a missing file", ErrorKind::NotFound, File::open("work/nope"));
    Ok(())
}
