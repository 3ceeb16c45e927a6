//! A checkpoint in the making: an image of the table, written to the spare area piece by
//! piece, one after each commit. Between two pieces it takes up what commits change of
//! the part that it has; so it ends with the state after the last commit.

use super::frame::{Frame, HEADER, IMAGE};
use super::superblock::Superblock;
use crate::backend::volume::disk::{Disk, write_all};
use crate::backend::volume::space::BLOCK;
use crate::backend::volume::table::{Cursor, Table};
use crate::error::{ErrorCode, Result};

/// Bytes of records in one frame, but for the last record.
const FRAME: usize = 256 * 1024;

pub(super) struct Image {
    /// The superblock that will name it.
    superblock: Superblock,
    cursor: Cursor,
    /// Where in its area the next frame begins, in bytes.
    pub(super) tail: u64,
    pub(super) chain: u64,
    pub(super) sequence: u64,
    /// Room for a header, and records that are not written yet.
    pending: Vec<u8>,
}

impl Image {
    /// One with nothing in it, behind the commit `sequence`.
    pub(super) fn begin(superblock: &Superblock, sequence: u64) -> Self {
        let superblock = superblock.next(sequence + 1);
        Self {
            superblock,
            cursor: Cursor::START,
            tail: 0,
            chain: superblock.before_first(),
            sequence,
            pending: vec![0; HEADER],
        }
    }

    /// Takes up what the table's changes change of it.
    pub(super) fn note(&mut self, table: &Table) {
        table.changes_of_image(self.cursor, &mut self.pending);
    }

    /// Whether it is written up to the last commit.
    pub(super) fn is_whole(&self) -> bool {
        self.cursor == Cursor::END && self.pending.len() == HEADER
    }

    /// Writes the next piece: about `most` bytes. Nothing in `table` may have changed since
    /// the last commit, or [`Image::note`]. After an error the image is of no use.
    pub(super) fn step(
        &mut self,
        disk: &mut dyn Disk,
        table: &Table,
        durable: u64,
        most: u64,
    ) -> Result<()> {
        let stop = self.tail.saturating_add(most);
        loop {
            self.cursor = table.image(self.cursor, FRAME, &mut self.pending);
            let end = self.cursor == Cursor::END;
            if self.pending.len() > HEADER && (end || self.pending.len() >= FRAME) {
                self.write_frame(disk, durable)?;
            }
            if end || self.tail >= stop {
                return Ok(());
            }
        }
    }

    fn write_frame(&mut self, disk: &mut dyn Disk, durable: u64) -> Result<()> {
        let mut bytes = std::mem::replace(&mut self.pending, vec![0; HEADER]);
        let frame = Frame {
            flags: IMAGE,
            epoch: self.superblock.epoch,
            sequence: self.sequence + 1,
            durable,
            previous: self.chain,
            length: u32::try_from(bytes.len() - HEADER)
                .map_err(|_| ErrorCode::InsufficientSpace)?,
            volume: self.superblock.volume(),
        };
        let chain = frame.seal(&mut bytes);
        let area = self.superblock.active;
        if self.tail + bytes.len() as u64 > u64::from(area.count) * BLOCK as u64 {
            return Err(ErrorCode::InsufficientSpace);
        }
        write_all(disk, &bytes, area.offset() + self.tail)?;
        self.tail += bytes.len() as u64;
        self.sequence += 1;
        self.chain = chain;
        Ok(())
    }

    /// The superblock that names it, once it is whole and flushed.
    pub(super) fn superblock(&self) -> Superblock {
        Superblock { image: self.tail, last: self.sequence, ..self.superblock }
    }
}
