//! `descriptor`, method by method. Each takes the number of a descriptor, texts by their
//! lengths and flags as bits, and answers as [`call`](super::call) says. Those of the
//! namespace leave a promise where a mount waits.

use std::future::Future;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::wasm_bindgen;

use super::call::{self, Failure, number, put_hash, put_stat, put_text, text};
use super::table::{self, Resource, with_descriptor};
use crate::backend::{Destination, NewTime, Source, Time};
use crate::descriptor::{Descriptor, DescriptorFlags, OpenFlags, Stat};
use crate::error::{ErrorCode, Result};
use crate::resolve::Follow;

/// Does `what` with a descriptor at once.
fn now(descriptor: u32, what: impl FnOnce(&Descriptor) -> Result<u32>) -> i32 {
    number(with_descriptor(descriptor, what).map_err(Failure::Code))
}

/// Does `what` with a descriptor, now or later, and lets its answer go out by `convert`.
fn later<T: 'static, F: Future<Output = Result<T>> + 'static>(
    descriptor: u32,
    what: impl FnOnce(Descriptor) -> Result<F, Failure>,
    convert: impl FnOnce(T) -> u32 + 'static,
) -> i32 {
    let (owner, future) = match table::descriptor(descriptor) {
        Ok((owner, descriptor)) => match what(descriptor) {
            Ok(future) => (owner, future),
            Err(failure) => return number(Err(failure)),
        },
        Err(code) => return number(Err(code.into())),
    };
    call::answer(owner, async move { Ok(convert(future.await?)) })
}

const fn done((): ()) -> u32 {
    0
}

/// Makes a stream of a descriptor, for the same owner; its number.
fn make(descriptor: u32, stream: impl FnOnce(&Descriptor) -> Result<Resource>) -> i32 {
    let made = table::descriptor(descriptor)
        .and_then(|(owner, descriptor)| table::insert(owner, stream(&descriptor)?));
    number(made.map_err(Failure::Code))
}

/// `read-via-stream`; the number of an input stream.
#[must_use]
#[wasm_bindgen(js_name = readViaStream)]
pub fn read_via_stream(descriptor: u32, offset: u64) -> i32 {
    make(descriptor, |descriptor| descriptor.read_via_stream(offset).map(Resource::Input))
}

/// `write-via-stream`; the number of an output stream.
#[must_use]
#[wasm_bindgen(js_name = writeViaStream)]
pub fn write_via_stream(descriptor: u32, offset: u64) -> i32 {
    make(descriptor, |descriptor| descriptor.write_via_stream(offset).map(Resource::Output))
}

/// `append-via-stream`; the number of an output stream.
#[must_use]
#[wasm_bindgen(js_name = appendViaStream)]
pub fn append_via_stream(descriptor: u32) -> i32 {
    make(descriptor, |descriptor| descriptor.append_via_stream().map(Resource::Output))
}

/// `advise`.
#[must_use]
#[wasm_bindgen]
pub fn advise(descriptor: u32, offset: u64, length: u64) -> i32 {
    now(descriptor, |descriptor| descriptor.advise(offset, length).map(|()| 0))
}

/// `sync-data`.
#[must_use]
#[wasm_bindgen(js_name = syncData)]
pub fn sync_data(descriptor: u32) -> i32 {
    later(descriptor, |descriptor| Ok(async move { descriptor.sync_data().await }), done)
}

/// `sync`.
#[must_use]
#[wasm_bindgen]
pub fn sync(descriptor: u32) -> i32 {
    later(descriptor, |descriptor| Ok(async move { descriptor.sync().await }), done)
}

/// `get-flags`, as bits in the order of the WIT.
#[must_use]
#[wasm_bindgen(js_name = getFlags)]
pub fn get_flags(descriptor: u32) -> i32 {
    now(descriptor, |descriptor| Ok(bits_of(descriptor.flags())))
}

/// `get-type`, as its number in the WIT.
#[must_use]
#[wasm_bindgen(js_name = getType)]
pub fn get_type(descriptor: u32) -> i32 {
    now(descriptor, |descriptor| Ok(call::kind(descriptor.kind()).into()))
}

/// `set-size`.
#[must_use]
#[wasm_bindgen(js_name = setSize)]
pub fn set_size(descriptor: u32, size: u64) -> i32 {
    now(descriptor, |descriptor| descriptor.set_size(size).map(|()| 0))
}

/// `set-times`; a time is the number of its case, seconds and nanoseconds.
#[must_use]
#[wasm_bindgen(js_name = setTimes)]
pub fn set_times(
    descriptor: u32,
    accessed: u32,
    accessed_seconds: u64,
    accessed_nanoseconds: u32,
    modified: u32,
    modified_seconds: u64,
    modified_nanoseconds: u32,
) -> i32 {
    let accessed = new_time(accessed, accessed_seconds, accessed_nanoseconds);
    let modified = new_time(modified, modified_seconds, modified_nanoseconds);
    let set = |descriptor: Descriptor| {
        Ok(async move { descriptor.set_times(accessed?, modified?).await })
    };
    later(descriptor, set, done)
}

/// How many bytes a read of `length` at `offset` is going to give: room is made for as many
/// before they are asked for. Fails as the read would.
#[must_use]
#[wasm_bindgen]
pub fn readable(descriptor: u32, length: u64, offset: u64) -> i32 {
    // No more than a chunk.
    #[allow(clippy::cast_possible_truncation)]
    now(descriptor, |descriptor| Ok(descriptor.readable(length, offset)? as u32))
}

/// That the file ends there, beside how many bytes were read.
const END: u32 = 1 << 24;

/// `read`, into bytes `start..start + length` of `into`: how many came, and 2^24 more if the
/// file ends there.
#[must_use]
#[wasm_bindgen]
pub fn read(descriptor: u32, into: &Uint8Array, start: usize, length: usize, offset: u64) -> i32 {
    now(descriptor, |descriptor| {
        let end = start + crate::stream::clamp(length as u64);
        let (count, end) = descriptor.read_into(Destination::View(into, start, end), offset)?;
        // No more than a chunk.
        #[allow(clippy::cast_possible_truncation)]
        Ok(count as u32 | if end { END } else { 0 })
    })
}

/// The most that one write takes: more would be no number that [`call`] can answer.
const WRITE_MAX: usize = 1 << 30;

/// `write`, of bytes `start..start + length` of `from`: how many there was room for.
#[must_use]
#[wasm_bindgen]
pub fn write(descriptor: u32, from: &Uint8Array, start: usize, length: usize, offset: u64) -> i32 {
    let from = Source::View(from, start, start + length.min(WRITE_MAX));
    // No more than there are bytes.
    #[allow(clippy::cast_possible_truncation)]
    now(descriptor, |descriptor| descriptor.write(from, offset).map(|count| count as u32))
}

/// `read-directory`; the number of a directory entry stream.
#[must_use]
#[wasm_bindgen(js_name = readDirectory)]
pub fn read_directory(descriptor: u32) -> i32 {
    let (owner, descriptor) = match table::descriptor(descriptor) {
        Ok(found) => found,
        Err(code) => return number(Err(code.into())),
    };
    call::answer(owner, async move {
        let entries = descriptor.read_directory().await?;
        Ok(table::insert(owner, Resource::Entries(entries))?)
    })
}

/// `create-directory-at`.
#[must_use]
#[wasm_bindgen(js_name = createDirectoryAt)]
pub fn create_directory_at(descriptor: u32, path: u32) -> i32 {
    let create = |descriptor: Descriptor| {
        let path = text(0, path)?;
        Ok(async move { descriptor.create_directory_at(&path).await })
    };
    later(descriptor, create, done)
}

/// `stat`, which goes out as the canonical ABI has it.
#[must_use]
#[wasm_bindgen]
pub fn stat(descriptor: u32) -> i32 {
    let stat = |descriptor: Descriptor| Ok(async move { descriptor.stat().await });
    later(descriptor, stat, |stat| put_stat(&stat))
}

/// `stat-at`, as `stat`.
#[must_use]
#[wasm_bindgen(js_name = statAt)]
pub fn stat_at(descriptor: u32, path_flags: u32, path: u32) -> i32 {
    later(descriptor, |descriptor| look(descriptor, path_flags, path), |stat| put_stat(&stat))
}

/// What is known of what a path leads to.
fn look(
    descriptor: Descriptor,
    path_flags: u32,
    path: u32,
) -> Result<impl Future<Output = Result<Stat>> + 'static, Failure> {
    let path = text(0, path)?;
    Ok(async move { descriptor.stat_at(follow(path_flags), &path).await })
}

/// `set-times-at`; times as in `setTimes`.
#[allow(clippy::too_many_arguments)] // The WIT's, taken apart.
#[must_use]
#[wasm_bindgen(js_name = setTimesAt)]
pub fn set_times_at(
    descriptor: u32,
    path_flags: u32,
    path: u32,
    accessed: u32,
    accessed_seconds: u64,
    accessed_nanoseconds: u32,
    modified: u32,
    modified_seconds: u64,
    modified_nanoseconds: u32,
) -> i32 {
    let accessed = new_time(accessed, accessed_seconds, accessed_nanoseconds);
    let modified = new_time(modified, modified_seconds, modified_nanoseconds);
    let set = |descriptor: Descriptor| {
        let path = text(0, path)?;
        Ok(async move {
            let follow = follow(path_flags);
            descriptor.set_times_at(follow, &path, accessed?, modified?).await
        })
    };
    later(descriptor, set, done)
}

/// `link-at`.
#[must_use]
#[wasm_bindgen(js_name = linkAt)]
pub fn link_at(
    descriptor: u32,
    path_flags: u32,
    old_path: u32,
    new_descriptor: u32,
    new_path: u32,
) -> i32 {
    let link = |descriptor: Descriptor| {
        let (_, new_base) = table::descriptor(new_descriptor)?;
        let (old, new) = (text(0, old_path)?, text(1, new_path)?);
        Ok(async move { descriptor.link_at(follow(path_flags), &old, &new_base, &new).await })
    };
    later(descriptor, link, done)
}

/// `open-at`; the number of a descriptor.
#[must_use]
#[wasm_bindgen(js_name = openAt)]
pub fn open_at(descriptor: u32, path_flags: u32, path: u32, open_flags: u32, flags: u32) -> i32 {
    let found = table::descriptor(descriptor).map_err(Failure::Code);
    let (owner, descriptor, path) =
        match found.and_then(|(owner, descriptor)| Ok((owner, descriptor, text(0, path)?))) {
            Ok(found) => found,
            Err(failure) => return number(Err(failure)),
        };
    call::answer(owner, async move {
        let (open, flags) = (open_flags_of(open_flags), flags_of(flags));
        let opened = descriptor.open_at(follow(path_flags), &path, open, flags).await?;
        Ok(table::insert(owner, Resource::Descriptor(opened))?)
    })
}

/// `readlink-at`; the length of the target, which goes out.
#[must_use]
#[wasm_bindgen(js_name = readlinkAt)]
pub fn readlink_at(descriptor: u32, path: u32) -> i32 {
    let read = |descriptor: Descriptor| {
        let path = text(0, path)?;
        Ok(async move { descriptor.readlink_at(&path).await })
    };
    later(descriptor, read, |target: String| put_text(target.as_bytes()))
}

/// `remove-directory-at`.
#[must_use]
#[wasm_bindgen(js_name = removeDirectoryAt)]
pub fn remove_directory_at(descriptor: u32, path: u32) -> i32 {
    let remove = |descriptor: Descriptor| {
        let path = text(0, path)?;
        Ok(async move { descriptor.remove_directory_at(&path).await })
    };
    later(descriptor, remove, done)
}

/// `rename-at`.
#[must_use]
#[wasm_bindgen(js_name = renameAt)]
pub fn rename_at(descriptor: u32, old_path: u32, new_descriptor: u32, new_path: u32) -> i32 {
    let rename = |descriptor: Descriptor| {
        let (_, new_base) = table::descriptor(new_descriptor)?;
        let (old, new) = (text(0, old_path)?, text(1, new_path)?);
        Ok(async move { descriptor.rename_at(&old, &new_base, &new).await })
    };
    later(descriptor, rename, done)
}

/// `symlink-at`.
#[must_use]
#[wasm_bindgen(js_name = symlinkAt)]
pub fn symlink_at(descriptor: u32, old_path: u32, new_path: u32) -> i32 {
    let symlink = |descriptor: Descriptor| {
        let (old, new) = (text(0, old_path)?, text(1, new_path)?);
        Ok(async move { descriptor.symlink_at(&old, &new).await })
    };
    later(descriptor, symlink, done)
}

/// `unlink-file-at`.
#[must_use]
#[wasm_bindgen(js_name = unlinkFileAt)]
pub fn unlink_file_at(descriptor: u32, path: u32) -> i32 {
    let unlink = |descriptor: Descriptor| {
        let path = text(0, path)?;
        Ok(async move { descriptor.unlink_file_at(&path).await })
    };
    later(descriptor, unlink, done)
}

/// `is-same-object`; a number that stands for nothing is like no other.
#[must_use]
#[wasm_bindgen(js_name = isSameObject)]
pub fn is_same_object(descriptor: u32, other: u32) -> bool {
    match (table::descriptor(descriptor), table::descriptor(other)) {
        (Ok((_, one)), Ok((_, other))) => one.is_same_object(&other),
        _ => false,
    }
}

/// `metadata-hash`; its two halves go out.
#[must_use]
#[wasm_bindgen(js_name = metadataHash)]
pub fn metadata_hash(descriptor: u32) -> i32 {
    let stat = |descriptor: Descriptor| Ok(async move { descriptor.stat().await });
    later(descriptor, stat, |stat| put_hash(&stat))
}

/// `metadata-hash-at`, as `metadata-hash`.
#[must_use]
#[wasm_bindgen(js_name = metadataHashAt)]
pub fn metadata_hash_at(descriptor: u32, path_flags: u32, path: u32) -> i32 {
    later(descriptor, |descriptor| look(descriptor, path_flags, path), |stat| put_hash(&stat))
}

/// The drop of a descriptor, a stream, a directory entry stream or an error; of one that
/// was dropped before, nothing.
#[wasm_bindgen(js_name = dropResource)]
pub fn drop_resource(resource: u32) {
    table::remove(resource);
}

const fn bit(bits: u32, bit: u32) -> bool {
    bits >> bit & 1 != 0
}

const fn flags_of(bits: u32) -> DescriptorFlags {
    DescriptorFlags {
        read: bit(bits, 0),
        write: bit(bits, 1),
        file_integrity_sync: bit(bits, 2),
        data_integrity_sync: bit(bits, 3),
        requested_write_sync: bit(bits, 4),
        mutate_directory: bit(bits, 5),
    }
}

fn bits_of(flags: DescriptorFlags) -> u32 {
    let bits = [
        flags.read,
        flags.write,
        flags.file_integrity_sync,
        flags.data_integrity_sync,
        flags.requested_write_sync,
        flags.mutate_directory,
    ];
    (0..).zip(bits).map(|(bit, set)| u32::from(set) << bit).sum()
}

const fn open_flags_of(bits: u32) -> OpenFlags {
    OpenFlags {
        create: bit(bits, 0),
        directory: bit(bits, 1),
        exclusive: bit(bits, 2),
        truncate: bit(bits, 3),
    }
}

const fn follow(path_flags: u32) -> Follow {
    if bit(path_flags, 0) { Follow::Yes } else { Follow::No }
}

/// `new-timestamp`: the number of its case, and what a `timestamp` holds.
fn new_time(case: u32, seconds: u64, nanoseconds: u32) -> Result<Option<NewTime>> {
    match case {
        0 => Ok(None),
        1 => Ok(Some(NewTime::Now)),
        2 => Ok(Some(NewTime::At(Time::from_parts(seconds, nanoseconds)?))),
        _ => Err(ErrorCode::Invalid),
    }
}
