//! What a page does with the volumes of an open file system as such.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{thrown, with};
use crate::backend::Backend;
use crate::backend::volume::Volume;
use crate::door::answer::{answer, at_once};
use crate::error::{ErrorCode, Result};
use crate::shared::Ref;

/// Whether a volume is among the mounts, so that it has to be written now and then.
#[must_use]
#[wasm_bindgen(js_name = hasVolumes)]
pub fn has_volumes(number: u32) -> bool {
    with(number, |open| open.mounts.iter().any(|(_, opened)| opened.volume.is_some()))
        .unwrap_or(false)
}

/// Hands what the volumes have gathered to OPFS, without a flush.
///
/// # Errors
/// The first of what their storage answers; the others are written all the same.
#[wasm_bindgen(js_name = writeOut)]
pub fn write_out(number: u32) -> Result<(), JsValue> {
    each(number, "write", |volume| volume.write_out())
}

/// Writes and flushes all volumes.
pub(super) fn sync(number: u32) -> Result<(), JsValue> {
    // A volume never waits.
    each(number, "sync", |volume| at_once(volume.sync()).unwrap_or(Err(ErrorCode::Io)))
}

/// Returns when all mounts are stored as their storage can; with `wait` as a promise if
/// one of them waits.
///
/// # Errors
/// The first that one answers; `unsupported` for one that waits, without `wait`.
#[wasm_bindgen(js_name = syncFilesystem)]
pub fn sync_filesystem(number: u32, wait: bool) -> Result<JsValue, JsValue> {
    sync(number)?;
    let mounts = with(number, |open| open.mounts.clone())?;
    let others = async move {
        for (guest, opened) in mounts {
            if opened.volume.is_none() {
                let answer = opened.fs.backend().sync().await;
                answer.map_err(|code| not_done("sync", &guest, code))?;
            }
        }
        Ok(JsValue::UNDEFINED)
    };
    if wait {
        return answer(others);
    }
    at_once(others).unwrap_or_else(|| Err(not_done("sync", "", ErrorCode::Unsupported)))
}

fn each(number: u32, verb: &str, act: impl Fn(&Volume) -> Result<()>) -> Result<(), JsValue> {
    let volumes: Vec<(String, Ref<Volume>)> = with(number, |open| {
        let volume = |(guest, opened): &(String, super::Opened)| {
            Some((guest.clone(), opened.volume.clone()?))
        };
        open.mounts.iter().filter_map(volume).collect()
    })?;
    let failed = volumes.iter().filter_map(|(guest, volume)| Some((guest, act(volume).err()?)));
    // All of them, before the first error.
    let failed: Vec<_> = failed.collect();
    match failed.first() {
        Some((guest, code)) => Err(not_done(verb, guest, *code)),
        None => Ok(()),
    }
}

fn not_done(verb: &str, guest: &str, code: ErrorCode) -> JsValue {
    let hint = match code {
        ErrorCode::InsufficientSpace => "free some of the origin's storage, and sync again",
        ErrorCode::Unsupported => "use the form that answers with a promise",
        _ => "what is gathered is kept, and tried again",
    };
    thrown(code, &format!("cannot {verb} the mount '{guest}': {code}; {hint}"))
}
