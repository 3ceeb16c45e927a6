//! Every set of options to open with, for everything that can be opened.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};

use crate::say::{did, fixture, say};
use crate::sys;

const HERE: &str = "work/opening";

const WORDS: &[&str] = &["read", "write", "append", "truncate", "create", "create_new"];

pub(crate) fn section() -> io::Result<()> {
    fixture(HERE)?;
    for bits in 0..1_u32 << WORDS.len() {
        let has = |word: &str| {
            let index = WORDS.iter().position(|known| *known == word);
            index.is_some_and(|index| bits & 1 << index != 0)
        };
        let words = WORDS.iter().copied().filter(|word| has(word));
        let words = words.collect::<Vec<_>>().join(" ");
        let mut options = OpenOptions::new();
        options.read(has("read")).write(has("write")).append(has("append"));
        options.truncate(has("truncate")).create(has("create")).create_new(has("create_new"));
        for name in ["file", "nope", "dir", "link", "dirlink", "dangling", "loop", "out"] {
            let opened = options.open(format!("{HERE}/{name}"));
            say(format_args!("open {name}, {words}"), opened.as_ref().map(used).map_err(same));
            if opened.is_ok() {
                drop(opened);
                fixture(HERE)?;
            }
        }
    }
    flags()
}

/// An error can be told only once.
fn same(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// What can be done with what was opened.
fn used(mut file: &File) -> String {
    let word = |came: io::Result<String>| match came {
        Ok(told) => told,
        Err(error) => format!("{:?}", error.kind()),
    };
    let mut bytes = [0; 4];
    let read = file.read(&mut bytes);
    let read = word(read.map(|count| String::from_utf8_lossy(&bytes[..count]).into_owned()));
    let written = word(file.write(b"ab").map(|count| count.to_string()));
    let cut = word(file.set_len(3).map(|()| "cut".to_owned()));
    let size =
        word(file.metadata().map(|stat| {
            if stat.is_dir() { "directory".to_owned() } else { stat.len().to_string() }
        }));
    // wasi-libc keeps those of directories, or not.
    let flags = if size == "directory" { String::new() } else { word(sys::flags(file)) };
    format!("reads {read}, writes {written}, {cut}, {size}, {flags}")
}

fn flags() -> io::Result<()> {
    let (read, write) = (libc::O_RDONLY, libc::O_WRONLY);
    for (flags, words) in [
        (read | libc::O_TRUNC, "read, truncate"),
        (read | libc::O_CREAT, "read, create"),
        (read | libc::O_CREAT | libc::O_EXCL, "read, create anew"),
        (read | libc::O_EXCL, "read, exclusive"),
        (read | libc::O_DIRECTORY, "read, directory"),
        (read | write | libc::O_DIRECTORY, "read and write, directory"),
        (read | libc::O_DIRECTORY | libc::O_CREAT, "read, directory, create"),
        (read | libc::O_DIRECTORY | libc::O_TRUNC, "read, directory, truncate"),
        (read | libc::O_DIRECTORY | libc::O_EXCL, "read, directory, exclusive"),
        (read | libc::O_NOFOLLOW, "read, not followed"),
        (read | libc::O_NOFOLLOW | libc::O_DIRECTORY, "read, directory, not followed"),
        (write | libc::O_NOFOLLOW | libc::O_CREAT, "write, create, not followed"),
        (read | libc::O_NONBLOCK, "read, not blocking"),
        (read | write | libc::O_APPEND | libc::O_NONBLOCK, "append, not blocking"),
        (write | libc::O_SYNC, "write, sync"),
        (write | libc::O_DSYNC, "write, data sync"),
        (read | libc::O_RSYNC, "read, read sync"),
        (libc::O_EXEC, "neither"),
    ] {
        for name in ["file", "nope", "dir", "dir/", "nope/", "link", "dirlink", "dangling"] {
            let opened = sys::open(&format!("{HERE}/{name}"), flags);
            say(format_args!("open {name}, {words}"), opened.as_ref().map(used).map_err(same));
            if opened.is_ok() {
                drop(opened);
                fixture(HERE)?;
            }
        }
    }
    let dir = File::open(format!("{HERE}/dir"))?;
    for path in ["inner", "nope", "..", "../file", "/inner", "", "."] {
        did(format_args!("open {path:?} in an open directory"), sys::open_at(&dir, path, read));
        did(format_args!("make {path:?} in an open directory"), sys::make_directory_at(&dir, path));
    }
    let file = File::open(format!("{HERE}/file"))?;
    did("open in a file", sys::open_at(&file, "x", read));
    did("open nothing in a file", sys::open_at(&file, "", read));
    did("create_dir in a file", sys::make_directory_at(&file, "x"));
    fs::remove_dir_all(HERE)
}
