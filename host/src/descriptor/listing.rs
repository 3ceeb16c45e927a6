//! A directory that is read in parts, each going on behind a cookie that the guest brings
//! back. Where a backend's cookies do not last, they are places in a snapshot.

use std::sync::Mutex;

use super::Descriptor;
use crate::backend::Entry;
use crate::error::{ErrorCode, Result};
use crate::shared::lock;

/// What is known of a listing that is under way; costs little until it is asked.
pub struct Listing {
    descriptor: Descriptor,
    lasts: bool,
    known: Mutex<Known>,
}

/// Entries in a row.
#[derive(Default)]
struct Known {
    /// The cookie behind which they begin.
    after: u64,
    entries: Vec<Entry>,
    /// Where the guest is likely to go on.
    next: usize,
}

impl Known {
    /// Which entry follows `cookie`, if that is known.
    fn find(&self, cookie: u64, lasts: bool) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        if !lasts {
            // A place beyond the end has nothing behind it.
            return usize::try_from(cookie).ok().map(|index| index.min(self.entries.len()));
        }
        let before = self.next.checked_sub(1).and_then(|index| self.entries.get(index));
        if before.is_some_and(|entry| entry.cookie == cookie) {
            return Some(self.next);
        }
        if cookie == self.after {
            return Some(0);
        }
        self.entries.iter().position(|entry| entry.cookie == cookie).map(|index| index + 1)
    }
}

impl Listing {
    /// Of a directory; nothing of anything else.
    #[must_use]
    pub fn of(descriptor: &Descriptor) -> Option<Self> {
        let is_file = descriptor.file.is_some();
        let lasts = descriptor.backend().capabilities().stable_cookies;
        let listing = || Self { descriptor: descriptor.clone(), lasts, known: Mutex::default() };
        (!is_file).then(listing)
    }

    /// Hands on the entries behind `cookie` (0: all), each with the cookie to go on behind
    /// it, until `take` answers false or there are no more. From 0 on, the directory is
    /// looked at anew.
    ///
    /// # Errors
    /// As the storage has them.
    pub async fn visit(
        &self,
        mut cookie: u64,
        mut take: impl FnMut(u64, &Entry) -> bool,
    ) -> Result<()> {
        // Taken out: nothing is locked while the storage is waited for.
        let mut known = std::mem::take(&mut *lock(&self.known));
        if cookie == 0 {
            known = Known::default();
        }
        loop {
            let found = if cookie == 0 { None } else { known.find(cookie, self.lasts) };
            let first = match found {
                Some(first) if first < known.entries.len() => first,
                Some(_) if !self.lasts => break,
                _ => {
                    let place = &self.descriptor.place;
                    let after = if self.lasts { cookie } else { 0 };
                    let entries = self.descriptor.backend().list(&place.node, after).await?;
                    known = Known { after: cookie, entries, next: 0 };
                    let first = if self.lasts { 0 } else { usize_of(cookie)? };
                    if first >= known.entries.len() {
                        break;
                    }
                    first
                }
            };
            for (index, entry) in known.entries.iter().enumerate().skip(first) {
                let next = if self.lasts { entry.cookie } else { index as u64 + 1 };
                if !take(next, entry) {
                    known.next = index;
                    *lock(&self.known) = known;
                    return Ok(());
                }
                cookie = next;
            }
            known.next = known.entries.len();
        }
        *lock(&self.known) = known;
        Ok(())
    }
}

fn usize_of(cookie: u64) -> Result<usize> {
    usize::try_from(cookie).map_err(|_| ErrorCode::Invalid)
}
