//! What is in files: reading, writing, places in them, their ends.

use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, IsTerminal, Read, Seek, SeekFrom, Write};

use crate::say::{did, file, say, tree};
use crate::sys;

const HERE: &str = "work/data";
const FILE: &str = "work/data/file";

pub(crate) fn section() -> io::Result<()> {
    fs::create_dir(HERE)?;
    places()?;
    holes()?;
    appending()?;
    buffers()?;
    wrong_modes()?;
    of_directories()?;
    fs::remove_dir_all(HERE)
}

fn text(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is read from the beginning, with zeroes shown as dots.
fn whole() -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(FILE)?).replace('\0', "."))
}

fn places() -> io::Result<()> {
    let mut open = file(FILE, "0123456789")?;
    for to in [
        SeekFrom::Start(4),
        SeekFrom::Current(3),
        SeekFrom::Current(-7),
        SeekFrom::Current(-1),
        SeekFrom::End(-2),
        SeekFrom::End(-10),
        SeekFrom::End(-11),
        SeekFrom::End(0),
        SeekFrom::End(5),
        SeekFrom::Start(1 << 40),
        SeekFrom::Current(i64::MAX),
        SeekFrom::Start(u64::MAX),
        SeekFrom::Start(1 << 63),
        SeekFrom::End(i64::MAX),
        SeekFrom::End(i64::MIN),
        SeekFrom::Start(2),
    ] {
        open.seek(SeekFrom::Start(5))?;
        let sought = open.seek(to);
        // After a refusal, the wasi-libc of components is somewhere else.
        let place = sought.is_ok();
        say(format_args!("seek {to:?}"), sought);
        if place {
            say("  at", open.stream_position());
            say("  reads", text(&mut open));
        }
    }
    for offset in [0, 9, 10, 11, 1 << 40] {
        say(format_args!("pread at {offset}"), sys::read_at(&open, 4, offset));
        say(format_args!("pread of nothing at {offset}"), sys::read_at(&open, 0, offset));
    }
    for offset in [-1, i64::MIN, i64::MAX, i64::MAX - 1] {
        say(format_args!("pwrite at {offset}"), sys::write_at(&open, "ab", offset));
        say(format_args!("pwrite of nothing at {offset}"), sys::write_at(&open, "", offset));
    }
    open.seek(SeekFrom::Start(7))?;
    say("pwrite elsewhere", sys::write_at(&open, "AB", 1));
    say("the place stays", open.stream_position());
    say("write at the place", open.write(b"xyzw"));
    say("which moves", open.stream_position());
    say("whole", whole());
    for (offset, length) in [(0, 0), (0, 4), (5, 1 << 40), (i64::MAX, 1), (-1, 1), (1, -1)] {
        say(format_args!("advise {offset} {length}"), sys::advise(&open, offset, length));
    }
    for (offset, length) in [(0, 4), (0, 0), (100, 100)] {
        say(format_args!("allocate {offset} {length}"), sys::allocate(&open, offset, length));
    }
    say("size afterwards", open.metadata().map(|stat| stat.len()));
    did("sync_all", open.sync_all());
    did("sync_data", open.sync_data());
    say("is a terminal", Ok(open.is_terminal()));
    say("poll", sys::poll(&open));
    Ok(())
}

fn holes() -> io::Result<()> {
    let mut open = file(FILE, "abc")?;
    say("pwrite behind the end", sys::write_at(&open, "xyz", 8));
    say("whole", whole());
    for size in [5, 5, 9, 0, 2, 1 << 40, 3] {
        did(format_args!("set_len {size}"), open.set_len(size));
        say("  size", open.metadata().map(|stat| stat.len()));
    }
    say("whole", whole());
    for size in [1 << 63, u64::MAX] {
        did(format_args!("set_len {size}"), open.set_len(size));
    }
    say("size", open.metadata().map(|stat| stat.len()));
    open.set_len(0)?;
    open.seek(SeekFrom::Start(4))?;
    did("write behind the end", open.write_all(b"end"));
    say("whole", whole());
    // Across blocks of every usual size, with holes of many of them.
    for offset in [4095, 65_535, 1_048_575, 10_000_000] {
        did(format_args!("write over a border at {offset}"), sys::write_at(&open, "ab", offset));
        say("  reads", sys::read_at(&open, 5, offset - 2));
    }
    say("size", open.metadata().map(|stat| stat.len()));
    let sum = fs::read(FILE)?.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    say("sum of all bytes", Ok(sum));
    Ok(())
}

fn appending() -> io::Result<()> {
    let mut plain = file(FILE, "first ")?;
    let mut first = File::options().append(true).open(FILE)?;
    let mut second = File::options().read(true).append(true).open(FILE)?;
    did("append", first.write_all(b"one "));
    say("  at", first.stream_position());
    did("append by another", second.write_all(b"two "));
    say("  at", second.stream_position());
    did("append after it", first.write_all(b"three "));
    say("  at", first.stream_position());
    say("seek does nothing", first.seek(SeekFrom::Start(0)));
    did("append after a seek", first.write_all(b"four "));
    say("  at", first.stream_position());
    second.seek(SeekFrom::Start(2))?;
    let mut bytes = [0; 3];
    say("read where it was sought", second.read(&mut bytes));
    did("append when cut", plain.set_len(3).and_then(|()| first.write_all(b"five ")));
    say("whole", whole());
    say("flags", sys::flags(&first));
    did("no more appending", sys::set_flags(&first, 0));
    say("flags", sys::flags(&first));
    did("seek", first.seek(SeekFrom::Start(1)));
    did("write", first.write_all(b"zz"));
    did("appending from now on", sys::set_flags(&plain, libc::O_APPEND));
    did("write", plain.seek(SeekFrom::Start(0)).and_then(|_| plain.write_all(b" last")));
    say("flags", sys::flags(&plain));
    say("whole", whole());
    did("never blocking", sys::set_flags(&plain, libc::O_NONBLOCK));
    say("flags", sys::flags(&plain));
    Ok(())
}

fn buffers() -> io::Result<()> {
    let mut open = file(FILE, "")?;
    let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"twotwo")];
    // A call may do less than was asked; a file never does.
    let mut left = parts;
    let mut left = &mut left[..];
    while left.iter().any(|part| !part.is_empty()) {
        let count = open.write_vectored(left)?;
        IoSlice::advance_slices(&mut left, count);
    }
    say("whole", whole());
    open.rewind()?;
    let (mut first, mut second) = ([0; 4], [0; 3]);
    let count =
        open.read_vectored(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)]);
    say("read something", count.map(|count| count > 0));
    say("what there was first", Ok(String::from_utf8_lossy(&first)));
    say("write_vectored of nothing", open.write_vectored(&[]));
    say("read_vectored of nothing", open.read_vectored(&mut []));
    say("read of nothing", open.read(&mut []));
    say("write of nothing", open.write(&[]));
    let many = vec![b'm'; 3_000_000];
    did("write of 3 MB", open.set_len(0).and_then(|()| open.rewind()));
    did("write of 3 MB", open.write_all(&many));
    say("size", open.metadata().map(|stat| stat.len()));
    open.seek(SeekFrom::End(-1_500_000))?;
    let mut half = Vec::new();
    say("read of 1.5 MB", open.read_to_end(&mut half));
    say("all the same", Ok(half.iter().all(|byte| *byte == b'm')));
    Ok(())
}

/// A component's stream is refused when it is used, and its wasi-libc makes one number of
/// every reason, so that reads and writes say no more than that they failed.
fn wrong_modes() -> io::Result<()> {
    fs::write(FILE, "content")?;
    let mut reads = File::open(FILE)?;
    say("write to what reads", Ok(reads.write(b"x").is_err()));
    say("pwrite to what reads", sys::write_at(&reads, "x", 0));
    did("set_len of what reads", reads.set_len(1));
    did("sync_all of what reads", reads.sync_all());
    did("appending what reads", sys::set_flags(&reads, libc::O_APPEND));
    say("append to what reads", Ok(reads.write(b"x").is_err()));
    say("poll of what reads", sys::poll(&reads));
    let mut writes = File::options().write(true).open(FILE)?;
    say("read what writes", Ok(writes.read(&mut [0; 4]).is_err()));
    say("seek what writes", writes.seek(SeekFrom::End(-3)));
    did("set_len of what writes", writes.set_len(2));
    say("poll of what writes", sys::poll(&writes));
    let mut appends = File::options().append(true).open(FILE)?;
    say("read what appends", Ok(appends.read(&mut [0; 4]).is_err()));
    did("set_len of what appends", appends.set_len(1));
    say("whole", whole());
    tree(HERE)
}

/// Where only preview1 refuses, because components have positions and flags of their own, it is
/// not asked: seeking, allocating, appending, waiting.
fn of_directories() -> io::Result<()> {
    let mut dir = File::open(HERE)?;
    did("read a directory", dir.read(&mut [0; 4]));
    did("write a directory", dir.write(b"x"));
    say("pwrite a directory", sys::write_at(&dir, "x", 0));
    did("set_len of a directory", dir.set_len(0));
    did("sync_all of a directory", dir.sync_all());
    did("sync_data of a directory", dir.sync_data());
    say("advise a directory", sys::advise(&dir, 0, 0));
    say("is a terminal", Ok(dir.is_terminal()));
    say("is a directory", dir.metadata().map(|stat| stat.is_dir()));
    Ok(())
}
