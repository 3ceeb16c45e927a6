//! Whole sessions made of bytes, and a small model that says what each request has to be
//! answered with. The fuzzer and the tests play the same.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use wasi_opfs::backend::volume::Volume;
use wasi_opfs::door::p9::{Data, DirEntry, Qid, Reply, Request, Server, Session, Way};
use wasi_opfs::path::{Name, Part};
use wasi_opfs::{FileSystem, MountOptions, MountTable};

use crate::model::{
    APPEND, Answer, Body, DIRECTORY, EBADF, EEXIST, EINVAL, EISDIR, ELOOP, ENODATA, ENOENT,
    ENOTDIR, EPERM, EXCLUSIVE, Fid, Model, ROOT, TRUNCATE, Trail,
};

/// Requests in one session, and bytes in one file.
const STEPS: usize = 400;
const LARGEST: u64 = 20_000;

/// Names and fids are few, so that requests meet.
const NAMES: [&[u8]; 5] = [b"a", b"b", b"c", b"d\xff", b"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"];
const FIDS: u32 = 9;
/// A fid that is used and let go within one step.
const OWN: u32 = 100;

/// What is still to be played.
struct Recipe<'a>(&'a [u8]);

impl Recipe<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::from(self.byte()) % bound
    }

    fn name(&mut self) -> Name {
        Name::new(NAMES[self.below(5) as usize]).expect("a name")
    }

    fn fid(&mut self) -> u32 {
        self.below(FIDS)
    }

    fn offset(&mut self) -> u64 {
        u64::from(self.byte()) * u64::from(self.byte()) % LARGEST
    }
}

/// A session, and the model beside it.
struct Play {
    session: Session,
    model: Model,
    reply: Vec<u8>,
    tag: u16,
}

impl Play {
    fn new(late: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        let volume = Volume::in_memory(1 << 26).expect("a volume");
        let fs = FileSystem::new(Arc::new(volume));
        let options = MountOptions { guest: "/".to_owned(), fs, read_only: false };
        let mounts = pollster::block_on(MountTable::new(vec![options])).expect("a table");
        let session = Server::new(mounts).session(Arc::new(late));
        let mut play = Self { session, model: Model::new(), reply: Vec::new(), tag: 0 };
        play.attach();
        play
    }

    fn attach(&mut self) {
        self.ask(&Request::Tversion { msize: 8192, version: b"9P2000.L" }).expect("agreed");
        let attach = Request::Tattach { fid: 0, auth: u32::MAX, user: b"", export: b"", uid: 0 };
        self.ask(&attach).expect("attached");
    }

    fn ask(&mut self, request: &Request<'_>) -> Answer<Reply<'_>> {
        let mut message = Vec::new();
        self.tag = self.tag.wrapping_add(1);
        request.encode(self.tag, &mut message);
        let _ = pollster::block_on(self.session.handle(&message, &mut self.reply));
        match Reply::decode(&self.reply) {
            Ok((tag, reply)) if tag == self.tag => match reply {
                Reply::Rlerror { errno } => Err(errno),
                reply => Ok(reply),
            },
            other => panic!("{request:?} is answered with {other:?}"),
        }
    }

    /// Asks what has to be answered so.
    fn expect(&mut self, request: &Request<'_>, wanted: Answer<()>) {
        let answer = self.ask(request).map(|_| ());
        assert_eq!(answer, wanted, "{request:?}");
    }

    /// Every object has a number, and it is its own.
    fn known(&mut self, object: usize, qid: Qid) {
        let kind = match self.model.objects[object].body {
            Body::File(_) => Qid::FILE,
            Body::Directory(_) => Qid::DIRECTORY,
            Body::Symlink(_) => Qid::SYMLINK,
        };
        assert_eq!(qid.kind, kind);
        let path = *self.model.objects[object].path.get_or_insert(qid.path);
        assert_eq!(qid.path, path, "an object keeps its number");
    }

    fn step(&mut self, recipe: &mut Recipe<'_>) {
        match recipe.byte() % 26 {
            0..4 => self.walk(recipe),
            4 | 5 => self.open(recipe),
            6 | 7 => self.create(recipe),
            8 | 9 => self.write(recipe),
            10 => self.read(recipe),
            11 => self.attributes(recipe),
            12 => self.change(recipe),
            13 | 14 => self.make(recipe),
            15 => self.link(recipe),
            16..19 => self.rename(recipe),
            19 => self.unlink(recipe),
            20 => self.list(recipe),
            21 => self.lock(recipe),
            22 => self.xattr(recipe),
            23 => self.rename_itself(recipe),
            24 => self.clunk(recipe),
            _ if recipe.byte() == 77 => {
                self.attach();
                for object in &mut self.model.objects {
                    object.locks = [[None; 17]; 2];
                }
                self.model.attach();
            }
            _ => self.remove(recipe),
        }
    }

    fn walk(&mut self, recipe: &mut Recipe<'_>) {
        let (fid, new_fid) = (recipe.fid(), recipe.fid());
        let way: Way = (0..recipe.below(4))
            .map(|_| if recipe.below(4) == 0 { Part::Up } else { Part::Name(recipe.name()) })
            .collect();
        let request = Request::Twalk { fid, new_fid, way: way.clone() };
        let from = match self.model.fid(fid) {
            Ok(from) if fid == new_fid && from.open.is_some() => Err(EINVAL),
            Ok(_) if fid != new_fid && self.model.fids.contains_key(&new_fid) => Err(EINVAL),
            from => from,
        };
        let from = match from {
            Ok(from) => from,
            Err(errno) => return self.expect(&request, Err(errno)),
        };
        let (steps, errno) = self.model.walk(&from, &way);
        if steps.is_empty() && !way.is_empty() {
            return self.expect(&request, Err(errno));
        }
        let qids = match self.ask(&request) {
            Ok(Reply::Rwalk { qids }) => qids,
            other => panic!("{request:?}: {other:?}"),
        };
        assert_eq!(qids.len(), steps.len(), "{request:?}");
        for (step, qid) in steps.iter().zip(qids) {
            self.known(step.object, qid);
        }
        if steps.len() == way.len() {
            let last = steps.last().cloned().unwrap_or(Fid { open: None, holder: 0, ..from });
            self.model.fids.insert(new_fid, last);
        }
    }

    fn open(&mut self, recipe: &mut Recipe<'_>) {
        let (number, bits) = (recipe.fid(), u32::from(recipe.byte()));
        let mut flags = bits & 3;
        for (bit, flag) in [(4, TRUNCATE), (8, APPEND), (0x30, DIRECTORY)] {
            flags |= if bits & bit == bit { flag } else { 0 };
        }
        let request = Request::Tlopen { fid: number, flags };
        let opened = self.model.unopened(number).and_then(|fid| {
            if flags & 3 == 3 {
                return Err(EINVAL);
            }
            match &mut self.model.objects[fid.object].body {
                Body::Directory(_) if flags & (3 | TRUNCATE) != 0 => return Err(EISDIR),
                Body::Symlink(_) => return Err(ELOOP),
                Body::File(_) if flags & DIRECTORY != 0 => return Err(ENOTDIR),
                Body::File(content) if flags & TRUNCATE != 0 => content.clear(),
                Body::Directory(_) | Body::File(_) => {}
            }
            self.model.open(number, fid.object, fid.trail, flags);
            Ok(())
        });
        self.expect(&request, opened);
    }

    fn create(&mut self, recipe: &mut Recipe<'_>) {
        let (number, name, bits) = (recipe.fid(), recipe.name(), u32::from(recipe.byte()));
        let mut flags = bits % 3;
        for (bit, flag) in [(4, TRUNCATE), (8, APPEND), (16, EXCLUSIVE)] {
            flags |= if bits & bit == bit { flag } else { 0 };
        }
        let (mode, gid) = (0o100_000 | bits, 0);
        let request = Request::Tlcreate { fid: number, name: name.clone(), flags, mode, gid };
        let created = self.model.unopened(number).and_then(|fid| {
            let there = self.model.child(&fid, &name);
            let found = match there {
                Err(ENOENT) => {
                    self.model.enter(fid.object, &name, Body::File(Vec::new()), bits)?;
                    self.model.child(&fid, &name)?
                }
                Err(errno) => return Err(errno),
                Ok(_) if flags & EXCLUSIVE != 0 => return Err(EEXIST),
                Ok(found) => found,
            };
            match &mut self.model.objects[found.object].body {
                Body::Directory(_) => return Err(EISDIR),
                Body::Symlink(_) => return Err(ELOOP),
                Body::File(content) if flags & TRUNCATE != 0 => content.clear(),
                Body::File(_) => {}
            }
            self.model.open(number, found.object, found.trail, flags);
            Ok(())
        });
        self.expect(&request, created);
    }

    fn write(&mut self, recipe: &mut Recipe<'_>) {
        let (number, offset) = (recipe.fid(), recipe.offset());
        let data = vec![recipe.byte(); usize::from(recipe.byte()) * 20];
        let request = Request::Twrite { fid: number, offset, data: Data(&data) };
        let written = self.model.file(number, true).map(|(content, flags)| {
            let at = match flags & APPEND {
                0 => usize::try_from(offset).expect("small"),
                _ => content.len(),
            };
            if !data.is_empty() {
                content.resize(content.len().max(at + data.len()), 0);
                content[at..at + data.len()].copy_from_slice(&data);
            }
        });
        match (self.ask(&request), written) {
            (Ok(Reply::Rwrite { count }), Ok(())) => assert_eq!(count as usize, data.len()),
            (answer, wanted) => assert_eq!(answer.map(|_| ()), wanted, "{request:?}"),
        }
    }

    fn read(&mut self, recipe: &mut Recipe<'_>) {
        let (fid, offset) = (recipe.fid(), recipe.offset());
        let count = u32::from(recipe.byte()) * 40;
        let request = Request::Tread { fid, offset, count };
        let wanted = self.model.file(fid, false).map(|(content, _)| {
            let start = usize::try_from(offset).expect("small").min(content.len());
            let end = content.len().min(start + (count as usize).min(8192 - 11));
            content[start..end].to_vec()
        });
        match self.ask(&request) {
            Ok(Reply::Rread { data }) => assert_eq!(Ok(data.0), wanted.as_deref(), "{request:?}"),
            answer => assert_eq!(answer.map(|_| ()), wanted.map(|_| ()), "{request:?}"),
        }
    }

    fn attributes(&mut self, recipe: &mut Recipe<'_>) {
        let fid = recipe.fid();
        let request = Request::Tgetattr { fid, mask: 0x7ff };
        let found = match self.model.fid(fid) {
            Ok(found) => found.object,
            Err(errno) => return self.expect(&request, Err(errno)),
        };
        let (told, qid, told_links) = match self.ask(&request) {
            Ok(Reply::Rgetattr { qid, mode, size, links, .. }) => ((mode, size), qid, links),
            other => panic!("{request:?}: {other:?}"),
        };
        let object = &self.model.objects[found];
        let wanted = match &object.body {
            Body::File(content) => (0o100_000 | object.mode, content.len() as u64),
            Body::Directory(_) => (0o40_000 | object.mode, 4096),
            Body::Symlink(target) => (0o120_000 | object.mode, target.len() as u64),
        };
        assert_eq!(told, if found == ROOT { (told.0, 4096) } else { wanted });
        if self.model.is_directory(found) {
            assert_eq!(told_links == 0, object.links == 0);
        } else {
            assert_eq!(told_links, object.links);
        }
        self.known(found, qid);
    }

    fn change(&mut self, recipe: &mut Recipe<'_>) {
        const MODE: u32 = 1;
        const SIZE: u32 = 8;
        let (fid, size, valid) = (recipe.fid(), recipe.offset(), recipe.below(16) & (MODE | SIZE));
        let mode = u32::from(recipe.byte());
        let request = changes(fid, valid, mode, size);
        let changed = self.model.fid(fid).and_then(|fid| {
            let object = &mut self.model.objects[fid.object];
            if valid & SIZE != 0 {
                match &mut object.body {
                    Body::File(content) => {
                        content.resize(usize::try_from(size).expect("small"), 0);
                    }
                    Body::Directory(_) => return Err(EISDIR),
                    Body::Symlink(_) => return Err(ELOOP),
                }
            }
            if valid & MODE != 0 {
                object.mode = mode;
            }
            Ok(())
        });
        self.expect(&request, changed);
    }

    /// A directory, a link, or a file that is not opened.
    fn make(&mut self, recipe: &mut Recipe<'_>) {
        let (fid, name, what) = (recipe.fid(), recipe.name(), recipe.below(3));
        let (mode, gid) = (u32::from(recipe.byte()), 0);
        let target = &[b'/'; 255][..=mode as usize % 255];
        let (request, body, mode) = match what {
            0 => {
                let body = Body::Directory(BTreeMap::new());
                (Request::Tmkdir { fid, name: name.clone(), mode, gid }, body, mode)
            }
            1 => {
                let body = Body::Symlink(target.to_vec());
                (Request::Tsymlink { fid, name: name.clone(), target, gid }, body, 0o777)
            }
            _ => {
                let (major, minor) = (0, 0);
                let name = name.clone();
                let request = Request::Tmknod { fid, name, mode, major, minor, gid };
                (request, Body::File(Vec::new()), mode)
            }
        };
        let parent = self.model.fid(fid);
        let answer = parent.and_then(|fid| self.model.enter(fid.object, &name, body, mode));
        self.expect(&request, answer.map(|_| ()));
    }

    fn link(&mut self, recipe: &mut Recipe<'_>) {
        let (directory, fid, name) = (recipe.fid(), recipe.fid(), recipe.name());
        let request = Request::Tlink { directory, fid, name: name.clone() };
        let linked = self.model.fid(directory).and_then(|parent| {
            let object = self.model.fid(fid)?.object;
            self.model.entries(parent.object)?;
            if self.model.is_directory(object) {
                return Err(EPERM);
            }
            if self.model.objects[object].links == 0 {
                return Err(ENOENT);
            }
            self.model.may_enter(parent.object, &name)?;
            self.model.entries_mut(parent.object).insert(name, object);
            self.model.objects[object].links += 1;
            Ok(())
        });
        self.expect(&request, linked);
    }

    fn rename(&mut self, recipe: &mut Recipe<'_>) {
        let (fid, name, to, new_name) = (recipe.fid(), recipe.name(), recipe.fid(), recipe.name());
        let request =
            Request::Trenameat { fid, name: name.clone(), to, new_name: new_name.clone() };
        let renamed = self.model.fid(fid).and_then(|from| {
            let to = self.model.fid(to)?;
            self.model.entries(from.object)?;
            self.model.entries(to.object)?;
            self.model.rename(from.object, &name, to.object, &new_name)
        });
        self.expect(&request, renamed);
    }

    fn rename_itself(&mut self, recipe: &mut Recipe<'_>) {
        let (number, directory, name) = (recipe.fid(), recipe.fid(), recipe.name());
        let request = Request::Trename { fid: number, directory, name: name.clone() };
        let renamed = self.model.fid(number).and_then(|fid| {
            let to = self.model.fid(directory)?;
            let (parent, old) = self.model.above(&fid)?;
            self.model.entries(to.object)?;
            self.model.rename(parent.object, &old, to.object, &name)?;
            let trail = Trail { above: to.trail, name, parent: to.object };
            self.model.fids.insert(number, Fid { trail: Some(Rc::new(trail)), ..fid });
            Ok(())
        });
        self.expect(&request, renamed);
    }

    fn unlink(&mut self, recipe: &mut Recipe<'_>) {
        let (fid, name, directory) = (recipe.fid(), recipe.name(), recipe.below(2) == 0);
        let flags = if directory { 0x200 } else { 0 };
        let request = Request::Tunlinkat { fid, name: name.clone(), flags };
        let removed = self.model.fid(fid);
        let removed = removed.and_then(|fid| self.model.remove(fid.object, &name, directory));
        self.expect(&request, removed);
    }

    fn remove(&mut self, recipe: &mut Recipe<'_>) {
        let fid = recipe.fid();
        let removed = self.model.clunk(fid).and_then(|fid| {
            let (parent, name) = self.model.above(&fid)?;
            self.model.remove(parent.object, &name, self.model.is_directory(fid.object))
        });
        self.expect(&Request::Tremove { fid }, removed);
    }

    fn clunk(&mut self, recipe: &mut Recipe<'_>) {
        let fid = recipe.fid();
        let gone = self.model.clunk(fid).map(|_| ());
        self.expect(&Request::Tclunk { fid }, gone);
    }

    /// All of a directory, in pieces.
    fn list(&mut self, recipe: &mut Recipe<'_>) {
        let (fid, count) = (recipe.fid(), 100 + u32::from(recipe.byte()));
        let open = self.model.fid(fid).ok().filter(|fid| fid.open.is_some());
        let entries = open.and_then(|fid| self.model.entries(fid.object).ok()).cloned();
        let Some(entries) = entries else {
            return self.expect(&Request::Treaddir { fid, offset: 0, count }, Err(EBADF));
        };
        let mut names = BTreeSet::new();
        let mut offset = 0;
        loop {
            let listed: Vec<_> = match self.ask(&Request::Treaddir { fid, offset, count }) {
                Ok(Reply::Rreaddir { data }) => DirEntry::all(data.0)
                    .expect("whole entries")
                    .iter()
                    .map(|entry| (entry.name.to_vec(), entry.qid, entry.offset))
                    .collect(),
                other => panic!("{other:?}"),
            };
            let Some((_, _, last)) = listed.last() else { break };
            offset = *last;
            for (name, qid, _) in listed {
                if let Ok(name) = Name::new(&name) {
                    self.known(entries[&name], qid);
                }
                assert!(names.insert(name), "listed once");
            }
        }
        for name in entries.keys() {
            assert!(names.remove(name.as_bytes()), "{name:?} is listed");
        }
        // A directory that was removed has not even these.
        assert!(names.iter().all(|name| matches!(&name[..], b"." | b"..")), "{names:?}");
    }

    fn lock(&mut self, recipe: &mut Recipe<'_>) {
        let (fid, kind, process) = (recipe.fid(), recipe.below(3), recipe.below(2));
        let (start, length) = (u64::from(recipe.below(16)), u64::from(recipe.below(9)));
        let kind = u8::try_from(kind).expect("small");
        let client = b"";
        let request = Request::Tlock { fid, kind, flags: 0, start, length, process, client };
        let end = if length == 0 { 17 } else { (start + length).min(16) };
        let found = match self.model.fid(fid) {
            Ok(fid) if fid.open.is_none() => Err(EINVAL),
            found => found,
        };
        let found = match found {
            Ok(found) => found,
            Err(errno) => return self.expect(&request, Err(errno)),
        };
        let [first, second] = &mut self.model.objects[found.object].locks;
        let (own, other) = if process == 0 { (first, second) } else { (second, first) };
        // What lies behind the sixteenth byte is one byte to the model.
        let reaches = if start + length > 16 { 17 } else { end };
        let range =
            usize::try_from(start).expect("small")..usize::try_from(reaches).expect("small");
        if reaches == 17 && length != 0 {
            return;
        }
        let blocks =
            |held: &Option<(u8, u64)>| held.is_some_and(|(held, _)| held == 1 || kind == 1);
        let blocked = kind != 2 && other[range.clone()].iter().any(blocks);
        if !blocked {
            own[range].fill((kind != 2).then_some((kind, found.holder)));
        }
        let wanted = Ok(Reply::Rlock { status: blocked.into() });
        assert_eq!(self.ask(&request), wanted, "{request:?}");
    }

    /// Sets, removes or reads an extended attribute.
    fn xattr(&mut self, recipe: &mut Recipe<'_>) {
        const SETS: [&[u8]; 2] = [b"user.a", b"user.b"];
        let (from, name) = (recipe.fid(), SETS[recipe.below(2) as usize]);
        let (flags, value) = (recipe.below(4), vec![recipe.byte(); recipe.below(50) as usize]);
        let clone = Request::Twalk { fid: from, new_fid: OWN, way: Way::new() };
        let object = match self.model.fid(from) {
            Ok(fid) => fid.object,
            Err(errno) => return self.expect(&clone, Err(errno)),
        };
        let xattrs = &mut self.model.objects[object].xattrs;
        if flags == 3 {
            let wanted = xattrs.get(name).cloned().ok_or(ENODATA);
            let walk = Request::Txattrwalk { fid: from, new_fid: OWN, name };
            let size = wanted.as_ref().map_or(0, Vec::len) as u64;
            match self.ask(&walk) {
                Ok(answer) => assert_eq!(answer, Reply::Rxattrwalk { size }),
                Err(errno) => return assert_eq!(Err(errno), wanted.map(|_| ())),
            }
            match self.ask(&Request::Tread { fid: OWN, offset: 0, count: 100 }) {
                Ok(Reply::Rread { data }) => assert_eq!(Ok(data.0), wanted.as_deref()),
                other => panic!("{other:?}"),
            }
            return self.expect(&Request::Tclunk { fid: OWN }, Ok(()));
        }
        let set = match (flags, xattrs.contains_key(name)) {
            (1, true) => Err(EEXIST),
            (2, false) => Err(ENODATA),
            (2, true) if value.is_empty() => {
                xattrs.remove(name);
                Ok(())
            }
            _ => {
                xattrs.insert(name, value.clone());
                Ok(())
            }
        };
        let size = value.len() as u64;
        self.expect(&clone, Ok(()));
        self.expect(&Request::Txattrcreate { fid: OWN, name, size, flags }, Ok(()));
        self.expect(&Request::Twrite { fid: OWN, offset: 0, data: Data(&value) }, Ok(()));
        self.expect(&Request::Tclunk { fid: OWN }, set);
    }
}

/// Changes those of the mode and the size that `valid` names.
pub(crate) fn changes(fid: u32, valid: u32, mode: u32, size: u64) -> Request<'static> {
    Request::Tsetattr {
        fid,
        valid,
        mode,
        uid: 0,
        gid: 0,
        size,
        atime: 0,
        atime_nanos: 0,
        mtime: 0,
        mtime_nanos: 0,
    }
}

/// Plays a session.
///
/// # Panics
/// If an answer is another one than it has to be.
pub(crate) fn session(recipe: &[u8]) {
    let mut recipe = Recipe(recipe);
    let mut play = Play::new(|message| panic!("nothing waits, and {message:?} came"));
    for _ in 0..STEPS {
        if recipe.0.is_empty() {
            break;
        }
        play.step(&mut recipe);
    }
}

/// Takes any bytes for messages: what can be taken apart comes back as it was, and what is
/// handled has one answer.
///
/// # Panics
/// If it is not so.
pub(crate) fn wire(bytes: &[u8]) {
    if let Ok((tag, request)) = Request::decode(bytes) {
        let mut again = Vec::new();
        request.encode(tag, &mut again);
        assert_eq!(again, bytes);
    }
    if let Ok((tag, reply)) = Reply::decode(bytes) {
        let mut again = Vec::new();
        reply.encode(tag, &mut again);
        assert_eq!(again, bytes);
    }
    let mut play = Play::new(|message| assert!(Reply::decode(message).is_ok()));
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        // Each piece becomes a message: the bytes say what is in it, not how long it is.
        let length = usize::from(u16::from_le_bytes(*length)).min(tail.len());
        let (piece, tail) = tail.split_at(length);
        rest = tail;
        let mut message = u32::try_from(piece.len() + 4).expect("short").to_le_bytes().to_vec();
        message.extend_from_slice(piece);
        play.reply.clear();
        let handled = pollster::block_on(play.session.handle(&message, &mut play.reply));
        let broken = handled == wasi_opfs::door::p9::Handled::Broken;
        assert_eq!(broken, message.len() < 7);
        if !play.reply.is_empty() {
            let (tag, _) = Reply::decode(&play.reply).expect("a reply");
            assert_eq!(tag.to_le_bytes(), message[5..7]);
        }
    }
}
