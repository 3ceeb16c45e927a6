//! `descriptor`, method by method. Each takes the number of a descriptor and
//! throws the name of an error's case. Those of the namespace answer with a
//! promise where a mount waits.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{answer, done, thrown};
use super::table::{self, Resource, descriptor};
use super::value::{self, follow, new_time};
use crate::backend::Source;
use crate::descriptor::Descriptor;
use crate::error::Result;

type Answer = Result<JsValue, JsValue>;

fn get(number: u32) -> Result<Descriptor, JsValue> {
    Ok(descriptor(number).map_err(thrown)?.1)
}

/// Makes a stream of the descriptor `number`, for the same owner.
fn make(number: u32, stream: impl FnOnce(&Descriptor) -> Result<Resource>) -> Result<u32, JsValue> {
    descriptor(number)
        .and_then(|(owner, descriptor)| table::insert(owner, stream(&descriptor)?))
        .map_err(thrown)
}

/// `read-via-stream`; the number of an input stream.
#[wasm_bindgen(js_name = readViaStream)]
pub fn read_via_stream(number: u32, offset: u64) -> Result<u32, JsValue> {
    make(number, |descriptor| descriptor.read_via_stream(offset).map(Resource::Input))
}

/// `write-via-stream`; the number of an output stream.
#[wasm_bindgen(js_name = writeViaStream)]
pub fn write_via_stream(number: u32, offset: u64) -> Result<u32, JsValue> {
    make(number, |descriptor| descriptor.write_via_stream(offset).map(Resource::Output))
}

/// `append-via-stream`; the number of an output stream.
#[wasm_bindgen(js_name = appendViaStream)]
pub fn append_via_stream(number: u32) -> Result<u32, JsValue> {
    make(number, |descriptor| descriptor.append_via_stream().map(Resource::Output))
}

/// `advise`.
#[wasm_bindgen]
pub fn advise(number: u32, offset: u64, length: u64) -> Result<(), JsValue> {
    get(number)?.advise(offset, length).map_err(thrown)
}

/// `sync-data`.
#[wasm_bindgen(js_name = syncData)]
pub fn sync_data(number: u32) -> Answer {
    let descriptor = get(number)?;
    done(async move { descriptor.sync_data().await })
}

/// `sync`.
#[wasm_bindgen]
pub fn sync(number: u32) -> Answer {
    let descriptor = get(number)?;
    done(async move { descriptor.sync().await })
}

/// `get-flags`.
#[wasm_bindgen(js_name = getFlags)]
pub fn get_flags(number: u32) -> Answer {
    Ok(value::flags(get(number)?.flags()))
}

/// `get-type`.
#[wasm_bindgen(js_name = getType)]
pub fn get_type(number: u32) -> Answer {
    Ok(value::with_kind(get(number)?.kind(), |kind| kind.into()))
}

/// `set-size`.
#[wasm_bindgen(js_name = setSize)]
pub fn set_size(number: u32, size: u64) -> Result<(), JsValue> {
    get(number)?.set_size(size).map_err(thrown)
}

/// `set-times`; a time is the number of its case, seconds and nanoseconds.
#[wasm_bindgen(js_name = setTimes)]
pub fn set_times(
    number: u32,
    accessed: u32,
    accessed_seconds: u64,
    accessed_nanoseconds: u32,
    modified: u32,
    modified_seconds: u64,
    modified_nanoseconds: u32,
) -> Answer {
    let descriptor = get(number)?;
    let accessed = new_time(accessed, accessed_seconds, accessed_nanoseconds);
    let modified = new_time(modified, modified_seconds, modified_nanoseconds);
    done(async move { descriptor.set_times(accessed?, modified?).await })
}

/// `read`; the bytes are good until a megabyte more was read.
#[wasm_bindgen]
pub fn read(number: u32, length: u64, offset: u64) -> Answer {
    let descriptor = get(number)?;
    let mut end = false;
    let bytes = value::read_bytes(crate::stream::clamp(length), |view| {
        let count;
        (count, end) = descriptor.read_into(view.into(), offset)?;
        Ok(count)
    });
    Ok(value::pair(bytes.map_err(thrown)?.into(), end.into()))
}

/// `write`.
#[wasm_bindgen]
pub fn write(number: u32, bytes: &Uint8Array, offset: u64) -> Result<u64, JsValue> {
    get(number)?.write(Source::from(bytes), offset).map_err(thrown)
}

/// `read-directory`; the number of a directory entry stream.
#[wasm_bindgen(js_name = readDirectory)]
pub fn read_directory(number: u32) -> Answer {
    let (owner, descriptor) = descriptor(number).map_err(thrown)?;
    answer(async move { descriptor.read_directory().await }, move |entries| {
        table::insert(owner, Resource::Entries(entries)).map(JsValue::from)
    })
}

/// `create-directory-at`.
#[wasm_bindgen(js_name = createDirectoryAt)]
pub fn create_directory_at(number: u32, path: String) -> Answer {
    let descriptor = get(number)?;
    done(async move { descriptor.create_directory_at(path.as_bytes()).await })
}

/// `stat`.
#[wasm_bindgen]
pub fn stat(number: u32) -> Answer {
    let descriptor = get(number)?;
    answer(async move { descriptor.stat().await }, |stat| Ok(value::stat(&stat)))
}

/// `stat-at`.
#[wasm_bindgen(js_name = statAt)]
pub fn stat_at(number: u32, symlink_follow: bool, path: String) -> Answer {
    let descriptor = get(number)?;
    answer(
        async move { descriptor.stat_at(follow(symlink_follow), path.as_bytes()).await },
        |stat| Ok(value::stat(&stat)),
    )
}

/// `set-times-at`; times as in `setTimes`.
#[allow(clippy::too_many_arguments)] // The WIT's, taken apart.
#[wasm_bindgen(js_name = setTimesAt)]
pub fn set_times_at(
    number: u32,
    symlink_follow: bool,
    path: String,
    accessed: u32,
    accessed_seconds: u64,
    accessed_nanoseconds: u32,
    modified: u32,
    modified_seconds: u64,
    modified_nanoseconds: u32,
) -> Answer {
    let descriptor = get(number)?;
    let accessed = new_time(accessed, accessed_seconds, accessed_nanoseconds);
    let modified = new_time(modified, modified_seconds, modified_nanoseconds);
    done(async move {
        let (accessed, modified) = (accessed?, modified?);
        descriptor.set_times_at(follow(symlink_follow), path.as_bytes(), accessed, modified).await
    })
}

/// `link-at`.
#[wasm_bindgen(js_name = linkAt)]
pub fn link_at(
    number: u32,
    symlink_follow: bool,
    old_path: String,
    new_descriptor: u32,
    new_path: String,
) -> Answer {
    let (descriptor, new_base) = (get(number)?, get(new_descriptor)?);
    done(async move {
        let (old, new) = (old_path.as_bytes(), new_path.as_bytes());
        descriptor.link_at(follow(symlink_follow), old, &new_base, new).await
    })
}

/// `open-at`; the number of a descriptor. Flags are bits in the order of the WIT.
#[wasm_bindgen(js_name = openAt)]
pub fn open_at(
    number: u32,
    symlink_follow: bool,
    path: String,
    open_flags: u32,
    flags: u32,
) -> Answer {
    let (owner, descriptor) = descriptor(number).map_err(thrown)?;
    let (open, flags) = (value::open_flags(open_flags), value::descriptor_flags(flags));
    answer(
        async move {
            let follow = follow(symlink_follow);
            descriptor.open_at(follow, path.as_bytes(), open, flags).await
        },
        move |opened| table::insert(owner, Resource::Descriptor(opened)).map(JsValue::from),
    )
}

/// `readlink-at`.
#[wasm_bindgen(js_name = readlinkAt)]
pub fn readlink_at(number: u32, path: String) -> Answer {
    let descriptor = get(number)?;
    answer(async move { descriptor.readlink_at(path.as_bytes()).await }, |target| {
        Ok(JsValue::from(target))
    })
}

/// `remove-directory-at`.
#[wasm_bindgen(js_name = removeDirectoryAt)]
pub fn remove_directory_at(number: u32, path: String) -> Answer {
    let descriptor = get(number)?;
    done(async move { descriptor.remove_directory_at(path.as_bytes()).await })
}

/// `rename-at`.
#[wasm_bindgen(js_name = renameAt)]
pub fn rename_at(number: u32, old_path: String, new_descriptor: u32, new_path: String) -> Answer {
    let (descriptor, new_base) = (get(number)?, get(new_descriptor)?);
    done(async move {
        let (old, new) = (old_path.as_bytes(), new_path.as_bytes());
        descriptor.rename_at(old, &new_base, new).await
    })
}

/// `symlink-at`.
#[wasm_bindgen(js_name = symlinkAt)]
pub fn symlink_at(number: u32, old_path: String, new_path: String) -> Answer {
    let descriptor = get(number)?;
    done(async move { descriptor.symlink_at(old_path.as_bytes(), new_path.as_bytes()).await })
}

/// `unlink-file-at`.
#[wasm_bindgen(js_name = unlinkFileAt)]
pub fn unlink_file_at(number: u32, path: String) -> Answer {
    let descriptor = get(number)?;
    done(async move { descriptor.unlink_file_at(path.as_bytes()).await })
}

/// `is-same-object`; a number that stands for nothing is like no other.
#[must_use]
#[wasm_bindgen(js_name = isSameObject)]
pub fn is_same_object(number: u32, other: u32) -> bool {
    match (descriptor(number), descriptor(other)) {
        (Ok((_, one)), Ok((_, other))) => one.is_same_object(&other),
        _ => false,
    }
}

/// `metadata-hash`.
#[wasm_bindgen(js_name = metadataHash)]
pub fn metadata_hash(number: u32) -> Answer {
    let descriptor = get(number)?;
    answer(async move { descriptor.stat().await }, |stat| Ok(value::hash(&stat)))
}

/// `metadata-hash-at`.
#[wasm_bindgen(js_name = metadataHashAt)]
pub fn metadata_hash_at(number: u32, symlink_follow: bool, path: String) -> Answer {
    let descriptor = get(number)?;
    answer(
        async move { descriptor.stat_at(follow(symlink_follow), path.as_bytes()).await },
        |stat| Ok(value::hash(&stat)),
    )
}

/// The drop of a descriptor, a stream or a directory entry stream; of one that
/// was dropped before, nothing.
#[wasm_bindgen(js_name = dropResource)]
pub fn drop_resource(number: u32) {
    table::remove(number);
}
