//! Files and places in them beyond what 32 bits hold.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use anyhow::{Result, ensure};
use rustix::fs::{StatVfs, statvfs};

use crate::{Check, Place};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("a file of more than 4 GiB", beyond_4_gib),
    ("a byte at 1 TiB", at_1_tib),
    ("a place that no file has", no_place),
    ("the size of the whole", whole),
];

const GIB: u64 = 1 << 30;

fn beyond_4_gib(place: &Place) -> Result<()> {
    let path = place.at("f");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    file.set_len(5 * GIB + 7)?;
    ensure!(fs::metadata(&path)?.len() == 5 * GIB + 7, "its length is cut");
    let text = b"on both sides of the border";
    file.write_all_at(text, 4 * GIB - 10)?;
    let mut found = [0; 27];
    file.read_exact_at(&mut found, 4 * GIB - 10)?;
    ensure!(&found == text, "what lies on both sides is read otherwise");
    file.read_exact_at(&mut found[..10], 0)?;
    ensure!(found[..10] == [0; 10], "the place was cut to 32 bits");
    file.read_exact_at(&mut found, 3 * GIB)?;
    ensure!(found == [0; 27], "there is something in the hole");
    file.set_len(4 * GIB + 1)?;
    file.set_len(4 * GIB + 100)?;
    file.read_exact_at(&mut found, 4 * GIB - 10)?;
    ensure!(&found[..11] == b"on both sid" && found[11..] == [0; 16], "a cut at 4 GiB is wrong");
    let mut appending = OpenOptions::new().append(true).open(&path)?;
    std::io::Write::write_all(&mut appending, b"end")?;
    ensure!(fs::metadata(&path)?.len() == 4 * GIB + 103, "what is appended is somewhere else");
    fs::remove_file(path)?;
    Ok(())
}

fn at_1_tib(place: &Place) -> Result<()> {
    let path = place.at("f");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    file.write_all_at(b"x", 1024 * GIB)?;
    ensure!(fs::metadata(&path)?.len() == 1024 * GIB + 1, "its length is cut");
    let mut found = [0; 2];
    file.read_exact_at(&mut found, 1024 * GIB - 1)?;
    ensure!(&found == b"\0x", "another byte is there");
    Ok(())
}

fn no_place(place: &Place) -> Result<()> {
    let path = place.at("f");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    file.write_all_at(b"kept", 0)?;
    let mut length = 4;
    for far in [1 << 62, i64::MAX.unsigned_abs() - 4] {
        // Whether there is such a place is up to the file system; what it takes, it keeps.
        if file.write_all_at(b"far", far).is_ok() {
            let mut found = [0; 4];
            let count = file.read_at(&mut found, far)?;
            ensure!(&found[..count] == b"far", "a write at {far} is lost");
            length = far + 3;
        }
        ensure!(
            fs::metadata(&path)?.len() == length,
            "its length is another one after a write at {far}"
        );
    }
    file.set_len(4)?;
    ensure!(fs::read(&path)? == b"kept", "the file was changed");
    Ok(())
}

fn whole(place: &Place) -> Result<()> {
    let StatVfs { f_blocks, f_bavail, f_bfree, f_frsize, f_namemax, .. } = statvfs(&place.here)?;
    ensure!(f_frsize > 0 && f_blocks > 0, "it says that it has {f_blocks} blocks of {f_frsize}");
    ensure!(f_bavail <= f_bfree && f_bfree <= f_blocks, "{f_bfree} of {f_blocks} are free");
    ensure!(f_namemax == 255, "names may have {f_namemax} bytes");
    Ok(())
}
