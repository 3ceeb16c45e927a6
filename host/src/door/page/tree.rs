//! What is done with names: directories, links, attributes.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::call::Call;
use super::{remove, value};
use crate::backend::{Changes, Kind, NewTime};
use crate::descriptor::{Descriptor, DescriptorFlags, OpenFlags};
use crate::error::{ErrorCode, Result};
use crate::resolve::Follow;

type Answer = Result<JsValue, JsValue>;

const DIRECTORY: OpenFlags =
    OpenFlags { create: false, directory: true, exclusive: false, truncate: false };

/// What is known of an object.
#[wasm_bindgen(js_name = pageStat)]
pub fn stat(number: u32, path: String, follow: bool, wait: bool) -> Answer {
    let follow = if follow { Follow::Yes } else { Follow::No };
    Call::new(number, "stat", path, wait)?.run(async move |paths| {
        let (base, rest) = paths.path()?;
        Ok(value::stats(&base.stat_at(follow, rest).await?))
    })
}

/// The entries of a directory; one whose name is not UTF-8 cannot be told.
#[wasm_bindgen(js_name = pageReadDirectory)]
pub fn read_directory(number: u32, path: String, wait: bool) -> Answer {
    Call::new(number, "list", path, wait)?.run(async |paths| {
        let (base, rest) = paths.path()?;
        let flags = DescriptorFlags { read: true, ..DescriptorFlags::default() };
        let directory = base.open_at(Follow::Yes, rest, DIRECTORY, flags).await?;
        let mut packed = String::new();
        for entry in directory.read_directory().await?.into_entries() {
            if let Ok(name) = entry.name.as_str() {
                packed.push(char::from(b'0' + value::kind(entry.kind)));
                packed.push_str(name);
                packed.push('/');
            }
        }
        Ok(value::entries(&packed))
    })
}

/// Makes a directory; if `recursive`, those above it too, and it may be there.
#[wasm_bindgen(js_name = pageMakeDirectory)]
pub fn make_directory(number: u32, path: String, recursive: bool, wait: bool) -> Answer {
    Call::new(number, "make the directory", path, wait)?.done(async move |paths| {
        let (base, rest) = paths.path()?;
        match base.create_directory_at(rest).await {
            Err(ErrorCode::NoEntry | ErrorCode::Exist) if recursive => make_all(&base, rest).await,
            answer => answer,
        }
    })
}

async fn make_all(base: &Descriptor, path: &[u8]) -> Result<()> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    for end in slashes.map(|(at, _)| at).chain([path.len()]) {
        match base.create_directory_at(&path[..end]).await {
            Ok(()) | Err(ErrorCode::Exist) => {}
            Err(code) => return Err(code),
        }
    }
    match base.stat_at(Follow::Yes, path).await?.kind {
        Kind::Directory => Ok(()),
        _ => Err(ErrorCode::Exist),
    }
}

/// Removes anything but a directory; if `recursive`, also that with all that is in it. If
/// `force`, nothing need be there.
#[wasm_bindgen(js_name = pageRemove)]
pub fn remove(number: u32, path: String, recursive: bool, force: bool, wait: bool) -> Answer {
    Call::new(number, "remove", path, wait)?.done(async move |paths| {
        let (base, rest) = paths.path()?;
        let answer = match base.unlink_file_at(rest).await {
            Err(ErrorCode::IsDirectory) if recursive => remove::all(&base, rest).await,
            answer => answer,
        };
        match answer {
            Err(ErrorCode::NoEntry) if force => Ok(()),
            answer => answer,
        }
    })
}

/// Removes an empty directory.
#[wasm_bindgen(js_name = pageRemoveDirectory)]
pub fn remove_directory(number: u32, path: String, wait: bool) -> Answer {
    Call::new(number, "remove the directory", path, wait)?.done(async |paths| {
        let (base, rest) = paths.path()?;
        base.remove_directory_at(rest).await
    })
}

/// Moves an entry, over another one if there is one.
#[wasm_bindgen(js_name = pageRename)]
pub fn rename(number: u32, from: String, to: String, wait: bool) -> Answer {
    Call::new(number, "rename", from, wait)?.to(to).done(async |paths| {
        let ((base, from), (new_base, to)) = (paths.path()?, paths.to()?);
        base.rename_at(from, &new_base, to).await
    })
}

/// Gives an object one more name.
#[wasm_bindgen(js_name = pageLink)]
pub fn link(number: u32, path: String, to: String, wait: bool) -> Answer {
    Call::new(number, "link", path, wait)?.to(to).done(async |paths| {
        let ((base, old), (new_base, new)) = (paths.path()?, paths.to()?);
        base.link_at(Follow::No, old, &new_base, new).await
    })
}

/// Makes a symbolic link at `path`.
#[wasm_bindgen(js_name = pageSymlink)]
pub fn symlink(number: u32, target: String, path: String, wait: bool) -> Answer {
    Call::new(number, "make the link", path, wait)?.done(async move |paths| {
        let (base, rest) = paths.path()?;
        base.symlink_at(target.as_bytes(), rest).await
    })
}

/// The target of a symbolic link.
#[wasm_bindgen(js_name = pageReadLink)]
pub fn read_link(number: u32, path: String, wait: bool) -> Answer {
    Call::new(number, "read the link", path, wait)?.run(async |paths| {
        let (base, rest) = paths.path()?;
        Ok(base.readlink_at(rest).await?.into())
    })
}

/// Sets the times of the last read and the last change, in milliseconds since 1970.
#[wasm_bindgen(js_name = pageSetTimes)]
pub fn set_times(number: u32, path: String, accessed: f64, modified: f64, wait: bool) -> Answer {
    Call::new(number, "set the times of", path, wait)?.done(async move |paths| {
        let (base, rest) = paths.path()?;
        let [accessed, modified] =
            [accessed, modified].map(|time| value::moment(time).map(NewTime::At));
        base.set_times_at(Follow::Yes, rest, Some(accessed?), Some(modified?)).await
    })
}

/// Sets the permission bits.
#[wasm_bindgen(js_name = pageSetMode)]
pub fn set_mode(number: u32, path: String, mode: u32, wait: bool) -> Answer {
    Call::new(number, "set the mode of", path, wait)?.done(async move |paths| {
        let (base, rest) = paths.path()?;
        let flags = DescriptorFlags { read: true, ..DescriptorFlags::default() };
        let object = base.open_at(Follow::Yes, rest, OpenFlags::default(), flags).await?;
        let mode = Some(mode & 0o7777);
        object.set_attributes(Changes { mode, ..Changes::default() }).await
    })
}
