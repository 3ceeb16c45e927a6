//! The entries of one directory in the order of their cookies. Cookies only grow, so they
//! lie in pieces one behind the other: half of what a tree of them takes, and no call pays
//! for more than a piece.

use super::Entry;

/// Entries in one piece.
const PIECE: usize = 128;

/// What a piece has room for at first: most directories are small.
const FIRST: usize = 4;

#[derive(Default)]
pub(in crate::backend::volume) struct Entries {
    pieces: Vec<Piece>,
    count: usize,
}

/// Entries with their cookies, ascending; never empty.
struct Piece {
    /// At most the lowest of them.
    first: u64,
    entries: Vec<(u64, Entry)>,
}

impl Piece {
    /// Where a cookie is, or would be.
    fn place(&self, cookie: u64) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&cookie, |(cookie, _)| *cookie)
    }
}

impl Entries {
    pub(in crate::backend::volume) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The piece that has a cookie, if any has.
    fn piece(&self, cookie: u64) -> Option<usize> {
        self.pieces.partition_point(|piece| piece.first <= cookie).checked_sub(1)
    }

    pub(in crate::backend::volume) fn get(&self, cookie: u64) -> Option<&Entry> {
        let piece = &self.pieces[self.piece(cookie)?];
        piece.place(cookie).ok().map(|place| &piece.entries[place].1)
    }

    /// The highest cookie; 0 if there is none.
    pub(in crate::backend::volume) fn last(&self) -> u64 {
        self.pieces.last().and_then(|piece| piece.entries.last()).map_or(0, |(cookie, _)| *cookie)
    }

    /// Adds an entry behind all others; answers whether its cookie is the highest.
    pub(in crate::backend::volume) fn push(&mut self, cookie: u64, entry: Entry) -> bool {
        if cookie <= self.last() {
            return false;
        }
        self.count += 1;
        if let Some(piece) = self.pieces.last_mut()
            && piece.entries.len() < PIECE
        {
            piece.entries.push((cookie, entry));
            return true;
        }
        let mut entries = Vec::with_capacity(if self.pieces.is_empty() { FIRST } else { PIECE });
        entries.push((cookie, entry));
        self.pieces.push(Piece { first: cookie, entries });
        true
    }

    pub(in crate::backend::volume) fn remove(&mut self, cookie: u64) -> Option<Entry> {
        let index = self.piece(cookie)?;
        let piece = &mut self.pieces[index];
        let place = piece.place(cookie).ok()?;
        let (_, entry) = piece.entries.remove(place);
        self.count -= 1;
        if piece.entries.is_empty() {
            self.pieces.remove(index);
        } else {
            self.join(index);
            self.join(index.saturating_sub(1));
        }
        Some(entry)
    }

    /// Joins a piece with the next one, if both are small: of two neighbours one is not.
    fn join(&mut self, index: usize) {
        let small = |piece: &Piece| piece.entries.len() <= PIECE / 4;
        let both = self.pieces.get(index).is_some_and(small)
            && self.pieces.get(index + 1).is_some_and(small);
        if both {
            let next = self.pieces.remove(index + 1);
            self.pieces[index].entries.extend(next.entries);
        }
    }

    /// The entries behind the one with the cookie `after`.
    pub(in crate::backend::volume) fn after(
        &self,
        after: u64,
    ) -> impl Iterator<Item = (u64, &Entry)> {
        let index = self.piece(after).unwrap_or(0);
        let skip = self
            .pieces
            .get(index)
            .map_or(0, |piece| piece.entries.partition_point(|(cookie, _)| *cookie <= after));
        let pieces = self.pieces[index.min(self.pieces.len())..].iter();
        let entries = pieces.flat_map(|piece| &piece.entries).skip(skip);
        entries.map(|(cookie, entry)| (*cookie, entry))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::path::Name;

    #[test]
    fn entries_equal_a_sorted_map() {
        let name = Name::new(b"name").expect("a name");
        for seed in 1..30_u64 {
            let mut random = seed;
            let mut next = |below: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % below
            };
            let (mut entries, mut map) = (Entries::default(), BTreeMap::new());
            let mut last = 0;
            for step in 0..3000 {
                // Grows at first, then shrinks.
                if next(3000) > step {
                    last += 1 + next(3);
                    assert!(entries.push(last, Entry { name: name.as_bytes().into(), ino: step }));
                    map.insert(last, step);
                } else {
                    let cookie = next(last + 2);
                    let removed = entries.remove(cookie).map(|entry| entry.ino);
                    assert_eq!(removed, map.remove(&cookie), "seed {seed} step {step}");
                }
                let at = next(last + 2);
                assert_eq!(entries.get(at).map(|entry| entry.ino), map.get(&at).copied());
                let here = entries.after(at).map(|(cookie, entry)| (cookie, entry.ino)).take(200);
                let there = map.range(at + 1..).map(|(cookie, ino)| (*cookie, *ino)).take(200);
                assert!(here.eq(there), "seed {seed} step {step}");
                assert_eq!(entries.is_empty(), map.is_empty());
            }
            assert!(!entries.push(entries.last(), Entry { name: name.as_bytes().into(), ino: 0 }));
        }
    }
}
