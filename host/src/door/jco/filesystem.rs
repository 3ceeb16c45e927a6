//! File systems as a page opens them: mounts that become one tree, and the
//! preopens of it.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Error, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::slots::Slots;
use super::table::{self, Resource};
use super::{answer, value};
use crate::browser;
use crate::error::{ErrorCode, SetupError};
use crate::mount::{FileSystem, MountOptions, MountTable};

struct Open {
    mounts: Vec<(String, FileSystem)>,
    table: MountTable,
}

thread_local! {
    static OPEN: RefCell<Slots<Open>> = const { RefCell::new(Slots::new()) };
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(message: &str);
}

/// Sends the message of a panic to the console: what a page sees otherwise is
/// only that the module stopped.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| console_error(&format!("wasi-opfs: {panic}"))));
}

fn refused(error: &SetupError) -> JsValue {
    let thrown = Error::new(&error.to_string());
    // A property of a fresh object can always be set.
    let _ = Reflect::set(&thrown, &"code".into(), &error.code().name().into());
    thrown.into()
}

fn closed() -> JsValue {
    refused(&SetupError::new(ErrorCode::BadDescriptor, "the file system is closed"))
}

/// Opens `mounts`, each `[guest name, kind, name, read-only]`, and answers with
/// the number of their table. If `sync`, none of them may wait.
#[wasm_bindgen(js_name = openFilesystem)]
pub async fn open_filesystem(mounts: Array, sync: bool) -> Result<u32, JsValue> {
    open(mounts, sync).await.map_err(|error| refused(&error))
}

async fn open(requests: Array, sync: bool) -> Result<u32, SetupError> {
    let mut mounts = Vec::new();
    let mut options = Vec::new();
    // What has a name is the same wherever it is mounted.
    let mut named: HashMap<(String, String), FileSystem> = HashMap::new();
    for request in requests {
        let (guest, kind, name, read_only) = mount_request(&request)
            .ok_or_else(|| SetupError::new(ErrorCode::Invalid, "a mount is not well formed"))?;
        let key = (kind, name);
        let fs = match named.get(&key) {
            Some(fs) => fs.clone(),
            None => browser::open(&key.0, &key.1).await?,
        };
        if !key.1.is_empty() {
            named.insert(key, fs.clone());
        }
        mounts.push((guest.clone(), fs.clone()));
        options.push(MountOptions { guest, fs, read_only });
    }
    let table = MountTable::new(options).await?;
    if let (true, Some(guest)) = (sync, table.waits()) {
        let message = format!(
            "the mount '{guest}' waits for the browser and cannot be used synchronously; \
             transpile with JSPI, or mount 'memory' there"
        );
        return Err(SetupError::new(ErrorCode::Unsupported, message));
    }
    let number = OPEN.with_borrow_mut(|open| open.insert(Open { mounts, table }));
    number.ok_or_else(|| {
        SetupError::new(ErrorCode::InsufficientMemory, "too many file systems are open; close some")
    })
}

fn mount_request(request: &JsValue) -> Option<(String, String, String, bool)> {
    let [guest, kind, name, read_only] = request.dyn_ref::<Array>()?.to_vec().try_into().ok()?;
    Some((guest.as_string()?, kind.as_string()?, name.as_string()?, read_only.as_bool()?))
}

fn with<T>(number: u32, what: impl FnOnce(&Open) -> T) -> Option<T> {
    OPEN.with_borrow_mut(|open| open.get(number).map(|open| what(open)))
}

pub(super) fn is_open(number: u32) -> bool {
    with(number, |_| ()).is_some()
}

/// The guest name of a mount that waits, so that guests need JSPI.
#[must_use]
#[wasm_bindgen(js_name = waitingMount)]
pub fn waiting_mount(number: u32) -> Option<String> {
    with(number, |open| open.table.waits().map(str::to_owned))?
}

/// `get-directories`: `[number of a descriptor, guest name]` of each mount.
#[wasm_bindgen(js_name = getDirectories)]
pub fn get_directories(number: u32) -> Result<Array, JsValue> {
    let preopens = with(number, |open| open.table.preopens()).ok_or_else(closed)?;
    preopens
        .into_iter()
        .map(|(descriptor, guest)| {
            let descriptor = table::insert(number, Resource::Descriptor(descriptor))?;
            Ok(value::pair(descriptor.into(), guest.into()))
        })
        .collect::<Result<_, _>>()
        .map_err(answer::thrown)
}

/// A descriptor of the top of one mount for the page itself: it may write where
/// guests may not, and sees nothing of other mounts inside it.
#[wasm_bindgen(js_name = openRoot)]
pub async fn open_root(number: u32, guest: String) -> Result<u32, JsValue> {
    let find =
        |open: &Open| open.mounts.iter().find(|(name, _)| *name == guest).map(|(_, fs)| fs.clone());
    let fs = with(number, find).ok_or_else(closed)?.ok_or_else(|| {
        let message = format!("nothing is mounted at '{guest}'");
        refused(&SetupError::new(ErrorCode::NoEntry, message))
    })?;
    let options = MountOptions { guest, fs, read_only: false };
    let alone = MountTable::new(vec![options]).await.map_err(|error| refused(&error))?;
    let (root, _) = alone.preopens().pop().ok_or_else(closed)?;
    table::insert(number, Resource::Descriptor(root)).map_err(answer::thrown)
}

/// How many resources guests hold.
#[must_use]
#[wasm_bindgen(js_name = resourceCount)]
pub fn resource_count(number: u32) -> usize {
    table::count(number)
}

/// Lets go of everything that guests hold.
#[wasm_bindgen(js_name = releaseResources)]
pub fn release_resources(number: u32) {
    table::remove_all(number);
}

/// Closes a file system, and lets go of everything that guests hold of it.
#[wasm_bindgen(js_name = closeFilesystem)]
pub fn close_filesystem(number: u32) {
    drop(OPEN.with_borrow_mut(|open| open.remove(number)));
    table::remove_all(number);
}
