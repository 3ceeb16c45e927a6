//! Opening: how a volume is to behave, and from what.

use std::hash::{BuildHasher, RandomState};
#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::cache::{Cache, Kept};
#[cfg(not(target_arch = "wasm32"))]
use super::disk::NativeFile;
use super::disk::{Disk, Ram};
use super::log::{FIRST_BLOCKS, Found, HEADER, Log, NEW_BLOCKS, recover};
use super::node::Shared;
use super::space::{BLOCK, RESERVE, Run, Space};
use super::stage::Stage;
use super::store::{Clock, Gather, Store};
use super::table::{Attr, ROOT, Record, Table, nanoseconds};
use super::{Volume, new_attr};
use crate::backend::{Fresh, Kind, Time, new_device};
use crate::error::{ErrorCode, SetupError};
use crate::shared::Ref;

/// The largest volume, in bytes: 16 TiB.
const SIZE_MAX: u64 = (u32::MAX as u64 - 1) * BLOCK as u64;

/// How a volume is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    gather: (usize, Duration),
    limit: Option<u64>,
    /// Where nobody said what is to be kept, nothing is; in OPFS, what pays there.
    pub(super) cache: Option<Kept>,
    read_only: bool,
    #[cfg(target_arch = "wasm32")]
    pub(super) wait: Duration,
}

impl Default for Options {
    /// Up to 1 MiB is gathered for up to a second.
    fn default() -> Self {
        Self {
            gather: (1 << 20, Duration::from_secs(1)),
            limit: None,
            cache: None,
            read_only: false,
            #[cfg(target_arch = "wasm32")]
            wait: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// How many bytes of changes, data and records, may wait to be written, and for how
    /// long. The time is looked at in every call. A single call may go beyond the bytes.
    #[must_use]
    pub const fn gather(self, bytes: usize, time: Duration) -> Self {
        Self { gather: (bytes, time), ..self }
    }

    /// Every change is written before its call returns. It is flushed by a sync only. A
    /// change that could not be written is kept, and the next one is told.
    #[must_use]
    pub const fn each_write(self) -> Self {
        self.gather(0, Duration::ZERO)
    }

    /// The volume takes at most so many bytes of its storage; at least 5 MiB are needed.
    #[must_use]
    pub const fn limit(self, bytes: u64) -> Self {
        Self { limit: Some(bytes), ..self }
    }

    /// How many bytes of files are kept in memory so as not to be read again; 0 for none.
    /// Where nobody says it, there are none; but in OPFS 64 MiB, if the engine turns out to
    /// ask another process for each read, and otherwise 8 MiB of small files.
    #[must_use]
    pub const fn cache(self, bytes: u64) -> Self {
        Self { cache: Some(Kept::All(bytes)), ..self }
    }

    /// The same of files of up to 64 KiB only: such are read again and again.
    #[must_use]
    pub const fn cache_small_files(self, bytes: u64) -> Self {
        Self { cache: Some(Kept::Small(bytes)), ..self }
    }

    /// Nothing is changed, in the volume and on its storage.
    #[must_use]
    pub const fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    /// How long to wait while another worker has the volume open: 5 seconds, if it is not
    /// said.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub const fn wait(self, time: Duration) -> Self {
        Self { wait: time, ..self }
    }
}

impl Volume {
    /// Opens what `disk` holds; an empty one becomes a volume.
    ///
    /// # Errors
    /// `not-recoverable` for damage, and for what is no volume; `unsupported` for a newer
    /// format; `insufficient-space`, `io`. The message says what to do.
    pub fn open(mut disk: impl Disk, options: Options) -> Result<Self, SetupError> {
        let opened = open(&mut disk, options);
        if opened.is_err() {
            disk.close();
        }
        let (log, table, space, discarded) = opened?;
        let (bytes, time) = options.gather;
        let limit = options.limit.unwrap_or(SIZE_MAX).min(SIZE_MAX) / BLOCK as u64;
        let cache = Cache::new(options.cache.unwrap_or(Kept::All(0)));
        let mut store = Store {
            cache,
            disk: Box::new(disk),
            space,
            table,
            log,
            pages: std::collections::BTreeMap::new(),
            read_only: options.read_only,
            gather: Gather { bytes, time },
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            clock: Clock::default(),
            oldest: None,
            stage: Stage::default(),
            unnamed: 0,
            unflushed: 0,
            compaction: None,
            retry: 0,
        };
        if !options.read_only
            && let Err(code) = take_over(&mut store, discarded)
        {
            store.disk.close();
            let message = format!(
                "the volume cannot be written: {code}; make room on its storage, \
                 or open it read-only"
            );
            return Err(SetupError::new(code, message));
        }
        let limited = options.limit.is_some();
        let shared = Shared { store: Mutex::new(store), device: new_device(), limited };
        Ok(Self { shared: Ref::new(shared) })
    }

    /// Makes one in memory, which is gone with it, and takes at most `limit` bytes.
    ///
    /// # Errors
    /// `insufficient-space` for a limit below 5 MiB.
    pub fn in_memory(limit: u64) -> Result<Self, SetupError> {
        Self::open(Ram::new(limit), Options::default().limit(limit))
    }

    /// Opens the volume in a file, or makes one.
    ///
    /// # Errors
    /// As [`Volume::open`]; `busy` if it is in use; what the system says.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_file(path: impl AsRef<Path>, options: Options) -> Result<Self, SetupError> {
        let path = path.as_ref();
        let disk = if options.read_only {
            NativeFile::open_read_only(path)?
        } else {
            NativeFile::open(path)?
        };
        Self::open(disk, options).map_err(|error| {
            SetupError::new(error.code(), format!("'{}': {error}", path.display()))
        })
    }
}

type Opened = (Log, Table, Space, bool);

fn open(disk: &mut dyn Disk, options: Options) -> Result<Opened, SetupError> {
    let seed = RandomState::new().hash_one(Time::now().nanoseconds);
    match recover(disk, seed)? {
        Found::Volume(found) => {
            let space = Space::new(found.end, &found.used);
            Ok((found.log, found.table, space, found.discarded))
        }
        Found::Nothing if options.read_only => {
            let message = "there is no volume yet; open it for writing once, to make it";
            Err(SetupError::new(ErrorCode::NoEntry, message))
        }
        Found::Nothing => format(disk, options, seed).map_err(|code| {
            let message = format!("a new volume cannot be made: {code}; it needs 5 MiB");
            SetupError::new(code, message)
        }),
    }
}

fn format(disk: &mut dyn Disk, options: Options, seed: u64) -> Result<Opened, ErrorCode> {
    let end = NEW_BLOCKS;
    let bytes = u64::from(end) * BLOCK as u64;
    if options.limit.is_some_and(|limit| limit < bytes) {
        return Err(ErrorCode::InsufficientSpace);
    }
    // What an earlier attempt left is not to be taken for anything.
    disk.set_len(0)?;
    disk.set_len(bytes)?;
    let now = nanoseconds(Time::now()).unwrap_or_default();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seed.to_le_bytes());
    id[8..].copy_from_slice(&now.to_le_bytes());
    let mut table = Table::new(seed);
    let root = new_attr(Fresh { mode: 0o755, owner: None }, now);
    table.make(Attr { kind: Kind::Directory, links: 2, ..root })?;
    let log = Log::format(disk, id, &table)?;
    table.take_changes(&mut Vec::new());
    debug_assert!(table.kind(ROOT).is_some(), "the first object is the root");
    Ok((log, table, Space::new(end, &[Run { start: 0, count: FIRST_BLOCKS }]), false))
}

/// Makes what was found durable, and removes what nobody can reach any more.
fn take_over(store: &mut Store, discarded: bool) -> Result<(), ErrorCode> {
    store.log.finish(&mut *store.disk)?;
    store.log.flush_found(&mut *store.disk)?;
    if discarded {
        // Another frame takes the place of the one that was left out, so that it and its
        // successors are never found again. A random number makes it another one for sure.
        let now = Time::now();
        let random = RandomState::new().hash_one((now.seconds, now.nanoseconds));
        let mut bytes = vec![0; HEADER];
        // The digests of no blocks, which begin anywhere.
        let start = u32::try_from(random >> 32).unwrap_or_default();
        Record::Sums { start, sums: &[] }.encode(&mut bytes);
        if store.log.fits(bytes.len() - HEADER) {
            store.log.append(&mut *store.disk, bytes)?;
        }
        store.log.flush(&mut *store.disk)?;
    }
    // The reserve may have been lost with the end of the disk.
    let _ = store.take(0, u64::from(RESERVE));
    for ino in store.table.orphans() {
        store.forget(ino);
    }
    store.commit()
}
