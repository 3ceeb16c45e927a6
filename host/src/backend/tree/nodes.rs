//! What the mount knows of the tree: which names it has seen, whose identity they
//! are, and which of them are held by somebody. Nothing here changes OPFS.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use web_sys::{FileSystemDirectoryHandle, FileSystemFileHandle};

use super::Inner;
use super::dom::{self, Entry, Make};
use super::file::Content;
use super::reserved::is_reserved;
use crate::backend::Kind;
use crate::error::{ErrorCode, Result};

/// An object that was seen. It stays known while it has its name, so that its
/// inode number is the same whenever it is met again.
pub(super) struct Object {
    pub(super) inode: u64,
    pub(super) kind: Kind,
    place: RefCell<Place>,
    /// Of a directory, how to reach it; good until it or one above it moves.
    directory: RefCell<Option<FileSystemDirectoryHandle>>,
    children: RefCell<HashMap<Box<str>, Rc<Self>>>,
    live: RefCell<Weak<Live>>,
}

#[derive(Clone)]
enum Place {
    Top,
    Named {
        parent: Weak<Object>,
        name: Box<str>,
    },
    /// In the reserved directory: removed, and held.
    Unlinked(Box<str>),
    Gone,
}

/// What an object has while a node or an open file holds it.
pub(super) struct Live {
    pub(super) object: Rc<Object>,
    /// Of a file, how to reach it; good until it or a directory above it moves.
    handle: RefCell<Option<FileSystemFileHandle>>,
    pub(super) content: Content,
    tree: Rc<Inner>,
}

impl Object {
    fn new(inode: u64, kind: Kind, place: Place) -> Rc<Self> {
        Rc::new(Self {
            inode,
            kind,
            place: RefCell::new(place),
            directory: RefCell::default(),
            children: RefCell::default(),
            live: RefCell::default(),
        })
    }

    pub(super) fn top(handle: FileSystemDirectoryHandle) -> Rc<Self> {
        let top = Self::new(1, Kind::Directory, Place::Top);
        top.directory.replace(Some(handle));
        top
    }

    pub(super) fn is_top(&self) -> bool {
        matches!(*self.place.borrow(), Place::Top)
    }

    /// Whether it was removed.
    pub(super) fn is_removed(&self) -> bool {
        matches!(*self.place.borrow(), Place::Unlinked(_) | Place::Gone)
    }

    /// The holders' part, if it is held.
    pub(super) fn live(&self) -> Option<Rc<Live>> {
        self.live.borrow().upgrade()
    }

    fn is_open(&self) -> bool {
        self.live().is_some_and(|live| live.content.is_open())
    }

    pub(super) fn child(&self, name: &str) -> Option<Rc<Self>> {
        self.children.borrow().get(name).cloned()
    }

    /// A directory that was reached before, and not moved since.
    pub(super) fn known_directory(&self, name: &str) -> Option<Rc<Self>> {
        self.child(name).filter(|child| child.directory.borrow().is_some())
    }

    fn parent(&self) -> Result<(Rc<Self>, Box<str>)> {
        match &*self.place.borrow() {
            Place::Named { parent, name } => {
                Ok((parent.upgrade().ok_or(ErrorCode::NoEntry)?, name.clone()))
            }
            Place::Top | Place::Unlinked(_) | Place::Gone => Err(ErrorCode::NoEntry),
        }
    }

    /// The handle of a directory, from the nearest known one above it.
    pub(super) async fn directory(self: &Rc<Self>) -> Result<FileSystemDirectoryHandle> {
        let mut below = Vec::new();
        let mut at = self.clone();
        let mut handle = loop {
            let known = at.directory.borrow().clone();
            if let Some(handle) = known {
                break handle;
            }
            let (parent, name) = at.parent()?;
            below.push((at, name));
            at = parent;
        };
        for (object, name) in below.into_iter().rev() {
            handle = dom::directory(&handle, &name, Make::No).await?;
            object.directory.replace(Some(handle.clone()));
        }
        Ok(handle)
    }

    /// Whether OPFS still has this directory at its name; if not, it is forgotten.
    pub(super) async fn is_still_there(self: &Rc<Self>) -> Result<bool> {
        if self.is_top() {
            return Ok(true);
        }
        let (parent, name) = self.parent()?;
        let found = match parent.directory().await {
            Ok(handle) => dom::directory(&handle, &name, Make::No).await,
            Err(code) => Err(code),
        };
        match found {
            Ok(handle) => {
                self.directory.replace(Some(handle));
                Ok(true)
            }
            Err(ErrorCode::NoEntry | ErrorCode::NotDirectory) => {
                parent.forget(&name);
                Ok(false)
            }
            Err(code) => Err(code),
        }
    }

    /// Whether `self` is `inner` or lies above it.
    pub(super) fn contains(self: &Rc<Self>, inner: &Rc<Self>) -> bool {
        let mut at = inner.clone();
        loop {
            if Rc::ptr_eq(self, &at) {
                return true;
            }
            match at.parent() {
                Ok((parent, _)) => at = parent,
                Err(_) => return false,
            }
        }
    }

    /// `name` leads nowhere any more, nor does anything below it.
    pub(super) fn forget(&self, name: &str) {
        let child = self.children.borrow_mut().remove(name);
        if let Some(child) = child {
            child.for_all(|object| {
                object.place.replace(Place::Gone);
                object.lose_handles();
            });
        }
    }

    /// Forgets every child whose name `is_there` denies.
    pub(super) fn forget_others(&self, is_there: impl Fn(&str) -> bool) {
        let names: Vec<_> = self.children.borrow().keys().cloned().collect();
        names.iter().filter(|name| !is_there(name)).for_each(|name| self.forget(name));
    }

    /// Notes that this object now stands at `name` in `parent`.
    pub(super) fn moved(self: &Rc<Self>, parent: &Rc<Self>, name: &str) {
        self.leave();
        parent.forget(name);
        let place = Place::Named { parent: Rc::downgrade(parent), name: name.into() };
        self.place.replace(place);
        parent.children.borrow_mut().insert(name.into(), self.clone());
        self.for_all(Self::lose_handles);
    }

    /// Takes the object out of its directory.
    fn leave(&self) {
        if let Ok((parent, name)) = self.parent() {
            parent.children.borrow_mut().remove(&name);
        }
    }

    fn lose_handles(&self) {
        self.directory.replace(None);
        if let Some(live) = self.live() {
            live.handle.replace(None);
        }
    }

    /// The open files in this directory and below it.
    pub(super) fn open_below(&self) -> Vec<Rc<Live>> {
        let mut open = Vec::new();
        self.for_all(|object| open.extend(object.live().filter(|live| live.content.is_open())));
        open
    }

    /// Calls `act` with this object and every known one below it.
    fn for_all(&self, mut act: impl FnMut(&Self)) {
        act(self);
        self.below().iter().for_each(|object| act(object));
    }

    /// Every known object below this one, each before what is below it.
    fn below(&self) -> Vec<Rc<Self>> {
        let mut all: Vec<_> = self.children.borrow().values().cloned().collect();
        let mut next = 0;
        while let Some(object) = all.get(next).cloned() {
            all.extend(object.children.borrow().values().cloned());
            next += 1;
        }
        all
    }
}

impl Drop for Object {
    /// Takes a deep tree apart level by level: the stack may be too small for it.
    fn drop(&mut self) {
        let mut gone = vec![self.children.take()];
        while let Some(children) = gone.pop() {
            let dead = children.into_values().filter_map(Rc::into_inner);
            gone.extend(dead.map(|child| child.children.take()));
        }
    }
}

impl Live {
    /// The handle of a file.
    pub(super) async fn file_handle(&self) -> Result<FileSystemFileHandle> {
        let known = self.handle.borrow().clone();
        if let Some(handle) = known {
            return Ok(handle);
        }
        let (parent, name) = self.object.parent()?;
        let handle = dom::file(&parent.directory().await?, &name, Make::No).await?;
        self.handle.replace(Some(handle.clone()));
        Ok(handle)
    }

    /// Notes that this file lives on as `name` in the reserved directory.
    pub(super) fn unlinked(&self, name: &str, handle: FileSystemFileHandle) {
        self.object.leave();
        self.object.place.replace(Place::Unlinked(name.into()));
        self.handle.replace(Some(handle));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let place = self.object.place.borrow().clone();
        if let Place::Unlinked(name) = place {
            self.object.place.replace(Place::Gone);
            self.tree.discard(name);
        }
    }
}

impl Inner {
    /// The holders' part of an object.
    pub(super) fn hold(self: &Rc<Self>, object: &Rc<Object>) -> Rc<Live> {
        object.live().unwrap_or_else(|| {
            let live = Rc::new(Live {
                object: object.clone(),
                handle: RefCell::default(),
                content: Content::default(),
                tree: self.clone(),
            });
            object.live.replace(Rc::downgrade(&live));
            live
        })
    }

    /// Notes that an object of this kind stands at `name`: the known one, or a new
    /// one in its stead.
    pub(super) fn note(&self, parent: &Rc<Object>, name: &str, kind: Kind) -> Rc<Object> {
        if let Some(child) = parent.child(name).filter(|child| child.kind == kind) {
            return child;
        }
        parent.forget(name);
        self.known.set(self.known.get() + 1);
        let place = Place::Named { parent: Rc::downgrade(parent), name: name.into() };
        let object = Object::new(self.next_inode(), kind, place);
        parent.children.borrow_mut().insert(name.into(), object.clone());
        object
    }

    /// As [`Inner::note`], with the handle, and held.
    pub(super) fn meet(self: &Rc<Self>, parent: &Rc<Object>, name: &str, entry: Entry) -> Rc<Live> {
        let live = self.hold(&self.note(parent, name, entry.kind()));
        match entry {
            Entry::File(handle) => live.handle.replace(Some(handle)).map(drop),
            Entry::Directory(handle) => live.object.directory.replace(Some(handle)).map(drop),
        };
        live
    }

    /// Asks OPFS what stands at `name`, with `guess` first if nothing is known.
    pub(super) async fn find(
        self: &Rc<Self>,
        parent: &Rc<Object>,
        name: &str,
        guess: Kind,
    ) -> Result<Option<Rc<Live>>> {
        if is_reserved(parent, name) {
            return Ok(None);
        }
        let known = parent.child(name);
        // An open file is locked: nobody can have moved or removed it, or anything
        // above it.
        if let Some(child) = known.as_ref().filter(|child| child.is_open()) {
            return Ok(Some(self.hold(child)));
        }
        let directory = parent.directory().await?;
        let guess = known.map_or(guess, |child| child.kind);
        let mut found = dom::entry(&directory, name, guess).await;
        if let Err(ErrorCode::IsDirectory | ErrorCode::NotDirectory) = found {
            let other = if guess == Kind::File { Kind::Directory } else { Kind::File };
            found = dom::entry(&directory, name, other).await;
        }
        match found {
            Ok(entry) => Ok(Some(self.meet(parent, name, entry))),
            // Invalid: a name that the engine does not have.
            Err(ErrorCode::NoEntry | ErrorCode::Invalid) => {
                parent.forget(name);
                Ok(None)
            }
            Err(code) => Err(code),
        }
    }

    /// Bounds what is known. What nobody holds gets a new inode number when it is
    /// met again; nobody else gets its old one.
    pub(super) fn bound(&self) {
        /// Known objects, at about 200 bytes each.
        const MOST: usize = 500_000;
        if self.known.get() >= self.most.get().max(MOST) {
            let mut all = self.top.below();
            let mut left = 0;
            while let Some(object) = all.pop() {
                let stays = |child: &Rc<Object>| {
                    child.live().is_some() || !child.children.borrow().is_empty()
                };
                object.children.borrow_mut().retain(|_, child| stays(child));
                left += object.children.borrow().len();
            }
            self.known.set(left);
            self.most.set(2 * left);
        }
    }
}
