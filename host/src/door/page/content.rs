//! What is done with the content of a file that a path names.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::call::{Call, Paths};
use super::{handle, value};
use crate::backend::{Changes, Destination, Source};
use crate::descriptor::{Descriptor, DescriptorFlags, OpenFlags};
use crate::error::{ErrorCode, Result};
use crate::resolve::Follow;
use crate::stream::StreamError;

type Answer = Result<JsValue, JsValue>;

const READ: DescriptorFlags = DescriptorFlags { read: true, ..NOTHING };
const WRITE: DescriptorFlags = DescriptorFlags { write: true, ..NOTHING };
const NOTHING: DescriptorFlags = DescriptorFlags {
    read: false,
    write: false,
    file_integrity_sync: false,
    data_integrity_sync: false,
    requested_write_sync: false,
    mutate_directory: false,
};

/// How a script opens a file: bits, in this order.
#[derive(Clone, Copy)]
pub(super) struct How(u32);

impl How {
    const fn bit(self, bit: u32) -> bool {
        self.0 >> bit & 1 != 0
    }
    fn open(self) -> OpenFlags {
        let [create, truncate, exclusive] = [0, 1, 2].map(|bit| self.bit(bit));
        OpenFlags { create, truncate, exclusive, directory: false }
    }
    pub(super) const fn append(self) -> bool {
        self.bit(3)
    }
    const fn write(self) -> bool {
        self.bit(4)
    }
}

pub(super) fn failure(error: StreamError) -> ErrorCode {
    match error {
        StreamError::Closed => ErrorCode::Io,
        StreamError::Failed(code) => code,
    }
}

/// Opens a file; a new one gets `mode`, if there is one.
async fn open(
    paths: &Paths,
    open: OpenFlags,
    flags: DescriptorFlags,
    mode: Option<u32>,
) -> Result<Descriptor> {
    let (base, rest) = paths.path()?;
    if let (true, Some(mode)) = (open.create, mode) {
        let fresh = OpenFlags { exclusive: true, ..open };
        match base.open_at(Follow::Yes, rest, fresh, flags).await {
            Err(ErrorCode::Exist) if !open.exclusive => {}
            Err(code) => return Err(code),
            Ok(file) => {
                let mode = Some(mode & 0o7777);
                file.set_attributes(Changes { mode, ..Changes::default() }).await?;
                return Ok(file);
            }
        }
    }
    base.open_at(Follow::Yes, rest, open, flags).await
}

/// All of a file: in `scratch`, if it fits in there, and then how many bytes it has;
/// otherwise in a fresh buffer. A fresh one costs more than reading a small file.
#[wasm_bindgen(js_name = pageReadFile)]
pub fn read_file(number: u32, path: String, scratch: Option<Uint8Array>, wait: bool) -> Answer {
    Call::new(number, "read", path, wait)?.run(async move |paths| {
        let file = open(paths, OpenFlags::default(), READ, None).await?;
        let mut stream = file.read_via_stream(0)?;
        let size = file.stat().await?.attributes.size;
        let fits = |scratch: &Uint8Array| size <= u64::from(scratch.length());
        let scratch = scratch.filter(fits);
        let into = match &scratch {
            Some(scratch) => scratch.clone(),
            None => value::buffer(size)?,
        };
        // At most the buffer's length, which is a u32.
        #[allow(clippy::cast_possible_truncation)]
        let length = size as u32;
        let mut done = 0;
        while done < length {
            let rest = Destination::View(&into, done as usize, length as usize);
            match stream.read(rest) {
                #[allow(clippy::cast_possible_truncation)]
                Ok(count) => done += count as u32,
                // Somebody has cut it meanwhile.
                Err(StreamError::Closed) => break,
                Err(StreamError::Failed(code)) => return Err(code),
            }
        }
        Ok(match scratch {
            Some(_) => done.into(),
            None if done < length => into.slice(0, done).into(),
            None => into.into(),
        })
    })
}

/// Makes `bytes` the content of a file, or appends them; `how` as in `pageOpen`.
#[wasm_bindgen(js_name = pageWriteFile)]
pub fn write_file(
    number: u32,
    path: String,
    bytes: Uint8Array,
    how: u32,
    mode: Option<u32>,
    wait: bool,
) -> Answer {
    let how = How(how);
    Call::new(number, "write", path, wait)?.done(async move |paths| {
        let file = open(paths, how.open(), WRITE, mode).await?;
        let mut stream =
            if how.append() { file.append_via_stream() } else { file.write_via_stream(0) }?;
        stream.write(Source::from(&bytes)).map_err(failure)
    })
}

/// Gives a file another size.
#[wasm_bindgen(js_name = pageTruncate)]
pub fn truncate(number: u32, path: String, size: f64, wait: bool) -> Answer {
    Call::new(number, "truncate", path, wait)?.done(async move |paths| {
        let size = value::bytes(size)?;
        open(paths, OpenFlags::default(), WRITE, None).await?.set_size(size)
    })
}

/// Opens a file or a directory; the number of a handle. `how` are bits: create, truncate,
/// exclusive, append, write. What is open can always be read.
#[wasm_bindgen(js_name = pageOpen)]
pub fn open_handle(number: u32, path: String, how: u32, mode: Option<u32>, wait: bool) -> Answer {
    let how = How(how);
    let name = path.clone();
    Call::new(number, "open", path, wait)?.run(async move |paths| {
        let flags = DescriptorFlags { read: true, write: how.write(), ..NOTHING };
        let opened = open(paths, how.open(), flags, mode).await?;
        handle::insert(number, opened, how.append(), name).map(JsValue::from)
    })
}
