//! A disk in a file of OPFS, through one synchronous access handle, which is also the lock
//! against a second opener.

use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions,
    FileSystemReadWriteOptions, FileSystemSyncAccessHandle, WorkerGlobalScope,
};

use super::Disk;
use crate::backend::Destination;
use crate::backend::volume::{Options, Volume};
use crate::error::{ErrorCode, Result, SetupError};

/// The largest offset: JavaScript's numbers are exact up to here.
const OFFSET_MAX: u64 = (1 << 53) - 1;

/// How often a locked file is tried, and the pause between: a handle that another tab, or
/// this page before a reload, has closed is free within a tenth of a second.
const TRIES: u32 = 20;
const PAUSE: u32 = 25;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &js_sys::Function, milliseconds: u32);
}

/// A file of OPFS that this worker has for itself. Its size is remembered: asking for it
/// costs as much as a read in some engines.
pub struct OpfsFile {
    handle: FileSystemSyncAccessHandle,
    options: FileSystemReadWriteOptions,
    len: u64,
    open: bool,
}

fn name_of(thrown: &JsValue) -> String {
    let name = Reflect::get(thrown, &"name".into()).ok().and_then(|name| name.as_string());
    name.unwrap_or_default()
}

fn failure(thrown: &JsValue) -> ErrorCode {
    match name_of(thrown).as_str() {
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
    /// Opens the file `name` at the top of OPFS, or makes an empty one.
    ///
    /// # Errors
    /// `busy` if it is in use, after a wait of half a second; `unsupported` where there are
    /// no synchronous access handles.
    pub async fn open(name: &str) -> Result<Self, SetupError> {
        let not_opened = |code, why: &str| {
            SetupError::new(code, format!("cannot open the volume '{name}' in OPFS: {why}"))
        };
        let thrown = |thrown: JsValue| {
            let why = format!("{}; check that the origin may store data", name_of(&thrown));
            not_opened(failure(&thrown), &why)
        };
        let nowhere = || {
            let why = "it needs a dedicated worker of a secure page, in a browser that has \
                       synchronous access handles";
            not_opened(ErrorCode::Unsupported, why)
        };
        let scope = js_sys::global().dyn_into::<WorkerGlobalScope>().map_err(|_| nowhere())?;
        let storage = scope.navigator().storage();
        if !storage.is_object() {
            return Err(nowhere());
        }
        let top = JsFuture::from(storage.get_directory()).await.map_err(thrown)?;
        let top: FileSystemDirectoryHandle = top.unchecked_into();
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        let file = JsFuture::from(top.get_file_handle_with_options(name, &options)).await;
        let file: FileSystemFileHandle = file.map_err(thrown)?.unchecked_into();
        let method = Reflect::has(&file, &"createSyncAccessHandle".into());
        if !method.unwrap_or(false) {
            return Err(nowhere());
        }
        let mut tries = 0;
        let handle = loop {
            match JsFuture::from(file.create_sync_access_handle()).await {
                Ok(handle) => break handle,
                Err(error) if name_of(&error) == "NoModificationAllowedError" => {
                    tries += 1;
                    if tries == TRIES {
                        let why = "another tab or worker has it open; close that one first";
                        return Err(not_opened(ErrorCode::Busy, why));
                    }
                    pause().await.map_err(thrown)?;
                }
                Err(error) => return Err(thrown(error)),
            }
        };
        let handle: FileSystemSyncAccessHandle = handle.unchecked_into();
        let mut disk =
            Self { handle, options: FileSystemReadWriteOptions::new(), len: 0, open: true };
        disk.len = disk.ask_len().map_err(|code| not_opened(code, "its size is not known"))?;
        Ok(disk)
    }

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

/// Waits for [`PAUSE`] milliseconds.
async fn pause() -> Result<(), JsValue> {
    let timer = js_sys::Promise::new(&mut |resolve, _| set_timeout(&resolve, PAUSE));
    JsFuture::from(timer).await.map(drop)
}

impl Disk for OpfsFile {
    fn read_at(&mut self, into: Destination<'_>, at: u64) -> Result<usize> {
        self.options.set_at_f64(number(at)?);
        let most = into.len();
        let count = match into {
            Destination::Slice(into) => {
                self.handle.read_with_u8_array_and_options(into, &self.options)
            }
            Destination::View(view, start, end) => {
                // A view's length is a u32 on wasm32, so both fit.
                #[allow(clippy::cast_possible_truncation)]
                let part = view.subarray(start as u32, end as u32);
                self.handle.read_with_js_u8_array_and_options(&part, &self.options)
            }
        };
        counted(count.map_err(|thrown| failure(&thrown))?, most).ok_or(ErrorCode::Io)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> Result<usize> {
        self.options.set_at_f64(number(at)?);
        let count = self.handle.write_with_u8_array_and_options(bytes, &self.options);
        // A full disk is a count of 0 in Firefox, and was 4294967288 in Chromium.
        let count = counted(count.map_err(|thrown| failure(&thrown))?, bytes.len());
        let count = count.ok_or(ErrorCode::InsufficientSpace)?;
        self.len = self.len.max(at + count as u64);
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

    fn flush(&mut self) -> Result<()> {
        self.handle.flush().map_err(|thrown| failure(&thrown))
    }

    fn close(&mut self) {
        self.open = false;
        self.handle.close();
    }
}

impl Drop for OpfsFile {
    /// A handle that is dropped without being closed stays locked.
    fn drop(&mut self) {
        if self.open {
            self.handle.close();
        }
    }
}

impl Volume {
    /// Opens the volume `name` in OPFS, or makes one: a file `NAME.volume` at its top.
    ///
    /// # Errors
    /// As [`Volume::open`] and [`OpfsFile::open`].
    pub async fn open_opfs(name: &str, options: Options) -> Result<Self, SetupError> {
        let file = format!("{name}.volume");
        let disk = OpfsFile::open(&file).await?;
        Self::open(disk, options)
            .map_err(|error| SetupError::new(error.code(), format!("'{file}': {error}")))
    }
}
