//! The same steps as `recover`, in spite of damage: each that is met is a finding, and what
//! can be had without it is taken. A disk without findings is one that `recover` takes.

use std::collections::BTreeMap;

use super::recover::{
    Judge, Replayed, Verdicts, bad, behind, blocks, damaged, has_successor, is_area, is_blank,
    live, newest, no_volume, replay, slots, unreadable, used,
};
use super::scan::{Highest, checkpoint_in, highest, scan};
use super::superblock::{SLOTS, Slot, Superblock};
use super::{LOG_MIN, Log};
use crate::backend::volume::codec::Damage;
use crate::backend::volume::disk::Disk;
use crate::backend::volume::findings::Findings;
use crate::backend::volume::space::{BLOCK, Run, Space};
use crate::backend::volume::table::{Body, Extents, Inode, Table};
use crate::error::{ErrorCode, Result, SetupError};

/// By how much a repair raises the numbers of frames and checkpoints.
const JUMP: u64 = 1 << 32;

/// What was saved, put right.
pub(in crate::backend::volume) struct Salvaged {
    log: Log,
    highest: Highest,
    pub(in crate::backend::volume) table: Table,
    /// Runs that are used, sorted; the log's areas among them.
    pub(in crate::backend::volume) used: Vec<Run>,
    /// Blocks of the disk.
    pub(in crate::backend::volume) end: u32,
    /// Commits behind the checkpoint.
    pub(in crate::backend::volume) commits: u64,
    /// Blocks of files whose content was compared with its digest.
    pub(in crate::backend::volume) compared: u64,
}

/// Finds out what a disk holds; `None` if that is nothing.
///
/// # Errors
/// A newer format, something else than a volume, and what the disk answers.
pub(in crate::backend::volume) fn salvage(
    disk: &mut dyn Disk,
    seed: u64,
    now: i64,
    findings: &mut Findings,
) -> Result<Option<Salvaged>, SetupError> {
    let len = disk.len().map_err(unreadable)?;
    let slots = slots(disk, len)?;
    if is_blank(disk, &slots, len)? {
        return Ok(None);
    }
    let end = blocks(len);
    if !len.is_multiple_of(BLOCK as u64) {
        findings.note(format!("{} bytes behind the last block do no harm", len % BLOCK as u64));
    }
    let Start { mut superblock, before, highest } = superblock(disk, &slots, end, seed, findings)?;
    let mut limit = u64::MAX;
    let mut verdicts = Verdicts::new();
    loop {
        let judge: &mut Judge<'_> = &mut |Damage(text)| {
            findings.lost(text);
            Ok(())
        };
        let table = Table::with_root(seed);
        let mut replayed = replay(disk, &superblock, before, limit, table, judge)?;
        let (sequence, last) = (replayed.log.sequence, superblock.last);
        let durable = replayed.durable.max(last);
        let written = live(&replayed.table, &replayed.sums, 0);
        let bad = bad(disk, &written, end, &mut verdicts)?;
        if let Some(first) = bad.values().copied().filter(|commit| *commit > durable).min()
            && first <= sequence
        {
            limit = first - 1;
            continue;
        }
        given_up(disk, &replayed.log, findings)?;
        replayed.table.mend_names(findings, now).map_err(unreadable)?;
        let fixed = [Run { start: 0, count: SLOTS }, superblock.active];
        replayed.table.mend_extents(end, &fixed, findings);
        if limit < u64::MAX {
            findings.note(format!(
                "the data of commit {} was not stored whole before a power cut; a mount goes back \
                 to the commit before it",
                limit + 1
            ));
        }
        bad_data(&replayed.table, &bad, findings);
        check_spare(&mut superblock, &mut replayed, end, findings);
        // What is right by now is what a mount asks for.
        let used = used(&mut replayed, &superblock, end).map_err(damaged)?;
        return Ok(Some(Salvaged {
            commits: replayed.log.sequence.saturating_sub(last),
            log: replayed.log,
            highest,
            table: replayed.table,
            used,
            end,
            compared: written.len() as u64,
        }));
    }
}

/// Where to begin.
struct Start {
    /// The superblock that counts, or one made of what it would say.
    superblock: Superblock,
    /// The digest that the first frame names, if that is known.
    before: Option<u64>,
    highest: Highest,
}

fn superblock(
    disk: &mut dyn Disk,
    slots: &[Slot],
    end: u32,
    seed: u64,
    findings: &mut Findings,
) -> Result<Start, SetupError> {
    let Some((mut superblock, alone)) = newest(slots) else {
        findings.lost("both superblocks are lost");
        return found_by_frames(disk, end, seed, findings);
    };
    for (number, slot) in slots.iter().enumerate() {
        match slot {
            Slot::Valid(other) if other.id != superblock.id => {
                findings.repairable(format!("superblock {number} is another volume's"));
            }
            Slot::Blank => findings.repairable(format!("superblock {number} is missing")),
            Slot::Other => findings.repairable(format!("superblock {number} is damaged")),
            Slot::Valid(_) | Slot::Newer(_) => {}
        }
    }
    if alone && is_area(superblock.spare, end) && has_successor(disk, &superblock)? {
        // The generation stays: the next superblock goes to the place of the one that is lost.
        let next = Superblock { generation: superblock.generation, ..superblock.next(0) };
        if let Some(found) = checkpoint_in(disk, &next)? {
            findings.repairable("its newer superblock is lost; the checkpoint of it is there");
            superblock = found;
        }
    }
    let active = &mut superblock.active;
    if !is_area(*active, end) {
        findings.lost("the log lies behind the end of the volume, which was cut");
        active.count = active.count.min(end.saturating_sub(active.start));
    }
    if !is_area(*active, end) {
        return found_by_frames(disk, end, seed, findings);
    }
    let room = u64::from(active.count) * BLOCK as u64;
    if superblock.image > room {
        findings.lost("its checkpoint is larger than its place");
        superblock.image = room;
    }
    let before = Some(superblock.before_first());
    Ok(Start { superblock, before, highest: Highest::default() })
}

fn found_by_frames(
    disk: &mut dyn Disk,
    end: u32,
    seed: u64,
    findings: &mut Findings,
) -> Result<Start, SetupError> {
    let found = scan(disk, end, seed)?.ok_or_else(no_volume)?;
    findings.lost(format!(
        "the checkpoint {} was found by its frames; it may not be the last one",
        found.epoch
    ));
    Ok(Start { superblock: found, before: None, highest: highest(disk, end, found.volume())? })
}

/// Says which commits are behind the end of the log.
fn given_up(disk: &mut dyn Disk, log: &Log, findings: &mut Findings) -> Result<(), SetupError> {
    let behind = behind(disk, log)?;
    if behind.stored {
        let (next, later) = (log.sequence + 1, behind.frames);
        findings.lost(format!(
            "commit {next} was stored, and is damaged; it and the {later} behind it are given up"
        ));
    } else if behind.frames > 0 {
        findings.note(format!(
            "{} commits lie behind one that was not stored whole before a crash; a mount leaves \
             them out",
            behind.frames
        ));
    }
    Ok(())
}

/// Names the files of which blocks are not what was written.
fn bad_data(table: &Table, bad: &BTreeMap<u32, u64>, findings: &mut Findings) {
    let mut files = BTreeMap::new();
    for inode in table.iter().filter(|_| !bad.is_empty()) {
        let Body::File { extents, .. } = &inode.body else { continue };
        for extent in extents.iter() {
            let Run { start, count } = extent.run;
            for block in bad.range(start..start + count).map(|(block, _)| *block) {
                let at = (extent.at + u64::from(block - start)) * BLOCK as u64;
                files.entry(inode.ino).or_insert((0_u64, at)).0 += 1;
            }
        }
    }
    let paths = table.paths(&files.keys().copied().collect());
    for (ino, (count, at)) in files {
        let shown = paths.get(&ino).map_or("", String::as_str);
        findings.lost(format!(
            "{count} blocks of {shown} are not what was written, the first at byte {at}; \
             restore the file from a copy"
        ));
    }
}

/// Sees whether the other area can hold a checkpoint; one that cannot is given up.
fn check_spare(
    superblock: &mut Superblock,
    replayed: &mut Replayed,
    end: u32,
    findings: &mut Findings,
) {
    let spare = superblock.spare;
    let meets = |run: Run| u64::from(run.start) < spare.end() && u64::from(spare.start) < run.end();
    let table = &replayed.table;
    let mut extents = table.iter().filter_map(Inode::extents).flat_map(Extents::iter);
    if !is_area(spare, end) || meets(superblock.active) || extents.any(|one| meets(one.run)) {
        findings.repairable("the other area of the log is not its own; it gets a new one");
        superblock.spare = Run { start: 0, count: 0 };
        replayed.log.superblock.spare = superblock.spare;
    }
    let smaller = superblock.active.count.min(superblock.spare.count);
    if superblock.spare.count > 0 && table.image_bytes() > u64::from(smaller) * BLOCK as u64 {
        findings.repairable("an area of the log is too small for the table; it gets a new one");
    }
}

impl Salvaged {
    /// The number of the checkpoint.
    pub(in crate::backend::volume) const fn epoch(&self) -> u64 {
        self.log.epoch()
    }

    /// Stores what was saved: a whole checkpoint in an area that nothing else uses, then its
    /// superblock. Before that is flushed, the disk is as it was; afterwards it is right.
    ///
    /// # Errors
    /// `insufficient-space` if there is no room for the checkpoint, and what the disk answers.
    pub(in crate::backend::volume) fn store(&mut self, disk: &mut dyn Disk) -> Result<()> {
        // What was given up still lies there: none of it may look like what comes now.
        let Highest { epoch, sequence } = self.highest;
        self.log.sequence = self.log.sequence.max(sequence) + JUMP;
        self.log.superblock.epoch = self.log.superblock.epoch.max(epoch) + JUMP;
        if !self.log.superblock.next(self.log.sequence + JUMP).is_sane() {
            return Err(ErrorCode::Overflow);
        }
        let mut space = Space::new(self.end, &self.used);
        let image = self.table.image_bytes();
        let wanted = image * 2 + LOG_MIN;
        if self.log.capacity().1 < wanted {
            // No superblock names it yet: the checkpoint does.
            let area = self.area(disk, &mut space, wanted);
            // In a small one there is no room for more objects, but for those that are there.
            self.log.superblock.spare = match area {
                Ok(run) => run,
                Err(_) if self.log.capacity().1 >= image => self.log.superblock.spare,
                Err(_) => self.area(disk, &mut space, image)?,
            };
        }
        self.log.checkpoint(disk, &self.table)?;
        let mut other = self.log.superblock.spare;
        if self.log.capacity().1 < wanted {
            other = self.area(disk, &mut space, wanted).unwrap_or(other);
        }
        // The other superblock, too.
        self.log.set_spare(disk, other)?;
        self.log.flush(disk)
    }

    /// Room for an area: where it is free, or at the end.
    fn area(&mut self, disk: &mut dyn Disk, space: &mut Space, bytes: u64) -> Result<Run> {
        let blocks = u32::try_from(bytes.div_ceil(BLOCK as u64));
        let blocks = blocks.map_err(|_| ErrorCode::InsufficientSpace)?;
        if let Some(run) = space.allocate_whole(blocks) {
            return Ok(run);
        }
        let start = self.end;
        let end = start.checked_add(blocks).filter(|end| *end < u32::MAX);
        let end = end.ok_or(ErrorCode::InsufficientSpace)?;
        disk.set_len(u64::from(end) * BLOCK as u64)?;
        self.end = end;
        Ok(Run { start, count: blocks })
    }
}
