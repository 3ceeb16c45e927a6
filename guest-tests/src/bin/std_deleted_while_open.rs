//! A temporary file can be deleted while it is open, and used until it is closed.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, Write};

use guest_tests::expect;

fn main() -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    for round in 0..3 {
        let mut file = options.open("work/temp")?;
        fs::remove_file("work/temp")?;
        expect("entries", 0, fs::read_dir("work")?.count());
        let content = format!("temporary {round} ").repeat(1000);
        file.write_all(content.as_bytes())?;
        file.rewind()?;
        let mut read = String::new();
        file.read_to_string(&mut read)?;
        assert!(read == content, "content: expected what was written, came something else");
        expect("len", content.len() as u64, file.metadata()?.len());
        file.set_len(3)?;
        expect("len", 3, file.metadata()?.len());
    }
    // All at once, under the same name.
    let mut files = Vec::new();
    for number in 0..8_u8 {
        let mut file = options.open("work/temp")?;
        file.write_all(&[number])?;
        fs::remove_file("work/temp")?;
        files.push(file);
    }
    for (number, mut file) in (0..).zip(files) {
        let mut content = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut content)?;
        expect("content", vec![number], content);
    }
    fs::create_dir("work/dir")?;
    fs::write("work/dir/file", "content")?;
    let mut file = fs::File::open("work/dir/file")?;
    fs::remove_dir_all("work/dir")?;
    let mut content = String::new();
    file.read_to_string(&mut content)?;
    expect("content", "content".to_owned(), content);
    Ok(())
}
