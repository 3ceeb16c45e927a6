//! Locks: asking for them, waiting for them, and waiting no longer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::errno::{Errno, Result};
use super::fids::Fid;
use super::messages::{Reply, Request};
use super::session::{Inner, Out};
use crate::descriptor::Object;
use crate::error::ErrorCode;
use crate::locks::{LockAnswer, LockKind, LockOwner, LockRange};
use crate::shared::{Ref, lock};

/// Kinds of locks.
const READ: u8 = 0;
const WRITE: u8 = 1;
const UNLOCK: u8 = 2;

/// Flags of `Tlock`: to wait; that the lock was held before the server went away.
const BLOCK: u32 = 1;
const RECLAIM: u32 = 2;

/// What `Rlock` says.
const SUCCESS: u8 = 0;
const BLOCKED: u8 = 1;

/// Tags that are answered when their lock is there.
pub(super) type Pending = HashMap<u16, Waits>;

/// A request that waits for a lock.
pub(super) struct Waits {
    ticket: u64,
    object: Object,
    /// Somebody wants to know when it is answered; then the lock is there already.
    flushed: Vec<u16>,
}

fn kind(number: u8) -> Result<LockKind> {
    match number {
        READ => Ok(LockKind::Read),
        WRITE => Ok(LockKind::Write),
        _ => Err(ErrorCode::Invalid.into()),
    }
}

impl Inner {
    fn owner(&self, process: u32, client: &[u8]) -> LockOwner {
        LockOwner { session: self.number, process, client: client.to_vec() }
    }

    pub(super) fn lock(&self, out: &mut Out<'_>, request: &Request<'_>) -> Result<()> {
        let Request::Tlock { fid, kind: number, flags, start, length, process, client } = *request
        else {
            return Err(ErrorCode::Invalid.into());
        };
        let fid = self.fids.get(fid)?;
        if fid.unopened().is_ok() || flags & !(BLOCK | RECLAIM) != 0 {
            return Err(ErrorCode::Invalid.into());
        }
        let (object, owner) = (fid.object()?, self.owner(process, client));
        let range = LockRange::new(start, length)?;
        if number == UNLOCK {
            object.unlock(&owner, range)?;
            out.put(&Reply::Rlock { status: SUCCESS });
            return Ok(());
        }
        let kind = kind(number)?;
        fid.locked.store(true, Ordering::Relaxed);
        if flags & BLOCK != 0 {
            return self.lock_or_wait(out, &fid, owner, kind, range);
        }
        let status = match object.lock(owner, fid.holder, kind, range, None)? {
            LockAnswer::Granted => SUCCESS,
            LockAnswer::Blocked | LockAnswer::Waits => BLOCKED,
        };
        out.put(&Reply::Rlock { status });
        Ok(())
    }

    fn lock_or_wait(
        &self,
        out: &mut Out<'_>,
        fid: &Fid,
        owner: LockOwner,
        kind: LockKind,
        range: LockRange,
    ) -> Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (tag, ticket) = (out.tag, NEXT.fetch_add(1, Ordering::Relaxed));
        let object = fid.object.clone();
        let myself = self.myself.clone();
        let waiter = move |ticket: u64| {
            if let Some(session) = myself.upgrade() {
                session.granted(tag, ticket);
            }
        };
        // Known before it can come.
        {
            let mut pending = lock(&self.pending);
            if pending.contains_key(&tag) {
                return Err(ErrorCode::Invalid.into());
            }
            if pending.len() >= self.limits().outstanding {
                return Err(ErrorCode::NoLock.into());
            }
            pending.insert(tag, Waits { ticket, object, flushed: Vec::new() });
        }
        let waiter = Some((ticket, Ref::new(waiter) as Ref<_>));
        let answer = fid.object.lock(owner, fid.holder, kind, range, waiter);
        if answer != Ok(LockAnswer::Waits) {
            lock(&self.pending).remove(&tag);
        }
        match answer? {
            LockAnswer::Waits => out.later = true,
            LockAnswer::Granted => out.put(&Reply::Rlock { status: SUCCESS }),
            LockAnswer::Blocked => out.put(&Reply::Rlock { status: BLOCKED }),
        }
        Ok(())
    }

    /// The lock is there that a request has waited for.
    fn granted(&self, tag: u16, ticket: u64) {
        let mut pending = lock(&self.pending);
        let Some(waits) = pending.remove(&tag) else { return };
        if waits.ticket != ticket {
            pending.insert(tag, waits);
            return;
        }
        // Under the lock, so that no flush is answered before.
        self.send(tag, &Reply::Rlock { status: SUCCESS });
        for flush in waits.flushed {
            self.send(flush, &Reply::Rflush {});
        }
    }

    fn send(&self, tag: u16, reply: &Reply<'_>) {
        let mut message = Vec::new();
        reply.encode(tag, &mut message);
        self.late.reply(&message);
    }

    /// Answers a flush, after the answer of the request that is flushed, if there will be
    /// one. It goes the way of late replies: the answer may still be on that way.
    pub(super) fn flush_lock(&self, out: &mut Out<'_>, old_tag: u16) {
        let mut pending = lock(&self.pending);
        out.later = true;
        if let Some(waits) = pending.get_mut(&old_tag) {
            if waits.object.cancel_lock(waits.ticket) {
                pending.remove(&old_tag);
            } else {
                waits.flushed.push(out.tag);
                return;
            }
        }
        self.send(out.tag, &Reply::Rflush {});
    }

    /// Lets go what was locked through a fid. Who still waits is told that it is in vain.
    pub(super) fn release(&self, fid: &Fid) {
        if !fid.locked.load(Ordering::Relaxed) {
            return;
        }
        let cancelled = fid.object.release_locks(fid.holder);
        let mut pending = lock(&self.pending);
        let errno = Errno::from(ErrorCode::Interrupted).number;
        for ticket in cancelled {
            let tag = pending.iter().find(|(_, waits)| waits.ticket == ticket);
            if let Some(tag) = tag.map(|(tag, _)| *tag) {
                pending.remove(&tag);
                self.send(tag, &Reply::Rlerror { errno });
            }
        }
    }

    pub(super) fn getlock(&self, out: &mut Out<'_>, request: &Request<'_>) -> Result<()> {
        let Request::Tgetlock { fid, kind: number, start, length, process, client } = *request
        else {
            return Err(ErrorCode::Invalid.into());
        };
        let fid = self.fids.get(fid)?;
        let range = LockRange::new(start, length)?;
        let owner = self.owner(process, client);
        // Linux asks so for whatever kind it wants: it has overwritten that.
        let kind = if number == UNLOCK { LockKind::Write } else { kind(number)? };
        match fid.object()?.lock_in_the_way(&owner, kind, range) {
            None => {
                out.put(&Reply::Rgetlock { kind: UNLOCK, start, length, process, client });
            }
            Some((other, kind, range)) => out.put(&Reply::Rgetlock {
                kind: match kind {
                    LockKind::Read => READ,
                    LockKind::Write => WRITE,
                },
                start: range.first,
                length: range.length(),
                process: other.process,
                client: &other.client,
            }),
        }
        Ok(())
    }
}
