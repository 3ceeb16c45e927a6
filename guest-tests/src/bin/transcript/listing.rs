//! Listing directories, also while they change.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;

use crate::say::{did, fixture, say, tree};
use crate::sys;

const HERE: &str = "work/listing";

pub(crate) fn section() -> io::Result<()> {
    fixture(HERE)?;
    kinds()?;
    places()?;
    changing()?;
    fs::remove_dir_all(HERE)?;
    removing()
}

fn names(path: &str) -> io::Result<Vec<String>> {
    let mut listing = sys::Listing::open(path)?;
    let mut names = Vec::new();
    while let Some((name, _)) = listing.next() {
        names.push(name);
    }
    names.sort();
    Ok(names)
}

fn kinds() -> io::Result<()> {
    let mut entries = fs::read_dir(HERE)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in &entries {
        let kind = entry.file_type()?;
        let kind = (kind.is_file(), kind.is_dir(), kind.is_symlink());
        say(entry.file_name().to_string_lossy(), Ok(kind));
    }
    // An entry's number is the one that its file tells.
    let mut listing = sys::Listing::open(HERE)?;
    let mut wrong = BTreeSet::new();
    while let Some((name, inode)) = listing.next() {
        if name != ".." && sys::stat(&format!("{HERE}/{name}"), false)?.id.1 != inode {
            wrong.insert(name);
        }
    }
    say("numbers that are not their files'", Ok(wrong));
    for name in ["", "/", "/.", "/dir", "/dir/..", "/empty", "/dirlink", "/file", "/nope", "/link"]
    {
        say(format_args!("names of {name:?}"), names(&format!("{HERE}{name}")));
    }
    say("names of a preopen", names("nest"));
    Ok(())
}

fn places() -> io::Result<()> {
    let big = format!("{HERE}/big");
    fs::create_dir(&big)?;
    for number in 0..300 {
        File::create(format!("{big}/a-name-that-is-rather-long-{number:03}"))?;
    }
    let mut listing = sys::Listing::open(&big)?;
    let mut all = Vec::new();
    let mut places = vec![listing.tell()];
    while let Some((name, _)) = listing.next() {
        all.push(name);
        places.push(listing.tell());
    }
    say("entries", Ok(all.len()));
    say("each once", Ok(all.iter().collect::<BTreeSet<_>>().len()));
    for index in [0, 1, 2, 3, 100, 200, 301, 302, 57] {
        listing.seek(places[index]);
        let next = listing.next().map(|(name, _)| name);
        say(format_args!("entry {index} again"), Ok(next.as_ref() == all.get(index)));
    }
    listing.rewind();
    let mut again = Vec::new();
    while let Some((name, _)) = listing.next() {
        again.push(name);
    }
    say("the same in the same order", Ok(again == all));
    fs::remove_file(format!("{big}/a-name-that-is-rather-long-007"))?;
    fs::write(format!("{big}/new"), "")?;
    listing.rewind();
    let mut again = BTreeSet::new();
    while let Some((name, _)) = listing.next() {
        again.insert(name);
    }
    let has = |name: &str| again.contains(name);
    let changes = (has("a-name-that-is-rather-long-007"), has("new"), again.len());
    say("changes after going back", Ok(changes));
    Ok(())
}

/// What stays while a listing goes on is told once.
fn changing() -> io::Result<()> {
    let big = format!("{HERE}/big");
    let before = names(&big)?;
    let mut listing = sys::Listing::open(&big)?;
    let mut found = Vec::new();
    let mut number = 0;
    while let Some((name, _)) = listing.next() {
        if !name.starts_with('.') && !name.starts_with("made") {
            // One of those that have been told, and something new.
            fs::remove_file(format!("{big}/{name}"))?;
            fs::write(format!("{big}/made-{number}"), "")?;
            number += 1;
        }
        if !name.starts_with("made") {
            found.push(name);
        }
    }
    found.sort();
    say("all that was there, once", Ok(found == before));
    say("what is left", names(&big).map(|names| names.len()));
    Ok(())
}

/// Removing as one lists, in all the ways of programs.
fn removing() -> io::Result<()> {
    fs::create_dir_all(format!("{HERE}/a/b/c"))?;
    for number in 0..500 {
        fs::write(format!("{HERE}/a/b/{number}"), "")?;
    }
    for entry in fs::read_dir(format!("{HERE}/a/b"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    tree(HERE)?;
    did("remove_dir_all", fs::remove_dir_all(HERE));
    did("remove_dir_all again", fs::remove_dir_all(HERE));
    did("remove_dir_all of a file", {
        fs::write(HERE, "")?;
        fs::remove_dir_all(HERE)
    });
    did("  which is", fs::metadata(HERE));
    let _ = fs::remove_file(HERE);
    Ok(())
}
