//! Bytes that follow from a number, and a tree that looks like somebody's sources: the same
//! that `jco/bench/content.mjs` makes for peers that are called from JavaScript.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// What random access is made in.
pub const BLOCK: usize = 4096;

/// Numbers that look random, the same ones each time.
pub struct Random(u32);

impl Random {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(seed.max(1))
    }

    /// The next one, below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % bound
    }
}

/// Fills bytes so that they tell which block this is, and which writing of it.
///
/// # Panics
/// Never: pieces of four bytes have four.
pub fn stamp(bytes: &mut [u8], block: u32, version: u32) {
    let mut state = block.wrapping_add(1).wrapping_mul(0x9e37_79b1)
        ^ version.wrapping_add(1).wrapping_mul(0x85eb_ca6b);
    for (index, word) in bytes.chunks_mut(4).enumerate() {
        let value = match index {
            0 => block,
            1 => version,
            _ => {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state
            }
        };
        word.copy_from_slice(&value.to_le_bytes()[..word.len()]);
    }
}

/// Makes other bytes of a block those of a later writing of it: only its head changes, so
/// that it is the file system that is measured, and not this.
pub fn stamp_head(bytes: &mut [u8], block: u32, version: u32) {
    bytes[..4].copy_from_slice(&block.to_le_bytes());
    bytes[4..8].copy_from_slice(&version.to_le_bytes());
}

/// Bytes of a file that has a number.
#[must_use]
pub fn bytes_of(number: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stamp(&mut bytes, number, 0);
    bytes
}

/// Stops if a file's bytes are not those of its number.
///
/// # Errors
/// If they are others.
pub fn verify(path: &Path, bytes: &[u8], number: u32, length: usize) -> Result<()> {
    ensure!(bytes == bytes_of(number, length), "{} differs", path.display());
    Ok(())
}

/// A file or, without bytes, a directory.
pub struct Item {
    /// Where it is.
    pub path: PathBuf,
    /// The number that its bytes follow from, and these.
    pub file: Option<(u32, Vec<u8>)>,
}

/// `files` files of 2 KiB in the median, one directory for each seven of them, in the order
/// of an archive: each directory before what is in it.
#[must_use]
pub fn sources(top: &Path, files: u32) -> Vec<Item> {
    let mut random = Random::new(11);
    let mut directories = vec![top.to_owned()];
    let many = (files * 3 / 20).max(2);
    for number in 1..many {
        let parent = random.below(number.min(60)) as usize;
        directories.push(directories[parent].join(format!("dir{number}")));
    }
    let mut items = Vec::new();
    for (first, directory) in (0..).zip(&directories) {
        items.push(Item { path: directory.clone(), file: None });
        for number in (first..files).step_by(directories.len()) {
            // Sums of evenly spread numbers are close to a normal distribution.
            let sum: u32 = (0..4).map(|_| random.below(1000)).sum();
            let normal = (f64::from(sum) - 2000.0) / 577.0;
            let length = (2048.0 * (1.1 * normal).exp()).round().min(256.0 * 1024.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is small.
            let bytes = bytes_of(number, length as usize);
            let path = directory.join(format!("file{number}.txt"));
            items.push(Item { path, file: Some((number, bytes)) });
        }
    }
    items
}
