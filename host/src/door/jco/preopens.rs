//! `wasi:filesystem/preopens`, and all that guests hold.

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::table::{self, Resource};
use super::{answer, value};
use crate::browser;

/// `get-directories`: `[number of a descriptor, guest name]` of each mount.
#[wasm_bindgen(js_name = getDirectories)]
pub fn get_directories(number: u32) -> Result<Array, JsValue> {
    let preopens = browser::guests(number)?.preopens();
    preopens
        .into_iter()
        .map(|(descriptor, guest)| {
            let descriptor = table::insert(number, Resource::Descriptor(descriptor))?;
            Ok(value::pair(descriptor.into(), guest.into()))
        })
        .collect::<Result<_, _>>()
        .map_err(answer::thrown)
}

/// How many resources guests hold.
#[must_use]
#[wasm_bindgen(js_name = resourceCount)]
pub fn resource_count(number: u32) -> usize {
    table::count(number)
}

/// Lets go of everything that guests hold, and writes what they left to be written.
///
/// # Errors
/// As `writeOut`.
#[wasm_bindgen(js_name = releaseResources)]
pub fn release_resources(number: u32) -> Result<(), JsValue> {
    table::remove_all(number);
    browser::write_out(number)
}
