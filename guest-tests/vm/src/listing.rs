//! Directories that change while somebody reads them: by the second mount, if there is one,
//! whose messages hold but a part of a listing.

use std::collections::BTreeMap;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Result, ensure};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, SeekFrom};

use crate::{Check, Place};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("each entry is removed as it is read", removed_as_read),
    ("others are removed between reads", others_removed),
    ("entries come while it is read", added),
    ("a place in a listing is come back to", places),
    ("kinds and numbers of entries", kinds),
];

/// Small, so that a directory takes many calls.
const BUFFER: usize = 2048;

fn open(path: &Path) -> Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty())?)
}

fn fill(folder: &Path, count: usize) -> Result<()> {
    for number in 0..count {
        fs::write(folder.join(format!("a-name-that-is-not-short-{number:05}")), "")?;
    }
    Ok(())
}

/// Reads on, and shows each entry but `.` and `..` with the place behind it.
fn read(folder: &OwnedFd, mut entry: impl FnMut(&str, u64) -> Result<()>) -> Result<()> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut listing = RawDir::new(folder, &mut buffer);
    while let Some(found) = listing.next() {
        let found = found?;
        let name = found.file_name().to_str()?;
        if name != "." && name != ".." {
            entry(name, found.next_entry_cookie())?;
        }
    }
    Ok(())
}

fn removed_as_read(place: &Place) -> Result<()> {
    fill(&place.here, 700)?;
    let folder = open(&place.other)?;
    let mut seen = 0;
    read(&folder, |name, _| {
        seen += 1;
        Ok(rustix::fs::unlinkat(&folder, name, AtFlags::empty())?)
    })?;
    ensure!(seen == 700, "{seen} of 700 were listed");
    let left = fs::read_dir(&place.other)?.count();
    ensure!(left == 0, "{left} are left");
    fs::remove_dir(&place.here)?;
    Ok(())
}

fn others_removed(place: &Place) -> Result<()> {
    fill(&place.here, 600)?;
    let folder = open(&place.other)?;
    let mut seen = BTreeMap::<String, u32>::new();
    read(&folder, |name, _| {
        *seen.entry(name.to_owned()).or_default() += 1;
        if seen.len() == 100 {
            // All that were read, and every second one of the others.
            for number in 0..600 {
                let name = format!("a-name-that-is-not-short-{number:05}");
                if seen.contains_key(&name) || number % 2 == 0 {
                    fs::remove_file(place.at(&name))?;
                }
            }
        }
        Ok(())
    })?;
    let twice = seen.iter().find(|(_, count)| **count > 1);
    ensure!(twice.is_none(), "{twice:?} was listed more than once");
    for entry in fs::read_dir(&place.here)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        ensure!(seen.contains_key(&name), "{name} was there all the time and was not listed");
    }
    Ok(())
}

fn added(place: &Place) -> Result<()> {
    fill(&place.here, 400)?;
    let folder = open(&place.other)?;
    let mut seen = BTreeMap::<String, u32>::new();
    let mut added = 0;
    read(&folder, |name, _| {
        *seen.entry(name.to_owned()).or_default() += 1;
        // With an end, even if each of these is listed.
        if added < 400 {
            fs::write(place.at(&format!("new-{added}")), "")?;
            added += 1;
        }
        Ok(())
    })?;
    let twice = seen.iter().find(|(_, count)| **count > 1);
    ensure!(twice.is_none(), "{twice:?} was listed more than once");
    let old = seen.keys().filter(|name| name.starts_with("a-name")).count();
    ensure!(old == 400, "{old} of the 400 were listed that were there before");
    Ok(())
}

fn places(place: &Place) -> Result<()> {
    fill(&place.here, 300)?;
    let folder = open(&place.other)?;
    let mut order = Vec::new();
    read(&folder, |name, cookie| {
        order.push((name.to_owned(), cookie));
        Ok(())
    })?;
    ensure!(order.len() == 300, "{} of 300 were listed", order.len());
    for number in [0, 1, 2, 57, 149, 150, 298, 299] {
        rustix::fs::seek(&folder, SeekFrom::Start(order[number].1))?;
        let mut rest = Vec::new();
        read(&folder, |name, _| {
            rest.push(name.to_owned());
            Ok(())
        })?;
        let wanted = order[number + 1..].iter().map(|(name, _)| name);
        ensure!(rest.iter().eq(wanted), "after entry {number} come {} others", rest.len());
    }
    rustix::fs::seek(&folder, SeekFrom::Start(0))?;
    let mut again = 0;
    read(&folder, |_, _| {
        again += 1;
        Ok(())
    })?;
    ensure!(again == 300, "{again} of 300 are listed from the start");
    Ok(())
}

fn kinds(place: &Place) -> Result<()> {
    use std::os::unix::fs::{DirEntryExt, MetadataExt, symlink};
    fs::write(place.at("f"), "")?;
    fs::create_dir(place.at("d"))?;
    symlink("f", place.at("l"))?;
    let mut listed = 0;
    for entry in fs::read_dir(&place.here)? {
        let entry = entry?;
        let (kind, stat) = (entry.file_type()?, fs::symlink_metadata(entry.path())?);
        ensure!(kind == stat.file_type(), "{entry:?} is listed as {kind:?}");
        ensure!(entry.ino() == stat.ino(), "{entry:?} is {} and {}", entry.ino(), stat.ino());
        listed += 1;
    }
    ensure!(listed == 3, "{listed} of 3 are listed");
    Ok(())
}
