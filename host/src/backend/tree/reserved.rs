//! Where removed files live on while somebody holds them: a directory at the top
//! of the tree that guests do not see. What is in it belongs to nobody once its
//! mount is gone, and is swept when the tree is mounted the next time.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{FileSystemDirectoryHandle, FileSystemFileHandle};

use super::Inner;
use super::dom::{self, Make};
use super::errors::Wanted;
use super::file::{self, AccessHandle};
use super::nodes::{Live, Object};
use crate::error::{ErrorCode, Result};

/// Its name.
pub const RESERVED: &str = ".wasi-opfs-unlinked";

pub(super) struct Reserved {
    /// Begins the names that this mount gives; other tabs may have mounted the tree.
    tag: String,
    last: Cell<u64>,
}

/// A copy that a file gets before another one takes its place.
pub(super) struct Copy {
    name: String,
    handle: FileSystemFileHandle,
    access: AccessHandle,
}

impl Reserved {
    pub(super) fn new() -> Self {
        let tag =
            format!("{:x}-{:x}", js_sys::Date::now().to_bits(), js_sys::Math::random().to_bits());
        Self { tag, last: Cell::default() }
    }

    fn next_name(&self) -> String {
        self.last.set(self.last.get() + 1);
        format!("{}-{:x}", self.tag, self.last.get())
    }
}

/// Whether `name` in `parent` is the reserved directory.
pub(super) fn is_reserved(parent: &Object, name: &str) -> bool {
    parent.is_top() && name == RESERVED
}

impl Inner {
    /// The directory itself: asked for each time, because other code of the page may
    /// have removed it.
    async fn reserved(&self, make: Make) -> Result<FileSystemDirectoryHandle> {
        dom::directory(&self.top.directory().await?, RESERVED, make).await
    }

    /// Removes what earlier mounts have left. Files that another tab has open are
    /// locked, and stay.
    pub(super) async fn sweep(&self) -> Result<()> {
        let reserved = match self.reserved(Make::No).await {
            Ok(reserved) => reserved,
            Err(ErrorCode::NoEntry) => return Ok(()),
            Err(code) => return Err(code),
        };
        for (name, _) in dom::entries(&reserved).await? {
            // What stays takes space, and hurts nobody.
            let _ = dom::remove_all(&reserved, &name).await;
        }
        Ok(())
    }

    /// Takes the name of a file that somebody holds.
    pub(super) async fn set_aside(&self, live: &Live) -> Result<()> {
        let reserved = self.reserved(Make::Yes).await?;
        let handle = live.file_handle().await?;
        let name = self.reserved.next_name();
        drop(live.content.go_away());
        let moved = dom::move_file(&handle, &reserved, &name).await;
        if moved.is_ok() {
            live.unlinked(&name, handle);
        }
        file::come_back(live).await;
        moved
    }

    /// Copies a file that somebody holds, and another one is to replace: moving it
    /// away first would leave its name empty for a moment, and a tab that is closed
    /// then would lose it.
    pub(super) async fn copy(&self, live: &Live) -> Result<Copy> {
        let reserved = self.reserved(Make::Yes).await?;
        let name = self.reserved.next_name();
        let handle = dom::file(&reserved, &name, Make::Yes).await?;
        match self.copy_to(live, &handle).await {
            Ok(access) => Ok(Copy { name, handle, access }),
            Err(code) => {
                // Otherwise the next mount sweeps it.
                let _ = dom::remove(&reserved, &name, Wanted::File).await;
                Err(code)
            }
        }
    }

    /// The file is away afterwards if it was open, so that nobody writes behind the
    /// copy's back.
    async fn copy_to(&self, live: &Live, to: &FileSystemFileHandle) -> Result<AccessHandle> {
        let mut copy = AccessHandle::new(dom::access(to).await?)?;
        match live.content.go_away() {
            Some(original) => {
                let copied = copy.copy_from(&original);
                drop(original);
                if copied.is_err() {
                    file::come_back(live).await;
                }
                copied?;
            }
            None => copy.copy_from(&file::access(live).await?)?,
        }
        Ok(copy)
    }

    /// Lets a file that was replaced live on as its copy.
    pub(super) fn use_copy(live: &Live, copy: Copy) {
        live.unlinked(&copy.name, copy.handle);
        live.content.put_back(Some(copy.access));
    }

    /// Ends an attempt to replace a file that has got a copy.
    pub(super) async fn drop_copy(self: &Rc<Self>, live: &Live, copy: Copy) {
        drop(copy.access);
        self.discard(copy.name.into());
        file::come_back(live).await;
    }

    /// Removes a file that nobody holds any more; if that fails, the next mount
    /// sweeps it.
    pub(super) fn discard(self: &Rc<Self>, name: Box<str>) {
        let tree = self.clone();
        spawn_local(async move {
            if let Ok(reserved) = tree.reserved(Make::No).await {
                let _ = dom::remove(&reserved, &name, Wanted::File).await;
            }
        });
    }
}
