//! The log: commits one behind the other, and checkpoints, each in the one of two areas in
//! which the last is not. What was begun and failed is finished before anything else.

mod frame;
mod image;
mod recover;
mod salvage;
mod scan;
mod superblock;

use self::frame::Frame;
pub(super) use self::frame::HEADER;
use self::image::Image;
pub(super) use self::recover::{Found, recover};
pub(super) use self::salvage::salvage;
pub(super) use self::superblock::SLOTS;
use self::superblock::Superblock;
use super::disk::{Disk, write_all};
use super::info::{Area, Info};
use super::space::{BLOCK, RESERVE, Run};
use super::table::Table;
use crate::error::Result;

/// Blocks of each of the two areas of a new volume.
pub(super) const AREA: u32 = 512;

/// Blocks of a volume with nothing in it: superblocks and areas.
pub(super) const FIRST_BLOCKS: u32 = superblock::SLOTS + 2 * AREA;

/// Blocks of a new volume.
pub(super) const NEW_BLOCKS: u32 = FIRST_BLOCKS + RESERVE;

/// Bytes of an area that are kept for the log: a commit fits, whatever it holds.
pub(super) const LOG_MIN: u64 = 1 << 20;

/// Bytes of an image that are written at once, at least: as many take no longer than one.
const PIECE: u64 = 64 * 1024;

/// The state of a volume's log.
pub(super) struct Log {
    superblock: Superblock,
    /// Where in the active area the next frame begins, in bytes.
    tail: u64,
    /// The digest and the number of the last frame.
    chain: u64,
    sequence: u64,
    /// All up to this frame is flushed.
    durable: u64,
    /// What has to be written before anything else is: nobody knows how much of it is.
    due: Option<Due>,
    /// Something was written since the last flush.
    dirty: bool,
    /// The last frame has no records: it only says that all before it is durable.
    marked: bool,
    /// The next checkpoint, as far as it has got.
    image: Option<Image>,
    /// The area in use has become small for the table: the other one is to be used next.
    hurry: bool,
    /// As soon as may be, at the price of a flush.
    press: bool,
    /// The superblock that counts may be lost in a power cut: then the one before counts.
    unflushed_superblock: bool,
    /// After a failure: no image is begun before the log has reached this place.
    patience: u64,
}

struct Due {
    at: u64,
    bytes: Vec<u8>,
    /// A superblock: nothing else may be written before it is flushed, too.
    flush: bool,
}

impl Log {
    /// Makes a volume of `table` on an empty disk, which has [`FIRST_BLOCKS`].
    pub(super) fn format(disk: &mut dyn Disk, id: [u8; 16], table: &Table) -> Result<Self> {
        let area = |number| Run { start: superblock::SLOTS + number * AREA, count: AREA };
        let superblock = Superblock {
            id,
            generation: 0,
            epoch: 0,
            active: area(1),
            spare: area(0),
            image: 0,
            first: 0,
            last: 0,
        };
        let mut log = Self {
            superblock,
            tail: 0,
            chain: 0,
            sequence: 0,
            durable: 0,
            due: None,
            dirty: false,
            marked: false,
            image: None,
            hurry: false,
            press: false,
            unflushed_superblock: false,
            patience: 0,
        };
        log.checkpoint(disk, table)?;
        // The other superblock, too: both are there from the beginning.
        log.set_spare(disk, log.superblock.spare)?;
        Ok(log)
    }

    /// The blocks that the log has for itself.
    pub(super) const fn areas(&self) -> [Run; 2] {
        [self.superblock.active, self.superblock.spare]
    }

    /// Bytes of the areas: of the one in use, and of the other.
    pub(super) const fn capacity(&self) -> (u64, u64) {
        let [active, spare] = self.areas();
        (active.count as u64 * BLOCK as u64, spare.count as u64 * BLOCK as u64)
    }

    /// What there is to say of it.
    pub(super) fn info(&self) -> Info {
        let Superblock { id, generation, epoch, image, .. } = self.superblock;
        let area =
            |run: Run| Area { start: run.offset(), len: u64::from(run.count) * BLOCK as u64 };
        Info {
            id,
            version: superblock::VERSION,
            generation,
            epoch,
            areas: self.areas().map(area),
            checkpoint: image,
            commits: self.tail.saturating_sub(image),
        }
    }

    /// Whether a frame without records would spare the next mount from reading data.
    pub(super) const fn wants_mark(&self) -> bool {
        self.sequence > self.superblock.last && !self.marked
    }

    /// How many checkpoints there were.
    pub(super) const fn epoch(&self) -> u64 {
        self.superblock.epoch
    }

    /// Data was written, which the next flush has to make durable.
    pub(super) const fn data_written(&mut self) {
        self.dirty = true;
    }

    /// Whether a frame with so many bytes of records fits behind the last one.
    pub(super) const fn fits(&self, records: usize) -> bool {
        let needed = (HEADER + records).next_multiple_of(frame::SECTOR) as u64;
        self.tail + needed <= self.capacity().0
    }

    /// Writes what is left over from a failure.
    pub(super) fn finish(&mut self, disk: &mut dyn Disk) -> Result<()> {
        if let Some(due) = &self.due {
            self.dirty = true;
            write_all(disk, &due.bytes, due.at)?;
            if due.flush {
                disk.flush()?;
                self.dirty = false;
                self.durable = self.sequence;
            }
            self.due = None;
        }
        Ok(())
    }

    /// Writes a commit, which [`Log::fits`]: `bytes` is room for the header, and the
    /// records. Nothing may be due. After an error the commit is made, and due.
    pub(super) fn append(&mut self, disk: &mut dyn Disk, mut bytes: Vec<u8>) -> Result<()> {
        let frame = self.frame(0, bytes.len());
        self.marked = bytes.len() == HEADER;
        self.chain = frame.seal(&mut bytes);
        self.sequence += 1;
        let at = self.superblock.active.offset() + self.tail;
        self.tail += bytes.len() as u64;
        self.due = Some(Due { at, bytes, flush: false });
        self.finish(disk)
    }

    fn frame(&self, flags: u32, bytes: usize) -> Frame {
        Frame {
            flags,
            epoch: self.superblock.epoch,
            sequence: self.sequence + 1,
            durable: self.durable,
            previous: self.chain,
            // A frame is bounded by its area.
            length: u32::try_from(bytes - HEADER).unwrap_or(u32::MAX),
            volume: self.superblock.volume(),
        }
    }

    /// Flushes, if anything was written. Nothing may be due.
    pub(super) fn flush(&mut self, disk: &mut dyn Disk) -> Result<()> {
        if self.dirty || self.durable < self.sequence {
            disk.flush()?;
        }
        self.dirty = false;
        self.unflushed_superblock = false;
        self.durable = self.sequence;
        Ok(())
    }

    /// Flushes in any case: what was found at a mount may be nowhere but in a cache.
    pub(super) fn flush_found(&mut self, disk: &mut dyn Disk) -> Result<()> {
        self.dirty = true;
        self.flush(disk)
    }

    /// Before a commit: lets the image that is being made take up the table's changes.
    pub(super) fn note(&mut self, table: &Table) {
        if let Some(image) = &mut self.image {
            image.note(table);
        }
    }

    /// Asks for the next checkpoint to be begun at the next commit; and if `press`, for a
    /// flush when it is whole.
    pub(super) const fn hurry(&mut self, press: bool) {
        self.hurry = true;
        self.press |= press;
    }

    /// Whether a checkpoint waits for a flush, and should not for long.
    pub(super) fn wants_flush(&self) -> bool {
        let late = self.press || self.tail > self.capacity().0 / 4 * 3;
        late && self.image.as_ref().is_some_and(Image::is_whole)
    }

    /// After a commit of `committed` bytes: goes on with the image, or begins one when half
    /// of the area is used.
    pub(super) fn advance(&mut self, disk: &mut dyn Disk, table: &Table, committed: usize) {
        let (active, _) = self.capacity();
        let due = self.tail > active / 2 || self.hurry;
        if self.image.is_none() && (!due || self.tail < self.patience) {
            return;
        }
        let written = self.image.as_ref().map_or(0, |image| image.tail);
        let missing = table.image_bytes().saturating_sub(written);
        // So that it is whole before half of the rest is used up.
        let rest = active.saturating_sub(self.tail) / 2;
        let most = (committed as u64).saturating_mul(missing) / rest.max(1);
        if self.push_image(disk, table, most).is_err() {
            // The commit is written, and that is what counts; the next image may succeed.
            self.patience = self.tail + active / 16;
        }
    }

    /// Goes on with the image by about `most` bytes, or begins one. Nothing in `table` may
    /// have changed since the last commit. After an error the image is given up.
    pub(super) fn push_image(
        &mut self,
        disk: &mut dyn Disk,
        table: &Table,
        most: u64,
    ) -> Result<()> {
        let begun = self.image.take();
        let mut image = begun.unwrap_or_else(|| Image::begin(&self.superblock, self.sequence));
        self.dirty = true;
        image.step(disk, table, self.durable, most.max(PIECE))?;
        self.image = Some(image);
        Ok(())
    }

    /// After a flush, with nothing changed since the last commit: an image that is whole
    /// takes the place of the log. After an error it has done so, and the superblock is due.
    pub(super) fn switch(&mut self, disk: &mut dyn Disk) -> Result<()> {
        match self.image.take_if(|image| image.is_whole()) {
            Some(image) => self.switch_to(disk, &image),
            None => Ok(()),
        }
    }

    /// Stores all of `table` in the spare area and goes on behind it. Nothing may be due;
    /// the data that the table names is written. After an error with something due the
    /// checkpoint is made all the same, otherwise all is as before.
    pub(super) fn checkpoint(&mut self, disk: &mut dyn Disk, table: &Table) -> Result<()> {
        let whole = |mut image: Image, disk: &mut dyn Disk, durable| {
            image.note(table);
            image.step(disk, table, durable, u64::MAX).map(|()| image)
        };
        let begun = self.image.take().map(|image| whole(image, disk, self.durable));
        let image = match begun {
            Some(Ok(image)) => image,
            // A new one is smaller than one that took up many changes.
            _ => whole(Image::begin(&self.superblock, self.sequence), disk, self.durable)?,
        };
        disk.flush()?;
        self.switch_to(disk, &image)
    }

    fn switch_to(&mut self, disk: &mut dyn Disk, image: &Image) -> Result<()> {
        self.superblock = image.superblock();
        (self.tail, self.chain, self.sequence) = (image.tail, image.chain, image.sequence);
        self.durable = self.sequence;
        (self.dirty, self.marked) = (false, false);
        (self.hurry, self.press, self.patience) = (false, false, 0);
        self.unflushed_superblock = false;
        self.write_superblock(disk, true)
    }

    /// Names another spare area. Nothing may be due. After an error it is named, and the
    /// superblock due. It is durable with the next flush; until then the area it had may not
    /// be used for anything else.
    pub(super) fn set_spare(&mut self, disk: &mut dyn Disk, spare: Run) -> Result<()> {
        if self.unflushed_superblock {
            // Of the two that there are, one is always durable.
            self.flush(disk)?;
        }
        self.image = None;
        self.superblock.generation += 1;
        self.superblock.spare = spare;
        self.unflushed_superblock = true;
        self.write_superblock(disk, false)
    }

    fn write_superblock(&mut self, disk: &mut dyn Disk, flush: bool) -> Result<()> {
        self.superblock_is_due(flush);
        self.finish(disk)
    }

    /// Has the superblock written before anything else is.
    fn superblock_is_due(&mut self, flush: bool) {
        let (at, bytes) = (self.superblock.offset(), self.superblock.encode().to_vec());
        self.due = Some(Due { at, bytes, flush });
    }
}
