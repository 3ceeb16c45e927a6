//! Extended attributes, modes and owners.

use std::ffi::{CStr, CString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use anyhow::{Result, ensure};
use rustix::fs::{XattrFlags, getxattr, listxattr, removexattr, setxattr};
use rustix::io::Errno;

use crate::{Check, Place, fails};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("attributes come and go", come_and_go),
    ("flags and sizes of attributes", flags),
    ("attributes of a directory", of_a_directory),
    ("large attributes", large),
    ("attributes stay with the file", stay),
    ("modes and owners", modes),
];

const ANY: XattrFlags = XattrFlags::empty();

fn get(path: &std::path::Path, name: &str) -> Result<Vec<u8>> {
    let mut value = vec![0; 70_000];
    let length = getxattr(path, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}

/// How long it says that the value is, without a buffer for it.
fn size(path: &std::path::Path, name: &CStr) -> Result<isize> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: two strings with ends, and no buffer of no length.
    Ok(unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) })
}

fn list(path: &std::path::Path) -> Result<Vec<String>> {
    let mut names = vec![0; 70_000];
    let length = listxattr(path, &mut names[..])?;
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut names: Vec<_> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    // Others may be there that the system has given it.
    names.retain(|name| name.starts_with("user."));
    names.sort();
    Ok(names)
}

fn come_and_go(place: &Place) -> Result<()> {
    let path = place.at("f");
    fs::write(&path, "")?;
    ensure!(list(&path)?.is_empty(), "a new file has attributes");
    fails(
        getxattr(&path, "user.none", &mut [0_u8; 9][..]),
        Errno::NODATA,
        "one that is not there",
    )?;
    let values: [&[u8]; 4] = [b"text", b"", b"\0\xff\0", &[b'v'; 1000]];
    for (number, value) in values.iter().enumerate() {
        setxattr(&path, format!("user.a{number}"), value, ANY)?;
    }
    for (number, value) in values.iter().enumerate() {
        ensure!(get(&path, &format!("user.a{number}"))? == *value, "a{number} is another one");
    }
    let listed = list(&path)?;
    ensure!(listed == ["user.a0", "user.a1", "user.a2", "user.a3"], "listed are {listed:?}");
    setxattr(&path, "user.a0", b"shorter", ANY)?;
    setxattr(&path, "user.a3", b"s", ANY)?;
    ensure!(get(&path, "user.a3")? == b"s", "the longer value is left");
    removexattr(&path, "user.a0")?;
    fails(removexattr(&path, "user.a0"), Errno::NODATA, "removing it twice")?;
    let listed = list(&path)?;
    ensure!(listed == ["user.a1", "user.a2", "user.a3"], "listed are {listed:?}");
    Ok(())
}

fn flags(place: &Place) -> Result<()> {
    let path = place.at("f");
    fs::write(&path, "")?;
    let replace = setxattr(&path, "user.x", b"1", XattrFlags::REPLACE);
    fails(replace, Errno::NODATA, "replacing what is not there")?;
    setxattr(&path, "user.x", b"12345", XattrFlags::CREATE)?;
    fails(setxattr(&path, "user.x", b"2", XattrFlags::CREATE), Errno::EXIST, "creating it again")?;
    setxattr(&path, "user.x", b"54321", XattrFlags::REPLACE)?;
    ensure!(size(&path, c"user.x")? == 5, "its size is another one");
    fails(getxattr(&path, "user.x", &mut [0_u8; 3][..]), Errno::RANGE, "too small a buffer")?;
    fails(listxattr(&path, &mut [0_u8; 3][..]), Errno::RANGE, "too small a buffer for names")?;
    ensure!(get(&path, "user.x")? == b"54321", "a call that failed changed it");
    Ok(())
}

fn of_a_directory(place: &Place) -> Result<()> {
    let path = place.at("d");
    fs::create_dir(&path)?;
    setxattr(&path, "user.of", b"a directory", ANY)?;
    fs::write(path.join("f"), "")?;
    ensure!(get(&path, "user.of")? == b"a directory", "it is another one");
    ensure!(list(&path.join("f"))?.is_empty(), "what is inside has it, too");
    Ok(())
}

fn large(place: &Place) -> Result<()> {
    let path = place.at("f");
    fs::write(&path, "")?;
    for length in [3_000, 20_000, 65_536] {
        let value: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[0]).collect();
        match setxattr(&path, "user.large", &value, ANY) {
            Ok(()) => ensure!(get(&path, "user.large")? == value, "{length} bytes are others"),
            // What there is room for is up to the file system; what it refuses, it leaves.
            Err(error) => {
                let known = [Errno::NOSPC, Errno::TOOBIG, Errno::RANGE];
                ensure!(length > 3_000 && known.contains(&error), "{length} bytes are {error}");
                ensure!(get(&path, "user.large")?.len() < length as usize, "refused and taken");
            }
        }
    }
    Ok(())
}

fn stay(place: &Place) -> Result<()> {
    let path = place.at("f");
    fs::write(&path, "")?;
    setxattr(&path, "user.name", b"value", ANY)?;
    fs::write(&path, "longer")?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    fs::hard_link(&path, place.at("l"))?;
    fs::rename(&path, place.at("g"))?;
    for name in ["g", "l"] {
        ensure!(get(&place.at(name), "user.name")? == b"value", "{name} has lost it");
    }
    fs::remove_file(place.at("g"))?;
    fs::remove_file(place.at("l"))?;
    fs::write(&path, "")?;
    ensure!(list(&path)?.is_empty(), "another file of the name has it");
    Ok(())
}

fn modes(place: &Place) -> Result<()> {
    let path = place.at("f");
    fs::write(&path, "")?;
    for mode in [0, 0o777, 0o7777, 0o4755, 0o2755, 0o1644, 0o600] {
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        let found = fs::metadata(&path)?.permissions().mode();
        ensure!(found & 0o7777 == mode, "the mode {mode:o} becomes {found:o}");
        ensure!(found & 0o170_000 == 0o100_000, "it is no file any more: {found:o}");
    }
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    for (user, group) in [(1, 2), (65_535, 65_536), (4_000_000_000, 3_000_000_000), (0, 0)] {
        chown(&path, Some(user), Some(group))?;
        let found = fs::metadata(&path)?;
        let of = (found.uid(), found.gid());
        ensure!(of == (user, group), "{user}:{group} becomes {of:?}");
    }
    chown(&path, None, Some(5))?;
    let found = fs::metadata(&path)?;
    ensure!((found.uid(), found.gid()) == (0, 5), "the group alone was to change");
    Ok(())
}
