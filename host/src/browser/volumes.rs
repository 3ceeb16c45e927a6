//! What a page does with the volumes of an open file system as such.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::with;
use crate::backend::Backend;
use crate::backend::volume::Volume;
use crate::door::answer::{answer, at_once};
use crate::door::thrown::thrown;
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
    each(number, "write", Volume::write_out)
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

#[wasm_bindgen(inline_js = r"
export const usage = (size, live, dead, free, reserved, gathered, objects) =>
  ({ size, live, dead, free, reserved, gathered, objects });
export const compaction = (moved, size, done) => ({ moved, size, done });
")]
extern "C" {
    #[wasm_bindgen(js_name = usage)]
    fn js_usage(
        size: f64,
        live: f64,
        dead: f64,
        free: f64,
        reserved: f64,
        gathered: f64,
        objects: f64,
    ) -> JsValue;
    #[wasm_bindgen(js_name = compaction)]
    fn js_compaction(moved: f64, size: f64, done: bool) -> JsValue;
}

/// A number as JavaScript has it: a volume has less than 2^53 bytes.
#[allow(clippy::cast_precision_loss)]
const fn number(value: u64) -> f64 {
    value as f64
}

/// The volume that is mounted at a guest name.
fn volume_at(open: u32, verb: &str, guest: &str) -> Result<Ref<Volume>, JsValue> {
    let found = with(open, |open| {
        let mount = open.mounts.iter().find(|(name, _)| name == guest);
        mount.map(|(_, opened)| opened.volume.clone())
    })?;
    let refused = |code, why: &str| thrown(code, &format!("cannot {verb} '{guest}': {why}"));
    match found {
        None => Err(refused(ErrorCode::NoEntry, "nothing is mounted there; take a mount's name")),
        Some(None) => Err(refused(ErrorCode::Unsupported, "no volume is mounted there")),
        Some(Some(volume)) => Ok(volume),
    }
}

/// How the bytes of the volume at a guest name are used.
///
/// # Errors
/// `no-entry` if nothing is mounted there, `unsupported` if it is no volume.
#[wasm_bindgen(js_name = volumeUsage)]
pub fn usage(open: u32, guest: &str) -> Result<JsValue, JsValue> {
    let usage = volume_at(open, "measure", guest)?.usage();
    Ok(js_usage(
        number(usage.size),
        number(usage.live),
        number(usage.dead),
        number(usage.free),
        number(usage.reserved),
        number(usage.gathered),
        number(usage.objects),
    ))
}

/// One step of a compaction, in which about `most` bytes are moved.
///
/// # Errors
/// As `volumeUsage`, and what the storage answers: the volume is whole all the same.
#[wasm_bindgen(js_name = compactVolume)]
pub fn compact(open: u32, guest: &str, most: f64) -> Result<JsValue, JsValue> {
    let volume = volume_at(open, "compact", guest)?;
    // What is too much or no number is bounded by the cast.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let step = volume.compact(most as u64).map_err(|code| not_done("compact", guest, code))?;
    Ok(js_compaction(number(step.moved), number(step.size), step.done))
}
