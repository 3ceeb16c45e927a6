//! Names and paths at the edge of what there is.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;

use anyhow::{Result, ensure};
use rustix::io::Errno;

use crate::{Check, Place, fails};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("names that are not UTF-8", not_utf8),
    ("names of odd characters", odd),
    ("the longest names", longest),
    ("texts of symbolic links", link_texts),
    ("links that lead in a ring", rings),
    ("deep paths", deep),
];

fn not_utf8(place: &Place) -> Result<()> {
    let names: Vec<_> = (1..32_u8)
        .chain((127..=255).step_by(2))
        .map(|byte| OsString::from_vec(vec![b'n', byte, 0xff, b'x']))
        .collect();
    for name in &names {
        fs::write(place.here.join(name), name.as_bytes())?;
    }
    let mut listed: Vec<_> =
        fs::read_dir(&place.here)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    listed.sort();
    ensure!(listed == names, "{} of {} names are listed as they are", listed.len(), names.len());
    for name in &names {
        let path = place.here.join(name);
        ensure!(fs::read(&path)? == name.as_bytes(), "{} is another file", name.display());
        let moved = place.here.join(OsStr::from_bytes(b"\xfe\xfd"));
        fs::rename(&path, &moved)?;
        fs::remove_file(moved)?;
    }
    symlink(OsStr::from_bytes(b"\xc3\x28/\xff"), place.at("l"))?;
    let text = fs::read_link(place.at("l"))?;
    ensure!(text.as_os_str().as_bytes() == b"\xc3\x28/\xff", "the link reads {}", text.display());
    fs::create_dir(place.here.join(OsStr::from_bytes(b"\xf0")))?;
    fs::hard_link(place.here.join(OsStr::from_bytes(b"\xf0/../l")), place.at("m"))?;
    Ok(())
}

fn odd(place: &Place) -> Result<()> {
    let names = [
        " ", "  x ", "a\nb", "a\tb", "\\", "a\\b", "\"", "*", "?", "...", "..x", "a:b", "C:",
        "con", "A", "a", "é", "e\u{301}", "\u{200b}", "日本", ".wh.x", "%2f", "-rf", "\u{7f}",
    ];
    for name in names {
        fs::write(place.at(name), name)?;
    }
    for name in names {
        ensure!(fs::read(place.at(name))? == name.as_bytes(), "{name:?} is another file");
    }
    let count = fs::read_dir(&place.here)?.count();
    ensure!(count == names.len(), "{count} of {} are listed", names.len());
    Ok(())
}

fn longest(place: &Place) -> Result<()> {
    let longest = "x".repeat(255);
    fs::write(place.at(&longest), "long")?;
    fs::rename(place.at(&longest), place.at(&"y".repeat(255)))?;
    fs::create_dir(place.at(&longest))?;
    ensure!(fs::read(place.at(&"y".repeat(255)))? == b"long", "it is another file");
    let beyond = place.at(&"x".repeat(256));
    fails(fs::write(&beyond, ""), Errno::NAMETOOLONG, "a file of 256 characters")?;
    fails(fs::create_dir(&beyond), Errno::NAMETOOLONG, "a directory of 256 characters")?;
    fails(fs::metadata(&beyond), Errno::NAMETOOLONG, "stat of 256 characters")
}

fn link_texts(place: &Place) -> Result<()> {
    for length in [1, 255, 1000, 4000, 4095] {
        let text = format!("{}x", "./".repeat(length / 2))[..length].to_owned();
        let path = place.at(&format!("l{length}"));
        symlink(&text, &path)?;
        ensure!(fs::read_link(&path)?.to_str() == Some(&text), "{length} bytes are cut");
        let size = fs::symlink_metadata(&path)?.len();
        ensure!(size == length as u64, "a link of {length} bytes says {size}");
    }
    fs::write(place.at("f"), "reached")?;
    symlink(place.at("f"), place.at("whole"))?;
    symlink("../f", place.at("up"))?;
    ensure!(fs::read(place.at("whole"))? == b"reached", "a whole path is not followed");
    fs::create_dir(place.at("d"))?;
    symlink("../up", place.at("d/up"))?;
    fails(fs::read(place.at("d/up")), Errno::NOENT, "a link to a link that leads out")?;
    symlink("../f", place.at("d/f"))?;
    ensure!(fs::read(place.at("d/f"))? == b"reached", "a relative text is not followed");
    Ok(())
}

fn rings(place: &Place) -> Result<()> {
    symlink("two", place.at("one"))?;
    symlink("one", place.at("two"))?;
    fails(fs::read(place.at("one")), Errno::LOOP, "a ring")?;
    ensure!(fs::symlink_metadata(place.at("one"))?.is_symlink(), "it is itself no link");
    fs::remove_file(place.at("two"))?;
    // Through a link to nothing, a file can be made.
    fs::write(place.at("one"), "made")?;
    ensure!(fs::read(place.at("two"))? == b"made", "it was made somewhere else");
    Ok(())
}

fn deep(place: &Place) -> Result<()> {
    let mut path = place.here.clone();
    // Sixteen names go in one Twalk: more than twice as many.
    for level in 0..40 {
        path.push(format!("level-{level}"));
        fs::create_dir(&path)?;
    }
    fs::write(path.join("f"), "deep")?;
    ensure!(fs::read(path.join("f"))? == b"deep", "it is another file");
    fails(fs::read(path.join("no/f")), Errno::NOENT, "a missing directory")?;
    fails(fs::read(path.join("f/f")), Errno::NOTDIR, "a file as a directory")?;
    fs::remove_dir_all(place.at("level-0"))?;
    Ok(())
}
