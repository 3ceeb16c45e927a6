//! From a disk to the state that it holds: the last commit that is whole, and whose data is.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::frame::{self, Frame, HEADER, IMAGE, SECTOR};
use super::superblock::{self, SLOTS, Slot, Superblock};
use super::{Log, NEW_BLOCKS};
use crate::backend::volume::codec::{Checked, Damage, Reader};
use crate::backend::volume::disk::{Disk, read_all};
use crate::backend::volume::space::{BLOCK, Run};
use crate::backend::volume::table::{Body, Record, Table};
use crate::error::{ErrorCode, SetupError};

/// Bytes of an area that are read at once.
const WINDOW: usize = 256 * 1024;

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
    /// Commits behind the last are whole, but their data is not: they must not come back.
    pub(in crate::backend::volume) discarded: bool,
}

fn damaged(Damage(text): Damage) -> SetupError {
    let message = format!(
        "the volume is damaged: {text}; restore it from a copy, or open it read-only elsewhere \
         to save what can be read"
    );
    SetupError::new(ErrorCode::NotRecoverable, message)
}

fn unreadable(code: ErrorCode) -> SetupError {
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
    let Some((superblock, alone)) = newest(disk, len)? else { return Ok(Found::Nothing) };
    let end = u32::try_from(len / BLOCK as u64).unwrap_or(u32::MAX);
    check_areas(&superblock, end).map_err(damaged)?;
    let mut limit = u64::MAX;
    let mut discarded = false;
    let mut verdicts = HashMap::new();
    loop {
        let mut replayed = replay(disk, &superblock, limit, seed)?;
        let (sequence, durable) = (replayed.log.sequence, replayed.durable);
        if limit == u64::MAX {
            certify(disk, &replayed.log)?;
            if alone {
                certify_newest(disk, &superblock)?;
            }
        }
        let used = used(&mut replayed, &superblock, end).map_err(damaged)?;
        // What is live and was written since all was flushed has to be there.
        let live = live(&replayed.table, &replayed.sums, durable.max(superblock.last));
        match first_bad(disk, &live, &mut verdicts)? {
            None => {
                let Replayed { log, table, .. } = replayed;
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

/// The superblock that counts, and whether it is the only one; `None` on a disk that never
/// was a volume.
fn newest(disk: &mut dyn Disk, len: u64) -> Result<Option<(Superblock, bool)>, SetupError> {
    let mut slots = Vec::new();
    for slot in 0..u64::from(SLOTS) {
        let mut bytes = [0; superblock::SIZE];
        let at = slot * BLOCK as u64;
        // Of a file that is too short for one, what there is.
        let there = usize::try_from(len.saturating_sub(at)).unwrap_or(usize::MAX);
        let there = there.min(bytes.len());
        read_all(disk, &mut bytes[..there], at).map_err(unreadable)?;
        slots.push(Superblock::decode(&bytes));
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
    let valid = slots.iter().filter_map(|slot| match slot {
        Slot::Valid(superblock) => Some(*superblock),
        _ => None,
    });
    let alone = valid.clone().count() < slots.len();
    if let Some(superblock) = valid.max_by_key(|superblock| superblock.generation) {
        return Ok(Some((superblock, alone)));
    }
    let blank = slots.iter().all(|slot| matches!(slot, Slot::Blank));
    // As long as making it has not ended, it has this size at most.
    if blank && len <= u64::from(NEW_BLOCKS) * BLOCK as u64 {
        return Ok(None);
    }
    let message = "this is no volume, or both of its superblocks are lost; \
                   give another name, or restore it from a copy";
    Err(SetupError::new(ErrorCode::NotRecoverable, message))
}

fn check_areas(superblock: &Superblock, end: u32) -> Checked<()> {
    for area in [superblock.active, superblock.spare] {
        if area.start < SLOTS || area.count == 0 || area.end() > u64::from(end) {
            return Err(Damage::new("it is shorter than it was"));
        }
    }
    if superblock.image > u64::from(superblock.active.count) * BLOCK as u64 {
        return Err(Damage::new("its checkpoint is larger than its place"));
    }
    Ok(())
}

/// A part of the disk, read in large pieces.
struct Window<'a> {
    disk: &'a mut dyn Disk,
    area: Run,
    /// Where in the area `bytes` begin.
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(disk: &'a mut dyn Disk, area: Run) -> Self {
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
            self.bytes.resize(rest.min(count.max(WINDOW)), 0);
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
    fn frame(&mut self, at: u64) -> Result<Option<(Frame, u64, &[u8])>, SetupError> {
        let header = self.get(at, HEADER)?;
        let Some((frame, claimed)) = header.and_then(Frame::parse) else { return Ok(None) };
        let length = HEADER + frame.length as usize;
        let Some(bytes) = self.get(at, length)? else { return Ok(None) };
        Ok((frame::digest(bytes) == claimed).then_some((frame, claimed, bytes)))
    }
}

struct Replayed {
    log: Log,
    table: Table,
    /// The last digest of each block written since the checkpoint, and by which commit.
    sums: BTreeMap<u32, (u64, u64)>,
    /// What the last frame says was flushed.
    durable: u64,
}

/// The state after the frame `limit`, or the last one.
fn replay(
    disk: &mut dyn Disk,
    superblock: &Superblock,
    limit: u64,
    seed: u64,
) -> Result<Replayed, SetupError> {
    let mut table = Table::new(seed);
    let mut sums = BTreeMap::new();
    let mut window = Window::new(disk, superblock.active);
    let mut chain = frame::seed(superblock.id, superblock.epoch);
    let (mut tail, mut next, mut durable) = (0, superblock.first, 0);
    let mut marked = false;
    while next <= limit {
        let Some((frame, digest, bytes)) = window.frame(tail)? else { break };
        let image = tail < superblock.image;
        let fits = frame.epoch == superblock.epoch
            && frame.sequence == next
            && frame.previous == chain
            && image == (frame.flags & IMAGE > 0);
        if !fits {
            break;
        }
        let mut reader = Reader(&bytes[HEADER..]);
        while !reader.is_empty() {
            let record = Record::decode(&mut reader).map_err(damaged)?;
            table.replay(&record, next, &mut sums).map_err(damaged)?;
        }
        (chain, durable, marked) = (digest, frame.durable, frame.length == 0);
        tail += frame.stored();
        next += 1;
    }
    if tail < superblock.image || next <= superblock.last {
        return Err(damaged(Damage::new("its checkpoint is not whole")));
    }
    let sequence = next - 1;
    let log = Log {
        superblock: *superblock,
        tail,
        chain,
        sequence,
        durable: sequence,
        due: None,
        dirty: false,
        marked,
        image: None,
        hurry: false,
        patience: 0,
    };
    Ok(Replayed { log, table, sums, durable })
}

/// Looks behind the end of the log for a frame that says the missing one was flushed: then
/// it was not torn, but is lost.
fn certify(disk: &mut dyn Disk, log: &Log) -> Result<(), SetupError> {
    let (epoch, last) = (log.superblock.epoch, log.sequence);
    let later =
        |frame: &Frame| frame.epoch == epoch && frame.sequence > last + 1 && frame.durable > last;
    if any_frame(disk, log.superblock.active, log.tail, later)? {
        let text = format!("commit {} was stored, and is lost", last + 1);
        return Err(damaged(Damage::new(text)));
    }
    Ok(())
}

/// Looks for a commit behind the next checkpoint: there is none before the superblock that
/// names it is flushed, so the one that is missing is lost.
fn certify_newest(disk: &mut dyn Disk, superblock: &Superblock) -> Result<(), SetupError> {
    let later = |frame: &Frame| frame.epoch == superblock.epoch + 1 && frame.flags & IMAGE == 0;
    if any_frame(disk, superblock.spare, 0, later)? {
        return Err(damaged(Damage::new("its newer superblock is lost")));
    }
    Ok(())
}

/// Whether a whole frame of this kind lies in an area, from a place on.
fn any_frame(
    disk: &mut dyn Disk,
    area: Run,
    from: u64,
    is: impl Fn(&Frame) -> bool,
) -> Result<bool, SetupError> {
    let size = u64::from(area.count) * BLOCK as u64;
    let mut window = Window::new(disk, area);
    let mut at = from;
    while at < size {
        // Most of it is no frame, and needs no digest.
        let header = window.get(at, HEADER)?.and_then(Frame::parse);
        if header.is_some_and(|(frame, _)| is(&frame)) && window.frame(at)?.is_some() {
            return Ok(true);
        }
        at += SECTOR as u64;
    }
    Ok(false)
}

/// All runs that are used, sorted, once it is clear that none is used twice.
fn used(replayed: &mut Replayed, superblock: &Superblock, end: u32) -> Checked<Vec<Run>> {
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
fn live(
    table: &Table,
    sums: &BTreeMap<u32, (u64, u64)>,
    durable: u64,
) -> BTreeMap<u32, (u64, u64)> {
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
    live: &BTreeMap<u32, (u64, u64)>,
    verdicts: &mut HashMap<(u32, u64), bool>,
) -> Result<Option<u64>, SetupError> {
    let mut first: Option<u64> = None;
    let mut bytes = vec![0; BLOCK];
    for (&block, &(sum, sequence)) in live {
        let good = if let Some(good) = verdicts.get(&(block, sum)) {
            *good
        } else {
            let at = u64::from(block) * BLOCK as u64;
            read_all(disk, &mut bytes[..], at).map_err(unreadable)?;
            let good = xxh3_64(&bytes) == sum;
            verdicts.insert((block, sum), good);
            good
        };
        if !good {
            first = Some(first.map_or(sequence, |first| first.min(sequence)));
        }
    }
    Ok(first)
}
