//! A frame: records that are stored together or not at all. It names the digest of the
//! frame before it, so that a stale one is never taken for its successor.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::superblock::Superblock;

/// Where a frame may begin: storing one never rewrites a sector of another.
pub(super) const SECTOR: usize = 512;

/// Bytes before the records.
pub(in crate::backend::volume) const HEADER: usize = 56;

const MAGIC: [u8; 4] = *b"WOfr";

/// Bytes that the digest does not cover, at the end of the header.
const DIGEST: usize = 8;

/// Part of a checkpoint.
pub(super) const IMAGE: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) flags: u32,
    /// Of the checkpoint that the frame follows or is a part of.
    pub(super) epoch: u64,
    pub(super) sequence: u64,
    /// Up to this frame all was flushed when this one was written.
    pub(super) durable: u64,
    /// The digest of the frame before.
    pub(super) previous: u64,
    /// Bytes of records.
    pub(super) length: u32,
    /// Whose frame it is: the beginning of the volume's identity.
    pub(super) volume: u32,
}

impl Frame {
    /// Fills in the header of a frame: `bytes` is room for it, and the records. Answers the
    /// digest; `bytes` is then filled up to the next sector.
    pub(super) fn seal(self, bytes: &mut Vec<u8>) -> u64 {
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.flags.to_le_bytes());
        for (place, number) in
            [(8, self.epoch), (16, self.sequence), (24, self.durable), (32, self.previous)]
        {
            bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes[40..44].copy_from_slice(&self.length.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.volume.to_le_bytes());
        let digest = digest(bytes);
        bytes[HEADER - DIGEST..HEADER].copy_from_slice(&digest.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
        digest
    }

    /// The frame that a header tells of, and the digest it claims.
    pub(super) fn parse(header: &[u8]) -> Option<(Self, u64)> {
        let header: &[u8; HEADER] = header.first_chunk()?;
        if header[..4] != MAGIC {
            return None;
        }
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        // Two numbers of four bytes each are read as one of eight.
        #[allow(clippy::cast_possible_truncation)]
        let frame = Self {
            flags: (number(0) >> 32) as u32,
            epoch: number(8),
            sequence: number(16),
            durable: number(24),
            previous: number(32),
            length: number(40) as u32,
            volume: (number(40) >> 32) as u32,
        };
        Some((frame, number(HEADER - DIGEST)))
    }

    /// Whether it belongs to the checkpoint that a superblock names, or to the log behind.
    pub(super) fn is_of(self, superblock: &Superblock) -> bool {
        self.epoch == superblock.epoch && self.volume == superblock.volume()
    }

    /// Bytes that it takes, with what fills its last sector.
    pub(super) fn stored(self) -> u64 {
        (HEADER as u64 + u64::from(self.length)).next_multiple_of(SECTOR as u64)
    }
}

/// The digest of a frame's header and records.
pub(super) fn digest(frame: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&frame[..HEADER - DIGEST]);
    hash.update(&frame[HEADER..]);
    hash.digest()
}

/// What the first frame of a checkpoint names as the digest before it.
pub(super) fn seed(id: [u8; 16], epoch: u64) -> u64 {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&id);
    bytes[16..].copy_from_slice(&epoch.to_le_bytes());
    xxh3_64(&bytes)
}
