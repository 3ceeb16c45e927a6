//! A file of eight mebibytes is written in pieces of odd sizes, read back, patched and cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use guest_tests::expect;

const SIZE: usize = 8 << 20;

fn main() -> io::Result<()> {
    let mut state = 1_u32;
    let mut content = Vec::with_capacity(SIZE);
    while content.len() < SIZE {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        content.extend_from_slice(&state.to_be_bytes());
    }
    let mut file = File::create("work/big")?;
    let mut rest = content.as_slice();
    for size in [1, 4095, 65_536, 65_537, 1_000_003].into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(size.min(rest.len()));
        file.write_all(now)?;
        rest = later;
    }
    file.sync_all()?;
    expect("len", SIZE as u64, fs::metadata("work/big")?.len());
    assert!(
        fs::read("work/big")? == content,
        "content: expected what was written, came other bytes"
    );

    let mut file = OpenOptions::new().read(true).write(true).open("work/big")?;
    for place in [0, 12_345, 65_535, 4_194_303, SIZE - 9] {
        file.seek(SeekFrom::Start(place as u64))?;
        file.write_all(b"patched!")?;
        content[place..place + 8].copy_from_slice(b"patched!");
    }
    for place in [0, 12_000, 65_530, 4_194_300, SIZE - 16] {
        let mut piece = [0; 16];
        file.seek(SeekFrom::Start(place as u64))?;
        file.read_exact(&mut piece)?;
        expect(format_args!("bytes at {place}"), &content[place..place + 16], &piece[..]);
    }
    file.set_len(100_001)?;
    assert!(fs::read("work/big")? == content[..100_001], "content after set_len: expected a part");
    fs::remove_file("work/big")
}
