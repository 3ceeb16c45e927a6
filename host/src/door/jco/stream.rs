//! `input-stream` and `output-stream` of files, and `directory-entry-stream`.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::wasm_bindgen;

use super::call::{self, Failure, number, put_text};
use super::table::{self, Resource};
use crate::backend::{Destination, Source};
use crate::error::ErrorCode;
use crate::stream::{InputStream, OutputStream, StreamError};

/// Does `what` with an input stream; one that was dropped is closed.
fn input<T: TryInto<u32>>(
    stream: u32,
    what: impl FnOnce(&mut InputStream) -> Result<T, StreamError>,
) -> i32 {
    answered(table::with(stream, |resource| match resource {
        Resource::Input(stream) => what(stream),
        _ => Err(StreamError::Closed),
    }))
}

/// As [`input`].
fn output<T: TryInto<u32>>(
    stream: u32,
    what: impl FnOnce(&mut OutputStream) -> Result<T, StreamError>,
) -> i32 {
    answered(table::with(stream, |resource| match resource {
        Resource::Output(stream) => what(stream),
        _ => Err(StreamError::Closed),
    }))
}

fn answered<T: TryInto<u32>>(answer: Option<Result<T, StreamError>>) -> i32 {
    let answer = answer.unwrap_or(Err(StreamError::Closed));
    // Streams take and give at most a chunk at once.
    number(answer.map(|count| count.try_into().unwrap_or(u32::MAX)).map_err(Failure::from))
}

/// How many bytes a read of `length` is going to give: room is made for as many before
/// they are asked for. Fails as the read would.
#[must_use]
#[wasm_bindgen(js_name = inputReadable)]
pub fn input_readable(stream: u32, length: u64) -> i32 {
    input(stream, |stream| stream.readable(length))
}

/// `read` and `blocking-read`, into bytes `start..start + length` of `into`.
#[must_use]
#[wasm_bindgen(js_name = inputRead)]
pub fn input_read(stream: u32, into: &Uint8Array, start: usize, length: usize) -> i32 {
    input(stream, |stream| stream.read(Destination::View(into, start, start + length)))
}

/// `skip` and `blocking-skip`.
#[must_use]
#[wasm_bindgen(js_name = inputSkip)]
pub fn input_skip(stream: u32, length: u64) -> i32 {
    input(stream, |stream| stream.skip(length))
}

/// `check-write`.
#[must_use]
#[wasm_bindgen(js_name = outputCheckWrite)]
pub fn output_check_write(stream: u32) -> i32 {
    output(stream, |stream| stream.check_write())
}

/// `write`, and what of the blocking writes comes before the flush; of bytes
/// `start..start + length` of `from`.
#[must_use]
#[wasm_bindgen(js_name = outputWrite)]
pub fn output_write(stream: u32, from: &Uint8Array, start: usize, length: usize) -> i32 {
    output(stream, |stream| stream.write(Source::View(from, start, start + length)).map(|()| 0u32))
}

/// `write-zeroes`.
#[must_use]
#[wasm_bindgen(js_name = outputWriteZeroes)]
pub fn output_write_zeroes(stream: u32, length: u64) -> i32 {
    output(stream, |stream| stream.write_zeros(length).map(|()| 0u32))
}

/// `flush` and `blocking-flush`.
#[must_use]
#[wasm_bindgen(js_name = outputFlush)]
pub fn output_flush(stream: u32) -> i32 {
    output(stream, |stream| stream.flush().map(|()| 0u32))
}

/// No entry is left.
const NO_ENTRY: u32 = 8;

/// `read-directory-entry`: its kind in four bits, or 8 at the end, and above them the length
/// of its name, which goes out.
#[must_use]
#[wasm_bindgen(js_name = readDirectoryEntry)]
pub fn read_directory_entry(entries: u32) -> i32 {
    let next = table::with(entries, |resource| match resource {
        Resource::Entries(entries) => entries.next().transpose(),
        _ => Err(ErrorCode::BadDescriptor),
    });
    number(match next.unwrap_or(Err(ErrorCode::BadDescriptor)) {
        Ok(Some((kind, name))) => {
            let length = put_text(name.as_bytes());
            Ok(length << 4 | u32::from(call::kind(kind)))
        }
        Ok(None) => Ok(NO_ENTRY),
        Err(code) => Err(code.into()),
    })
}
