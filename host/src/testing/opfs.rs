//! OPFS as other code of the page uses it, past the mount that is tested.

use anyhow::{Context, Result, anyhow};
use js_sys::{IteratorNext, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemHandle, FileSystemRemoveOptions,
    FileSystemSyncAccessHandle, WorkerGlobalScope,
};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &js_sys::Function, milliseconds: u32);
}

/// Lets the event loop turn for a while.
pub(super) async fn pause(milliseconds: u32) -> Result<()> {
    let timer = Promise::new(&mut |resolve, _| set_timeout(&resolve, milliseconds));
    JsFuture::from(timer).await.map(drop).map_err(|error| thrown(&error))
}

/// A directory.
#[derive(Clone)]
pub(super) struct Directory(FileSystemDirectoryHandle);

/// A file that is locked until this is dropped.
pub(super) struct Locked(FileSystemSyncAccessHandle);

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn thrown(value: &JsValue) -> anyhow::Error {
    anyhow!("{value:?}")
}

async fn settled<T: JsCast>(promise: Promise) -> Result<T> {
    let value = JsFuture::from(promise).await.map_err(|error| thrown(&error))?;
    Ok(value.unchecked_into())
}

impl Directory {
    /// The top of OPFS.
    pub(super) async fn top() -> Result<Self> {
        let scope = js_sys::global().dyn_into::<WorkerGlobalScope>();
        let scope = scope.map_err(|_| anyhow!("this is no worker"))?;
        Ok(Self(settled(scope.navigator().storage().get_directory()).await?))
    }

    /// The directory at a path, which is made.
    pub(super) async fn directory(&self, path: &str) -> Result<Self> {
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        let mut at = self.clone();
        for name in path.split('/') {
            let promise = at.0.get_directory_handle_with_options(name, &options);
            at = Self(settled(promise).await.with_context(|| format!("{name} in {path}"))?);
        }
        Ok(at)
    }

    async fn handle(&self, name: &str, create: bool) -> Result<FileSystemFileHandle> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(create);
        let promise = self.0.get_file_handle_with_options(name, &options);
        settled(promise).await.with_context(|| name.to_owned())
    }

    /// Locks a file, which is made.
    pub(super) async fn lock(&self, name: &str) -> Result<Locked> {
        let handle = self.handle(name, true).await?;
        let access = settled(handle.create_sync_access_handle()).await;
        Ok(Locked(access.with_context(|| format!("locking {name}"))?))
    }

    /// Makes a file with a content.
    pub(super) async fn write(&self, name: &str, content: &str) -> Result<()> {
        let file = self.lock(name).await?;
        file.0.truncate_with_u32(0).map_err(|error| thrown(&error))?;
        file.0.write_with_u8_array(content.as_bytes()).map_err(|error| thrown(&error))?;
        Ok(())
    }

    /// What a file holds, also one that is locked.
    pub(super) async fn read(&self, name: &str) -> Result<String> {
        let file: web_sys::File = settled(self.handle(name, false).await?.get_file()).await?;
        let text: JsValue = settled(file.text()).await?;
        text.as_string().context("no text")
    }

    /// The names, sorted.
    pub(super) async fn names(&self) -> Result<Vec<String>> {
        let iterator = self.0.values();
        let mut names = Vec::new();
        loop {
            let promise = iterator.next().map_err(|error| thrown(&error))?;
            let next: IteratorNext = settled(promise).await?;
            if next.done() {
                names.sort();
                return Ok(names);
            }
            names.push(next.value().unchecked_into::<FileSystemHandle>().name());
        }
    }

    /// Removes an entry with all that is in it.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let options = FileSystemRemoveOptions::new();
        options.set_recursive(true);
        let promise = self.0.remove_entry_with_options(name, &options);
        settled::<JsValue>(promise).await.map(drop).with_context(|| format!("removing {name}"))
    }
}
