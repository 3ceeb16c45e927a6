//! Values between Rust and JavaScript, in the shapes that jco gives the WIT types.

use std::cell::RefCell;

use js_sys::{JsString, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::backend::{Kind, NewTime, Time};
use crate::descriptor::{DescriptorFlags, OpenFlags, Stat};
use crate::error::{ErrorCode, Result};
use crate::resolve::Follow;
use crate::stream::CHUNK;

// Objects made in one call: one `Reflect::set` for each property costs ten times
// as much.
#[wasm_bindgen(inline_js = r"
const datetime = (seconds, nanoseconds) => ({ seconds, nanoseconds });
export const stat = (type, linkCount, size, has, as, an, ms, mn, cs, cn) => ({
  type,
  linkCount,
  size,
  dataAccessTimestamp: has & 1 ? datetime(as, an) : undefined,
  dataModificationTimestamp: has & 2 ? datetime(ms, mn) : undefined,
  statusChangeTimestamp: has & 4 ? datetime(cs, cn) : undefined,
});
export const flags = (bits) => ({
  read: (bits & 1) !== 0,
  write: (bits & 2) !== 0,
  fileIntegritySync: (bits & 4) !== 0,
  dataIntegritySync: (bits & 8) !== 0,
  requestedWriteSync: (bits & 16) !== 0,
  mutateDirectory: (bits & 32) !== 0,
});
export const hash = (lower, upper) => ({ lower, upper });
export const entry = (type, name) => ({ type, name });
export const pair = (first, second) => [first, second];
")]
extern "C" {
    #[wasm_bindgen(js_name = stat)]
    fn js_stat(
        kind: &JsString,
        links: u64,
        size: u64,
        has: u32,
        accessed: u64,
        accessed_nanoseconds: u32,
        modified: u64,
        modified_nanoseconds: u32,
        changed: u64,
        changed_nanoseconds: u32,
    ) -> JsValue;
    #[wasm_bindgen(js_name = flags)]
    fn js_flags(bits: u32) -> JsValue;
    #[wasm_bindgen(js_name = hash)]
    fn js_hash(lower: u64, upper: u64) -> JsValue;
    #[wasm_bindgen(js_name = entry)]
    fn js_entry(kind: &JsString, name: &str) -> JsValue;
    pub(super) fn pair(first: JsValue, second: JsValue) -> JsValue;
}

macro_rules! kinds {
    ($($kind:ident $constant:ident $name:tt;)*) => {
        #[wasm_bindgen]
        extern "C" {
            $(
                #[wasm_bindgen(thread_local_v2, static_string)]
                static $constant: JsString = $name;
            )*
        }

        /// Does `what` with a kind's name in the WIT.
        pub(super) fn with_kind<T>(kind: Kind, what: impl FnOnce(&JsString) -> T) -> T {
            match kind {
                $(Kind::$kind => $constant.with(what),)*
            }
        }
    };
}

kinds! {
    File FILE "regular-file";
    Directory DIRECTORY "directory";
    Symlink SYMLINK "symbolic-link";
    BlockDevice BLOCK_DEVICE "block-device";
    CharacterDevice CHARACTER_DEVICE "character-device";
    Fifo FIFO "fifo";
    Socket SOCKET "socket";
}

/// `descriptor-stat`. A time before 1970 cannot be told and is left out.
pub(super) fn stat(stat: &Stat) -> JsValue {
    let attributes = &stat.attributes;
    let mut has = 0;
    let mut datetime = |bit: u32, time: Option<Time>| {
        let parts = time.and_then(|time| Some((time.seconds.try_into().ok()?, time.nanoseconds)));
        has |= if parts.is_some() { bit } else { 0 };
        parts.unwrap_or((0, 0))
    };
    let accessed = datetime(1, attributes.accessed);
    let modified = datetime(2, attributes.modified);
    let changed = datetime(4, attributes.changed);
    with_kind(stat.kind, |kind| {
        js_stat(
            kind,
            attributes.links,
            attributes.size,
            has,
            accessed.0,
            accessed.1,
            modified.0,
            modified.1,
            changed.0,
            changed.1,
        )
    })
}

/// `metadata-hash-value`.
pub(super) fn hash(stat: &Stat) -> JsValue {
    let (lower, upper) = stat.hash();
    js_hash(lower, upper)
}

/// `directory-entry`.
pub(super) fn entry(kind: Kind, name: &str) -> JsValue {
    with_kind(kind, |kind| js_entry(kind, name))
}

/// `descriptor-flags`, going out.
pub(super) fn flags(flags: DescriptorFlags) -> JsValue {
    let bits = [
        flags.read,
        flags.write,
        flags.file_integrity_sync,
        flags.data_integrity_sync,
        flags.requested_write_sync,
        flags.mutate_directory,
    ];
    js_flags((0..).zip(bits).map(|(bit, set)| u32::from(set) << bit).sum())
}

const fn bit(bits: u32, bit: u32) -> bool {
    bits >> bit & 1 != 0
}

/// `descriptor-flags`, coming in as bits in the order of the WIT.
pub(super) const fn descriptor_flags(bits: u32) -> DescriptorFlags {
    DescriptorFlags {
        read: bit(bits, 0),
        write: bit(bits, 1),
        file_integrity_sync: bit(bits, 2),
        data_integrity_sync: bit(bits, 3),
        requested_write_sync: bit(bits, 4),
        mutate_directory: bit(bits, 5),
    }
}

/// `open-flags`, as bits.
pub(super) const fn open_flags(bits: u32) -> OpenFlags {
    OpenFlags {
        create: bit(bits, 0),
        directory: bit(bits, 1),
        exclusive: bit(bits, 2),
        truncate: bit(bits, 3),
    }
}

/// `path-flags`.
pub(super) const fn follow(symlink_follow: bool) -> Follow {
    if symlink_follow { Follow::Yes } else { Follow::No }
}

/// `new-timestamp`: the number of its case, and what a `timestamp` holds.
pub(super) fn new_time(case: u32, seconds: u64, nanoseconds: u32) -> Result<Option<NewTime>> {
    match case {
        0 => Ok(None),
        1 => Ok(Some(NewTime::Now)),
        2 => Ok(Some(NewTime::At(Time::from_parts(seconds, nanoseconds)?))),
        _ => Err(ErrorCode::Invalid),
    }
}

/// The room that reads are given, one after the other: jco copies what a read
/// answers at once, or after a turn of the event loop if it awaits; others may
/// read by then, but not this much.
const RING: u32 = 16 * 64 * 1024;
const _: () = assert!(RING as usize >= 16 * CHUNK);

struct Ring {
    bytes: Uint8Array,
    next: u32,
}

thread_local! {
    static RING_BUFFER: RefCell<Option<Ring>> = const { RefCell::new(None) };
}

/// Lets `read` fill up to `length` bytes, and gives those that it filled.
pub(super) fn read_bytes<E>(
    length: usize,
    read: impl FnOnce(&Uint8Array) -> Result<usize, E>,
) -> Result<Uint8Array, E> {
    // Lengths are below CHUNK, so they fit.
    #[allow(clippy::cast_possible_truncation)]
    let (ring, start) = RING_BUFFER.with_borrow_mut(|ring| {
        let ring =
            ring.get_or_insert_with(|| Ring { bytes: Uint8Array::new_with_length(RING), next: 0 });
        if RING - ring.next < length as u32 {
            ring.next = 0;
        }
        (ring.bytes.clone(), ring.next)
    });
    #[allow(clippy::cast_possible_truncation)]
    let view = ring.subarray(start, start + length as u32);
    let count = read(&view)?;
    #[allow(clippy::cast_possible_truncation)]
    let end = start + count as u32;
    RING_BUFFER.with_borrow_mut(|ring| {
        if let Some(ring) = ring {
            ring.next = end;
        }
    });
    Ok(if count == length { view } else { ring.subarray(start, end) })
}
