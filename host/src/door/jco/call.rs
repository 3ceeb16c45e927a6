//! How a call comes from JavaScript and how it is answered: numbers, and what is no number
//! in a page of memory that both sides write and read, the [`Exchange`]. So the classes of
//! the npm package and its functions on a guest's memory stand on the same calls, and
//! neither costs the other a copy.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::future_to_promise;

use super::table::Owner;
use crate::backend::{Kind, Time};
use crate::descriptor::Stat;
use crate::door::answer::at_once;
use crate::error::ErrorCode;
use crate::path::PATH_MAX;
use crate::stream::StreamError;

/// A part of the exchange: the longest path, and one byte that says it is longer.
const PART: usize = PATH_MAX + 1;

/// Two texts that come in, and what goes out.
#[repr(align(8))]
struct Exchange([[Cell<u8>; PART]; 3]);

const OUT: usize = 2;

thread_local! {
    static EXCHANGE: &'static Exchange = Box::leak(Box::new(Exchange(
        [const { [const { Cell::new(0) }; PART] }; 3],
    )));
    /// The promise of an answer that has to be waited for.
    static WAITED: RefCell<JsValue> = const { RefCell::new(JsValue::UNDEFINED) };
}

/// Where in this module's memory the exchange is: two texts of up to 4096 bytes, then as
/// much for what goes out.
#[must_use]
#[wasm_bindgen(js_name = exchange)]
pub fn exchange() -> *const u8 {
    EXCHANGE.with(|exchange| exchange.0.as_ptr().cast())
}

/// The promise that the last call left: of `[answer, what goes out]`.
#[must_use]
#[wasm_bindgen(js_name = waited)]
pub fn waited() -> JsValue {
    WAITED.take()
}

/// The name of an error code, by its number in the WIT; nothing for another number.
#[must_use]
#[wasm_bindgen(js_name = errorName)]
pub fn error_name(code: usize) -> Option<String> {
    ErrorCode::ALL.get(code).map(|code| code.name().to_owned())
}

/// Why a call is not answered with what it is about.
pub(super) enum Failure {
    Code(ErrorCode),
    /// A stream at its end, or after a failure.
    Closed,
    /// A text is not UTF-8: a component that passes one is not valid.
    NotText,
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Closed => Self::Closed,
            StreamError::Failed(code) => Self::Code(code),
        }
    }
}

/// What a call answers; a number is not negative.
pub(super) type Answer = Result<u32, Failure>;

// Answers that are no number of a call's. An error code is -1 less its own number.
const CLOSED: i32 = -100;
const NOT_TEXT: i32 = -101;
const WAITS: i32 = -102;

/// An answer as JavaScript gets it.
#[allow(clippy::needless_pass_by_value)] // As it comes.
pub(super) fn number(answer: Answer) -> i32 {
    match answer {
        // Handles and lengths are below 2^30.
        Ok(number) => i32::try_from(number).unwrap_or(i32::MAX),
        Err(Failure::Code(code)) => -1 - code as i32,
        Err(Failure::Closed) => CLOSED,
        Err(Failure::NotText) => NOT_TEXT,
    }
}

/// Asks `future` once, and leaves a promise if it has to wait, which it may only where a
/// mount of the owner's waits.
pub(super) fn answer(owner: Owner, future: impl Future<Output = Answer> + 'static) -> i32 {
    if owner.waits { promised(Box::pin(future)) } else { at_last(pin!(future)) }
}

// Neither is compiled once for each call.

fn at_last(future: Pin<&mut dyn Future<Output = Answer>>) -> i32 {
    number(at_once(future).unwrap_or(Err(Failure::Code(ErrorCode::Unsupported))))
}

fn promised(mut future: Pin<Box<dyn Future<Output = Answer>>>) -> i32 {
    if let Some(done) = at_once(future.as_mut()) {
        return number(done);
    }
    let promise = future_to_promise(async move {
        // Other calls use the exchange before the promise is looked at.
        let number = number(future.await);
        let out = EXCHANGE.with(|exchange| exchange.0[OUT].each_ref().map(Cell::get));
        Ok(Array::of2(&number.into(), &Uint8Array::from(&out[..])).into())
    });
    WAITED.replace(promise.into());
    WAITS
}

/// A text of `length` bytes that came in as number `which`. Of one that is longer than any
/// path only the beginning is there, which is as much too long.
pub(super) fn text(which: usize, length: u32) -> Result<Vec<u8>, Failure> {
    let length = length as usize;
    let part = |exchange: &&Exchange| {
        exchange.0[which][..length.min(PART)].iter().map(Cell::get).collect::<Vec<_>>()
    };
    let bytes = EXCHANGE.with(part);
    if length < PART && std::str::from_utf8(&bytes).is_err() {
        return Err(Failure::NotText);
    }
    Ok(bytes)
}

/// Puts `bytes` into what goes out, at one of its first bytes; what has no room is left out.
pub(super) fn put(at: usize, bytes: &[u8]) {
    EXCHANGE.with(|exchange| {
        for (cell, byte) in exchange.0[OUT][at..].iter().zip(bytes) {
            cell.set(*byte);
        }
    });
}

/// A text goes out, of which this is the length.
pub(super) fn put_text(bytes: &[u8]) -> u32 {
    put(0, bytes);
    // No longer than a path.
    u32::try_from(bytes.len().min(PART)).unwrap_or(0)
}

/// A kind by its number in the WIT.
pub(super) const fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::BlockDevice => 1,
        Kind::CharacterDevice => 2,
        Kind::Directory => 3,
        Kind::Fifo => 4,
        Kind::Symlink => 5,
        Kind::File => 6,
        Kind::Socket => 7,
    }
}

/// `descriptor-stat` goes out as the canonical ABI lays it out. A time before 1970 cannot
/// be told and is left out. The number to answer with.
pub(super) fn put_stat(stat: &Stat) -> u32 {
    let attributes = &stat.attributes;
    let mut bytes = [0; 96];
    bytes[0] = kind(stat.kind);
    bytes[8..16].copy_from_slice(&attributes.links.to_le_bytes());
    bytes[16..24].copy_from_slice(&attributes.size.to_le_bytes());
    let times = [attributes.accessed, attributes.modified, attributes.changed];
    for (time, place) in times.into_iter().zip(bytes[24..].chunks_exact_mut(24)) {
        let seconds = |time: Time| u64::try_from(time.seconds).ok().map(|s| (s, time.nanoseconds));
        if let Some((seconds, nanoseconds)) = time.and_then(seconds) {
            place[0] = 1;
            place[8..16].copy_from_slice(&seconds.to_le_bytes());
            place[16..20].copy_from_slice(&nanoseconds.to_le_bytes());
        }
    }
    put(0, &bytes);
    0
}

/// `metadata-hash-value` goes out; the number to answer with.
pub(super) fn put_hash(stat: &Stat) -> u32 {
    let (lower, upper) = stat.hash();
    put(0, &lower.to_le_bytes());
    put(8, &upper.to_le_bytes());
    0
}
