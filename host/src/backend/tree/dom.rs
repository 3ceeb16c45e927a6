//! OPFS's own calls, one function each: promises awaited, exceptions as codes.
//! Nothing here knows of nodes.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use async_lock::OnceCell;
use js_sys::{AsyncIterator, IteratorNext, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemHandle, FileSystemHandleKind, FileSystemRemoveOptions,
    FileSystemSyncAccessHandle, StorageEstimate, StorageManager, WorkerGlobalScope,
};

use super::errors::{Wanted, code};
use crate::backend::Kind;
use crate::error::{ErrorCode, Result};

#[wasm_bindgen]
extern "C" {
    /// A handle with `move`, which web-sys does not have; on directories only some
    /// engines do.
    #[wasm_bindgen(extends = FileSystemHandle)]
    type Movable;

    #[wasm_bindgen(method, catch, js_name = move)]
    fn move_to(
        this: &Movable,
        parent: &FileSystemDirectoryHandle,
        name: &str,
    ) -> Result<Promise, JsValue>;
}

/// Whether something missing is to be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    No,
    Yes,
}

/// A handle on either kind.
#[derive(Clone)]
pub(super) enum Entry {
    File(FileSystemFileHandle),
    Directory(FileSystemDirectoryHandle),
}

impl Entry {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Directory(_) => Kind::Directory,
        }
    }
}

/// The code for what was thrown.
pub(super) fn failure(thrown: &JsValue, wanted: Wanted) -> ErrorCode {
    let name = Reflect::get(thrown, &"name".into()).ok().and_then(|name| name.as_string());
    code(&name.unwrap_or_default(), wanted)
}

async fn settled<T: JsCast>(promise: Promise, wanted: Wanted) -> Result<T> {
    match JsFuture::from(promise).await {
        Ok(value) => Ok(value.unchecked_into()),
        Err(thrown) => Err(failure(&thrown, wanted)),
    }
}

/// Runs `work` to its end also when the caller stops waiting for it: what is half
/// done, such as a file that is closed for a move, needs promises to be put right,
/// and a dropped future cannot wait for them.
pub(super) async fn to_the_end<T: Clone + 'static>(
    work: impl Future<Output = Result<T>> + 'static,
) -> Result<T> {
    let mut work = Box::pin(work);
    // Begun here, not in a later task: what is called next comes behind it.
    let begun = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    if let Poll::Ready(answer) = begun {
        return answer;
    }
    let answer = Rc::new(OnceCell::new());
    let set = answer.clone();
    spawn_local(async move {
        // Set once, here.
        let _ = set.set(work.await).await;
    });
    answer.wait().await.clone()
}

/// The origin's storage; `None` outside workers and secure contexts.
pub(super) fn storage() -> Option<StorageManager> {
    let scope = js_sys::global().dyn_into::<WorkerGlobalScope>().ok()?;
    let storage = scope.navigator().storage();
    storage.is_object().then_some(storage)
}

/// Whether this worker can open files for synchronous access: a dedicated one, of
/// an engine that has it.
pub(super) fn has_access_handles() -> bool {
    let global = js_sys::global();
    let prototype = Reflect::get(&global, &"FileSystemFileHandle".into())
        .and_then(|class| Reflect::get(&class, &"prototype".into()));
    prototype.is_ok_and(|prototype| {
        Reflect::has(&prototype, &"createSyncAccessHandle".into()).unwrap_or(false)
    })
}

/// Whether directories have `move`.
pub(super) fn can_move(directory: &FileSystemDirectoryHandle) -> bool {
    Reflect::has(directory, &"move".into()).unwrap_or(false)
}

/// The top of OPFS.
pub(super) async fn top(storage: &StorageManager) -> Result<FileSystemDirectoryHandle> {
    settled(storage.get_directory(), Wanted::Directory).await
}

/// The origin's quota and what of it is used, in bytes.
pub(super) async fn estimate() -> Result<(f64, f64)> {
    let storage = storage().ok_or(ErrorCode::Unsupported)?;
    let promise = storage.estimate().map_err(|thrown| failure(&thrown, Wanted::Content))?;
    let estimate: StorageEstimate = settled(promise, Wanted::Content).await?;
    Ok((estimate.get_quota().unwrap_or(0.0), estimate.get_usage().unwrap_or(0.0)))
}

pub(super) async fn directory(
    parent: &FileSystemDirectoryHandle,
    name: &str,
    make: Make,
) -> Result<FileSystemDirectoryHandle> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(make == Make::Yes);
    settled(parent.get_directory_handle_with_options(name, &options), Wanted::Directory).await
}

pub(super) async fn file(
    parent: &FileSystemDirectoryHandle,
    name: &str,
    make: Make,
) -> Result<FileSystemFileHandle> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(make == Make::Yes);
    settled(parent.get_file_handle_with_options(name, &options), Wanted::File).await
}

/// What stands at a name, if it is of this kind.
pub(super) async fn entry(
    parent: &FileSystemDirectoryHandle,
    name: &str,
    kind: Kind,
) -> Result<Entry> {
    match kind {
        Kind::Directory => directory(parent, name, Make::No).await.map(Entry::Directory),
        _ => file(parent, name, Make::No).await.map(Entry::File),
    }
}

/// All entries, in the engine's order.
pub(super) async fn entries(directory: &FileSystemDirectoryHandle) -> Result<Vec<(String, Entry)>> {
    let iterator = directory.values();
    let mut entries = Vec::new();
    while let Some(entry) = next(&iterator).await? {
        entries.push(entry);
    }
    Ok(entries)
}

pub(super) async fn is_empty(directory: &FileSystemDirectoryHandle) -> Result<bool> {
    Ok(next(&directory.values()).await?.is_none())
}

async fn next(iterator: &AsyncIterator) -> Result<Option<(String, Entry)>> {
    let promise = iterator.next().map_err(|thrown| failure(&thrown, Wanted::Directory))?;
    let next: IteratorNext = settled(promise, Wanted::Directory).await?;
    if next.done() {
        return Ok(None);
    }
    let handle: FileSystemHandle = next.value().unchecked_into();
    let name = handle.name();
    let entry = match handle.kind() {
        FileSystemHandleKind::Directory => Entry::Directory(handle.unchecked_into()),
        _ => Entry::File(handle.unchecked_into()),
    };
    Ok(Some((name, entry)))
}

/// Removes a file or an empty directory; the engine does not ask which of them it
/// is, `wanted` only words the error.
pub(super) async fn remove(
    parent: &FileSystemDirectoryHandle,
    name: &str,
    wanted: Wanted,
) -> Result<()> {
    settled::<JsValue>(parent.remove_entry(name), wanted).await.map(drop)
}

/// Removes whatever stands there, with all that is in it.
pub(super) async fn remove_all(parent: &FileSystemDirectoryHandle, name: &str) -> Result<()> {
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    let promise = parent.remove_entry_with_options(name, &options);
    settled::<JsValue>(promise, Wanted::Directory).await.map(drop)
}

/// Moves a file, atomically over one that stands there.
pub(super) async fn move_file(
    file: &FileSystemFileHandle,
    parent: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<()> {
    move_handle(file.unchecked_ref(), parent, name, Wanted::File).await
}

/// Moves a directory, where [`can_move`]; what stands there is lost.
pub(super) async fn move_directory(
    directory: &FileSystemDirectoryHandle,
    parent: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<()> {
    move_handle(directory.unchecked_ref(), parent, name, Wanted::Directory).await
}

async fn move_handle(
    handle: &Movable,
    parent: &FileSystemDirectoryHandle,
    name: &str,
    wanted: Wanted,
) -> Result<()> {
    let promise = handle.move_to(parent, name).map_err(|thrown| failure(&thrown, wanted))?;
    settled::<JsValue>(promise, wanted).await.map(drop)
}

/// The state of a file: its size in bytes, and its last change in milliseconds.
pub(super) async fn details(file: &FileSystemFileHandle) -> Result<(f64, f64)> {
    let file: web_sys::File = settled(file.get_file(), Wanted::File).await?;
    Ok((file.size(), file.last_modified()))
}

/// Opens a file for synchronous access, which locks it against everyone else.
pub(super) async fn access(file: &FileSystemFileHandle) -> Result<FileSystemSyncAccessHandle> {
    settled(file.create_sync_access_handle(), Wanted::File).await
}
