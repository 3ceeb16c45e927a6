//! Rename and remove, with what OPFS does not do by itself: open files, which it
//! refuses to touch; directories, which some engines cannot move and others
//! replace with all that is in them; and which kind may take the place of which.

use std::rc::Rc;

use web_sys::FileSystemDirectoryHandle;

use super::Inner;
use super::dom::{self, Entry, Make};
use super::errors::Wanted;
use super::file;
use super::nodes::{Live, Object};
use super::reserved::is_reserved;
use crate::backend::{Kind, Removal};
use crate::error::{ErrorCode, Result};

/// An entry's place: its directory, and its name there.
pub(super) struct Target {
    pub(super) parent: Rc<Object>,
    pub(super) name: String,
}

impl Inner {
    pub(super) async fn remove(self: &Rc<Self>, at: &Target, what: Removal) -> Result<()> {
        let guess = match what {
            Removal::File => Kind::File,
            Removal::Directory => Kind::Directory,
        };
        let found = self.find(&at.parent, &at.name, guess).await?.ok_or(ErrorCode::NoEntry)?;
        let wanted = match (what, found.object.kind) {
            (Removal::File, Kind::Directory) => return Err(ErrorCode::IsDirectory),
            (Removal::File, _) if is_held(&found) => return self.set_aside(&found).await,
            (Removal::File, _) => Wanted::File,
            (Removal::Directory, Kind::Directory) => Wanted::Directory,
            (Removal::Directory, _) => return Err(ErrorCode::NotDirectory),
        };
        dom::remove(&at.parent.directory().await?, &at.name, wanted).await?;
        at.parent.forget(&at.name);
        Ok(())
    }

    pub(super) async fn rename(self: &Rc<Self>, from: &Target, to: &Target) -> Result<()> {
        let moved = self.find(&from.parent, &from.name, Kind::File).await?;
        let moved = moved.ok_or(ErrorCode::NoEntry)?;
        let is_directory = moved.object.kind == Kind::Directory;
        if is_reserved(&to.parent, &to.name) {
            return Err(ErrorCode::NotPermitted);
        }
        let replaced = self.find(&to.parent, &to.name, moved.object.kind).await?;
        let same = replaced.as_ref().is_some_and(|old| Rc::ptr_eq(old, &moved));
        if same {
            return Ok(());
        }
        if is_directory && moved.object.contains(&to.parent) {
            return Err(ErrorCode::Invalid);
        }
        let over = replaced.as_ref().map(|old| old.object.kind);
        match (is_directory, over) {
            (false, Some(Kind::Directory)) => Err(ErrorCode::IsDirectory),
            (false, _) => self.rename_file(&moved, to, replaced).await,
            (true, None | Some(Kind::Directory)) => {
                self.rename_directory(&moved, from, to, over.is_some()).await
            }
            (true, Some(_)) => Err(ErrorCode::NotDirectory),
        }
    }

    async fn rename_file(
        self: &Rc<Self>,
        moved: &Rc<Live>,
        to: &Target,
        replaced: Option<Rc<Live>>,
    ) -> Result<()> {
        let parent = to.parent.directory().await?;
        let handle = moved.file_handle().await?;
        let held = replaced.filter(is_held);
        let kept = match &held {
            Some(old) => Some((old, self.copy(old).await?)),
            None => None,
        };
        drop(moved.content.go_away());
        let done = dom::move_file(&handle, &parent, &to.name).await;
        match (&done, kept) {
            (Ok(()), Some((old, copy))) => Self::use_copy(old, copy),
            (Err(_), Some((old, copy))) => self.drop_copy(old, copy).await,
            (_, None) => {}
        }
        if done.is_ok() {
            moved.object.moved(&to.parent, &to.name);
        }
        file::come_back(moved).await;
        done
    }

    async fn rename_directory(
        &self,
        moved: &Live,
        from: &Target,
        to: &Target,
        replaces: bool,
    ) -> Result<()> {
        let target = to.parent.directory().await?;
        // Some engines would replace it with all that is in it.
        if replaces {
            let old = dom::directory(&target, &to.name, Make::No).await?;
            if !dom::is_empty(&old).await? {
                return Err(ErrorCode::NotEmpty);
            }
        }
        let open = moved.object.open_below();
        for live in &open {
            drop(live.content.go_away());
        }
        let handle = moved.object.directory().await;
        let done = match handle {
            Err(code) => Err(code),
            Ok(handle) if self.moves_directories => {
                dom::move_directory(&handle, &target, &to.name).await
            }
            Ok(handle) => match from.parent.directory().await {
                Ok(source) => {
                    pour_over(&source, &from.name, &handle, &target, &to.name, replaces).await
                }
                Err(code) => Err(code),
            },
        };
        if done.is_ok() {
            moved.object.moved(&to.parent, &to.name);
        }
        for live in &open {
            file::come_back(live).await;
        }
        done
    }
}

/// Whether anybody but the verb that has just found it holds an object.
fn is_held(found: &Rc<Live>) -> bool {
    Rc::strong_count(found) > 1
}

/// Moves a directory where the engine cannot: file by file into a new one. A tab
/// that is closed in the middle leaves the files in two directories, each of them
/// whole and in one of the two; a failure moves them back.
async fn pour_over(
    source: &FileSystemDirectoryHandle,
    name: &str,
    from: &FileSystemDirectoryHandle,
    target: &FileSystemDirectoryHandle,
    new_name: &str,
    replaces: bool,
) -> Result<()> {
    let to = dom::directory(target, new_name, Make::Yes).await?;
    let mut poured = pour(from, &to).await;
    if poured.is_ok() {
        poured = dom::remove(source, name, Wanted::Directory).await;
    }
    if poured.is_err() && pour(&to, from).await.is_ok() && !replaces {
        // Nothing is in it; at worst it stays, and the error tells.
        let _ = dom::remove(target, new_name, Wanted::Directory).await;
    }
    poured
}

/// Moves all that is in `from` into `to`, directories into new ones, and removes
/// the emptied.
async fn pour(from: &FileSystemDirectoryHandle, to: &FileSystemDirectoryHandle) -> Result<()> {
    let mut pending = vec![(from.clone(), to.clone())];
    let mut emptied = Vec::new();
    while let Some((from, to)) = pending.pop() {
        for (name, entry) in dom::entries(&from).await? {
            match entry {
                Entry::File(file) => dom::move_file(&file, &to, &name).await?,
                Entry::Directory(inner) => {
                    let new = dom::directory(&to, &name, Make::Yes).await?;
                    pending.push((inner, new));
                    emptied.push((from.clone(), name));
                }
            }
        }
    }
    // What lies deeper came later.
    for (parent, name) in emptied.iter().rev() {
        dom::remove(parent, name, Wanted::Directory).await?;
    }
    Ok(())
}
