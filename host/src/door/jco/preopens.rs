//! `wasi:filesystem/preopens`, and all that guests hold.

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::table::{self, Owner, Resource};
use crate::browser;
use crate::door::thrown::thrown;
use crate::error::ErrorCode;

/// `get-directories`: `[number of a descriptor, guest name]` of each mount.
///
/// # Errors
/// When the file system is closed, or more is held than there are numbers.
#[wasm_bindgen(js_name = getDirectories)]
pub fn get_directories(number: u32) -> Result<Array, JsValue> {
    let guests = browser::guests(number)?;
    let owner = Owner::new(number, guests.waits().is_some());
    let full = |code: ErrorCode| thrown(code, "a guest holds more than there are numbers for");
    guests
        .preopens()
        .into_iter()
        .map(|(descriptor, guest)| {
            let descriptor =
                table::insert(owner, Resource::Descriptor(descriptor)).map_err(full)?;
            Ok(Array::of2(&descriptor.into(), &guest.into()))
        })
        .collect()
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
