//! From a disk to the state that it holds: the last commit that is whole, and whose data is.
//! Damage is refused; `salvage` takes the same steps, and goes on in spite of it.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::frame::{self, Frame, HEADER, IMAGE, SECTOR};
use super::superblock::{self, SLOTS, Slot, Superblock};
use super::{Log, NEW_BLOCKS};
use crate::backend::volume::codec::{Checked, Damage, Reader};
use crate::backend::volume::disk::{Disk, read_all};
use crate::backend::volume::space::{BLOCK, Run};
use crate::backend::volume::table::{Body, Record, Sums, Table};
use crate::error::{ErrorCode, SetupError};

/// Bytes of an area that are read at once.
const WINDOW: usize = 256 * 1024;

/// Whether blocks are what the digest says: none is read twice.
pub(super) type Verdicts = HashMap<(u32, u64), bool>;

/// What is on a disk.
pub(in crate::backend::volume) enum Found {
    /// Nothing: it can become a volume.
    Nothing,
    Volume(Box<Volume>),
}

pub(in crate::backend::volume) struct Volume {
    pub(in crate::backend::volume) log: Log,
    pub(in crate::backend::volume) table: Table,
    /// Runs that are used, sorted; the log's areas among them.
    pub(in crate::backend::volume) used: Vec<Run>,
    /// Blocks of the disk.
    pub(in crate::backend::volume) end: u32,
    /// Commits behind the last are whole, but their data is not, or one before them: they
    /// must not come back.
    pub(in crate::backend::volume) discarded: bool,
}

pub(super) fn damaged(Damage(text): Damage) -> SetupError {
    let message = format!(
        "the volume is damaged: {text}; restore it from a copy, or have it checked, and \
         repaired as far as that goes"
    );
    SetupError::new(ErrorCode::NotRecoverable, message)
}

pub(super) fn unreadable(code: ErrorCode) -> SetupError {
    let message = format!("the volume cannot be read: {code}; check the storage it lies on");
    SetupError::new(code, message)
}

/// Finds out what a disk holds. `seed` is for the table.
///
/// # Errors
/// Damage, a newer format, something else than a volume, and what the disk answers.
pub(in crate::backend::volume) fn recover(
    disk: &mut dyn Disk,
    seed: u64,
) -> Result<Found, SetupError> {
    let len = disk.len().map_err(unreadable)?;
    let slots = slots(disk, len)?;
    let Some((newest, alone)) = newest(&slots) else {
        return if is_blank(disk, &slots, len)? { Ok(Found::Nothing) } else { Err(no_volume()) };
    };
    let end = blocks(len);
    let instead = before_growth(&slots, &newest, end);
    let superblock = instead.unwrap_or(newest);
    check_areas(&superblock, end).map_err(damaged)?;
    let mut limit = u64::MAX;
    let mut discarded = false;
    let mut verdicts = Verdicts::new();
    loop {
        let before = Some(superblock.before_first());
        let table = Table::new(seed);
        let mut replayed = replay(disk, &superblock, before, limit, table, &mut Err)?;
        let (sequence, durable) = (replayed.log.sequence, replayed.durable);
        let behind = behind(disk, &replayed.log)?;
        if behind.stored {
            let text = format!("commit {} was stored, and is lost", sequence + 1);
            return Err(damaged(Damage::new(text)));
        }
        discarded |= behind.frames > 0;
        if limit == u64::MAX && alone && has_successor(disk, &superblock)? {
            return Err(damaged(Damage::new("its newer superblock is lost")));
        }
        // What is live and was written since all was flushed has to be there.
        let live = live(&replayed.table, &replayed.sums, durable.max(superblock.last));
        match first_bad(disk, &live, end, &mut verdicts)? {
            None => {
                let used = used(&mut replayed, &superblock, end).map_err(damaged)?;
                let Replayed { mut log, table, .. } = replayed;
                if instead.is_some() {
                    // Before anything lies where the other one has its area.
                    log.superblock_is_due(true);
                }
                let volume = Volume { log, table, used, end, discarded };
                return Ok(Found::Volume(Box::new(volume)));
            }
            // From the commit that wrote it to this one, every state has the bad block.
            Some(bad) if bad > superblock.last && bad <= sequence => {
                limit = bad - 1;
                discarded = true;
            }
            Some(_) => return Err(damaged(Damage::new("data of the checkpoint is lost"))),
        }
    }
}

/// Whole blocks in so many bytes.
pub(super) fn blocks(len: u64) -> u32 {
    u32::try_from(len / BLOCK as u64).unwrap_or(u32::MAX)
}

/// What lies in the places of superblocks; what a newer program wrote is refused.
pub(super) fn slots(disk: &mut dyn Disk, len: u64) -> Result<Vec<Slot>, SetupError> {
    let mut slots = Vec::new();
    for slot in 0..u64::from(SLOTS) {
        let mut bytes = [0; superblock::SIZE];
        let at = slot * BLOCK as u64;
        // Of a file that is too short for one, what there is.
        let there = usize::try_from(len.saturating_sub(at)).unwrap_or(usize::MAX);
        let there = there.min(bytes.len());
        read_all(disk, &mut bytes[..there], at).map_err(unreadable)?;
        slots.push(match Superblock::decode(&bytes) {
            Slot::Valid(superblock) if superblock.offset() != at => Slot::Other,
            slot => slot,
        });
    }
    // A newer program may have left an older superblock beside its own.
    for slot in &slots {
        if let Slot::Newer(text) = slot {
            let message = format!(
                "the volume was written by a newer program: {text}; open it with a newer wasi-opfs"
            );
            return Err(SetupError::new(ErrorCode::Unsupported, message));
        }
    }
    Ok(slots)
}

/// The superblock that counts, and whether it is the only one.
pub(super) fn newest(slots: &[Slot]) -> Option<(Superblock, bool)> {
    let valid = slots.iter().filter_map(|slot| match slot {
        Slot::Valid(superblock) => Some(*superblock),
        _ => None,
    });
    let alone = valid.clone().count() < slots.len();
    valid.max_by_key(|superblock| superblock.generation).map(|superblock| (superblock, alone))
}

/// Whether this never was a volume: as long as making one has not ended, it is blank, has
/// this size at most, and there is no commit.
pub(super) fn is_blank(disk: &mut dyn Disk, slots: &[Slot], len: u64) -> Result<bool, SetupError> {
    let blank = slots.iter().all(|slot| matches!(slot, Slot::Blank));
    if !blank || len > u64::from(NEW_BLOCKS) * BLOCK as u64 {
        return Ok(false);
    }
    let count = blocks(len).saturating_sub(SLOTS);
    let mut found = false;
    each_frame(disk, Run { start: SLOTS, count }, 0, |frame, whole| {
        found = found || frame.flags & IMAGE == 0 && whole()?;
        Ok(())
    })?;
    Ok(!found)
}

/// What stands in for the newest superblock if that names a spare area that the disk had grown
/// for, and a power cut has undone that: then it was not flushed, and the one before, of the
/// same checkpoint, is right. It has the newer one's generation, so that it takes its place.
fn before_growth(slots: &[Slot], newest: &Superblock, end: u32) -> Option<Superblock> {
    if is_area(newest.spare, end) {
        return None;
    }
    slots.iter().find_map(|slot| match slot {
        Slot::Valid(older) => {
            let instead = Superblock { generation: newest.generation, ..*older };
            let same = Superblock { spare: older.spare, ..*newest } == instead;
            let before = older.generation.checked_add(1) == Some(newest.generation);
            (same && before && is_area(older.spare, end)).then_some(instead)
        }
        _ => None,
    })
}

pub(super) fn no_volume() -> SetupError {
    let message = "this is no volume, or both of its superblocks are lost; \
                   give another name, or restore it from a copy";
    SetupError::new(ErrorCode::NotRecoverable, message)
}

fn check_areas(superblock: &Superblock, end: u32) -> Checked<()> {
    if [superblock.active, superblock.spare].iter().any(|area| !is_area(*area, end)) {
        return Err(Damage::new("it is shorter than it was"));
    }
    if superblock.image > u64::from(superblock.active.count) * BLOCK as u64 {
        return Err(Damage::new("its checkpoint is larger than its place"));
    }
    Ok(())
}

/// Whether a run can be an area of the log on a disk of `end` blocks.
pub(super) fn is_area(run: Run, end: u32) -> bool {
    run.start >= SLOTS && run.count > 0 && run.end() <= u64::from(end)
}

/// A part of the disk, read in large pieces.
pub(super) struct Window<'a> {
    disk: &'a mut dyn Disk,
    area: Run,
    /// Where in the area `bytes` begin.
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(disk: &'a mut dyn Disk, area: Run) -> Self {
        Self { disk, area, start: 0, bytes: Vec::new() }
    }

    /// `count` bytes of the area from `at`, if it has as many.
    fn get(&mut self, at: u64, count: usize) -> Result<Option<&[u8]>, SetupError> {
        let size = u64::from(self.area.count) * BLOCK as u64;
        if at.checked_add(count as u64).is_none_or(|end| end > size) {
            return Ok(None);
        }
        let inside = at >= self.start && at + count as u64 <= self.start + self.bytes.len() as u64;
        if !inside {
            let rest = usize::try_from(size - at).unwrap_or(usize::MAX);
            let wanted = rest.min(count.max(WINDOW));
            let more = wanted.saturating_sub(self.bytes.len());
            // The count is what a header says, of which nothing is known yet.
            let room = self.bytes.try_reserve(more);
            room.map_err(|_| unreadable(ErrorCode::InsufficientMemory))?;
            self.bytes.resize(wanted, 0);
            self.start = at;
            read_all(self.disk, &mut self.bytes[..], self.area.offset() + at)
                .map_err(unreadable)?;
        }
        // It lies in the window, which lies in memory.
        #[allow(clippy::cast_possible_truncation)]
        let from = (at - self.start) as usize;
        Ok(Some(&self.bytes[from..from + count]))
    }

    /// The frame that begins at `at` with its digest and its bytes, if the digest is right.
    #[allow(clippy::type_complexity)]
    pub(super) fn frame(&mut self, at: u64) -> Result<Option<(Frame, u64, &[u8])>, SetupError> {
        let header = self.get(at, HEADER)?;
        let Some((frame, claimed)) = header.and_then(Frame::parse) else { return Ok(None) };
        let length = HEADER.saturating_add(frame.length as usize);
        let Some(bytes) = self.get(at, length)? else { return Ok(None) };
        Ok((frame::digest(bytes) == claimed).then_some((frame, claimed, bytes)))
    }
}

pub(super) struct Replayed {
    pub(super) log: Log,
    pub(super) table: Table,
    /// The last digest of each block written since the checkpoint, and by which commit.
    pub(super) sums: Sums,
    /// What the last frame says was flushed.
    pub(super) durable: u64,
}

/// Whether to go on in spite of damage: without the record, or the frames, that have it.
pub(super) type Judge<'a> = dyn FnMut(Damage) -> Checked<()> + 'a;

/// The state after the frame `limit`, or the last one. `before` is the digest that the first
/// frame names, if that is known; `table` is empty, or has a root.
pub(super) fn replay(
    disk: &mut dyn Disk,
    superblock: &Superblock,
    before: Option<u64>,
    limit: u64,
    mut table: Table,
    judge: &mut Judge<'_>,
) -> Result<Replayed, SetupError> {
    let mut sums = BTreeMap::new();
    let mut window = Window::new(disk, superblock.active);
    let mut chain = before;
    let (mut tail, mut next, mut durable) = (0, superblock.first, 0);
    let mut marked = false;
    while next <= limit {
        let image = tail < superblock.image;
        let fits = |frame: &Frame| {
            frame.is_of(superblock)
                && frame.sequence == next
                && chain.is_none_or(|chain| frame.previous == chain)
                && image == (frame.flags & IMAGE > 0)
        };
        let found = window.frame(tail)?.filter(|(frame, ..)| fits(frame));
        let Some((frame, digest, bytes)) = found else {
            if !image {
                break;
            }
            let text = format!("its checkpoint is not whole: frame {next} is damaged");
            judge(Damage::new(text)).map_err(damaged)?;
            (tail, next) = window.resume(superblock, tail, next)?;
            // Behind what is lost, nobody knows the digest of the frame before.
            chain = None;
            continue;
        };
        let mut reader = Reader(&bytes[HEADER..]);
        while !reader.is_empty() {
            let record = match Record::decode(&mut reader) {
                Ok(record) => record,
                Err(Damage(text)) => {
                    // Where the next one begins, nobody knows.
                    let text = format!("the rest of frame {next} makes no sense: {text}");
                    judge(Damage(text)).map_err(damaged)?;
                    break;
                }
            };
            if let Err(Damage(text)) = table.replay(&record, next, &mut sums) {
                let text = format!("a record of frame {next} cannot be: {text}");
                judge(Damage(text)).map_err(damaged)?;
            }
        }
        (chain, durable, marked) = (Some(digest), frame.durable, frame.length == 0);
        tail += frame.stored();
        next += 1;
    }
    if tail < superblock.image || next <= superblock.last {
        judge(Damage::new("its checkpoint is not whole")).map_err(damaged)?;
    }
    let sequence = next - 1;
    let log = Log {
        superblock: *superblock,
        tail,
        chain: chain.unwrap_or_default(),
        sequence,
        durable: sequence,
        due: None,
        dirty: false,
        marked,
        image: None,
        hurry: false,
        press: false,
        unflushed_superblock: false,
        patience: 0,
    };
    Ok(Replayed { log, table, sums, durable })
}

impl Window<'_> {
    /// Where the next whole frame of a checkpoint lies, and its number; otherwise where the
    /// log begins.
    fn resume(
        &mut self,
        superblock: &Superblock,
        from: u64,
        next: u64,
    ) -> Result<(u64, u64), SetupError> {
        let mut at = from + SECTOR as u64;
        while at < superblock.image {
            if let Some((frame, ..)) = self.frame(at)?
                && frame.is_of(superblock)
                && frame.flags & IMAGE > 0
                && (next..=superblock.last).contains(&frame.sequence)
            {
                return Ok((at, frame.sequence));
            }
            at += SECTOR as u64;
        }
        Ok((superblock.image, superblock.last + 1))
    }
}

/// Commits behind the end of the log.
pub(super) struct Behind {
    /// How many are whole.
    pub(super) frames: u64,
    /// One of them says that the missing one was flushed: it was not torn, but is lost.
    pub(super) stored: bool,
}

pub(super) fn behind(disk: &mut dyn Disk, log: &Log) -> Result<Behind, SetupError> {
    let last = log.sequence;
    let mut behind = Behind { frames: 0, stored: false };
    each_frame(disk, log.superblock.active, log.tail, |frame, whole| {
        let later = frame.is_of(&log.superblock) && frame.sequence > last + 1;
        if later && frame.flags & IMAGE == 0 && whole()? {
            behind.frames += 1;
            behind.stored |= frame.durable > last;
        }
        Ok(())
    })?;
    Ok(behind)
}

/// Looks for a commit behind the next checkpoint: there is none before the superblock that
/// names it is flushed, so the one that is missing is lost.
pub(super) fn has_successor(
    disk: &mut dyn Disk,
    superblock: &Superblock,
) -> Result<bool, SetupError> {
    let next = Superblock { epoch: superblock.epoch + 1, ..*superblock };
    let mut found = false;
    each_frame(disk, superblock.spare, 0, |frame, whole| {
        found = found || frame.is_of(&next) && frame.flags & IMAGE == 0 && whole()?;
        Ok(())
    })?;
    Ok(found)
}

/// Answers whether a frame is whole, for which all of it is read.
type Whole<'a> = dyn FnMut() -> Result<bool, SetupError> + 'a;

/// Calls `see` with all that looks like a frame in an area, from a place on.
pub(super) fn each_frame(
    disk: &mut dyn Disk,
    area: Run,
    from: u64,
    mut see: impl FnMut(&Frame, &mut Whole<'_>) -> Result<(), SetupError>,
) -> Result<(), SetupError> {
    let size = u64::from(area.count) * BLOCK as u64;
    let mut window = Window::new(disk, area);
    let mut at = from;
    while at < size {
        if let Some((frame, _)) = window.get(at, HEADER)?.and_then(Frame::parse) {
            see(&frame, &mut || Ok(window.frame(at)?.is_some()))?;
        }
        at += SECTOR as u64;
    }
    Ok(())
}

/// All runs that are used, sorted, once it is clear that none is used twice.
pub(super) fn used(
    replayed: &mut Replayed,
    superblock: &Superblock,
    end: u32,
) -> Checked<Vec<Run>> {
    let mut used = replayed.table.settle(replayed.log.sequence)?;
    used.extend([Run { start: 0, count: SLOTS }, superblock.active, superblock.spare]);
    used.sort_unstable();
    let twice = used.windows(2).any(|pair| pair[0].end() > u64::from(pair[1].start));
    if twice {
        return Err(Damage::new("two files have the same block"));
    }
    if used.last().is_some_and(|last| last.end() > u64::from(end)) {
        return Err(Damage::new("it is shorter than it was"));
    }
    Ok(used)
}

/// Of the blocks that files have, those written after the frame `durable`, by block.
pub(super) fn live(table: &Table, sums: &Sums, durable: u64) -> Sums {
    let mut live = BTreeMap::new();
    if sums.values().all(|(_, sequence)| *sequence <= durable) {
        return live;
    }
    for inode in table.iter() {
        let Body::File { extents, .. } = &inode.body else { continue };
        for Run { start, count } in extents.iter().map(|extent| extent.run) {
            let written = sums.range(start..start + count);
            live.extend(written.filter(|(_, (_, sequence))| *sequence > durable));
        }
    }
    live
}

/// The first commit of which a live block is not what was written.
fn first_bad(
    disk: &mut dyn Disk,
    live: &Sums,
    end: u32,
    verdicts: &mut Verdicts,
) -> Result<Option<u64>, SetupError> {
    Ok(bad(disk, live, end, verdicts)?.values().copied().min())
}

/// Blocks that are not what was written, each with the commit that wrote it. The disk has `end`
/// blocks: it may have grown for those behind, and a power cut has undone that.
pub(super) fn bad(
    disk: &mut dyn Disk,
    live: &Sums,
    end: u32,
    verdicts: &mut Verdicts,
) -> Result<BTreeMap<u32, u64>, SetupError> {
    let mut found = BTreeMap::new();
    let mut bytes = vec![0; BLOCK];
    for (&block, &(sum, sequence)) in live {
        let good = if block >= end {
            false
        } else if let Some(good) = verdicts.get(&(block, sum)) {
            *good
        } else {
            let at = u64::from(block) * BLOCK as u64;
            read_all(disk, &mut bytes[..], at).map_err(unreadable)?;
            let good = xxh3_64(&bytes) == sum;
            verdicts.insert((block, sum), good);
            good
        };
        if !good {
            found.insert(block, sequence);
        }
    }
    Ok(found)
}
