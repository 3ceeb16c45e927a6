//! What was synced is there after the server was killed. A change is numbered, and says its
//! number once it is stored.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// So many files replace each other in turn.
const FILES: u64 = 7;

/// What change `number` puts into its file.
fn content(seed: u64, number: u64) -> Vec<u8> {
    let word = seed.wrapping_add(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let length = usize::try_from(word % 50_000).unwrap_or_default() + 8;
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend((0_u64..).flat_map(|at| word.wrapping_mul(at | 1).to_le_bytes()).take(length));
    bytes
}

/// Makes changes until one fails.
pub(super) fn change(folder: &Path, seed: u64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let directory = File::open(folder)?;
    let mut journal = OpenOptions::new().create(true).append(true).open(folder.join("journal"))?;
    for number in 0.. {
        let name = folder.join(format!("f{}", number % FILES));
        let new = folder.join("new");
        let mut file = File::create(&new)?;
        file.write_all(&content(seed, number))?;
        file.sync_all()?;
        fs::rename(&new, &name)?;
        directory.sync_all()?;
        journal.write_all(&number.to_le_bytes())?;
        journal.sync_data()?;
        writeln!(out, "stored {number}")?;
        out.flush()?;
    }
    Ok(())
}

/// Whether all changes up to `stored` are there, and nothing that is later than `reached`.
pub(super) fn compare(folder: &Path, seed: u64, stored: u64, reached: u64) -> Result<()> {
    let journal = fs::read(folder.join("journal"))?;
    let numbers: Vec<_> = journal
        .chunks(8)
        .map(|number| Ok(u64::from_le_bytes(number.try_into().context("half a number")?)))
        .collect::<Result<_>>()?;
    let count = numbers.len() as u64;
    ensure!(numbers.iter().copied().eq(0..count), "the journal is {numbers:?}");
    ensure!((stored + 1..=reached + 1).contains(&count), "the journal has {count} numbers");
    for file in 0..FILES.min(stored + 1) {
        let bytes = fs::read(folder.join(format!("f{file}")))?;
        let number = bytes.first_chunk().map(|number| u64::from_le_bytes(*number));
        let number = number.with_context(|| format!("f{file} is {} bytes long", bytes.len()))?;
        ensure!(bytes == content(seed, number), "f{file} is torn");
        // The last one of this file that was stored, or a later one.
        let last = stored - (stored + FILES - file) % FILES;
        ensure!(
            number % FILES == file && (last..=reached).contains(&number),
            "f{file} is of change {number}, and {last} was stored"
        );
    }
    Ok(())
}
