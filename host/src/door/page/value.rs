//! Values as a script has them. What consists of several is made by one call: crossing
//! to JavaScript once for each property costs ten times as much.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::backend::{Kind, Time};
use crate::descriptor::Stat;
use crate::error::{ErrorCode, Result};

#[wasm_bindgen(inline_js = r"
export const KINDS =
  ['file', 'directory', 'symlink', 'block-device', 'character-device', 'fifo', 'socket'];
const known = (time) => (time === time ? time : undefined);
export const stats = (
  kind, size, allocated, mode, nlink, uid, gid, ino, accessed, modified, changed, born,
) => ({
  kind: KINDS[kind],
  size,
  allocated,
  mode,
  nlink,
  uid,
  gid,
  ino,
  atimeMs: known(accessed),
  mtimeMs: known(modified),
  ctimeMs: known(changed),
  birthtimeMs: known(born),
});
export const zeros = (length) => new Uint8Array(length);
// Names hold no slash; the first character of each is the number of its kind.
export const entries = (packed) => {
  const all = packed.split('/');
  all.pop();
  return all.map((entry) => ({ name: entry.slice(1), kind: KINDS[entry.charCodeAt(0) - 48] }));
};
")]
extern "C" {
    #[wasm_bindgen(js_name = stats)]
    fn js_stats(
        kind: u8,
        size: f64,
        allocated: f64,
        mode: u32,
        links: f64,
        owner: u32,
        group: u32,
        inode: u64,
        accessed: f64,
        modified: f64,
        changed: f64,
        born: f64,
    ) -> JsValue;
    /// Throws where there is not as much memory.
    #[wasm_bindgen(catch)]
    fn zeros(length: u32) -> Result<Uint8Array, JsValue>;
    /// Entries, each the number of its kind as a digit, its name and a slash.
    pub(super) fn entries(packed: &str) -> JsValue;
}

/// A kind's place in the list above.
pub(super) const fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::File => 0,
        Kind::Directory => 1,
        Kind::Symlink => 2,
        Kind::BlockDevice => 3,
        Kind::CharacterDevice => 4,
        Kind::Fifo => 5,
        Kind::Socket => 6,
    }
}

/// A number as JavaScript has it: exact up to 2^53.
#[allow(clippy::cast_precision_loss)] // Which is what a script expects.
const fn number(value: u64) -> f64 {
    value as f64
}

/// `Stats`. What is not known of the times is left out.
pub(super) fn stats(stat: &Stat) -> JsValue {
    let Stat { kind: what, id, attributes } = stat;
    let milliseconds = |time: Option<Time>| {
        // Exact to a fraction of a millisecond.
        #[allow(clippy::cast_precision_loss)]
        time.map_or(f64::NAN, |time| time.seconds as f64 * 1e3 + f64::from(time.nanoseconds) / 1e6)
    };
    js_stats(
        kind(*what),
        number(attributes.size),
        number(attributes.allocated),
        attributes.mode,
        number(attributes.links),
        attributes.uid,
        attributes.gid,
        id.inode,
        milliseconds(attributes.accessed),
        milliseconds(attributes.modified),
        milliseconds(attributes.changed),
        milliseconds(attributes.created),
    )
}

/// A fresh buffer.
pub(super) fn buffer(length: u64) -> Result<Uint8Array> {
    let length = u32::try_from(length).map_err(|_| ErrorCode::FileTooLarge)?;
    zeros(length).map_err(|_| ErrorCode::InsufficientMemory)
}

/// A whole number of bytes from outside.
pub(super) fn bytes(value: f64) -> Result<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // Checked to be exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    if (0.0..=EXACT).contains(&value) && value.fract() == 0.0 {
        Ok(value as u64)
    } else {
        Err(ErrorCode::Invalid)
    }
}

/// A moment, from milliseconds since 1970.
pub(super) fn moment(milliseconds: f64) -> Result<Time> {
    if !milliseconds.is_finite() {
        return Err(ErrorCode::Invalid);
    }
    let seconds = (milliseconds / 1e3).floor();
    // What no time of a backend reaches is told by it.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let nanoseconds = ((milliseconds - seconds * 1e3) * 1e6) as u32;
    #[allow(clippy::cast_possible_truncation)]
    let seconds = seconds as i64;
    Ok(Time { seconds, nanoseconds: nanoseconds.min(999_999_999) })
}
