//! What a page has open, by number.

use std::cell::RefCell;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::call::{failed, hint, on_open};
use super::{content, value};
use crate::backend::{Destination, Source};
use crate::browser;
use crate::descriptor::Descriptor;
use crate::door::slots::Slots;
use crate::door::thrown::thrown;
use crate::error::{ErrorCode, Result};

type Answer = Result<JsValue, JsValue>;

#[derive(Clone)]
struct Held {
    /// The number of the file system it belongs to.
    owner: u32,
    descriptor: Descriptor,
    append: bool,
    /// What it was opened as, for messages.
    path: String,
}

thread_local! {
    static HELD: RefCell<Slots<Held>> = const { RefCell::new(Slots::new()) };
}

/// A number for what was opened, as long as its file system is open.
pub(super) fn insert(
    owner: u32,
    descriptor: Descriptor,
    append: bool,
    path: String,
) -> Result<u32> {
    if !browser::is_open(owner) {
        return Err(ErrorCode::BadDescriptor);
    }
    let held = Held { owner, descriptor, append, path };
    HELD.with_borrow_mut(|all| all.insert(held)).ok_or(ErrorCode::InsufficientMemory)
}

/// Closes all handles of a file system.
pub(crate) fn remove_all(owner: u32) {
    drop(HELD.with_borrow_mut(|all| all.remove_all(|held| held.owner == owner)));
}

/// Does `what` with the handle `number`.
fn with<T>(number: u32, verb: &str, what: impl FnOnce(&Held) -> Result<T>) -> Result<T, JsValue> {
    let done = HELD.with_borrow_mut(|all| {
        let held = all.get(number)?;
        Some(what(held).map_err(|code| failed(verb, &held.path, None, code, hint(code))))
    });
    done.unwrap_or_else(|| {
        let message = format!("cannot {verb} what is closed; open it again");
        Err(thrown(ErrorCode::BadDescriptor, &message))
    })
}

/// Reads from `at`; how many bytes came, none at the end.
#[wasm_bindgen(js_name = pageRead)]
pub fn read(number: u32, into: &Uint8Array, at: f64) -> Result<u32, JsValue> {
    with(number, "read", |held| {
        let at = value::bytes(at)?;
        let (count, _) = held.descriptor.read_into(Destination::from(into), at)?;
        // At most the buffer's length, which is a u32.
        #[allow(clippy::cast_possible_truncation)]
        Ok(count as u32)
    })
}

/// Writes to `at`, or of a handle that appends to the end; how many bytes there was room
/// for, which is all of them unless the storage is full.
#[wasm_bindgen(js_name = pageWrite)]
pub fn write(number: u32, from: &Uint8Array, at: f64) -> Result<u32, JsValue> {
    with(number, "write", |held| {
        let all = Source::from(from);
        if held.append {
            held.descriptor.append_via_stream()?.write(all).map_err(content::failure)?;
            return Ok(from.length());
        }
        let at = value::bytes(at)?;
        let mut done = 0;
        loop {
            let rest = all.part(done, all.len());
            match held.descriptor.write(rest, at + done as u64) {
                // As much as the source has.
                #[allow(clippy::cast_possible_truncation)]
                Ok(count) => done += count as usize,
                Err(code) if done == 0 => return Err(code),
                Err(_) => break,
            }
            if done >= all.len() {
                break;
            }
        }
        // At most the buffer's length, which is a u32.
        #[allow(clippy::cast_possible_truncation)]
        Ok(done as u32)
    })
}

/// Gives it another size.
#[wasm_bindgen(js_name = pageTruncateOpen)]
pub fn truncate(number: u32, size: f64) -> Result<(), JsValue> {
    with(number, "truncate", |held| held.descriptor.set_size(value::bytes(size)?))
}

/// What is known of it.
#[wasm_bindgen(js_name = pageStatOpen)]
pub fn stat(number: u32, wait: bool) -> Answer {
    let Held { descriptor, path, .. } = with(number, "stat", |held| Ok(held.clone()))?;
    on_open("stat", path, wait, async move { Ok(value::stats(&descriptor.stat().await?)) })
}

/// Returns when its content will survive a power cut.
#[wasm_bindgen(js_name = pageSyncOpen)]
pub fn sync(number: u32, wait: bool) -> Answer {
    let Held { descriptor, path, .. } = with(number, "sync", |held| Ok(held.clone()))?;
    on_open("sync", path, wait, async move {
        descriptor.sync().await?;
        Ok(JsValue::UNDEFINED)
    })
}

/// Closes it; what is closed already is fine too.
#[wasm_bindgen(js_name = pageClose)]
pub fn close(number: u32) {
    // Closing may end in the storage, which is not done under the borrow.
    drop(HELD.with_borrow_mut(|all| all.remove(number)));
}
