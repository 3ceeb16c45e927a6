//! What a session does, said once more in a few lines: objects, names, fids and what each
//! request has to be answered with.

use std::collections::BTreeMap;
use std::rc::Rc;

use wasi_opfs::path::{Name, Part};

pub(crate) const EPERM: u32 = 1;
pub(crate) const ENOENT: u32 = 2;
pub(crate) const EBADF: u32 = 9;
pub(crate) const EBUSY: u32 = 16;
pub(crate) const EEXIST: u32 = 17;
pub(crate) const ENOTDIR: u32 = 20;
pub(crate) const EISDIR: u32 = 21;
pub(crate) const EINVAL: u32 = 22;
pub(crate) const ENOTEMPTY: u32 = 39;
pub(crate) const ELOOP: u32 = 40;
pub(crate) const ENODATA: u32 = 61;

pub(crate) const WRITES: u32 = 1;
pub(crate) const BOTH: u32 = 2;
pub(crate) const EXCLUSIVE: u32 = 0o200;
pub(crate) const TRUNCATE: u32 = 0o1000;
pub(crate) const APPEND: u32 = 0o2000;
pub(crate) const DIRECTORY: u32 = 0o200_000;

pub(crate) enum Body {
    File(Vec<u8>),
    Directory(BTreeMap<Name, usize>),
    Symlink(Vec<u8>),
}

pub(crate) struct Object {
    pub(crate) body: Body,
    pub(crate) links: u64,
    pub(crate) mode: u32,
    pub(crate) xattrs: BTreeMap<&'static [u8], Vec<u8>>,
    /// Per process, for each of some bytes and for all behind: who wrote-locks or reads.
    pub(crate) locks: [[Option<(u8, u64)>; 17]; 2],
    pub(crate) path: Option<u64>,
}

pub(crate) struct Trail {
    pub(crate) above: Option<Rc<Trail>>,
    pub(crate) name: Name,
    pub(crate) parent: usize,
}

#[derive(Clone)]
pub(crate) struct Fid {
    pub(crate) object: usize,
    pub(crate) trail: Option<Rc<Trail>>,
    pub(crate) open: Option<u32>,
    /// Which of all that were ever opened.
    pub(crate) holder: u64,
}

pub(crate) type Answer<T> = Result<T, u32>;

/// The model.
pub(crate) struct Model {
    pub(crate) objects: Vec<Object>,
    pub(crate) fids: BTreeMap<u32, Fid>,
    pub(crate) opened: u64,
}

pub(crate) const ROOT: usize = 0;

impl Model {
    pub(crate) fn new() -> Self {
        let mut model = Self { objects: Vec::new(), fids: BTreeMap::new(), opened: 0 };
        model.make(Body::Directory(BTreeMap::new()), 0o777);
        model.attach();
        model
    }

    pub(crate) fn attach(&mut self) {
        self.fids.clear();
        let root = Fid { object: ROOT, trail: None, open: None, holder: 0 };
        self.fids.insert(0, root);
    }

    pub(crate) fn make(&mut self, body: Body, mode: u32) -> usize {
        let (xattrs, locks) = (BTreeMap::new(), [[None; 17]; 2]);
        self.objects.push(Object { body, links: 1, mode, xattrs, locks, path: None });
        self.objects.len() - 1
    }

    pub(crate) fn fid(&self, number: u32) -> Answer<Fid> {
        self.fids.get(&number).cloned().ok_or(EBADF)
    }

    pub(crate) fn unopened(&self, number: u32) -> Answer<Fid> {
        let fid = self.fid(number)?;
        if fid.open.is_some() { Err(EINVAL) } else { Ok(fid) }
    }

    pub(crate) fn entries(&self, object: usize) -> Answer<&BTreeMap<Name, usize>> {
        match &self.objects[object].body {
            Body::Directory(entries) => Ok(entries),
            _ => Err(ENOTDIR),
        }
    }

    pub(crate) fn entries_mut(&mut self, object: usize) -> &mut BTreeMap<Name, usize> {
        match &mut self.objects[object].body {
            Body::Directory(entries) => entries,
            _ => unreachable!("a directory was asked for"),
        }
    }

    pub(crate) fn is_directory(&self, object: usize) -> bool {
        self.entries(object).is_ok()
    }

    /// What a request finds that walks from a fid: the steps that were taken.
    pub(crate) fn walk(&self, from: &Fid, way: &[Part]) -> (Vec<Fid>, u32) {
        let mut steps: Vec<Fid> = Vec::new();
        for part in way {
            let at = steps.last().unwrap_or(from);
            let next = match part {
                Part::Name(name) => self.child(at, name),
                Part::Up if !self.is_directory(at.object) => Err(ENOTDIR),
                Part::Up => match &at.trail {
                    None => Ok(Fid { open: None, holder: 0, ..at.clone() }),
                    Some(_) => self.above(at).map(|(parent, _)| parent),
                },
            };
            match next {
                Ok(next) => steps.push(next),
                Err(errno) => return (steps, errno),
            }
        }
        (steps, 0)
    }

    pub(crate) fn child(&self, at: &Fid, name: &Name) -> Answer<Fid> {
        let object = *self.entries(at.object)?.get(name).ok_or(ENOENT)?;
        let trail = Trail { above: at.trail.clone(), name: name.clone(), parent: at.object };
        Ok(Fid { object, trail: Some(Rc::new(trail)), open: None, holder: 0 })
    }

    /// Where a fid's object stands, if it stands where it was walked to.
    pub(crate) fn above(&self, fid: &Fid) -> Answer<(Fid, Name)> {
        let trail = fid.trail.as_ref().ok_or(EBUSY)?;
        let mut names = Vec::new();
        let mut next = &trail.above;
        while let Some(trail) = next {
            names.push(trail.name.clone());
            next = &trail.above;
        }
        let mut at = ROOT;
        for name in names.iter().rev() {
            at = *self.entries(at).ok().and_then(|entries| entries.get(name)).ok_or(ENOENT)?;
        }
        let here = self.entries(at).ok().and_then(|entries| entries.get(&trail.name));
        if at != trail.parent || here != Some(&fid.object) {
            return Err(ENOENT);
        }
        let parent = Fid { object: at, trail: trail.above.clone(), open: None, holder: 0 };
        Ok((parent, trail.name.clone()))
    }

    /// Whether something new can have this name.
    pub(crate) fn may_enter(&self, parent: usize, name: &Name) -> Answer<()> {
        let entries = self.entries(parent)?;
        match entries.contains_key(name) {
            true => Err(EEXIST),
            false if self.objects[parent].links == 0 => Err(ENOENT),
            false => Ok(()),
        }
    }

    pub(crate) fn enter(
        &mut self,
        parent: usize,
        name: &Name,
        body: Body,
        mode: u32,
    ) -> Answer<usize> {
        self.may_enter(parent, name)?;
        let object = self.make(body, mode);
        self.entries_mut(parent).insert(name.clone(), object);
        Ok(object)
    }

    /// Whether `inner` is `outer`, or lies below it.
    pub(crate) fn contains(&self, outer: usize, inner: usize) -> bool {
        outer == inner
            || self
                .entries(outer)
                .is_ok_and(|entries| entries.values().any(|object| self.contains(*object, inner)))
    }

    pub(crate) fn leave(&mut self, parent: usize, name: &Name) {
        if let Some(object) = self.entries_mut(parent).remove(name) {
            self.objects[object].links -= 1;
        }
    }

    pub(crate) fn rename(&mut self, from: usize, name: &Name, to: usize, new: &Name) -> Answer<()> {
        let moved = self.entries(from)?.get(name).copied();
        let old = self.entries(to)?.get(new).copied();
        let moved = moved.ok_or(ENOENT)?;
        let directory = self.is_directory(moved);
        if directory && self.contains(moved, to) {
            return Err(EINVAL);
        }
        match old {
            Some(old) if old == moved => return Ok(()),
            Some(old) => match (directory, self.entries(old)) {
                (false, Ok(_)) => return Err(EISDIR),
                (true, Err(_)) => return Err(ENOTDIR),
                (true, Ok(entries)) if !entries.is_empty() => return Err(ENOTEMPTY),
                _ => self.leave(to, new),
            },
            None if self.objects[to].links == 0 => return Err(ENOENT),
            None => {}
        }
        self.entries_mut(from).remove(name);
        self.entries_mut(to).insert(new.clone(), moved);
        Ok(())
    }

    pub(crate) fn remove(&mut self, parent: usize, name: &Name, directory: bool) -> Answer<()> {
        let object = *self.entries(parent)?.get(name).ok_or(ENOENT)?;
        match (directory, self.entries(object)) {
            (false, Ok(_)) => return Err(EISDIR),
            (true, Err(_)) => return Err(ENOTDIR),
            (true, Ok(entries)) if !entries.is_empty() => return Err(ENOTEMPTY),
            _ => {}
        }
        self.leave(parent, name);
        Ok(())
    }

    pub(crate) fn open(
        &mut self,
        number: u32,
        object: usize,
        trail: Option<Rc<Trail>>,
        flags: u32,
    ) {
        self.opened += 1;
        let fid = Fid { object, trail, open: Some(flags), holder: self.opened };
        self.fids.insert(number, fid);
    }

    pub(crate) fn clunk(&mut self, number: u32) -> Answer<Fid> {
        let fid = self.fids.remove(&number).ok_or(EBADF)?;
        for lock in self.objects[fid.object].locks.as_flattened_mut() {
            if lock.is_some_and(|(_, holder)| fid.open.is_some() && holder == fid.holder) {
                *lock = None;
            }
        }
        Ok(fid)
    }

    /// The file that is open for what is asked.
    pub(crate) fn file(&mut self, number: u32, write: bool) -> Answer<(&mut Vec<u8>, u32)> {
        let fid = self.fid(number)?;
        let flags = fid.open.ok_or(EBADF)?;
        let allowed = matches!((flags & 3, write), (0, false) | (WRITES, true) | (BOTH, _));
        match &mut self.objects[fid.object].body {
            Body::File(content) if allowed => Ok((content, flags)),
            _ => Err(EBADF),
        }
    }
}
