//! Seeking works from the start, the end and the current place, also past the end.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use guest_tests::{expect, kind};

fn main() -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(true).open("work/file")?;
    file.write_all(b"0123456789")?;
    expect("place after write", 10, file.stream_position()?);
    let rows = [
        (SeekFrom::Start(3), 3, "34"),
        (SeekFrom::Current(2), 7, "78"),
        (SeekFrom::Current(-4), 5, "56"),
        (SeekFrom::End(-1), 9, "9"),
        (SeekFrom::End(0), 10, ""),
        (SeekFrom::Start(100), 100, ""),
    ];
    for (to, place, bytes) in rows {
        expect(format_args!("seek {to:?}"), place, file.seek(to)?);
        let mut read = Vec::new();
        (&file).take(2).read_to_end(&mut read)?;
        expect(format_args!("read after seek {to:?}"), bytes.as_bytes().to_vec(), read);
    }
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"xy")?;
    file.seek(SeekFrom::End(2))?;
    file.write_all(b"z")?;
    file.rewind()?;
    let mut content = String::new();
    file.read_to_string(&mut content)?;
    expect("content", "0123xy6789\0\0z".to_owned(), content);
    kind("seek in front of the start", ErrorKind::InvalidInput, file.seek(SeekFrom::End(-14)));
    let mut other = File::open("work/file")?;
    expect("place of another file", 0, other.stream_position()?);
    expect("length by seek", 13, other.seek(SeekFrom::End(0))?);
    Ok(())
}
