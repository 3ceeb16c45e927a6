//! Coming by a volume's file: its name, the lock that makes this worker its only owner, and
//! the access handle. The lock is there beside the handle because it is free at once when
//! its holder dies, can be waited for, and says who holds it.

use std::time::Duration;

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions,
    FileSystemSyncAccessHandle, WorkerGlobalScope,
};
use web_time::Instant;

use super::{OpfsFile, failure, name_of};
use crate::backend::volume::cache::{Cache, Kept};
use crate::backend::volume::disk::{Disk, read_all};
use crate::backend::volume::space::BLOCK;
use crate::backend::volume::{Options, Volume};
use crate::error::{ErrorCode, SetupError};
use crate::shared::lock;

/// The longest name of a volume, in bytes.
const NAME_MAX: usize = 64;

/// How often a locked file is tried, at least, and the pause between, in milliseconds: a
/// handle that another tab, or this page before a reload, has closed is free within a tenth
/// of a second.
const TRIES: u32 = 20;
const PAUSE: u32 = 25;

// A second lock, which anybody may share, says in its name who has the first: that can be
// read while a guest keeps the holder from answering. It holds a text that came from
// outside, so it is cut.
#[wasm_bindgen(inline_js = r"
const note = (name) => `${name} is open in `;
const holder = () => {
  const address = String(globalThis.location?.href ?? '').slice(0, 200);
  const worker = String(globalThis.name ?? '').slice(0, 100);
  return `${worker === '' ? '' : `'${worker}' of `}${address} since ${new Date().toISOString()}`;
};
const granted = (locks, name, options, until) =>
  new Promise((resolve, reject) => {
    const hold = (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : until;
    };
    locks.request(name, options, hold).catch(reject);
  });
export const lockVolume = async (name, wait) => {
  const { locks } = navigator;
  if (locks === undefined) {
    return () => undefined;
  }
  let release;
  const until = new Promise((resolve) => (release = resolve));
  const signal = wait > 0 ? AbortSignal.timeout(wait) : undefined;
  const options = signal ? { signal } : { ifAvailable: true };
  const ours = await granted(locks, name, options, until).catch((error) => {
    if (signal?.aborted) {
      return false;
    }
    throw error;
  });
  if (!ours) {
    const { held } = await locks.query();
    const found = held.find((lock) => lock.name.startsWith(note(name)));
    return found === undefined ? '' : found.name.slice(note(name).length);
  }
  try {
    await granted(locks, note(name) + holder(), { mode: 'shared' }, until);
  } catch (error) {
    release();
    throw error;
  }
  return release;
};
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
")]
extern "C" {
    /// Answers with what lets the lock go again, or with a text about who has it.
    #[wasm_bindgen(catch, js_name = lockVolume)]
    async fn lock_volume(name: &str, wait: u32) -> Result<JsValue, JsValue>;
    async fn pause(milliseconds: u32);
}

/// What makes this worker the only owner, until it is dropped.
pub(super) struct Lock(Function);

impl Drop for Lock {
    fn drop(&mut self) {
        // It only settles a promise.
        let _ = self.0.call0(&JsValue::UNDEFINED);
    }
}

/// What a page that opens a volume is told.
struct Opening<'a> {
    name: &'a str,
    wait: u32,
    /// A missing file is made.
    create: bool,
}

impl Opening<'_> {
    fn failed(&self, code: ErrorCode, why: &str) -> SetupError {
        SetupError::new(code, format!("cannot open the volume '{}': {why}", self.name))
    }

    fn thrown(&self, thrown: &JsValue) -> SetupError {
        let why = match name_of(thrown).as_str() {
            "QuotaExceededError" => {
                "the origin's storage is full; remove data of this site, or free the disk".into()
            }
            "TypeMismatchError" => "a directory of OPFS has its name; remove that".into(),
            "NotFoundError" if !self.create => {
                let why = "there is none of that name; check the name, and whose storage it is in";
                return self.failed(ErrorCode::NoEntry, why);
            }
            "SecurityError" | "NotAllowedError" => {
                "the browser gives no storage here; allow site data, or leave private browsing"
                    .into()
            }
            // There are no locks, as in Node.
            "ReferenceError" => return self.nowhere(),
            name => format!("{name}; check that the origin may store data"),
        };
        self.failed(failure(thrown), &why)
    }

    fn nowhere(&self) -> SetupError {
        let why = "it needs a dedicated worker of a secure page (https or localhost), in a \
                   browser that has synchronous access handles";
        self.failed(ErrorCode::Unsupported, why)
    }

    /// A name has to be one in every engine, and to read well in messages.
    fn check(&self) -> Result<(), SetupError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=NAME_MAX).contains(&self.name.len())
            && self.name.bytes().all(allowed)
            && !self.name.starts_with('.');
        if fits {
            return Ok(());
        }
        let why = "a volume's name has 1 to 64 letters (a to z, A to Z), digits, '-', '_' and '.', \
                   and does not begin with a dot";
        Err(self.failed(ErrorCode::Invalid, why))
    }

    async fn lock(&self) -> Result<Lock, SetupError> {
        let name = format!("wasi-opfs volume {}", self.name);
        let answer = lock_volume(&name, self.wait).await.map_err(|error| self.thrown(&error))?;
        match answer.dyn_into::<Function>() {
            Ok(release) => Ok(Lock(release)),
            Err(who) => {
                let who = who.as_string().filter(|who| !who.is_empty());
                let who = who.unwrap_or_else(|| "another tab or worker".into());
                let why = format!(
                    "it is in use by {who}; close that tab or that file system, or wait until \
                     its program has ended"
                );
                Err(self.failed(ErrorCode::Busy, &why))
            }
        }
    }

    /// The access handle of a file at the top of OPFS.
    async fn handle(&self, file: &str) -> Result<FileSystemSyncAccessHandle, SetupError> {
        let scope = js_sys::global().dyn_into::<WorkerGlobalScope>().map_err(|_| self.nowhere())?;
        let storage = scope.navigator().storage();
        if !storage.is_object() {
            return Err(self.nowhere());
        }
        let thrown = |error| self.thrown(&error);
        let top = JsFuture::from(storage.get_directory()).await.map_err(thrown)?;
        let top: FileSystemDirectoryHandle = top.unchecked_into();
        let options = FileSystemGetFileOptions::new();
        options.set_create(self.create);
        let file = JsFuture::from(top.get_file_handle_with_options(file, &options)).await;
        let file: FileSystemFileHandle = file.map_err(thrown)?.unchecked_into();
        let method = Reflect::has(&file, &"createSyncAccessHandle".into());
        if !method.unwrap_or(false) {
            return Err(self.nowhere());
        }
        for _ in 0..TRIES.max(self.wait / PAUSE) {
            match JsFuture::from(file.create_sync_access_handle()).await {
                Ok(handle) => return Ok(handle.unchecked_into()),
                Err(error) if name_of(&error) == "NoModificationAllowedError" => {
                    pause(PAUSE).await;
                }
                Err(error) => return Err(thrown(error)),
            }
        }
        let why = "other code of this page has its file open; close that first";
        Err(self.failed(ErrorCode::Busy, why))
    }
}

impl OpfsFile {
    /// Opens the volume `name`, or makes an empty file: `NAME.volume` at the top of OPFS.
    ///
    /// # Errors
    /// `invalid` for what is no name; `busy` if it is in use, after a wait; `unsupported`
    /// where there are no synchronous access handles.
    pub async fn open(name: &str, wait: Duration) -> Result<Self, SetupError> {
        Self::come_by(name, wait, true).await
    }

    /// Opens the volume `name`, which is there.
    ///
    /// # Errors
    /// As [`OpfsFile::open`]; `no-entry` if it is missing.
    pub async fn open_existing(name: &str, wait: Duration) -> Result<Self, SetupError> {
        Self::come_by(name, wait, false).await
    }

    async fn come_by(name: &str, wait: Duration, create: bool) -> Result<Self, SetupError> {
        // A browser's timer holds no more than 31 bits.
        let wait = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).min(i32::MAX as u32);
        let opening = Opening { name, wait, create };
        opening.check()?;
        let lock = opening.lock().await?;
        let handle = opening.handle(&format!("{name}.volume")).await?;
        let mut disk = Self { handle, len: 0, lock: Some(lock) };
        disk.len = disk.ask_len().map_err(|code| opening.failed(code, "its size is not known"))?;
        // Said by the time that somebody wants to know.
        #[cfg(feature = "p9")]
        let _ = super::room::room();
        Ok(disk)
    }
}

/// Some engines ask another process for each read, which takes twenty times as long.
fn reads_are_dear(disk: &mut dyn Disk) -> bool {
    const READS: u32 = 64;
    const DEAR: Duration = Duration::from_micros(900);
    // The better of two times counts, for others may have been at work.
    (0..2).all(|_| {
        let start = Instant::now();
        let mut block = [0; BLOCK];
        let read = (0..READS).all(|_| read_all(disk, &mut block[..], 0).is_ok());
        read && start.elapsed() >= DEAR
    })
}

impl Volume {
    /// Opens the volume `name` in OPFS, or makes one.
    ///
    /// # Errors
    /// As [`Volume::open`] and [`OpfsFile::open`].
    pub async fn open_opfs(name: &str, options: Options) -> Result<Self, SetupError> {
        let disk = OpfsFile::open(name, options.wait).await?;
        let volume = Self::open(disk, options)
            .map_err(|error| SetupError::new(error.code(), format!("'{name}': {error}")))?;
        if options.cache.is_none() {
            let store = &mut lock(&volume.shared.store);
            let dear = reads_are_dear(&mut *store.disk);
            store.cache = Cache::new(if dear { Kept::All(64 << 20) } else { Kept::Small(8 << 20) });
        }
        Ok(volume)
    }
}
