//! The superblock: which volume this is, and where its last checkpoint lies. There are two
//! places for it, written in turn, so that one is always whole.

use xxhash_rust::xxh3::xxh3_64;

use super::frame;
use crate::backend::volume::codec::{Checked, Damage, Reader};
use crate::backend::volume::space::{BLOCK, Run};

/// Bytes of one, all in one sector.
pub(super) const SIZE: usize = 512;

/// The blocks in which they lie.
pub(in crate::backend::volume) const SLOTS: u32 = 2;

const MAGIC: &[u8; 8] = b"wasiopfs";
pub(super) const VERSION: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::volume) struct Superblock {
    pub(in crate::backend::volume) id: [u8; 16],
    /// The larger one of two counts; where it lies is its lowest bit.
    pub(super) generation: u64,
    /// Of the checkpoint.
    pub(super) epoch: u64,
    /// Where the checkpoint lies, and the log behind it.
    pub(super) active: Run,
    /// Where the next one will lie.
    pub(super) spare: Run,
    /// Bytes of the checkpoint's frames.
    pub(super) image: u64,
    /// The checkpoint's frames are numbered from here on.
    pub(super) first: u64,
    /// The number of the last of them.
    pub(super) last: u64,
}

/// What a place for a superblock holds.
pub(super) enum Slot {
    /// Nothing was ever written.
    Blank,
    /// Something else, or a superblock that was torn.
    Other,
    /// A whole one.
    Valid(Superblock),
    /// A whole one of a kind that this program cannot use.
    Newer(String),
}

impl Superblock {
    /// Where it is stored.
    pub(super) fn offset(&self) -> u64 {
        (self.generation & 1) * BLOCK as u64
    }

    /// What all frames of the volume carry of its identity, so that a copy of another volume
    /// in one of its files is not taken for its own.
    pub(super) fn volume(&self) -> u32 {
        let [a, b, c, d, ..] = self.id;
        u32::from_le_bytes([a, b, c, d])
    }

    /// The digest that the first frame of the checkpoint names.
    pub(super) fn before_first(&self) -> u64 {
        frame::seed(self.id, self.epoch)
    }

    /// The one after the next checkpoint, whose first frame has the number `first`.
    pub(super) fn next(&self, first: u64) -> Self {
        Self {
            generation: self.generation + 1,
            epoch: self.epoch + 1,
            active: self.spare,
            spare: self.active,
            first,
            ..*self
        }
    }

    pub(super) fn encode(&self) -> [u8; SIZE] {
        let mut bytes = Vec::with_capacity(SIZE);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        // A block is 4096 bytes.
        #[allow(clippy::cast_possible_truncation)]
        bytes.extend_from_slice(&(BLOCK as u32).to_le_bytes());
        // Features that a reader has to know, and that only a writer has to know: none.
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        for run in [self.active, self.spare] {
            bytes.extend_from_slice(&run.start.to_le_bytes());
            bytes.extend_from_slice(&run.count.to_le_bytes());
        }
        for number in [self.image, self.first, self.last] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let mut whole = [0; SIZE];
        whole[..bytes.len()].copy_from_slice(&bytes);
        let digest = xxh3_64(&whole[..SIZE - 8]);
        whole[SIZE - 8..].copy_from_slice(&digest.to_le_bytes());
        whole
    }

    /// What `bytes` are; the digest comes before everything but the magic.
    pub(super) fn decode(bytes: &[u8; SIZE]) -> Slot {
        if bytes.iter().all(|byte| *byte == 0) {
            return Slot::Blank;
        }
        let digest = xxh3_64(&bytes[..SIZE - 8]).to_le_bytes();
        if !bytes.starts_with(MAGIC) || bytes[SIZE - 8..] != digest {
            return Slot::Other;
        }
        match Self::fields(&mut Reader(&bytes[MAGIC.len()..])) {
            Ok(found) if found.is_sane() && found.has_checkpoint() => Slot::Valid(found),
            Ok(_) => Slot::Other,
            Err(Damage(text)) => Slot::Newer(text),
        }
    }

    /// Whether what is counted can go on for as long as there will be computers.
    pub(super) fn is_sane(&self) -> bool {
        let counts = [self.generation, self.epoch, self.first, self.last];
        counts.iter().all(|count| *count < 1 << 62)
    }

    /// Whether there is a checkpoint, of at least one frame.
    pub(super) fn has_checkpoint(&self) -> bool {
        self.image > 0 && (1..=self.last).contains(&self.first)
    }

    fn fields(reader: &mut Reader<'_>) -> Checked<Self> {
        let (version, block) = (reader.u32()?, reader.u32()?);
        if version != VERSION {
            let text = format!("its format is version {version}, and this program knows {VERSION}");
            return Err(Damage::new(text));
        }
        let (needed, written) = (reader.u64()?, reader.u64()?);
        if block as usize != BLOCK || needed != 0 || written != 0 {
            let text = format!(
                "it has blocks of {block} bytes and the features {needed:#x} and {written:#x}, \
                 which this program does not know"
            );
            return Err(Damage::new(text));
        }
        let id = reader.array()?;
        let (generation, epoch) = (reader.u64()?, reader.u64()?);
        let active = Run { start: reader.u32()?, count: reader.u32()? };
        let spare = Run { start: reader.u32()?, count: reader.u32()? };
        let (image, first, last) = (reader.u64()?, reader.u64()?, reader.u64()?);
        Ok(Self { id, generation, epoch, active, spare, image, first, last })
    }
}
