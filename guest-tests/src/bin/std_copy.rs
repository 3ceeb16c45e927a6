//! `copy` copies content, within a mount and between mounts, over what was there.

use std::fs;
use std::io::{self, ErrorKind};

use guest_tests::{expect, kind};

fn main() -> io::Result<()> {
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write("work/source", &content)?;
    fs::write("work/target", "something that was there")?;
    let size = content.len() as u64;
    for target in ["work/target", "work/new", "other/new", "nest/inner/new"] {
        expect(format_args!("copy to {target}"), size, fs::copy("work/source", target)?);
        assert!(fs::read(target)? == content, "{target}: expected a copy, came something else");
    }
    expect("copy of a frozen file", 25, fs::copy("frozen/hello.txt", "work/target")?);
    let copied = fs::read_to_string("work/target")?;
    expect("content", "hello from a frozen file\n".to_owned(), copied);
    fs::write("work/target", "writable")?;
    kind("copy of nothing", ErrorKind::NotFound, fs::copy("work/nope", "work/x"));
    Ok(())
}
