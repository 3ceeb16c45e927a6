//! Which entry has a name: one hash table for all directories. It is cut into shards, so
//! that no single call pays for all of them to grow.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const SHARDS: usize = 64;

/// A part of the hash of an entry's directory and name, and its cookie there. Of two that
/// are the same, either stands for either.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    hash: u32,
    /// In two parts, so that it takes no more than they do.
    cookie: [u32; 2],
}

impl Place {
    #[allow(clippy::cast_possible_truncation)] // It is cut in two.
    const fn new(hash: u32, cookie: u64) -> Self {
        Self { hash, cookie: [(cookie >> 32) as u32, cookie as u32] }
    }

    const fn cookie(self) -> u64 {
        (self.cookie[0] as u64) << 32 | self.cookie[1] as u64
    }
}

pub(super) struct Index {
    shards: Vec<HashTable<Place>>,
    /// Not known to whoever makes up the names.
    seed: u64,
}

/// The hash within a shard: what the shard was chosen by is alike in all of it.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Index {
    pub(super) fn new(seed: u64) -> Self {
        Self { shards: (0..SHARDS).map(|_| HashTable::new()).collect(), seed }
    }

    fn hash(&self, directory: u64, name: &[u8]) -> (usize, u32) {
        let hash = xxh3_64_with_seed(name, self.seed ^ directory.wrapping_mul(0x9e37_79b9));
        // Both parts are cut off on purpose.
        #[allow(clippy::cast_possible_truncation)]
        ((hash >> 32) as usize % SHARDS, hash as u32)
    }

    /// The cookie of the entry for which `is` answers yes, of those in a directory whose
    /// name has this hash.
    pub(super) fn find(
        &self,
        directory: u64,
        name: &[u8],
        mut is: impl FnMut(u64) -> bool,
    ) -> Option<u64> {
        let (shard, hash) = self.hash(directory, name);
        let found =
            self.shards[shard].find(spread(hash), |place| place.hash == hash && is(place.cookie()));
        found.map(|place| place.cookie())
    }

    /// Adds an entry, unless `is` answers yes for the cookie of another one.
    pub(super) fn insert(
        &mut self,
        directory: u64,
        name: &[u8],
        cookie: u64,
        mut is: impl FnMut(u64) -> bool,
    ) -> bool {
        let (shard, hash) = self.hash(directory, name);
        let same = |place: &Place| place.hash == hash && is(place.cookie());
        match self.shards[shard].entry(spread(hash), same, |place| spread(place.hash)) {
            TableEntry::Occupied(_) => false,
            TableEntry::Vacant(vacant) => {
                vacant.insert(Place::new(hash, cookie));
                true
            }
        }
    }

    pub(super) fn remove(&mut self, directory: u64, name: &[u8], cookie: u64) {
        let (shard, hash) = self.hash(directory, name);
        let place = Place::new(hash, cookie);
        if let Ok(entry) = self.shards[shard].find_entry(spread(hash), |other| *other == place) {
            entry.remove();
        }
    }
}
