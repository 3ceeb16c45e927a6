//! Advisory locks on ranges of files, as POSIX has them: held by owners, in the way of
//! nobody who does not ask. Who waits is told when the lock is there. Nothing here touches
//! a file.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::NodeId;
use crate::error::{ErrorCode, Result};
use crate::shared::{Ref, Shared, lock};

/// The most locks that are held and waited for on one file system.
pub(crate) const MOST: usize = 1 << 16;

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Locking for writing.
    Read,
    /// Any lock.
    Write,
}

/// Whose a lock is. Locks of one owner are never in each other's way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LockOwner {
    /// The connection, or whatever else tells the processes of several systems apart.
    pub session: u64,
    /// The process there.
    pub process: u32,
    /// How the system there calls itself.
    pub client: Vec<u8>,
}

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockRange {
    /// The first.
    pub first: u64,
    /// The last; `u64::MAX` reaches beyond any end.
    pub last: u64,
}

impl LockRange {
    /// A range as callers give it: `length` 0 reaches beyond any end.
    ///
    /// # Errors
    /// `overflow` for what has no last byte.
    pub fn new(first: u64, length: u64) -> Result<Self> {
        match length.checked_sub(1) {
            None => Ok(Self { first, last: u64::MAX }),
            Some(more) => {
                let last = first.checked_add(more).ok_or(ErrorCode::Overflow)?;
                Ok(Self { first, last })
            }
        }
    }

    /// The length as callers give it.
    #[must_use]
    pub const fn length(&self) -> u64 {
        // A range up to the last number has no other way to be said.
        if self.last == u64::MAX { 0 } else { self.last - self.first + 1 }
    }

    const fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether the two are one range together.
    const fn joins(&self, other: &Self) -> bool {
        self.first <= other.last.saturating_add(1) && other.first <= self.last.saturating_add(1)
    }
}

/// Through what a lock was taken: when that is closed, its locks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LockHolder(u64);

impl LockHolder {
    /// One that nobody else is.
    #[must_use]
    #[allow(clippy::new_without_default)] // Each is another one.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who waits for a lock: a closure will do.
pub trait LockWaiter: Shared {
    /// The lock with this ticket is there. Called by whoever let go what was in its way.
    fn granted(&self, ticket: u64);
}

impl<F: Fn(u64) + Shared> LockWaiter for F {
    fn granted(&self, ticket: u64) {
        self(ticket);
    }
}

/// What became of a request for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockAnswer {
    /// It is there.
    Granted,
    /// Another one is in its way.
    Blocked,
    /// The waiter will be told.
    Waits,
}

/// One lock.
#[derive(Clone)]
struct Held {
    owner: LockOwner,
    holder: LockHolder,
    kind: LockKind,
    range: LockRange,
}

impl Held {
    fn in_the_way_of(&self, owner: &LockOwner, kind: LockKind, range: LockRange) -> bool {
        self.range.meets(&range)
            && self.owner != *owner
            && (self.kind == LockKind::Write || kind == LockKind::Write)
    }
}

struct Waiting {
    wanted: Held,
    ticket: u64,
    waiter: Ref<dyn LockWaiter>,
}

/// The locks of one file; gone when there are none.
#[derive(Default)]
struct OfFile {
    held: Vec<Held>,
    waiting: VecDeque<Waiting>,
}

/// All locks of a file system.
#[derive(Default)]
pub(crate) struct Locks(Mutex<Files>);

#[derive(Default)]
struct Files {
    files: HashMap<NodeId, OfFile>,
    /// How many are held and waited for.
    count: usize,
}

/// A lock as it is asked for.
pub(crate) struct Wanted {
    pub(crate) owner: LockOwner,
    pub(crate) holder: LockHolder,
    pub(crate) kind: LockKind,
    pub(crate) range: LockRange,
}

/// Those whose lock has come, to be told when nothing is locked here any more.
type Told = Vec<(Ref<dyn LockWaiter>, u64)>;

fn tell(told: Told) {
    for (waiter, ticket) in told {
        waiter.granted(ticket);
    }
}

impl Locks {
    /// Locks a range, in place of what the owner had there; with a waiter, as soon as it can
    /// be.
    ///
    /// # Errors
    /// `deadlock` if those in the way wait for this owner; `no-lock` beyond [`MOST`].
    pub(crate) fn lock(
        &self,
        file: NodeId,
        wanted: Wanted,
        waiter: Option<(u64, Ref<dyn LockWaiter>)>,
    ) -> Result<LockAnswer> {
        let Wanted { owner, holder, kind, range } = wanted;
        let wanted = Held { owner, holder, kind, range };
        let (answer, told) = {
            let mut files = lock(&self.0);
            // One that is put in the middle of another makes three of it.
            if files.count + 2 > MOST {
                return Err(ErrorCode::NoLock);
            }
            let of_file = files.files.entry(file).or_default();
            let Held { owner, kind, range, .. } = &wanted;
            let blocked = of_file.held.iter().any(|held| held.in_the_way_of(owner, *kind, *range));
            match waiter {
                _ if !blocked => {
                    files.put(file, wanted);
                    // What was there before may have been stronger.
                    (LockAnswer::Granted, files.grant(file))
                }
                None => (LockAnswer::Blocked, Told::new()),
                Some(_) if files.deadlock(file, &wanted) => return Err(ErrorCode::Deadlock),
                Some((ticket, waiter)) => {
                    let of_file = files.files.entry(file).or_default();
                    of_file.waiting.push_back(Waiting { wanted, ticket, waiter });
                    files.count += 1;
                    (LockAnswer::Waits, Told::new())
                }
            }
        };
        tell(told);
        Ok(answer)
    }

    /// Lets go what an owner has of a range.
    ///
    /// # Errors
    /// `no-lock` if that makes two of one, beyond [`MOST`].
    pub(crate) fn unlock(&self, file: NodeId, owner: &LockOwner, range: LockRange) -> Result<()> {
        let told = {
            let mut files = lock(&self.0);
            if files.count + 1 > MOST {
                return Err(ErrorCode::NoLock);
            }
            files.take(file, owner, range);
            files.grant(file)
        };
        tell(told);
        Ok(())
    }

    /// A lock that is in the way of another one.
    pub(crate) fn in_the_way(
        &self,
        file: NodeId,
        owner: &LockOwner,
        kind: LockKind,
        range: LockRange,
    ) -> Option<(LockOwner, LockKind, LockRange)> {
        let files = lock(&self.0);
        let mut held = files.files.get(&file)?.held.iter();
        let found = held.find(|held| held.in_the_way_of(owner, kind, range))?;
        Some((found.owner.clone(), found.kind, found.range))
    }

    /// Waits no longer; whether it did.
    pub(crate) fn cancel(&self, file: NodeId, ticket: u64) -> bool {
        let mut files = lock(&self.0);
        let Some(of_file) = files.files.get_mut(&file) else { return false };
        let before = of_file.waiting.len();
        of_file.waiting.retain(|waiting| waiting.ticket != ticket);
        let cancelled = before - of_file.waiting.len();
        files.count -= cancelled;
        files.forget(file);
        cancelled > 0
    }

    /// Lets go all that was taken through `holder`, and waits no longer for anything: which
    /// tickets are without an answer now.
    pub(crate) fn release(&self, file: NodeId, holder: LockHolder) -> Vec<u64> {
        let mut cancelled = Vec::new();
        let told = {
            let mut files = lock(&self.0);
            let Some(of_file) = files.files.get_mut(&file) else { return cancelled };
            let before = of_file.held.len() + of_file.waiting.len();
            of_file.held.retain(|held| held.holder != holder);
            of_file.waiting.retain(|waiting| {
                let stays = waiting.wanted.holder != holder;
                if !stays {
                    cancelled.push(waiting.ticket);
                }
                stays
            });
            let after = of_file.held.len() + of_file.waiting.len();
            files.count -= before - after;
            files.grant(file)
        };
        tell(told);
        cancelled
    }
}

impl Files {
    /// Takes a range away from the locks of an owner.
    fn take(&mut self, file: NodeId, owner: &LockOwner, range: LockRange) {
        let Some(of_file) = self.files.get_mut(&file) else { return };
        let before = of_file.held.len();
        let mut rest = Vec::new();
        of_file.held.retain(|held| {
            if held.owner != *owner || !held.range.meets(&range) {
                return true;
            }
            if held.range.first < range.first {
                let range = LockRange { last: range.first - 1, ..held.range };
                rest.push(Held { range, ..held.clone() });
            }
            if held.range.last > range.last {
                let range = LockRange { first: range.last + 1, ..held.range };
                rest.push(Held { range, ..held.clone() });
            }
            false
        });
        of_file.held.extend(rest);
        self.count = self.count + of_file.held.len() - before;
    }

    /// Puts a lock in place of what its owner had there, and joins it with its neighbours.
    fn put(&mut self, file: NodeId, mut new: Held) {
        self.take(file, &new.owner, new.range);
        let of_file = self.files.entry(file).or_default();
        let before = of_file.held.len();
        of_file.held.retain(|held| {
            let same = held.owner == new.owner && held.kind == new.kind;
            if !same || held.holder != new.holder || !held.range.joins(&new.range) {
                return true;
            }
            new.range.first = new.range.first.min(held.range.first);
            new.range.last = new.range.last.max(held.range.last);
            false
        });
        of_file.held.push(new);
        self.count = self.count + of_file.held.len() - before;
    }

    /// Gives those who wait what nobody keeps from them any more, the first in the row first.
    fn grant(&mut self, file: NodeId) -> Told {
        let mut told = Told::new();
        while let Some(of_file) = self.files.get_mut(&file) {
            let free = of_file.waiting.iter().position(|waiting| {
                let Held { owner, kind, range, .. } = &waiting.wanted;
                !of_file.held.iter().any(|held| held.in_the_way_of(owner, *kind, *range))
            });
            let Some(waiting) = free.and_then(|index| of_file.waiting.remove(index)) else { break };
            self.count -= 1;
            self.put(file, waiting.wanted);
            told.push((waiting.waiter, waiting.ticket));
        }
        self.forget(file);
        told
    }

    fn forget(&mut self, file: NodeId) {
        let gone = |of_file: &OfFile| of_file.held.is_empty() && of_file.waiting.is_empty();
        if self.files.get(&file).is_some_and(gone) {
            self.files.remove(&file);
        }
    }

    /// Whether one of those in the way of `wanted` waits, over others or not, for its owner.
    fn deadlock(&self, file: NodeId, wanted: &Held) -> bool {
        let in_the_way = |file: NodeId, wanted: &Held| {
            let held = self.files.get(&file).map_or(&[][..], |of_file| &of_file.held[..]);
            let Held { owner, kind, range, .. } = wanted.clone();
            let blocks = held.iter().filter(move |held| held.in_the_way_of(&owner, kind, range));
            blocks.map(|held| held.owner.clone()).collect::<Vec<_>>()
        };
        let mut asked = HashSet::new();
        let mut open = in_the_way(file, wanted);
        while let Some(owner) = open.pop() {
            if owner == wanted.owner {
                return true;
            }
            if !asked.insert(owner.clone()) {
                continue;
            }
            for (file, of_file) in &self.files {
                let waits = of_file.waiting.iter().filter(|waiting| waiting.wanted.owner == owner);
                open.extend(waits.flat_map(|waiting| in_the_way(*file, &waiting.wanted)));
            }
        }
        false
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    fn wanted(owner: u32, kind: LockKind, range: LockRange) -> Wanted {
        let owner = LockOwner { session: 1, process: owner, client: Vec::new() };
        Wanted { owner, holder: LockHolder::new(), kind, range }
    }

    #[test]
    fn there_is_a_limit_to_all_locks_together() {
        let locks = Locks::default();
        let file = |inode| NodeId { device: 1, inode };
        let all = LockRange { first: 0, last: u64::MAX };
        let mut held = Vec::new();
        let refused = loop {
            let wanted = wanted(1, LockKind::Write, all);
            let holder = wanted.holder;
            match locks.lock(file(held.len() as u64), wanted, None) {
                Ok(answer) => assert_eq!(answer, LockAnswer::Granted),
                Err(code) => break code,
            }
            held.push(holder);
        };
        assert_eq!((refused, held.len()), (ErrorCode::NoLock, MOST - 1));
        // What is let go makes room, to the last one.
        for (inode, holder) in (0..).zip(&held) {
            assert!(locks.release(file(inode), *holder).is_empty());
        }
        let files = lock(&locks.0);
        assert_eq!((files.count, files.files.len()), (0, 0));
    }

    #[test]
    fn ranges_have_a_last_byte() {
        for (first, length, last) in [
            (0, 0, Ok(u64::MAX)),
            (5, 1, Ok(5)),
            (u64::MAX, 1, Ok(u64::MAX)),
            (u64::MAX, 2, Err(ErrorCode::Overflow)),
            (1, u64::MAX, Ok(u64::MAX)),
            (2, u64::MAX, Err(ErrorCode::Overflow)),
        ] {
            assert_eq!(LockRange::new(first, length).map(|range| range.last), last, "{first}");
        }
    }
}
