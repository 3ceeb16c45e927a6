//! A disk in a file of OPFS, through one synchronous access handle. How it is come by is
//! in `open`.

mod open;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::FileSystemSyncAccessHandle;

use self::open::Lock;
use super::Disk;
use crate::backend::Destination;
use crate::error::{ErrorCode, Result};

// One crossing for each: what is thrown is kept, and asked for if the count is negative.
#[wasm_bindgen(inline_js = r"
const options = { at: 0 };
let thrown;
export function read(handle, into, at) {
  options.at = at;
  try {
    return handle.read(into, options);
  } catch (error) {
    thrown = error;
    return -1;
  }
}
export function write(handle, from, at) {
  options.at = at;
  try {
    return handle.write(from, options);
  } catch (error) {
    thrown = error;
    return -1;
  }
}
export function failed() {
  const name = thrown?.name;
  thrown = undefined;
  return String(name);
}
")]
extern "C" {
    #[wasm_bindgen(js_name = read)]
    fn read_slice(handle: &FileSystemSyncAccessHandle, into: &mut [u8], at: f64) -> f64;
    #[wasm_bindgen(js_name = read)]
    fn read_view(handle: &FileSystemSyncAccessHandle, into: &Uint8Array, at: f64) -> f64;
    #[wasm_bindgen(js_name = write)]
    fn write_slice(handle: &FileSystemSyncAccessHandle, from: &[u8], at: f64) -> f64;
    fn failed() -> String;
}

/// The largest offset: JavaScript's numbers are exact up to here.
const OFFSET_MAX: u64 = (1 << 53) - 1;

/// A file of OPFS that this worker has for itself. Its size is remembered: asking for it
/// costs as much as a read in some engines.
pub struct OpfsFile {
    handle: FileSystemSyncAccessHandle,
    len: u64,
    /// Held as long as the handle is open.
    lock: Option<Lock>,
}

fn name_of(thrown: &JsValue) -> String {
    let name = Reflect::get(thrown, &"name".into()).ok().and_then(|name| name.as_string());
    name.unwrap_or_default()
}

fn failure(thrown: &JsValue) -> ErrorCode {
    code(&name_of(thrown))
}

/// What an exception of this name means.
fn code(name: &str) -> ErrorCode {
    match name {
        "QuotaExceededError" | "NS_ERROR_FILE_NO_DEVICE_SPACE" => ErrorCode::InsufficientSpace,
        // A closed handle among them.
        _ => ErrorCode::Io,
    }
}

/// An offset as JavaScript has it.
fn number(value: u64) -> Result<f64> {
    // Exact up to the bound.
    #[allow(clippy::cast_precision_loss)]
    if value <= OFFSET_MAX { Ok(value as f64) } else { Err(ErrorCode::InsufficientSpace) }
}

/// A count that an engine answered, if it is one: `most` at most.
fn counted(count: f64, most: usize) -> Option<usize> {
    // Both are below 2^32 here.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (count >= 0.0 && count <= most as f64 && count.fract() == 0.0).then_some(count as usize)
}

impl OpfsFile {
    fn ask_len(&self) -> Result<u64> {
        let len = self.handle.get_size().map_err(|thrown| failure(&thrown))?;
        // Below the bound, and exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        if (0.0..=9_007_199_254_740_991.0).contains(&len) {
            Ok(len as u64)
        } else {
            Err(ErrorCode::Io)
        }
    }
}

impl Disk for OpfsFile {
    fn read_at(&mut self, into: Destination<'_>, at: u64) -> Result<usize> {
        let (at, most) = (number(at)?, into.len());
        let count = match into {
            Destination::Slice(into) => read_slice(&self.handle, into, at),
            Destination::View(view, 0, end) if end == view.length() as usize => {
                read_view(&self.handle, view, at)
            }
            Destination::View(view, start, end) => {
                // A view's length is a u32 on wasm32, so both fit.
                #[allow(clippy::cast_possible_truncation)]
                let part = view.subarray(start as u32, end as u32);
                read_view(&self.handle, &part, at)
            }
        };
        if count < 0.0 {
            return Err(code(&failed()));
        }
        counted(count, most).ok_or(ErrorCode::Io)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> Result<usize> {
        let at = number(at)?;
        let count = write_slice(&self.handle, bytes, at);
        if count < 0.0 {
            return Err(code(&failed()));
        }
        // A full disk is a count of 0 in Firefox, and was 4294967288 in Chromium.
        let count = counted(count, bytes.len()).ok_or(ErrorCode::InsufficientSpace)?;
        // Exact, and not negative.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let end = at as u64 + count as u64;
        self.len = self.len.max(end);
        Ok(count)
    }

    fn len(&mut self) -> Result<u64> {
        Ok(self.len)
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        let answer = self.handle.truncate_with_f64(number(len)?);
        match answer {
            Ok(()) => self.len = len,
            Err(_) => self.len = self.ask_len().unwrap_or(self.len),
        }
        answer.map_err(|thrown| failure(&thrown))
    }

    fn room(&mut self) -> Option<u64> {
        // What the engine says of it is a promise.
        None
    }

    fn flush(&mut self) -> Result<()> {
        self.handle.flush().map_err(|thrown| failure(&thrown))
    }

    fn close(&mut self) {
        if let Some(lock) = self.lock.take() {
            self.handle.close();
            drop(lock);
        }
    }
}

impl Drop for OpfsFile {
    /// A handle that is dropped without being closed stays locked.
    fn drop(&mut self) {
        self.close();
    }
}
