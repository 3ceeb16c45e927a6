//! What is open while its name is removed, moved or replaced.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};

use crate::say::{did, file, say, tree};
use crate::sys;

const HERE: &str = "work/open";

pub(crate) fn section() -> io::Result<()> {
    fs::create_dir(HERE)?;
    removed()?;
    moved()?;
    replaced()?;
    directories()?;
    fs::remove_dir_all(HERE)
}

fn at(name: &str) -> String {
    format!("{HERE}/{name}")
}

/// What it has, whatever its name is now.
fn state(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    let stat = sys::fstat(file)?;
    Ok(format!("{text:?}, {} links, {} long", stat.links, stat.size))
}

fn removed() -> io::Result<()> {
    let mut open = file(&at("file"), "content")?;
    let mut second = File::open(at("file"))?;
    did("remove while open", fs::remove_file(at("file")));
    say("  has", state(&mut open));
    did("  write", open.write_all(b" and more"));
    say("  another has", state(&mut second));
    did("  set_len", open.set_len(3));
    say("  has", state(&mut open));
    did("  sync_all", open.sync_all());
    did("  is gone", fs::metadata(at("file")));
    did("make its name anew", fs::write(at("file"), "another"));
    say("  has", state(&mut open));
    let same = sys::stat(&at("file"), true).and_then(|new| Ok(new.id == sys::fstat(&open)?.id));
    say("  is the same", same);
    drop((open, second));
    say("the new one", fs::read_to_string(at("file")));
    tree(HERE)
}

fn moved() -> io::Result<()> {
    let mut open = file(&at("file"), "content")?;
    fs::create_dir(at("dir"))?;
    did("rename while open", fs::rename(at("file"), at("dir/moved")));
    did("  write", open.write_all(b"CON"));
    say("  has", state(&mut open));
    did("rename its directory", fs::rename(at("dir"), at("newdir")));
    did("  append", open.write_all(b"!"));
    say("  under its name", fs::read_to_string(at("newdir/moved")));
    let same = sys::stat(&at("newdir/moved"), true);
    say("  is the same", same.and_then(|new| Ok(new.id == sys::fstat(&open)?.id)));
    did("remove all around it", fs::remove_dir_all(at("newdir")));
    say("  has", state(&mut open));
    Ok(())
}

fn replaced() -> io::Result<()> {
    let mut old = file(&at("old"), "old")?;
    let mut new = file(&at("new"), "new")?;
    did("rename over what is open", fs::rename(at("new"), at("old")));
    say("  the old one has", state(&mut old));
    say("  the new one has", state(&mut new));
    did("  write to the old one", old.write_all(b"er"));
    did("  write to the new one", new.write_all(b"er"));
    say("  under the name", fs::read_to_string(at("old")));
    did("truncate by another", File::create(at("old")));
    say("  the new one has", state(&mut new));
    tree(HERE)
}

fn directories() -> io::Result<()> {
    fs::create_dir(at("dir"))?;
    let dir = File::open(at("dir"))?;
    did("make in what is open", sys::make_directory_at(&dir, "inside"));
    did("remove what is full", fs::remove_dir(at("dir")));
    did("remove what is in it", fs::remove_dir(at("dir/inside")));
    did("remove what is open", fs::remove_dir(at("dir")));
    did("  make in it", sys::make_directory_at(&dir, "inside"));
    let create = libc::O_WRONLY | libc::O_CREAT;
    did("  create in it", sys::open_at(&dir, "file", create));
    did("  open in it", sys::open_at(&dir, "file", libc::O_RDONLY));
    did("  open itself", sys::open_at(&dir, ".", libc::O_RDONLY));
    did("  open above it", sys::open_at(&dir, "..", libc::O_RDONLY));
    say("  kind", sys::fstat(&dir).map(|stat| stat.kind));
    did("make its name anew", fs::create_dir(at("dir")));
    did("  create in the old one", sys::open_at(&dir, "file", create));
    let same = sys::stat(&at("dir"), true).and_then(|new| Ok(new.id == sys::fstat(&dir)?.id));
    say("  is the same", same);
    let mut old = sys::Listing::open(&at("dir"))?;
    did("move what is being listed", fs::rename(at("dir"), at("moved")));
    did("  make in it", fs::write(at("moved/file"), ""));
    let mut names = Vec::new();
    while let Some((name, _)) = old.next() {
        names.push(name);
    }
    names.sort();
    say("  lists what was there at least", Ok(names.contains(&".".to_owned())));
    Ok(())
}
