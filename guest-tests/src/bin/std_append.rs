//! A file that was opened to append writes to its end, wherever it was read and whoever else
//! wrote.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use guest_tests::expect;

fn main() -> io::Result<()> {
    fs::write("work/log", "zero ")?;
    let mut one = OpenOptions::new().append(true).open("work/log")?;
    let mut two = OpenOptions::new().read(true).append(true).open("work/log")?;
    one.write_all(b"one ")?;
    two.write_all(b"two ")?;
    two.seek(SeekFrom::Start(0))?;
    let mut word = [0; 5];
    two.read_exact(&mut word)?;
    expect("read", b"zero ", &word);
    two.write_all(b"three ")?;
    one.write_all(b"four ")?;
    expect("content", "zero one two three four ".to_owned(), fs::read_to_string("work/log")?);

    fs::write("work/log", "")?;
    one.write_all(b"again")?;
    expect("content", "again".to_owned(), fs::read_to_string("work/log")?);
    Ok(())
}
