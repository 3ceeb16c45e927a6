//! The log: commits one behind the other, and checkpoints, each in the one of two areas in
//! which the last is not. What was begun and failed is finished before anything else.

mod frame;
mod recover;
mod superblock;

pub(super) use self::frame::HEADER;
use self::frame::{Frame, IMAGE};
pub(super) use self::recover::{Found, recover};
use self::superblock::Superblock;
use super::disk::{Disk, write_all};
use super::info::{Area, Info};
use super::space::{BLOCK, RESERVE, Run};
use super::table::Table;
use crate::error::{ErrorCode, Result};

/// Blocks of each of the two areas of a new volume.
const AREA: u32 = 512;

/// Blocks of a volume with nothing in it: superblocks and areas.
pub(super) const FIRST_BLOCKS: u32 = superblock::SLOTS + 2 * AREA;

/// Blocks of a new volume.
pub(super) const NEW_BLOCKS: u32 = FIRST_BLOCKS + RESERVE;

/// Bytes of an area that are kept for the log: a commit fits, whatever it holds.
pub(super) const LOG_MIN: u64 = 1 << 20;

/// Bytes of records in one frame of a checkpoint, but for the last record.
const IMAGE_FRAME: usize = 256 * 1024;

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
        }
    }

    /// Flushes, if anything was written. Nothing may be due.
    pub(super) fn flush(&mut self, disk: &mut dyn Disk) -> Result<()> {
        if self.dirty || self.durable < self.sequence {
            disk.flush()?;
        }
        self.dirty = false;
        self.durable = self.sequence;
        Ok(())
    }

    /// Flushes in any case: what was found at a mount may be nowhere but in a cache.
    pub(super) fn flush_found(&mut self, disk: &mut dyn Disk) -> Result<()> {
        self.dirty = true;
        self.flush(disk)
    }

    /// Stores all of `table` in the spare area and goes on behind it. Nothing may be due;
    /// the data that the table names is written. After an error with something due the
    /// checkpoint is made all the same, otherwise all is as before.
    pub(super) fn checkpoint(&mut self, disk: &mut dyn Disk, table: &Table) -> Result<()> {
        // The data before what names it.
        disk.flush()?;
        let mut next = Self {
            superblock: Superblock {
                generation: self.superblock.generation + 1,
                epoch: self.superblock.epoch + 1,
                active: self.superblock.spare,
                spare: self.superblock.active,
                first: self.sequence + 1,
                ..self.superblock
            },
            tail: 0,
            durable: self.sequence,
            due: None,
            dirty: false,
            ..*self
        };
        next.chain = frame::seed(next.superblock.id, next.superblock.epoch);
        next.write_image(disk, table)?;
        disk.flush()?;
        next.superblock.image = next.tail;
        next.superblock.last = next.sequence;
        next.durable = next.sequence;
        *self = next;
        self.write_superblock(disk)
    }

    fn write_image(&mut self, disk: &mut dyn Disk, table: &Table) -> Result<()> {
        let room = || {
            let mut bytes = Vec::with_capacity(IMAGE_FRAME / 4);
            bytes.resize(HEADER, 0);
            bytes
        };
        let (mut bytes, mut answer) = (room(), Ok(()));
        table.image(|record| {
            record.encode(&mut bytes);
            if bytes.len() >= IMAGE_FRAME && answer.is_ok() {
                answer = self.write_image_frame(disk, std::mem::replace(&mut bytes, room()));
            }
        });
        answer?;
        self.write_image_frame(disk, bytes)
    }

    fn write_image_frame(&mut self, disk: &mut dyn Disk, mut bytes: Vec<u8>) -> Result<()> {
        let chain = self.frame(IMAGE, bytes.len()).seal(&mut bytes);
        if self.tail + bytes.len() as u64 > self.capacity().0 {
            return Err(ErrorCode::InsufficientSpace);
        }
        write_all(disk, &bytes, self.superblock.active.offset() + self.tail)?;
        self.tail += bytes.len() as u64;
        self.sequence += 1;
        self.chain = chain;
        Ok(())
    }

    /// Names another spare area. Nothing may be due. After an error it is named, and the
    /// superblock due.
    pub(super) fn set_spare(&mut self, disk: &mut dyn Disk, spare: Run) -> Result<()> {
        self.superblock.generation += 1;
        self.superblock.spare = spare;
        self.write_superblock(disk)
    }

    fn write_superblock(&mut self, disk: &mut dyn Disk) -> Result<()> {
        let (at, bytes) = (self.superblock.offset(), self.superblock.encode().to_vec());
        self.due = Some(Due { at, bytes, flush: true });
        self.finish(disk)
    }
}
