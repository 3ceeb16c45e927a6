//! What is written is what is read, by whichever way and whoever does it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Result, ensure};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MsyncFlags, ProtFlags, mmap, msync, munmap};

use crate::{Check, Place, ended, fails, itself, path_text};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("O_APPEND from two writers", two_writers),
    ("a file that two mounts see", two_mounts),
    ("holes and ends", holes),
    ("pieces of all lengths", pieces),
    ("writes move the times", times),
    ("mapped files", mapped),
    ("what is synced", synced),
];

const RECORD: usize = 61;
const RECORDS: usize = 400;

fn record(writer: &str, number: usize) -> String {
    format!("{:x<width$}\n", format!("{writer} {number:05} "), width = RECORD - 1)
}

/// One of the writers.
pub(super) fn append(file: &Path, writer: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).open(file)?;
    for number in 0..RECORDS {
        file.write_all(record(writer, number).as_bytes())?;
    }
    Ok(())
}

fn two_writers(place: &Place) -> Result<()> {
    fs::write(place.at("f"), "")?;
    let other = place.other.join("f");
    let (here, there) = (place.at("f"), other);
    let writers = [("a", &here), ("b", &here), ("c", &there)];
    let running: Vec<_> = writers
        .iter()
        .map(|(writer, file)| itself(&["append", path_text(file)?, writer]))
        .collect::<Result<_>>()?;
    for writer in running {
        ended(writer)?;
    }
    let text = fs::read_to_string(&here)?;
    let wanted = RECORD * RECORDS * writers.len();
    ensure!(text.len() == wanted, "{} of {wanted} bytes are there", text.len());
    for (writer, _) in writers {
        let lines = text.lines().filter(|line| line.starts_with(writer));
        let wanted = (0..RECORDS).map(|number| record(writer, number));
        ensure!(
            lines.map(|line| format!("{line}\n")).eq(wanted),
            "records of {writer} are torn or out of order"
        );
    }
    Ok(())
}

fn two_mounts(place: &Place) -> Result<()> {
    let (here, there) = (place.at("f"), place.other.join("f"));
    let file = File::create(&here)?;
    for round in 0..20_u64 {
        file.write_all_at(format!("round {round:04}").as_bytes(), round * 7)?;
        ensure!(fs::read(&there)? == fs::read(&here)?, "in round {round} one reads something else");
        let size = fs::metadata(&there)?.len();
        ensure!(size == round * 7 + 10, "in round {round} it is {size} bytes long");
    }
    // Linux looks a name anew up only when nobody has it open.
    drop(file);
    fs::rename(&there, place.other.join("g"))?;
    fails(fs::metadata(&here), Errno::NOENT, "stat of the name that went")?;
    ensure!(place.at("g").is_file(), "the new name is not seen");
    Ok(())
}

fn holes(place: &Place) -> Result<()> {
    let path = place.at("f");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    file.write_all_at(b"far", 1_000_000)?;
    let bytes = fs::read(&path)?;
    ensure!(bytes.len() == 1_000_003 && bytes[..1_000_000].iter().all(|byte| *byte == 0), "a hole");
    file.write_all_at(&[7; 5000], 499_000)?;
    file.set_len(500_000)?;
    file.set_len(600_000)?;
    let bytes = fs::read(&path)?;
    ensure!(bytes[499_000..500_000].iter().all(|byte| *byte == 7), "what was kept is kept");
    ensure!(bytes[500_000..].iter().all(|byte| *byte == 0), "what was cut off comes back");
    let mut end = [1; 10];
    ensure!(file.read_at(&mut end, 600_000)? == 0, "there is something behind the end");
    ensure!(file.read_at(&mut end, 599_996)? == 4, "a read at the end is not cut");
    // Cut off by its name while it is open.
    OpenOptions::new().write(true).truncate(true).open(&path)?;
    ensure!(file.metadata()?.len() == 0, "O_TRUNC left something");
    Ok(())
}

/// Lengths around those of pages, blocks and messages, at odd places.
fn pieces(place: &Place) -> Result<()> {
    let path = place.at("f");
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    let mut wanted = Vec::new();
    let lengths = [
        1,
        2,
        511,
        512,
        4095,
        4096,
        4097,
        8168,
        8192,
        65_511,
        65_512,
        65_536,
        131_072,
        262_120,
        262_144,
        300_001,
        1 << 20,
    ];
    for (number, length) in (1_u8..).zip(lengths) {
        let piece: Vec<u8> =
            (0..length).map(|at: usize| number.wrapping_mul(at.to_le_bytes()[0])).collect();
        file.write_all(&piece)?;
        wanted.extend(piece);
    }
    file.seek(SeekFrom::Start(0))?;
    let mut found = Vec::new();
    file.read_to_end(&mut found)?;
    ensure!(found == wanted, "read from the start, it differs");
    for length in lengths {
        let mut piece = vec![0; length];
        for at in [0, 1, 4095, 65_500, wanted.len() - length] {
            file.read_exact_at(&mut piece, at as u64)?;
            ensure!(piece == wanted[at..at + length], "{length} bytes at {at} differ");
        }
    }
    Ok(())
}

fn times(place: &Place) -> Result<()> {
    let path = place.at("f");
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_000);
    let file = File::create(&path)?;
    let old = |what: &str| {
        let stat = fs::metadata(&path)?;
        ensure!(stat.modified()? > long_ago, "{what} does not move the time of modification");
        ensure!(stat.ctime() > 1_000, "{what} does not move the time of change");
        Ok(())
    };
    file.set_modified(long_ago)?;
    ensure!(fs::metadata(&path)?.modified()? == long_ago, "the time is another one");
    file.write_all_at(b"x", 0)?;
    old("a write")?;
    file.set_modified(long_ago)?;
    file.set_len(0)?;
    old("a change of the length")?;
    file.set_modified(long_ago)?;
    OpenOptions::new().write(true).truncate(true).open(&path)?;
    ensure!(fs::metadata(&path)?.ctime() > 1_000, "O_TRUNC does not move the time of change");
    // Before 1970, and after what 32 bits hold.
    for seconds in [-1_000_i64, 1 << 33] {
        let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 0 };
        let both = rustix::fs::Timestamps { last_access: time, last_modification: time };
        rustix::fs::futimens(&file, &both)?;
        let stat = fs::metadata(&path)?;
        // Linux, too, takes the first time that a file system has, if it has none so early.
        let is = |found: i64| found == seconds || (seconds < 0 && found == 0);
        ensure!(is(stat.mtime()), "{seconds} becomes {}", stat.mtime());
        ensure!(is(stat.atime()), "{seconds} becomes {}", stat.atime());
    }
    // A directory's, when a name comes and goes.
    let folder = File::open(&place.here)?;
    folder.set_modified(long_ago)?;
    fs::write(place.at("g"), "")?;
    ensure!(fs::metadata(&place.here)?.modified()? > long_ago, "a new name moves no time");
    folder.set_modified(long_ago)?;
    fs::remove_file(place.at("g"))?;
    ensure!(fs::metadata(&place.here)?.modified()? > long_ago, "a name that goes moves no time");
    Ok(())
}

fn mapped(place: &Place) -> Result<()> {
    const LENGTH: usize = 3 * 4096;
    let path = place.at("f");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    let wanted: Vec<u8> = (0..LENGTH).map(|at: usize| (at % 251).to_le_bytes()[0]).collect();
    file.write_all_at(&wanted, 0)?;
    let only_read = File::open(&path)?;
    let map = |protection, flags, file| {
        // SAFETY: a new mapping, at a place of the kernel's choice.
        unsafe { mmap(std::ptr::null_mut(), LENGTH, protection, flags, file, 0) }
    };
    let (read, both) = (ProtFlags::READ, ProtFlags::READ | ProtFlags::WRITE);
    let bytes = |at: *mut std::ffi::c_void| {
        // SAFETY: so long it is, readable, and nobody changes it meanwhile.
        unsafe { std::slice::from_raw_parts(at.cast::<u8>(), LENGTH) }.to_vec()
    };
    let shared = map(read, MapFlags::SHARED, &only_read)?;
    ensure!(bytes(shared) == wanted, "a shared mapping holds something else");
    let private = map(both, MapFlags::PRIVATE, &only_read)?;
    // SAFETY: it may be written to.
    unsafe { private.cast::<u8>().write(99) };
    ensure!(bytes(private)[1..] == wanted[1..], "a private mapping holds something else");
    ensure!(fs::read(&path)? == wanted, "a private mapping changes the file");
    match map(both, MapFlags::SHARED, &file) {
        // Linux 6.1 has it only with a cache.
        Err(error) => ensure!(error == Errno::INVAL, "a mapping to write to is {error}"),
        Ok(writable) => {
            // SAFETY: it may be written to, and is there until it is unmapped.
            unsafe {
                writable.cast::<u8>().add(5000).write(77);
                msync(writable, LENGTH, MsyncFlags::SYNC)?;
            }
            ensure!(fs::read(&path)?[5000] == 77, "what is written to a mapping is lost");
            // SAFETY: nobody has a reference to it.
            unsafe { munmap(writable, LENGTH)? };
        }
    }
    // SAFETY: nobody has a reference to them.
    unsafe {
        munmap(shared, LENGTH)?;
        munmap(private, LENGTH)?;
    }
    Ok(())
}

fn synced(place: &Place) -> Result<()> {
    let mut file = File::create(place.at("f"))?;
    file.write_all(b"x")?;
    file.sync_all()?;
    file.write_all(b"y")?;
    file.sync_data()?;
    File::open(&place.here)?.sync_all()?;
    fs::remove_file(place.at("f"))?;
    file.sync_all()?;
    rustix::fs::syncfs(&file)?;
    Ok(())
}
