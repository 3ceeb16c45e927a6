//! What a name stands for stays what it is, whatever happens to the name.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::{Check, Place, fails};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("an unlinked open file", unlinked_file),
    ("many unlinked open files", many_unlinked),
    ("a removed open directory", removed_directory),
    ("a rename over an open file", renamed_over),
    ("a rename of a link onto its twin", twins),
    ("chains of renames", chains),
    ("directories renamed above open files", moved_above),
    ("a rename into itself", into_itself),
    ("inode numbers", inode_numbers),
    ("links of a file", links),
];

fn both(path: &std::path::Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}

fn unlinked_file(place: &Place) -> Result<()> {
    let path = place.at("f");
    let mut file = both(&path)?;
    file.write_all(b"before")?;
    let number = file.metadata()?.ino();
    fs::remove_file(&path)?;
    fails(fs::metadata(&path), Errno::NOENT, "stat of the name")?;
    let stat = file.metadata()?;
    ensure!(stat.nlink() == 0, "it has {} links", stat.nlink());
    ensure!(stat.ino() == number, "its number was {number} and is {}", stat.ino());
    file.write_all(b", after")?;
    file.set_len(10)?;
    file.set_permissions(Permissions::from_mode(0o640))?;
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000))?;
    file.sync_all()?;
    let stat = file.metadata()?;
    ensure!(stat.mode() & 0o7777 == 0o640, "its mode is {:o}", stat.mode());
    ensure!(stat.mtime() == 1_000_000 && stat.size() == 10, "it is {stat:?}");
    // Another one of the name is another file.
    fs::write(&path, "other")?;
    ensure!(fs::metadata(&path)?.ino() != number, "the new file has the number of the old one");
    file.seek(SeekFrom::Start(0))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    ensure!(text == "before, af", "it reads '{text}'");
    ensure!(fs::read(&path)? == b"other", "the other file was written to");
    Ok(())
}

fn many_unlinked(place: &Place) -> Result<()> {
    let mut files = Vec::new();
    for number in 0..200_u32 {
        let path = place.at(&format!("f{number}"));
        let file = both(&path)?;
        file.write_all_at(&number.to_le_bytes().repeat(500), 0)?;
        fs::remove_file(path)?;
        files.push(file);
    }
    ensure!(fs::read_dir(&place.here)?.next().is_none(), "the folder is empty");
    for (number, file) in (0..).zip(&files) {
        let number: u32 = number;
        let mut bytes = vec![0; 2000];
        file.read_exact_at(&mut bytes, 0)?;
        ensure!(bytes == number.to_le_bytes().repeat(500), "file {number} holds something else");
    }
    Ok(())
}

fn removed_directory(place: &Place) -> Result<()> {
    let path = place.at("d");
    fs::create_dir(&path)?;
    let open = rustix::fs::open(&path, OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty())?;
    fs::remove_dir(&path)?;
    ensure!(rustix::fs::fstat(&open)?.st_nlink == 0, "it has links still");
    let create = OFlags::CREATE | OFlags::WRONLY;
    fails(rustix::fs::openat(&open, "f", create, Mode::RWXU), Errno::NOENT, "a file inside")?;
    fails(rustix::fs::mkdirat(&open, "e", Mode::RWXU), Errno::NOENT, "a directory inside")?;
    Ok(())
}

fn renamed_over(place: &Place) -> Result<()> {
    let (old, new) = (place.at("old"), place.at("new"));
    let file = both(&old)?;
    file.write_all_at(b"the old one", 0)?;
    fs::write(&new, "the new one")?;
    fs::rename(&new, &old)?;
    let mut bytes = [0; 11];
    file.read_exact_at(&mut bytes, 0)?;
    ensure!(&bytes == b"the old one", "the open file reads {:?}", bytes.escape_ascii().to_string());
    file.write_all_at(b"THE", 0)?;
    ensure!(file.metadata()?.nlink() == 0, "it has links still");
    ensure!(fs::read(&old)? == b"the new one", "the new file was written to");
    fails(fs::metadata(&new), Errno::NOENT, "stat of the name that went")
}

fn twins(place: &Place) -> Result<()> {
    let (one, two) = (place.at("one"), place.at("two"));
    fs::write(&one, "both")?;
    fs::hard_link(&one, &two)?;
    fs::rename(&one, &two)?;
    for path in [&one, &two] {
        ensure!(fs::read(path)? == b"both", "{} is gone", path.display());
        ensure!(fs::metadata(path)?.nlink() == 2, "{} has lost a link", path.display());
    }
    Ok(())
}

fn chains(place: &Place) -> Result<()> {
    // A ring of files, turned some times by renames over a spare name.
    let names: Vec<PathBuf> = (0..10).map(|n| place.at(&format!("n{n}"))).collect();
    let spare = place.at("spare");
    for (number, path) in names.iter().enumerate() {
        fs::write(path, number.to_string())?;
    }
    for _ in 0..21 {
        fs::rename(&names[0], &spare)?;
        for pair in names.windows(2) {
            fs::rename(&pair[1], &pair[0])?;
        }
        fs::rename(&spare, &names[9])?;
    }
    for (number, path) in names.iter().enumerate() {
        let text = fs::read_to_string(path)?;
        ensure!(text == ((number + 21) % 10).to_string(), "n{number} is {text}");
    }
    // And files that replace each other: the last one is left.
    for pair in names.windows(2) {
        fs::rename(&pair[0], &pair[1])?;
    }
    let left: Vec<_> = fs::read_dir(&place.here)?.collect::<std::io::Result<_>>()?;
    ensure!(left.len() == 1 && left[0].file_name() == "n9", "left are {left:?}");
    Ok(())
}

fn moved_above(place: &Place) -> Result<()> {
    let mut deep = place.at("a");
    for _ in 0..20 {
        deep.push("d");
    }
    fs::create_dir_all(&deep)?;
    fs::write(deep.join("f"), "deep")?;
    let file = both(&deep.join("g"))?;
    let open = rustix::fs::open(&deep, OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty())?;
    for turn in 0..10 {
        let (from, to) = if turn % 2 == 0 { ("a", "b") } else { ("b", "a") };
        fs::rename(place.at(from), place.at(to))?;
        let stat = rustix::fs::statat(&open, "f", AtFlags::empty())?;
        ensure!(stat.st_size == 4, "f is {} bytes long", stat.st_size);
        file.write_all_at(format!("{turn}").as_bytes(), turn)?;
    }
    fails(fs::metadata(place.at("b")), Errno::NOENT, "stat of the name that went")?;
    ensure!(fs::read(deep.join("g"))? == b"0123456789", "what was written is somewhere else");
    Ok(())
}

fn into_itself(place: &Place) -> Result<()> {
    fs::create_dir_all(place.at("a/b/c"))?;
    fails(fs::rename(place.at("a"), place.at("a/b/c/d")), Errno::INVAL, "a into a/b/c")?;
    fails(fs::rename(place.at("a/b/c"), place.at("a")), Errno::NOTEMPTY, "a/b/c over a")?;
    fs::write(place.at("f"), "")?;
    fails(fs::rename(place.at("f"), place.at("a")), Errno::ISDIR, "a file over a directory")?;
    fails(fs::rename(place.at("a"), place.at("f")), Errno::NOTDIR, "a directory over a file")?;
    ensure!(place.at("a/b/c").is_dir(), "nothing was moved");
    Ok(())
}

fn inode_numbers(place: &Place) -> Result<()> {
    let mut numbers = BTreeSet::new();
    for number in 0..150 {
        let path = place.at(&format!("f{number}"));
        match number % 3 {
            0 => fs::write(&path, "")?,
            1 => fs::create_dir(&path)?,
            _ => symlink("nowhere", &path)?,
        }
        numbers.insert(fs::symlink_metadata(&path)?.ino());
    }
    ensure!(numbers.len() == 150, "150 objects have {} numbers", numbers.len());
    let before = fs::metadata(place.at("f0"))?.ino();
    fs::rename(place.at("f0"), place.at("moved"))?;
    fs::write(place.at("moved"), "longer")?;
    let after = fs::metadata(place.at("moved"))?.ino();
    ensure!(before == after, "its number was {before} and is {after}");
    Ok(())
}

fn links(place: &Place) -> Result<()> {
    let first = place.at("f");
    fs::write(&first, "shared")?;
    for number in 2..=50 {
        fs::hard_link(&first, place.at(&format!("l{number}")))?;
        ensure!(fs::metadata(&first)?.nlink() == number, "{number} links are counted wrong");
    }
    fs::remove_file(&first)?;
    let last = place.at("l50");
    fs::write(&last, "through the last")?;
    ensure!(fs::read(place.at("l2"))? == b"through the last", "they are different files");
    ensure!(fs::metadata(&last)?.nlink() == 49, "the removed link counts still");
    fails(fs::hard_link(&place.here, place.at("d")), Errno::PERM, "a link to a directory")
}
