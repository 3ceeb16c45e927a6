//! How long things take on a mounted file system: lines `NAME VALUE`, with the unit in the
//! name.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};

const MIB: usize = 1 << 20;
/// How much is written and read.
const AMOUNT: u32 = 16;
/// How often each call is made.
const CALLS: u32 = 200;

fn say(name: &str, value: f64) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{name} {value:.3}")?)
}

/// One large file, by pieces as `dd bs=1M` makes them.
pub(super) fn throughput(folder: &Path) -> Result<()> {
    let path = folder.join("large");
    let mut piece: Vec<u8> = (0..MIB).map(|at| (at % 253).to_le_bytes()[0]).collect();
    let start = Instant::now();
    let mut file = File::create(&path)?;
    for _ in 0..AMOUNT {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    say("write_mib_s", f64::from(AMOUNT) / start.elapsed().as_secs_f64())?;
    let wanted = piece.clone();
    let start = Instant::now();
    let mut file = File::open(&path)?;
    for _ in 0..AMOUNT {
        file.read_exact(&mut piece)?;
        ensure!(piece == wanted, "something else is read");
    }
    say("read_mib_s", f64::from(AMOUNT) / start.elapsed().as_secs_f64())?;
    Ok(fs::remove_file(path)?)
}

fn each(name: &str, call: impl FnMut(u32) -> Result<()>) -> Result<()> {
    several(name, CALLS, call)
}

fn several(name: &str, count: u32, mut call: impl FnMut(u32) -> Result<()>) -> Result<()> {
    let mut found = Vec::new();
    for number in 0..count {
        let start = Instant::now();
        call(number)?;
        found.push(start.elapsed().as_secs_f64() * 1e6);
    }
    found.sort_by(f64::total_cmp);
    say(name, found[found.len() / 2])
}

/// Single calls, the median of many.
pub(super) fn calls(folder: &Path) -> Result<()> {
    let at = |name: &str, number: u32| folder.join(format!("{name}{number}"));
    each("create_us", |number| Ok(fs::write(at("f", number), "")?))?;
    each("stat_us", |number| Ok(fs::metadata(at("f", number)).map(drop)?))?;
    each("open_us", |number| Ok(File::open(at("f", number)).map(drop)?))?;
    let file = OpenOptions::new().read(true).write(true).open(at("f", 0))?;
    let mut bytes = [5; 4096];
    each("write_4k_us", |number| Ok(file.write_all_at(&bytes, u64::from(number) * 4096)?))?;
    each("read_4k_us", |number| Ok(file.read_exact_at(&mut bytes, u64::from(number) * 4096)?))?;
    each("getattr_us", |_| Ok(file.metadata().map(drop)?))?;
    each("rename_us", |number| Ok(fs::rename(at("f", number), at("g", number))?))?;
    several("list_us", 10, |_| {
        let count = fs::read_dir(folder)?.count();
        ensure!(count == CALLS as usize, "{count} are listed");
        Ok(())
    })?;
    each("unlink_us", |number| Ok(fs::remove_file(at("g", number))?))
}
