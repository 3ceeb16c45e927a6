//! Open files: reading, writing, appending, sizes.

use anyhow::{Context, Result, bail, ensure};

use super::{BOTH, Bench, READ, WRITE, read, refused, same, write};
use crate::backend::{Backend, Destination, File, Position, Source, Written};
use crate::error::ErrorCode;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(reads_are_short_only_at_the_end),
        case!(writes_go_where_they_are_told),
        case!(gaps_read_as_zeros),
        case!(appends_of_two_handles_do_not_meet),
        case!(nothing_written_changes_nothing),
        case!(sizes_are_cut_and_grown),
        case!(two_handles_see_one_file),
        case!(parts_of_buffers_are_used),
        case!(large_files_keep_every_byte),
        case!(huge_offsets_are_answered),
    ]
}

async fn reads_are_short_only_at_the_end(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let node = bench.file(&bench.root, "f", "0123456789").await?;
    let file = bench.backend.open(&node, READ).await.context("opening")?;
    for (offset, count, wanted) in [
        (0, 10, "0123456789"),
        (0, 11, "0123456789"),
        (0, 1000, "0123456789"),
        (3, 4, "3456"),
        (9, 4, "9"),
        (10, 4, ""),
        (11, 4, ""),
        (1 << 40, 4, ""),
        (5, 0, ""),
    ] {
        let found = String::from_utf8_lossy(&read(&*file, offset, count)?).into_owned();
        same(&format!("{count} bytes from {offset}"), found.as_str(), wanted)?;
    }
    Ok(())
}

async fn writes_go_where_they_are_told(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (node, file) = bench.create(&bench.root, "f").await?;
    write(&*file, b"hello world", Position::At(0))?;
    write(&*file, b"W", Position::At(6))?;
    write(&*file, b"!!", Position::At(10))?;
    same("content", read(&*file, 0, 100)?.as_slice(), b"hello Worl!!")?;
    same("size", bench.backend.attributes(&node).await?.size, 12)?;
    let other = bench.backend.open(&node, WRITE).await.context("opening for writing")?;
    write(&*other, b"J", Position::At(0))?;
    same("where it was appended", write(&*other, b"?", Position::End)?, 12)?;
    same("content", bench.content(&node).await?.as_str(), "Jello Worl!!?")
}

async fn gaps_read_as_zeros(backend: Ref<dyn Backend>) -> Result<()> {
    /// Further than any block is long.
    const FAR: u64 = 3 * 1024 * 1024 + 17;
    let bench = Bench::new(backend);
    let (node, file) = bench.create(&bench.root, "f").await?;
    write(&*file, b"start", Position::At(0))?;
    write(&*file, b"end", Position::At(FAR))?;
    same("size", bench.backend.attributes(&node).await?.size, FAR + 3)?;
    same("around the start", read(&*file, 0, 10)?.as_slice(), b"start\0\0\0\0\0")?;
    same("around the end", read(&*file, FAR - 3, 10)?.as_slice(), b"\0\0\0end")?;
    let middle = read(&*file, 1_000_000, 100_000)?;
    ensure!(middle.len() == 100_000 && middle.iter().all(|byte| *byte == 0), "no zeros");
    write(&*file, b"middle", Position::At(1_500_000))?;
    same("around the middle", read(&*file, 1_499_998, 10)?.as_slice(), b"\0\0middle\0\0")
}

async fn appends_of_two_handles_do_not_meet(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (node, one) = bench.create(&bench.root, "f").await?;
    let two = bench.backend.open(&node, BOTH).await.context("opening again")?;
    let mut wanted = Vec::new();
    for round in 0..10_u8 {
        for (handle, file) in [(b'a', &one), (b'b', &two)] {
            let text = vec![handle + 2 * round; usize::from(round) + 1];
            let offset = write(&**file, &text, Position::End)?;
            same("where it was appended", offset, wanted.len() as u64)?;
            wanted.extend(text);
        }
    }
    same("content", read(&*one, 0, 1000)?, wanted.clone())?;
    // A write elsewhere moves no end; a cut does.
    write(&*one, b"X", Position::At(1))?;
    same("after a write elsewhere", write(&*two, b"Y", Position::End)?, wanted.len() as u64)?;
    two.set_size(4).context("cutting")?;
    same("after a cut", write(&*one, b"Z", Position::End)?, 4)?;
    wanted.truncate(4);
    wanted[1] = b'X';
    wanted.push(b'Z');
    same("content", read(&*two, 0, 1000)?, wanted)
}

async fn nothing_written_changes_nothing(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (node, file) = bench.create(&bench.root, "f").await?;
    write(&*file, b"abc", Position::At(0))?;
    for position in [Position::At(0), Position::At(100), Position::End] {
        let written = file.write(Source::Slice(b""), position).context("writing nothing")?;
        let offset = match position {
            Position::At(offset) => offset,
            Position::End => 3,
        };
        same("nothing", written, Written { offset, count: 0 })?;
    }
    same("size", bench.backend.attributes(&node).await?.size, 3)
}

async fn sizes_are_cut_and_grown(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (node, file) = bench.create(&bench.root, "f").await?;
    write(&*file, b"0123456789", Position::At(0))?;
    for (size, wanted) in [
        (4, &b"0123"[..]),
        // What was cut off does not come back.
        (8, b"0123\0\0\0\0"),
        (8, b"0123\0\0\0\0"),
        (0, b""),
        (2, b"\0\0"),
    ] {
        file.set_size(size).with_context(|| format!("to {size}"))?;
        same("content", read(&*file, 0, 100)?.as_slice(), wanted)?;
        same("size", bench.backend.attributes(&node).await?.size, size)?;
    }
    file.set_size(1_000_000).context("growing")?;
    same("at the new end", read(&*file, 999_998, 10)?.as_slice(), b"\0\0")
}

async fn two_handles_see_one_file(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (node, one) = bench.create(&bench.root, "f").await?;
    let two = bench.backend.open(&node, READ).await.context("opening again")?;
    let three = bench.backend.open(&node, WRITE).await.context("and again")?;
    write(&*one, b"first", Position::At(0))?;
    same("through another", read(&*two, 0, 10)?.as_slice(), b"first")?;
    write(&*three, b"W", Position::At(0))?;
    same("through both", (read(&*one, 0, 1)?, read(&*two, 0, 1)?), (b"W".to_vec(), b"W".to_vec()))?;
    three.set_size(1).context("cutting")?;
    same("once cut", read(&*two, 0, 10)?.as_slice(), b"W")?;
    drop((one, three));
    same("once the others are closed", read(&*two, 0, 10)?.as_slice(), b"W")
}

async fn parts_of_buffers_are_used(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (_, file) = bench.create(&bench.root, "f").await?;
    let source = Source::Slice(b"0123456789");
    let written = file.write(source.part(2, 5), Position::At(0)).context("a part")?;
    same("a part", written, Written { offset: 0, count: 3 })?;
    let written = file.write(source.part(2, 9).part(3, 5), Position::End).context("of a part")?;
    same("a part of a part", written, Written { offset: 3, count: 2 })?;
    same("content", read(&*file, 0, 100)?.as_slice(), b"23456")?;
    views_of_memory_are_used(&*file)?;

    let mut bytes = *b"..........";
    let count = file.read(Destination::Slice(&mut bytes[3..6]), 1).context("into a part")?;
    same("bytes read", count, 3)?;
    ensure!(&bytes == b"...345....", "{:?}", String::from_utf8_lossy(&bytes));
    Ok(())
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::unnecessary_wraps)] // The browser's can fail.
fn views_of_memory_are_used(_file: &dyn File) -> Result<()> {
    Ok(())
}

/// The same with a guest's memory, which is JavaScript's; leaves the file as it was.
#[cfg(target_arch = "wasm32")]
fn views_of_memory_are_used(file: &dyn File) -> Result<()> {
    let memory = js_sys::Uint8Array::new_with_length(10);
    let count = file.read((&memory.subarray(2, 6)).into(), 1).context("into a view")?;
    same("bytes read", count, 4)?;
    same("the memory", memory.to_vec(), b"\0\x003456\0\0\0\0".to_vec())?;
    let all = Source::from(&memory);
    let written = file.write(all.part(3, 5), Position::At(2)).context("from a view")?;
    same("bytes written", written, Written { offset: 2, count: 2 })?;
    let written = file.write(all.part(4, 6), Position::End).context("appending from a view")?;
    same("bytes appended", written, Written { offset: 5, count: 2 })?;
    same("content", read(file, 0, 100)?.as_slice(), b"2345656")?;
    file.set_size(5)?;
    Ok(())
}

async fn large_files_keep_every_byte(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (_, file) = bench.create(&bench.root, "f").await?;
    // Prime lengths, so that no write ends with a block.
    let wanted: Vec<u8> =
        (0_u32..700_001).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for part in wanted.chunks(65_537) {
        write(&*file, part, Position::End)?;
    }
    let mut found = Vec::new();
    while found.len() < wanted.len() {
        let part = read(&*file, found.len() as u64, 99_991)?;
        ensure!(!part.is_empty(), "it ends at {}", found.len());
        found.extend(part);
    }
    ensure!(found == wanted, "the content is another one");
    let whole = read(&*file, 0, wanted.len() + 1)?;
    ensure!(whole == wanted, "in one read the content is another one");
    Ok(())
}

async fn huge_offsets_are_answered(backend: Ref<dyn Backend>) -> Result<()> {
    const LAST: u64 = i64::MAX as u64;
    let bench = Bench::new(backend);
    let (node, file) = bench.create(&bench.root, "f").await?;
    write(&*file, b"kept", Position::At(0))?;
    for offset in [1 << 32, 1 << 53, LAST - 1, LAST] {
        same("a read far behind the end", read(&*file, offset, 100)?.len(), 0)?;
    }
    // The last byte that there can be.
    match file.write(Source::Slice(b"far away"), Position::At(LAST - 8)) {
        Err(ErrorCode::FileTooLarge | ErrorCode::InsufficientSpace) => {}
        Err(code) => bail!("a write at the last offset: {code:?}"),
        Ok(written) => same("where it was written", written.offset, LAST - 8)?,
    }
    match file.set_size(LAST) {
        Err(ErrorCode::FileTooLarge | ErrorCode::InsufficientSpace) => {}
        Err(code) => bail!("a size of {LAST}: {code:?}"),
        Ok(()) => {
            same("size", bench.backend.attributes(&node).await?.size, LAST)?;
            // The one offset that nobody knows before the write.
            let answer = file.write(Source::Slice(b"more"), Position::End);
            let full = [ErrorCode::FileTooLarge, ErrorCode::InsufficientSpace];
            refused("an append to what is full", answer, full)?;
        }
    }
    file.set_size(4).context("cutting")?;
    same("content", read(&*file, 0, 100)?.as_slice(), b"kept")
}
