//! `input-stream` and `output-stream` of files, and `directory-entry-stream`. A
//! stream throws the name of an error's case, or `undefined` once it is closed.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::thrown;
use super::table::{self, Resource};
use super::value;
use crate::backend::Source;
use crate::error::ErrorCode;
use crate::stream::{InputStream, OutputStream, StreamError};

fn thrown_of_stream(error: StreamError) -> JsValue {
    match error {
        StreamError::Closed => JsValue::UNDEFINED,
        StreamError::Failed(code) => thrown(code),
    }
}

/// Does `what` with the input stream `number`; one that was dropped is closed.
fn input<T>(
    number: u32,
    what: impl FnOnce(&mut InputStream) -> Result<T, StreamError>,
) -> Result<T, JsValue> {
    table::with(number, |resource| match resource {
        Resource::Input(stream) => what(stream),
        _ => Err(StreamError::Closed),
    })
    .unwrap_or(Err(StreamError::Closed))
    .map_err(thrown_of_stream)
}

/// As [`input`].
fn output<T>(
    number: u32,
    what: impl FnOnce(&mut OutputStream) -> Result<T, StreamError>,
) -> Result<T, JsValue> {
    table::with(number, |resource| match resource {
        Resource::Output(stream) => what(stream),
        _ => Err(StreamError::Closed),
    })
    .unwrap_or(Err(StreamError::Closed))
    .map_err(thrown_of_stream)
}

/// `read` and `blocking-read`; the bytes are good until a megabyte more was read.
#[wasm_bindgen(js_name = inputRead)]
pub fn input_read(number: u32, length: u64) -> Result<Uint8Array, JsValue> {
    input(number, |stream| {
        value::read_bytes(crate::stream::clamp(length), |view| stream.read(view.into()))
    })
}

/// `skip` and `blocking-skip`.
#[wasm_bindgen(js_name = inputSkip)]
pub fn input_skip(number: u32, length: u64) -> Result<u64, JsValue> {
    input(number, |stream| stream.skip(length))
}

/// `check-write`.
#[wasm_bindgen(js_name = outputCheckWrite)]
pub fn output_check_write(number: u32) -> Result<u64, JsValue> {
    output(number, |stream| stream.check_write())
}

/// `write`, and what of the blocking writes comes before the flush.
#[wasm_bindgen(js_name = outputWrite)]
pub fn output_write(number: u32, bytes: &Uint8Array) -> Result<(), JsValue> {
    output(number, |stream| stream.write(Source::from(bytes)))
}

/// `write-zeroes`.
#[wasm_bindgen(js_name = outputWriteZeroes)]
pub fn output_write_zeroes(number: u32, length: u64) -> Result<(), JsValue> {
    output(number, |stream| stream.write_zeros(length))
}

/// `flush` and `blocking-flush`.
#[wasm_bindgen(js_name = outputFlush)]
pub fn output_flush(number: u32) -> Result<(), JsValue> {
    output(number, |stream| stream.flush())
}

/// `read-directory-entry`.
#[wasm_bindgen(js_name = readDirectoryEntry)]
pub fn read_directory_entry(number: u32) -> Result<JsValue, JsValue> {
    let next = table::with(number, |resource| match resource {
        Resource::Entries(entries) => entries.next().transpose(),
        _ => Err(ErrorCode::BadDescriptor),
    });
    match next.unwrap_or(Err(ErrorCode::BadDescriptor)).map_err(thrown)? {
        Some((kind, name)) => Ok(value::entry(kind, &name)),
        None => Ok(JsValue::UNDEFINED),
    }
}
