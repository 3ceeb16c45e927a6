//! A client in the same process, and what it asks most.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use wasi_opfs::backend::Backend;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::door::p9::client::{Client, ClientError, Transport};
use wasi_opfs::door::p9::{
    Data, DirEntry, Handled, NO_FID, NO_UID, Qid, Reply, Request, Server, Session, Way,
};
use wasi_opfs::path::{Name, Part};
use wasi_opfs::{FileSystem, MountOptions, MountTable, Owners};

pub(crate) const ENOENT: u32 = 2;
pub(crate) const EBADF: u32 = 9;
pub(crate) const EBUSY: u32 = 16;
pub(crate) const EEXIST: u32 = 17;
pub(crate) const EXDEV: u32 = 18;
pub(crate) const ENOTDIR: u32 = 20;
pub(crate) const EISDIR: u32 = 21;
pub(crate) const EINVAL: u32 = 22;
pub(crate) const EMFILE: u32 = 24;
pub(crate) const EROFS: u32 = 30;
pub(crate) const ERANGE: u32 = 34;
pub(crate) const EDEADLK: u32 = 35;
pub(crate) const ENAMETOOLONG: u32 = 36;
pub(crate) const ENOTEMPTY: u32 = 39;
pub(crate) const ELOOP: u32 = 40;
pub(crate) const ENODATA: u32 = 61;
pub(crate) const EPROTO: u32 = 71;
pub(crate) const EMSGSIZE: u32 = 90;
pub(crate) const EOPNOTSUPP: u32 = 95;
pub(crate) const EPERM: u32 = 1;
pub(crate) const EINTR: u32 = 4;
pub(crate) const E2BIG: u32 = 7;

pub(crate) const RDONLY: u32 = 0;
pub(crate) const WRONLY: u32 = 1;
pub(crate) const RDWR: u32 = 2;
pub(crate) const CREAT: u32 = 0o100;
pub(crate) const EXCL: u32 = 0o200;
pub(crate) const TRUNC: u32 = 0o1000;
pub(crate) const APPEND: u32 = 0o2000;
pub(crate) const DIRECTORY: u32 = 0o200_000;

/// The fid of the root, which every rig has.
pub(crate) const ROOT: u32 = 0;

/// A connection in the same process, with the replies that were not yet taken.
pub(crate) struct Local {
    pub(crate) session: Session,
    replies: Arc<Mutex<VecDeque<Vec<u8>>>>,
    /// With what is left of the reply before, as transports have it.
    reply: Vec<u8>,
}

impl Local {
    pub(crate) fn new(server: &Server) -> Self {
        let replies = Arc::<Mutex<VecDeque<Vec<u8>>>>::default();
        let late = replies.clone();
        let session = server.session(Arc::new(move |message: &[u8]| {
            late.lock().expect("no panic").push_back(message.to_vec());
        }));
        Self { session, replies, reply: Vec::new() }
    }

    /// What a message is answered with at once.
    pub(crate) fn raw(&mut self, message: &[u8]) -> (Handled, Vec<u8>) {
        let handled = block_on(self.session.handle(message, &mut self.reply));
        (handled, self.reply.clone())
    }

    /// How many replies have come that were not taken.
    pub(crate) fn waiting(&self) -> usize {
        self.replies.lock().expect("no panic").len()
    }
}

impl Transport for Local {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self.raw(message) {
            (Handled::Replied, reply) => {
                self.replies.lock().expect("no panic").push_back(reply);
                Ok(())
            }
            (Handled::Later, _) => Ok(()),
            (Handled::Broken, _) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    fn receive(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let next = self.replies.lock().expect("no panic").pop_front();
        *into = next.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}

/// The error number of an answer.
pub(crate) fn errno(error: ClientError) -> u32 {
    match error {
        ClientError::Errno(number) => number,
        other => panic!("{other}"),
    }
}

pub(crate) fn name(bytes: &[u8]) -> Name {
    Name::new(bytes).expect("a name")
}

/// A way of names between slashes; `..` goes up.
pub(crate) fn way(path: &[u8]) -> Way {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    parts.map(|part| if part == b".." { Part::Up } else { Part::Name(name(part)) }).collect()
}

/// What a listing says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) qid: Qid,
    pub(crate) offset: u64,
    pub(crate) kind: u8,
    pub(crate) name: Vec<u8>,
}

/// What is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attr {
    pub(crate) valid: u64,
    pub(crate) qid: Qid,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) links: u64,
    pub(crate) device: u64,
    pub(crate) size: u64,
    pub(crate) blocks: u64,
    pub(crate) atime: (u64, u64),
    pub(crate) mtime: (u64, u64),
    pub(crate) ctime: (u64, u64),
    pub(crate) data_version: u64,
}

/// A client with the root attached as [`ROOT`].
pub(crate) struct Rig<T> {
    pub(crate) client: Client<T>,
    next: u32,
}

pub(crate) type Answer<T> = Result<T, u32>;

impl<T: Transport> Rig<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self::sized(transport, 8192)
    }

    pub(crate) fn sized(transport: T, msize: u32) -> Self {
        let mut rig = Self { client: Client::new(transport), next: 1 };
        match rig.client.call(&Request::Tversion { msize, version: b"9P2000.L" }) {
            Ok(Reply::Rversion { msize: agreed, version: b"9P2000.L" }) => {
                assert!(agreed <= msize, "{agreed}");
            }
            other => panic!("{other:?}"),
        }
        rig.attach(ROOT, b"", 0).expect("the root");
        rig
    }

    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Answer<Reply<'_>> {
        self.client.call(request).map_err(errno)
    }

    /// A fid that was not used before.
    pub(crate) fn fid(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    pub(crate) fn attach(&mut self, fid: u32, export: &[u8], uid: u32) -> Answer<Qid> {
        match self.ask(&Request::Tattach { fid, auth: NO_FID, user: b"", export, uid })? {
            Reply::Rattach { qid } => Ok(qid),
            other => panic!("{other:?}"),
        }
    }

    /// A new fid for what a path below another fid leads to, all the way.
    pub(crate) fn walk_from(&mut self, fid: u32, path: &[u8]) -> Answer<u32> {
        let new_fid = self.fid();
        let way = way(path);
        let steps = way.len();
        match self.ask(&Request::Twalk { fid, new_fid, way })? {
            Reply::Rwalk { qids } if qids.len() == steps => Ok(new_fid),
            Reply::Rwalk { .. } => Err(ENOENT),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn walk(&mut self, path: &str) -> Answer<u32> {
        self.walk_from(ROOT, path.as_bytes())
    }

    pub(crate) fn open_fid(&mut self, fid: u32, flags: u32) -> Answer<Qid> {
        match self.ask(&Request::Tlopen { fid, flags })? {
            Reply::Rlopen { qid, .. } => Ok(qid),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn open(&mut self, path: &str, flags: u32) -> Answer<u32> {
        let fid = self.walk(path)?;
        self.open_fid(fid, flags)?;
        Ok(fid)
    }

    /// A file in the directory `parent`, open.
    pub(crate) fn create_in(&mut self, parent: u32, file: &[u8], flags: u32) -> Answer<u32> {
        let fid = self.walk_from(parent, b"")?;
        let mode = 0o100_644;
        match self.ask(&Request::Tlcreate { fid, name: name(file), flags, mode, gid: 0 })? {
            Reply::Rlcreate { .. } => Ok(fid),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn create(&mut self, file: &str) -> u32 {
        self.create_in(ROOT, file.as_bytes(), RDWR | CREAT | EXCL).expect("created")
    }

    /// A file with some content, closed.
    pub(crate) fn file(&mut self, file: &str, content: &[u8]) {
        let fid = self.create(file);
        self.write(fid, 0, content).expect("written");
        self.clunk(fid).expect("closed");
    }

    pub(crate) fn mkdir_in(&mut self, fid: u32, directory: &[u8]) -> Answer<Qid> {
        match self.ask(&Request::Tmkdir { fid, name: name(directory), mode: 0o40_755, gid: 0 })? {
            Reply::Rmkdir { qid } => Ok(qid),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn mkdir(&mut self, directory: &str) {
        self.mkdir_in(ROOT, directory.as_bytes()).expect("made");
    }

    pub(crate) fn read(&mut self, fid: u32, offset: u64, count: u32) -> Answer<Vec<u8>> {
        match self.ask(&Request::Tread { fid, offset, count })? {
            Reply::Rread { data } => Ok(data.0.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn write(&mut self, fid: u32, offset: u64, data: &[u8]) -> Answer<u32> {
        match self.ask(&Request::Twrite { fid, offset, data: Data(data) })? {
            Reply::Rwrite { count } => Ok(count),
            other => panic!("{other:?}"),
        }
    }

    /// All that a file holds.
    pub(crate) fn content(&mut self, path: &str) -> Answer<Vec<u8>> {
        let fid = self.open(path, RDONLY)?;
        let mut content = Vec::new();
        loop {
            let part = self.read(fid, content.len() as u64, 4096)?;
            if part.is_empty() {
                break;
            }
            content.extend(part);
        }
        self.clunk(fid)?;
        Ok(content)
    }

    pub(crate) fn clunk(&mut self, fid: u32) -> Answer<()> {
        self.ask(&Request::Tclunk { fid }).map(|_| ())
    }

    pub(crate) fn unlink_in(&mut self, fid: u32, file: &[u8], flags: u32) -> Answer<()> {
        self.ask(&Request::Tunlinkat { fid, name: name(file), flags }).map(|_| ())
    }

    pub(crate) fn unlink(&mut self, file: &str) {
        self.unlink_in(ROOT, file.as_bytes(), 0).expect("removed");
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Answer<()> {
        let (name, new_name) = (name(from.as_bytes()), name(to.as_bytes()));
        self.ask(&Request::Trenameat { fid: ROOT, name, to: ROOT, new_name }).map(|_| ())
    }

    pub(crate) fn attr(&mut self, fid: u32) -> Answer<Attr> {
        match self.ask(&Request::Tgetattr { fid, mask: 0x3fff })? {
            Reply::Rgetattr {
                valid,
                qid,
                mode,
                uid,
                gid,
                links,
                device,
                size,
                blocks,
                atime,
                atime_nanos,
                mtime,
                mtime_nanos,
                ctime,
                ctime_nanos,
                data_version,
                ..
            } => Ok(Attr {
                valid,
                qid,
                mode,
                owner: (uid, gid),
                links,
                device,
                size,
                blocks,
                atime: (atime, atime_nanos),
                mtime: (mtime, mtime_nanos),
                ctime: (ctime, ctime_nanos),
                data_version,
            }),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn attr_of(&mut self, path: &str) -> Answer<Attr> {
        let fid = self.walk(path)?;
        let attr = self.attr(fid);
        self.clunk(fid)?;
        attr
    }

    /// One answer of a listing.
    pub(crate) fn readdir(&mut self, fid: u32, offset: u64, count: u32) -> Answer<Vec<Listed>> {
        match self.ask(&Request::Treaddir { fid, offset, count })? {
            Reply::Rreaddir { data } => {
                let entries = DirEntry::all(data.0).expect("whole entries");
                let listed = |entry: DirEntry<'_>| Listed {
                    qid: entry.qid,
                    offset: entry.offset,
                    kind: entry.kind,
                    name: entry.name.to_vec(),
                };
                Ok(entries.into_iter().map(listed).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    /// All names in a directory, in order, without the dots.
    pub(crate) fn names(&mut self, path: &str) -> Vec<Vec<u8>> {
        let fid = self.open(path, DIRECTORY).expect("a directory");
        let mut names = Vec::new();
        let mut offset = 0;
        loop {
            let part = self.readdir(fid, offset, 8000).expect("listed");
            let Some(last) = part.last() else { break };
            offset = last.offset;
            names.extend(part.into_iter().map(|entry| entry.name));
        }
        self.clunk(fid).expect("closed");
        names.retain(|name| name != b"." && name != b"..");
        names.sort();
        names
    }
}

/// One file system at `/`.
pub(crate) fn table(backend: Arc<dyn Backend>, read_only: bool) -> MountTable {
    let fs = FileSystem::new(backend);
    let options = MountOptions { guest: "/".to_owned(), fs, read_only };
    block_on(MountTable::new(vec![options])).expect("a table")
}

pub(crate) fn memory() -> Arc<dyn Backend> {
    Arc::new(Volume::in_memory(64 << 20).expect("a volume"))
}

/// What a directory holds is made by others only if this user may.
#[cfg(unix)]
fn owners() -> Owners {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().expect("a folder");
    match folder.path().metadata().expect("known").uid() {
        0 => Owners::Stored,
        _ => Owners::Fixed { uid: 0, gid: 0 },
    }
}

#[cfg(not(unix))]
fn owners() -> Owners {
    Owners::Fixed { uid: 0, gid: 0 }
}

/// Runs a test on every kind of mount, with a server of its own for each.
pub(crate) fn on_each(test: impl Fn(&str, &Server)) {
    test("memory", &Server::new(table(memory(), false)));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file.volume");
    let volume = Volume::open_file(&file, Options::default()).expect("a volume");
    test("volume", &Server::new(table(Arc::new(volume), false)));
    let root = folder.path().join("root");
    std::fs::create_dir(&root).expect("a folder");
    let dir = Dir::open(&root).expect("opened");
    test("dir", &Server::new(table(Arc::new(dir), false)).owners(owners()));
}

/// The same with one client.
pub(crate) fn with_each(test: impl Fn(&str, &mut Rig<Local>)) {
    on_each(|kind, server| test(kind, &mut Rig::new(Local::new(server))));
}

/// A client of a volume in memory.
pub(crate) fn rig() -> Rig<Local> {
    Rig::new(Local::new(&Server::new(table(memory(), false))))
}

pub(crate) const ANYBODY: u32 = NO_UID;
