//! What a volume says of itself, for whoever looks after it.

use super::Volume;
use crate::shared::lock;

/// Which volume it is, and where its log lies; all lengths in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Chosen when the volume was made.
    pub id: [u8; 16],
    /// Of the format.
    pub version: u32,
    /// How often a superblock was written.
    pub generation: u64,
    /// How many checkpoints there were.
    pub epoch: u64,
    /// The area of the log that is in use, and the other one.
    pub areas: [Area; 2],
    /// What the last checkpoint takes of the area in use.
    pub checkpoint: u64,
    /// What the commits behind it take.
    pub commits: u64,
}

/// A part of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Where it begins.
    pub start: u64,
    /// How long it is.
    pub len: u64,
}

impl Volume {
    /// Which volume it is, and where its log lies.
    #[must_use]
    pub fn info(&self) -> Info {
        lock(&self.shared.store).log.info()
    }
}
