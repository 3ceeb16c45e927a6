//! The data half: one access handle for each open file, shared by all that have
//! it open, given up and taken again when the file moves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_lock::Mutex;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use super::dom;
use super::errors::Wanted;
use super::nodes::Live;
use crate::backend::{Destination, File, Position, Source, Written};
use crate::error::{ErrorCode, Result};
use crate::shared::Ref;

/// The largest size and offset: JavaScript's numbers are exact up to here.
const SIZE_MAX: u64 = (1 << 53) - 1;

/// The content of a held file.
#[derive(Default)]
pub(super) struct Content {
    state: RefCell<State>,
    /// How many have it open.
    opens: Cell<usize>,
    /// Held while the handle is being opened, so that it is opened once.
    turn: Mutex<()>,
}

#[derive(Default)]
enum State {
    /// Not open; or open, and somebody else has locked it while it moved.
    #[default]
    Closed,
    Open(AccessHandle),
    /// Closed for a move that is under way.
    Away,
}

/// An open access handle. Nobody else can change the file, so its size is known.
pub(super) struct AccessHandle {
    handle: FileSystemSyncAccessHandle,
    options: FileSystemReadWriteOptions,
    size: u64,
    /// How often it was changed through this handle.
    changes: u64,
    /// The time of the last change, where it was asked for since.
    modified: Option<f64>,
}

impl AccessHandle {
    pub(super) fn new(handle: FileSystemSyncAccessHandle) -> Result<Self> {
        let options = FileSystemReadWriteOptions::new();
        let mut new = Self { handle, options, size: 0, changes: 0, modified: None };
        new.size = new.ask_size()?;
        Ok(new)
    }

    fn ask_size(&self) -> Result<u64> {
        let size = self.handle.get_size().map_err(|thrown| failure(&thrown))?;
        whole(size).ok_or(ErrorCode::Io)
    }

    fn changed(&mut self) {
        self.changes += 1;
        self.modified = None;
    }

    /// After a failure: some engines have then written a part.
    fn ask_size_again(&mut self) {
        self.size = self.ask_size().unwrap_or(self.size);
    }

    pub(super) fn read(&self, mut into: Destination<'_>, offset: u64) -> Result<usize> {
        let rest = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = into.len().min(rest);
        let mut done = 0;
        while done < wanted {
            self.options.set_at_f64(number(offset + done as u64));
            let count = match &mut into {
                Destination::Slice(slice) => self
                    .handle
                    .read_with_u8_array_and_options(&mut slice[done..wanted], &self.options),
                Destination::View(view, start, _) => {
                    let part = part(view, *start + done, *start + wanted);
                    self.handle.read_with_js_u8_array_and_options(&part, &self.options)
                }
            };
            match counted(count.map_err(|thrown| failure(&thrown))?, wanted - done) {
                Some(0) => break,
                Some(count) => done += count,
                None => return Err(ErrorCode::Io),
            }
        }
        Ok(done)
    }

    /// Writes as much as there is room for, if that is at least a byte.
    pub(super) fn write(&mut self, from: Source<'_>, offset: u64) -> Result<usize> {
        let end = offset.checked_add(from.len() as u64);
        if end.is_none_or(|end| end > SIZE_MAX) {
            return Err(ErrorCode::FileTooLarge);
        }
        self.changed();
        let mut length = from.len();
        loop {
            match self.write_once(from.part(0, length), offset) {
                // Some engines write all or nothing: where the rest of the space ends
                // is found by halving.
                Err(ErrorCode::InsufficientSpace) if length > 1 => length /= 2,
                Err(code) => {
                    self.ask_size_again();
                    return Err(code);
                }
                Ok(count) if count < length => {
                    self.ask_size_again();
                    return Ok(count);
                }
                Ok(count) => {
                    self.size = self.size.max(offset + count as u64);
                    return Ok(count);
                }
            }
        }
    }

    fn write_once(&self, from: Source<'_>, offset: u64) -> Result<usize> {
        self.options.set_at_f64(number(offset));
        let count = match from {
            Source::Slice(slice) => {
                self.handle.write_with_u8_array_and_options(slice, &self.options)
            }
            Source::View(view, start, end) => self
                .handle
                .write_with_js_u8_array_and_options(&part(view, start, end), &self.options),
        };
        // A full disk is a count of 0 in Firefox, and was 4294967288 in Chromium.
        match counted(count.map_err(|thrown| failure(&thrown))?, from.len()) {
            Some(0) | None => Err(ErrorCode::InsufficientSpace),
            Some(count) => Ok(count),
        }
    }

    fn set_size(&mut self, size: u64) -> Result<()> {
        if size > SIZE_MAX {
            return Err(ErrorCode::FileTooLarge);
        }
        self.changed();
        match self.handle.truncate_with_f64(number(size)) {
            Ok(()) => {
                self.size = size;
                Ok(())
            }
            Err(thrown) => {
                self.ask_size_again();
                Err(failure(&thrown))
            }
        }
    }

    fn flush(&self) -> Result<()> {
        self.handle.flush().map_err(|thrown| failure(&thrown))
    }

    /// Writes all of another file's content into this one, which is empty.
    pub(super) fn copy_from(&mut self, other: &Self) -> Result<()> {
        /// Bytes copied at once.
        const CHUNK: u32 = 256 * 1024;
        let buffer = Uint8Array::new_with_length(CHUNK);
        while self.size < other.size {
            let count = other.read((&buffer).into(), self.size)?;
            let offset = self.size;
            if count == 0 || self.write(Source::View(&buffer, 0, count), offset)? < count {
                return Err(ErrorCode::InsufficientSpace);
            }
        }
        Ok(())
    }
}

impl Drop for AccessHandle {
    /// A handle that is dropped without this stays locked.
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Content {
    /// Whether the file is locked for this mount.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.state.borrow(), State::Open(_))
    }

    fn with<T>(&self, act: impl FnOnce(&mut AccessHandle) -> Result<T>) -> Result<T> {
        match &mut *self.state.borrow_mut() {
            State::Open(access) => act(access),
            State::Away => Err(ErrorCode::Busy),
            State::Closed => Err(ErrorCode::Io),
        }
    }

    /// Takes the handle out, if it is open: data calls are answered with `busy`
    /// until [`come_back`].
    pub(super) fn go_away(&self) -> Option<AccessHandle> {
        let mut state = self.state.borrow_mut();
        match std::mem::take(&mut *state) {
            State::Open(access) => {
                *state = State::Away;
                Some(access)
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Ends what [`Content::go_away`] began. `None`: the file could not be opened
    /// again, and data calls give `io` until somebody opens it once more.
    pub(super) fn put_back(&self, access: Option<AccessHandle>) {
        if !matches!(*self.state.borrow(), State::Away) {
            return;
        }
        // All may have closed it meanwhile.
        let access = access.filter(|_| self.opens.get() > 0);
        self.state.replace(access.map_or(State::Closed, State::Open));
    }

    /// Stores what was written, if the file is open.
    pub(super) fn flush(&self) -> Result<()> {
        if self.is_open() { self.with(|access| access.flush()) } else { Ok(()) }
    }
}

/// Opens a file that went away for a move again, where it is now.
pub(super) async fn come_back(live: &Live) {
    if live.content.opens.get() == 0 {
        return live.content.put_back(None);
    }
    // The move itself is done, whatever comes of this.
    let access = access(live).await.ok();
    live.content.put_back(access);
}

/// A handle on the content of a held file that is not open.
pub(super) async fn access(live: &Live) -> Result<AccessHandle> {
    AccessHandle::new(dom::access(&live.file_handle().await?).await?)
}

/// Opens a file, or shares the handle if it is open.
pub(super) async fn open(live: &Rc<Live>) -> Result<Ref<dyn File>> {
    let content = &live.content;
    let _turn = content.turn.lock().await;
    if !content.is_open() {
        let access = access(live).await?;
        content.state.replace(State::Open(access));
    }
    content.opens.set(content.opens.get() + 1);
    Ok(Rc::new(OpenFile(live.clone())))
}

/// The size in bytes, and the last change in milliseconds. An open file is asked
/// again only after it was written.
pub(super) async fn details(live: &Live) -> Result<(u64, f64)> {
    let content = &live.content;
    let before = content.with(|access| Ok((access.size, access.modified, access.changes))).ok();
    if let Some((size, Some(modified), _)) = before {
        return Ok((size, modified));
    }
    let (size, modified) = dom::details(&live.file_handle().await?).await?;
    let remembered = content.with(|access| {
        // A write since then is newer than the answer.
        if before.is_some_and(|(_, _, changes)| changes == access.changes) {
            access.modified = Some(modified);
        }
        Ok(access.size)
    });
    match remembered {
        Ok(size) => Ok((size, modified)),
        Err(_) => Ok((whole(size).ok_or(ErrorCode::Io)?, modified)),
    }
}

struct OpenFile(Rc<Live>);

impl Drop for OpenFile {
    fn drop(&mut self) {
        let content = &self.0.content;
        content.opens.set(content.opens.get().saturating_sub(1));
        // A file that is away is closed when it comes back.
        if content.opens.get() == 0 && content.is_open() {
            content.state.replace(State::Closed);
        }
    }
}

impl File for OpenFile {
    fn size(&self) -> Result<u64> {
        self.0.content.with(|access| Ok(access.size))
    }

    fn read(&self, into: Destination<'_>, offset: u64) -> Result<usize> {
        self.0.content.with(|access| access.read(into, offset))
    }

    fn write(&self, from: Source<'_>, position: Position) -> Result<Written> {
        self.0.content.with(|access| {
            let offset = match position {
                Position::At(offset) => offset,
                Position::End => access.size,
            };
            let count = if from.is_empty() { 0 } else { access.write(from, offset)? };
            Ok(Written { offset, count })
        })
    }

    fn set_size(&self, size: u64) -> Result<()> {
        self.0.content.with(|access| access.set_size(size))
    }

    fn sync(&self, _data_only: bool) -> Result<()> {
        self.0.content.with(|access| access.flush())
    }
}

fn failure(thrown: &JsValue) -> ErrorCode {
    dom::failure(thrown, Wanted::Content)
}

/// Bytes `start..end` of a view, without a new object for all of it.
fn part(view: &Uint8Array, start: usize, end: usize) -> Uint8Array {
    if start == 0 && end == view.length() as usize {
        return view.clone();
    }
    // A view's length is a u32 on wasm32, so both fit.
    #[allow(clippy::cast_possible_truncation)]
    view.subarray(start as u32, end as u32)
}

/// A size or an offset as JavaScript has it; the caller keeps it below [`SIZE_MAX`],
/// or reads there, where no file goes.
#[allow(clippy::cast_precision_loss)]
fn number(value: u64) -> f64 {
    value as f64
}

/// A size from JavaScript.
pub(super) fn whole(value: f64) -> Option<u64> {
    // In the range that is checked, both conversions are exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (value.is_finite() && value >= 0.0 && value <= number(SIZE_MAX)).then_some(value as u64)
}

/// A count of bytes from JavaScript, if it can be one.
fn counted(count: f64, asked: usize) -> Option<usize> {
    let count = usize::try_from(whole(count)?).ok()?;
    (count <= asked).then_some(count)
}
