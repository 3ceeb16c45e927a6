//! Checkpoints without a superblock that names them: they are found by their frames.

use std::collections::BTreeSet;

use super::frame::{Frame, IMAGE};
use super::recover::{Window, each_frame, no_volume, replay};
use super::superblock::{SLOTS, Superblock};
use crate::backend::volume::disk::Disk;
use crate::backend::volume::space::{BLOCK, Run};
use crate::backend::volume::table::Table;
use crate::error::SetupError;

/// Checkpoints that are looked at; each takes a replay.
const CANDIDATES_MAX: usize = 64;

/// A checkpoint, and the log behind it.
struct Candidate {
    superblock: Superblock,
    /// A commit lies behind it, so it was whole.
    followed: bool,
    /// What its files have.
    runs: Vec<Run>,
}

impl Candidate {
    fn volume(&self) -> u32 {
        self.superblock.volume()
    }

    /// Whether it lies in a file of another volume.
    fn lies_in(&self, other: &Self) -> bool {
        let start = self.superblock.active.start;
        let holds = |run: &Run| run.start <= start && u64::from(start) < run.end();
        self.volume() != other.volume() && other.runs.iter().any(holds)
    }
}

/// Looks for the newest checkpoint on a disk of `end` blocks, of the one volume that it is.
///
/// # Errors
/// `not-recoverable` if checkpoints of several volumes are there, and what the disk answers.
pub(super) fn scan(
    disk: &mut dyn Disk,
    end: u32,
    seed: u64,
) -> Result<Option<Superblock>, SetupError> {
    let mut found = candidates(disk, end, seed)?;
    let inner: Vec<bool> =
        found.iter().map(|one| found.iter().any(|other| one.lies_in(other))).collect();
    let mut inner = inner.into_iter();
    found.retain(|_| !inner.next().unwrap_or_default());
    let volumes: BTreeSet<u32> = found.iter().map(Candidate::volume).collect();
    if volumes.len() > 1 {
        return Err(no_volume());
    }
    let last = found.iter().map(|one| one.superblock.epoch).max();
    // The next one is begun only when one is whole.
    let whole = |one: &Candidate| one.followed || Some(one.superblock.epoch) < last;
    let best = found.iter().max_by_key(|one| (whole(one), one.superblock.epoch));
    Ok(best.map(|best| best.superblock))
}

/// The highest numbers of checkpoints and frames of a volume that lie on a disk, whole or not.
#[derive(Clone, Copy, Default)]
pub(super) struct Highest {
    pub(super) epoch: u64,
    pub(super) sequence: u64,
}

pub(super) fn highest(disk: &mut dyn Disk, end: u32, volume: u32) -> Result<Highest, SetupError> {
    let mut highest = Highest::default();
    let all = Run { start: SLOTS, count: end.saturating_sub(SLOTS) };
    each_frame(disk, all, 0, |frame, _| {
        if frame.volume == volume && frame.epoch.max(frame.sequence) < 1 << 61 {
            highest.epoch = highest.epoch.max(frame.epoch);
            highest.sequence = highest.sequence.max(frame.sequence);
        }
        Ok(())
    })?;
    Ok(highest)
}

fn candidates(disk: &mut dyn Disk, end: u32, seed: u64) -> Result<Vec<Candidate>, SetupError> {
    let mut found = Vec::new();
    let mut block = SLOTS;
    while block < end && found.len() < CANDIDATES_MAX {
        let rest = Run { start: block, count: end - block };
        let Some(first) = first_frame(disk, rest)? else { break };
        block = first.start + 1;
        let Some((superblock, followed)) = chain(disk, first, None)? else { continue };
        let judge = &mut |_| Ok(());
        let table = Table::with_root(seed);
        let replayed = replay(disk, &superblock, None, u64::MAX, table, judge)?;
        // What lies behind its beginning is not taken for another one.
        let tail = replayed.log.tail.div_ceil(BLOCK as u64);
        let tail = u32::try_from(tail).unwrap_or(u32::MAX).min(superblock.active.count);
        block = (superblock.active.start + tail).max(block);
        // The root comes first: without it, this is what a newer checkpoint has left over.
        if !replayed.table.has_root() {
            continue;
        }
        let extents = replayed.table.iter().filter_map(|inode| inode.extents());
        let runs = extents.flat_map(|all| all.iter().map(|one| one.run)).collect();
        let active = Run { count: tail, ..superblock.active };
        found.push(Candidate { superblock: Superblock { active, ..superblock }, followed, runs });
    }
    Ok(found)
}

/// The first whole frame of a checkpoint at the beginning of a block; the run from there on.
fn first_frame(disk: &mut dyn Disk, run: Run) -> Result<Option<Run>, SetupError> {
    let mut window = Window::new(disk, run);
    for block in 0..run.count {
        let frame = window.frame(u64::from(block) * BLOCK as u64)?;
        if frame.is_some_and(|(frame, ..)| frame.flags & IMAGE > 0) {
            return Ok(Some(Run { start: run.start + block, count: run.count - block }));
        }
    }
    Ok(None)
}

/// The superblock that would name the checkpoint in the area in use of `of`, if it is there.
pub(super) fn checkpoint_in(
    disk: &mut dyn Disk,
    of: &Superblock,
) -> Result<Option<Superblock>, SetupError> {
    Ok(chain(disk, of.active, Some(of))?.map(|(superblock, _)| superblock))
}

/// Follows the frames of a checkpoint from the beginning of a run; answers a superblock for
/// it, and whether a commit lies behind. Of an unknown volume, the first frame tells.
fn chain(
    disk: &mut dyn Disk,
    run: Run,
    known: Option<&Superblock>,
) -> Result<Option<(Superblock, bool)>, SetupError> {
    let mut window = Window::new(disk, run);
    let Some((first, ..)) = window.frame(0)? else { return Ok(None) };
    let mut superblock = match known {
        Some(known) => *known,
        None => of_frame(&first, run),
    };
    (superblock.first, superblock.last, superblock.image) = (first.sequence, 0, 0);
    if !superblock.is_sane() {
        return Ok(None);
    }
    let (mut at, mut next, mut previous) = (0, first.sequence, first.previous);
    while let Some((frame, digest, _)) = window.frame(at)? {
        let follows =
            frame.is_of(&superblock) && frame.sequence == next && frame.previous == previous;
        if !follows || frame.flags & IMAGE == 0 {
            return Ok(superblock.has_checkpoint().then_some((superblock, follows)));
        }
        (superblock.last, previous) = (next, digest);
        next += 1;
        at += frame.stored();
        superblock.image = at;
    }
    Ok(superblock.has_checkpoint().then_some((superblock, false)))
}

/// A superblock for the checkpoint that begins with this frame. Most of the identity is lost
/// with the superblocks; what the frames carry of it stays.
fn of_frame(first: &Frame, active: Run) -> Superblock {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&first.volume.to_le_bytes());
    id[8..].copy_from_slice(&first.previous.to_le_bytes());
    Superblock {
        id,
        generation: 0,
        epoch: first.epoch,
        active,
        spare: Run { start: 0, count: 0 },
        image: 0,
        first: first.sequence,
        last: first.sequence,
    }
}
