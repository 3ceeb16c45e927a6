//! Files are written until there is no room, or there are enough; all are readable then,
//! can be overwritten and removed, and the room comes back. With arguments, one of these.

use std::env;
use std::io::{Write, stdout};

use guest_tests::{CREATE, ErrorCode, NOFOLLOW, TRUNCATE, W, expect, ok, work};

/// What a file has at first, at most; less where there is less room.
const SIZE: usize = 600_000;

/// When so little does not fit, the storage is full.
const LEAST: usize = 4096;

/// Files that are enough where there is room for everything.
const ENOUGH: usize = 30;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    match (arguments.first().map(String::as_str), &numbers[..]) {
        (None, _) => {
            for round in 1..3 {
                expect("files", ENOUGH, fill(round, ENOUGH));
                check(round);
                overwrite(round, round + 10);
                check(round + 10);
                remove();
            }
        }
        (Some("fill"), &[seed, most]) => say(fill(seed, most)),
        (Some("check"), &[seed]) => say(check(seed)),
        (Some("overwrite"), &[seed, new]) => say(overwrite(seed, new)),
        (Some("remove"), &[]) => say(remove()),
        _ => panic!("usage: [fill SEED MOST | check SEED | overwrite SEED NEW | remove]"),
    }
}

fn say(files: usize) {
    // The exit code says the same, but for the number.
    let _ = writeln!(stdout(), "files {files}");
}

fn content(seed: usize, number: usize, count: usize) -> Vec<u8> {
    let words = (0_usize..).map(|at| (seed << 24 ^ number << 12 ^ at).wrapping_mul(0x9e37_79b1));
    words.flat_map(usize::to_le_bytes).take(count).collect()
}

/// Writes a whole file. A full storage is the only thing that may keep it from that.
fn write(number: usize, content: &[u8]) -> bool {
    let path = format!("file {number}");
    let file = match work().open_at(NOFOLLOW, &path, CREATE, W) {
        Err(ErrorCode::InsufficientSpace) => return false,
        file => ok(format_args!("open-at({path:?})"), file),
    };
    let mut done = 0;
    while done < content.len() {
        match file.write(&content[done..], done as u64) {
            Err(ErrorCode::InsufficientSpace) => return false,
            written => {
                let written = ok(format_args!("write to {path:?} at {done}"), written);
                assert!(written > 0, "write to {path:?} at {done}: nothing, and no error");
                done += usize::try_from(written).expect("no more than was given");
            }
        }
    }
    true
}

/// Makes files until there are so many, or nothing fits any more; how many there are.
fn fill(seed: usize, most: usize) -> usize {
    let mut size = SIZE;
    let mut number = 0;
    while number < most && size >= LEAST {
        if write(number, &content(seed, number, size)) {
            number += 1;
            continue;
        }
        size /= 2;
        match work().unlink_file_at(&format!("file {number}")) {
            Err(ErrorCode::NoEntry) => {}
            removed => ok("unlink-file-at of a file that did not fit", removed),
        }
    }
    ok("sync", work().sync());
    number
}

/// The numbers of the files that there are.
fn numbers() -> Vec<usize> {
    let mut numbers: Vec<usize> = work()
        .names()
        .iter()
        .map(|name| name.strip_prefix("file ").and_then(|number| number.parse().ok()))
        .map(|number| number.expect("the name of one of the files"))
        .collect();
    numbers.sort_unstable();
    expect("numbers of the files", (0..numbers.len()).collect(), numbers.clone());
    numbers
}

/// All files have what was written.
fn check(seed: usize) -> usize {
    let numbers = numbers();
    for number in &numbers {
        let came = work().get(&format!("file {number}"));
        let wanted = content(seed, *number, came.len());
        assert!(came.len() >= LEAST && came == wanted, "the content of file {number}");
    }
    numbers.len()
}

/// Writes every file again, in its place.
fn overwrite(seed: usize, new: usize) -> usize {
    let numbers = numbers();
    for number in &numbers {
        let path = format!("file {number}");
        let size = usize::try_from(work().stats_at(&path).size).expect("small");
        let written = write(*number, &content(new, *number, size));
        assert!(written, "file {number}, written with seed {seed}, could not be overwritten");
    }
    ok("sync", work().sync());
    numbers.len()
}

/// Removes every file, after a few were cut.
fn remove() -> usize {
    let numbers = numbers();
    for number in &numbers {
        let path = format!("file {number}");
        if number % 5 == 0 {
            drop(ok("open-at", work().open_at(NOFOLLOW, &path, TRUNCATE, W)));
        }
        ok(format_args!("unlink-file-at({path:?})"), work().unlink_file_at(&path));
    }
    ok("sync", work().sync());
    expect("files", 0, work().names().len());
    numbers.len()
}
