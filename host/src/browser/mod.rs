//! What a page opens: mounts that become one tree for its guests, and one for itself.
//! `kinds` has what can be mounted; what is done with volumes as such is in `volumes`.

mod kinds;
mod volumes;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use js_sys::{Array, Function};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};

use self::kinds::Opened;
use self::volumes::sync;
pub(crate) use self::volumes::write_out;
use crate::backend::volume::Options;
#[cfg(feature = "p9")]
use crate::door::p9;
use crate::door::slots::Slots;
use crate::door::thrown::{refused, thrown};
use crate::door::{jco, p1, page};
use crate::error::{ErrorCode, Result, SetupError};
use crate::mount::{MountOptions, MountTable};

struct Open {
    /// By their guest names.
    mounts: Vec<(String, Opened)>,
    guests: MountTable,
    /// The same tree for the page, which may write everywhere.
    page: MountTable,
}

thread_local! {
    static OPEN: RefCell<Slots<Open>> = const { RefCell::new(Slots::new()) };
    /// Whether what guests have written is about to be handed on.
    static DUE: Cell<bool> = const { Cell::new(false) };
    static WRITE_ALL: Function = write_all_later();
}

/// [`write_all`], as JavaScript calls it.
fn write_all_later() -> Function {
    Closure::<dyn Fn()>::new(write_all).into_js_value().unchecked_into()
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(message: &str);
    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(task: &Function);
}

/// Sends the message of a panic to the console: what a page sees otherwise is
/// only that the module stopped.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| console_error(&format!("wasi-opfs: {panic}"))));
}

fn closed() -> JsValue {
    thrown(ErrorCode::BadDescriptor, "the file system is closed; open it again")
}

/// Opens `mounts`, each `[guest name, kind, name, read-only]`, and answers with the number
/// of their tree. If `sync`, none of them may wait. A volume that another worker has open
/// is waited for, so many milliseconds. Volumes gather so many bytes, for so many
/// milliseconds, and keep so many in memory.
///
/// # Errors
/// An `Error` that says what could not be opened, and why. Then nothing is open.
#[wasm_bindgen(js_name = openFilesystem)]
pub async fn open_filesystem(
    mounts: Array,
    sync: bool,
    wait_ms: f64,
    gather_bytes: Option<f64>,
    gather_ms: f64,
    cache_bytes: Option<f64>,
) -> Result<u32, JsValue> {
    let volumes = || {
        let bytes = gather_bytes.map_or(Ok(1 << 20), |bytes| number("gather.bytes", bytes))?;
        let time = Duration::from_millis(number("gather.ms", gather_ms)?.into());
        let wait = Duration::from_millis(number("waitMs", wait_ms)?.into());
        let options = Options::default().wait(wait).gather(bytes as usize, time);
        let cache = cache_bytes.map(|bytes| number("cacheBytes", bytes)).transpose()?;
        Ok(cache.map_or(options, |bytes| options.cache(bytes.into())))
    };
    let volumes = volumes().map_err(|error| refused(&error))?;
    open(mounts, sync, volumes).await.map_err(|error| refused(&error))
}

/// A number from outside that is to be whole.
fn number(what: &str, value: f64) -> Result<u32, SetupError> {
    // Checked to be one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    if (0.0..=f64::from(u32::MAX)).contains(&value) {
        return Ok(value as u32);
    }
    let message = format!("'{what}' is none; give it as a number from 0 to {}", u32::MAX);
    Err(SetupError::new(ErrorCode::Invalid, message))
}

async fn open(requests: Array, sync: bool, volumes: Options) -> Result<u32, SetupError> {
    let mut mounts = Vec::new();
    let mut options = Vec::new();
    // What has a name is the same wherever it is mounted.
    let mut named: HashMap<(String, String), Opened> = HashMap::new();
    for request in requests {
        let (guest, kind, name, read_only) = mount_request(&request)
            .ok_or_else(|| SetupError::new(ErrorCode::Invalid, "a mount is not well formed"))?;
        let key = (kind, name);
        let opened = match named.get(&key) {
            Some(opened) => opened.clone(),
            None => kinds::open(&key.0, &key.1, volumes).await?,
        };
        if !key.1.is_empty() {
            named.insert(key, opened.clone());
        }
        options.push((guest.clone(), opened.fs.clone(), read_only));
        mounts.push((guest, opened));
    }
    let table = |read_only: fn(bool) -> bool| {
        let mount = |(guest, fs, asked): &(String, _, bool)| MountOptions {
            guest: guest.clone(),
            fs: Clone::clone(fs),
            read_only: read_only(*asked),
        };
        MountTable::new(options.iter().map(mount).collect())
    };
    let guests = table(|asked| asked).await?;
    if let (true, Some(guest)) = (sync, guests.waits()) {
        let message = format!(
            "the mount '{guest}' waits for the browser and cannot be used synchronously; \
             mount a volume there, or transpile with JSPI"
        );
        return Err(SetupError::new(ErrorCode::Unsupported, message));
    }
    let page = table(|_| false).await?;
    let number = OPEN.with_borrow_mut(|open| open.insert(Open { mounts, guests, page }));
    number.ok_or_else(|| {
        SetupError::new(ErrorCode::InsufficientMemory, "too many file systems are open; close some")
    })
}

fn mount_request(request: &JsValue) -> Option<(String, String, String, bool)> {
    let [guest, kind, name, read_only] = request.dyn_ref::<Array>()?.to_vec().try_into().ok()?;
    Some((guest.as_string()?, kind.as_string()?, name.as_string()?, read_only.as_bool()?))
}

fn with<T>(number: u32, what: impl FnOnce(&Open) -> T) -> Result<T, JsValue> {
    OPEN.with_borrow_mut(|open| open.get(number).map(|open| what(open))).ok_or_else(closed)
}

pub(crate) fn is_open(number: u32) -> bool {
    with(number, |_| ()).is_ok()
}

/// A guest does something: as soon as it returns or waits, whoever runs it, what it wrote is
/// handed to the storage.
pub(crate) fn guest_calls() {
    if !DUE.replace(true) {
        WRITE_ALL.with(queue_microtask);
    }
}

fn write_all() {
    DUE.set(false);
    let mut volumes = Vec::new();
    OPEN.with_borrow(|all| {
        let mounts = all.iter().flat_map(|open| &open.mounts);
        volumes.extend(mounts.filter_map(|(_, opened)| opened.volume.clone()));
    });
    for volume in volumes {
        // What is not written is kept, and the next change or sync is told.
        let _ = volume.write_out();
    }
}

/// The mounts as guests have them.
pub(crate) fn guests(number: u32) -> Result<MountTable, JsValue> {
    with(number, |open| open.guests.clone())
}

/// The mounts as the page has them.
pub(crate) fn page(number: u32) -> Result<MountTable, JsValue> {
    with(number, |open| open.page.clone())
}

/// The guest name of a mount that waits, so that guests need JSPI.
#[must_use]
#[wasm_bindgen(js_name = waitingMount)]
pub fn waiting_mount(number: u32) -> Option<String> {
    with(number, |open| open.guests.waits().map(str::to_owned)).ok()?
}

/// Syncs and closes a file system, and lets go of everything that is held of it.
///
/// # Errors
/// What syncing answers; it is closed all the same.
#[wasm_bindgen(js_name = closeFilesystem)]
pub fn close_filesystem(number: u32) -> Result<(), JsValue> {
    if !is_open(number) {
        return Ok(());
    }
    jco::remove_all(number);
    p1::remove_all(number);
    #[cfg(feature = "p9")]
    p9::remove_all(number);
    page::remove_all(number);
    let synced = sync(number);
    drop(OPEN.with_borrow_mut(|open| open.remove(number)));
    synced
}
