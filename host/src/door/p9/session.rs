//! One connection: from a request to its reply. It knows no transport: whole messages come
//! in, and go out at once or late.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Poll, Waker};

use super::errno::{Errno, Result};
use super::fids::Fids;
use super::locking::Pending;
use super::messages::{Reply, Request, header};
use super::server::{Limits, Server};
use super::wire::Malformed;
use crate::error::ErrorCode;
use crate::shared::{Ref, Shared, WeakRef, lock};
use crate::trace::Call;

/// The version that is spoken.
const VERSION: &[u8] = b"9P2000.L";
/// What others are answered.
const UNKNOWN: &[u8] = b"unknown";

/// Where replies go that do not come at once: a closure will do. Whoever calls it may be
/// answering somebody else, and must not be kept.
pub trait Late: Shared {
    /// Takes a whole message.
    fn reply(&self, message: &[u8]);
}

impl<F: Fn(&[u8]) + Shared> Late for F {
    fn reply(&self, message: &[u8]) {
        self(message);
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// The reply is there.
    Replied,
    /// It comes late, or, if the connection begins anew before, not at all.
    Later,
    /// What came was no message: there is nothing that could be answered, and nobody knows
    /// where the next one begins. The connection has to end.
    Broken,
}

/// One connection. Dropping it ends it: its fids and its locks go.
pub struct Session(Ref<Inner>);

pub(super) struct Inner {
    pub(super) server: Server,
    /// Tells its processes from those of others.
    pub(super) number: u64,
    /// 0 until the version is agreed upon.
    msize: AtomicU32,
    pub(super) fids: Fids,
    /// Requests under way, and who waits for their end.
    running: Mutex<HashMap<u16, Vec<Waker>>>,
    pub(super) pending: Mutex<Pending>,
    pub(super) late: Ref<dyn Late>,
    pub(super) myself: WeakRef<Self>,
}

/// The reply in the making.
pub(super) struct Out<'m> {
    pub(super) tag: u16,
    pub(super) message: &'m mut Vec<u8>,
    pub(super) later: bool,
}

impl Out<'_> {
    pub(super) fn put(&mut self, reply: &Reply<'_>) {
        reply.encode(self.tag, self.message);
    }
}

impl Session {
    pub(super) fn new(server: Server, number: u64, late: Ref<dyn Late>) -> Self {
        Self(Ref::new_cyclic(|myself| Inner {
            server,
            number,
            msize: AtomicU32::new(0),
            fids: Fids::default(),
            running: Mutex::default(),
            pending: Mutex::default(),
            late,
            myself: myself.clone(),
        }))
    }

    /// How long the next message may be.
    #[must_use]
    pub fn msize(&self) -> u32 {
        match self.0.msize() {
            0 => self.0.server.settings().limits.msize,
            msize => msize,
        }
    }

    /// Does what a message asks, and puts the answer in place of what is in `reply`. On a
    /// mount that never waits it is ready when it is first polled. Several may be under way
    /// at once; then their replies have to go in the order in which they come.
    pub async fn handle(&self, message: &[u8], reply: &mut Vec<u8>) -> Handled {
        let Ok((number, tag)) = header(message) else { return Handled::Broken };
        let mut out = Out { tag, message: reply, later: false };
        let answered = if message.len() > self.msize() as usize {
            Err(ErrorCode::MessageSize.into())
        } else {
            match Request::decode(message) {
                Ok((_, request)) => self.0.run(request, &mut out).await,
                Err(Malformed::Type(_)) if self.0.msize() == 0 => Err(Errno::PROTOCOL),
                Err(malformed) => self.0.refuse(number, malformed),
            }
        };
        match answered {
            Err(errno) => out.put(&Reply::Rlerror { errno: errno.number }),
            Ok(()) if out.later => return Handled::Later,
            Ok(()) => {}
        }
        Handled::Replied
    }

    /// Answers what is too long to be taken, of which `head` is the beginning; what is left
    /// of it is to be passed over. What comes first and is so long is no message: it is what
    /// other protocols begin with.
    pub fn refuse_long(&self, head: &[u8], reply: &mut Vec<u8>) -> Handled {
        let Ok((_, tag)) = header(head) else { return Handled::Broken };
        if self.0.msize() == 0 {
            return Handled::Broken;
        }
        let errno = Errno::from(ErrorCode::MessageSize).number;
        Reply::Rlerror { errno }.encode(tag, reply);
        Handled::Replied
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.begin_anew();
    }
}

impl Inner {
    pub(super) fn msize(&self) -> u32 {
        self.msize.load(Ordering::Relaxed)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.server.settings().limits
    }

    /// What is no request, as whoever traces hears of it.
    fn refuse(&self, number: u8, malformed: Malformed) -> Result<()> {
        let errno = Errno::from(malformed);
        let call = self.server.settings().trace.call("malformed", None);
        call.length(number.into()).end_named(errno.name, None);
        Err(errno)
    }

    /// Does what is asked, and keeps book of it if that takes its time.
    async fn run(&self, request: Request<'_>, out: &mut Out<'_>) -> Result<()> {
        let tag = out.tag;
        let told = Told::of(&self.server, &request);
        let call = told.as_ref().map(|told| told.begin(&self.server));
        let mut known = false;
        let answered = {
            let mut future = pin!(self.answer(request, out));
            poll_fn(|context| {
                let answer = future.as_mut().poll(context);
                if answer.is_pending() && !known {
                    known = true;
                    if !self.keep(tag) {
                        return Poll::Ready(Err(ErrorCode::WouldBlock.into()));
                    }
                }
                answer
            })
            .await
        };
        if known {
            let waiting = lock(&self.running).remove(&tag);
            waiting.into_iter().flatten().for_each(Waker::wake);
        }
        if let Some(call) = call {
            match &answered {
                Ok(()) if out.later => call.end_named("later", None),
                Ok(()) => call.end_named("ok", Told::result(out.message)),
                Err(errno) => call.end_named(errno.name, None),
            }
        }
        answered
    }

    /// Keeps book of a request that waits, if there is room for one more.
    fn keep(&self, tag: u16) -> bool {
        let mut running = lock(&self.running);
        let room = running.len() < self.limits().outstanding;
        if room {
            running.entry(tag).or_default();
        }
        room
    }

    async fn answer(&self, request: Request<'_>, out: &mut Out<'_>) -> Result<()> {
        if self.msize() == 0 && !matches!(request, Request::Tversion { .. }) {
            return Err(Errno::PROTOCOL);
        }
        match request {
            Request::Tversion { msize, version } => self.version(out, msize, version),
            Request::Tauth { .. } => Err(ErrorCode::Unsupported.into()),
            Request::Tattach { fid, auth, export, uid, .. } => {
                self.attach(out, fid, auth, export, uid).await
            }
            Request::Tflush { old_tag } => self.flush(out, old_tag).await,
            Request::Twalk { fid, new_fid, way } => self.walk(out, fid, new_fid, &way).await,
            Request::Tclunk { fid } => self.clunk(out, fid).await,
            Request::Tremove { fid } => self.remove(out, fid).await,

            Request::Tgetattr { fid, mask } => self.getattr(out, fid, mask).await,
            Request::Tsetattr { .. } => self.setattr(out, &request).await,
            Request::Tstatfs { fid } => self.statfs(out, fid).await,

            Request::Tlopen { fid, flags } => self.open(out, fid, flags).await,
            Request::Tlcreate { fid, name, flags, mode, gid } => {
                self.create(out, fid, &name, flags, (mode, gid)).await
            }
            Request::Tread { fid, offset, count } => self.read(out, fid, offset, count),
            Request::Twrite { fid, offset, data } => self.write(out, fid, offset, data.0).await,
            Request::Treaddir { fid, offset, count } => self.readdir(out, fid, offset, count).await,
            Request::Tfsync { fid, data_only } => self.fsync(out, fid, data_only).await,

            Request::Tmkdir { fid, name, mode, gid } => {
                self.mkdir(out, fid, &name, (mode, gid)).await
            }
            Request::Tsymlink { fid, name, target, gid } => {
                self.symlink(out, fid, &name, target, gid).await
            }
            Request::Tmknod { fid, name, mode, major, minor, gid } => {
                self.mknod(out, fid, &name, (mode, gid), (major, minor)).await
            }
            Request::Tlink { directory, fid, name } => self.link(out, directory, fid, &name).await,
            Request::Treadlink { fid } => self.readlink(out, fid).await,
            Request::Trename { fid, directory, name } => {
                self.rename(out, fid, directory, &name).await
            }
            Request::Trenameat { fid, name, to, new_name } => {
                self.renameat(out, fid, &name, to, &new_name).await
            }
            Request::Tunlinkat { fid, name, flags } => self.unlinkat(out, fid, &name, flags).await,

            Request::Txattrwalk { fid, new_fid, name } => {
                self.xattrwalk(out, fid, new_fid, name).await
            }
            Request::Txattrcreate { fid, name, size, flags } => {
                self.xattrcreate(out, fid, name, size, flags)
            }
            Request::Tlock { .. } => self.lock(out, &request),
            Request::Tgetlock { .. } => self.getlock(out, &request),
        }
    }

    /// Agrees upon version and message size; everything begins anew.
    fn version(&self, out: &mut Out<'_>, msize: u32, version: &[u8]) -> Result<()> {
        self.begin_anew();
        self.msize.store(0, Ordering::Relaxed);
        if msize < Limits::MSIZE_MIN {
            return Err(ErrorCode::MessageSize.into());
        }
        let msize = msize.min(self.limits().msize);
        // What follows a dot is an extension, which one may leave out.
        let rest = version.strip_prefix(VERSION);
        let version = match rest.map(<[u8]>::first) {
            Some(None | Some(b'.')) => {
                self.msize.store(msize, Ordering::Relaxed);
                VERSION
            }
            _ => UNKNOWN,
        };
        out.put(&Reply::Rversion { msize, version });
        Ok(())
    }

    /// Lets all fids go, and answers nothing that is still to be answered.
    fn begin_anew(&self) {
        lock(&self.pending).clear();
        for fid in self.fids.remove_all() {
            self.release(&fid);
        }
    }

    /// Answers once the flushed request was answered, or never will be.
    async fn flush(&self, out: &mut Out<'_>, old_tag: u16) -> Result<()> {
        poll_fn(|context| match lock(&self.running).get_mut(&old_tag) {
            // Its own tag: that would never end.
            Some(waiting) if old_tag != out.tag => {
                waiting.push(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
        .await;
        self.flush_lock(out, old_tag);
        Ok(())
    }
}

/// What is told of a request, as far as it says it.
struct Told {
    call: &'static str,
    fid: Option<u32>,
    path: Option<String>,
    to: Option<String>,
    offset: Option<u64>,
    length: Option<u64>,
}

impl Told {
    /// Nothing if nobody listens.
    fn of(server: &Server, request: &Request<'_>) -> Option<Self> {
        server.settings().trace.0.as_ref()?;
        let text = |bytes: &[u8]| Some(String::from_utf8_lossy(bytes).into_owned());
        let call = request.name();
        let mut told =
            Self { call, fid: request.fid(), path: None, to: None, offset: None, length: None };
        match request {
            Request::Twalk { way, .. } => {
                use crate::path::Part;
                let names = way.iter().map(|part| match part {
                    Part::Name(name) => String::from_utf8_lossy(name.as_bytes()).into_owned(),
                    Part::Up => "..".to_owned(),
                });
                told.path = Some(names.collect::<Vec<_>>().join("/"));
            }
            Request::Tattach { export, .. } => told.path = text(export),
            Request::Tversion { msize, version } => {
                (told.path, told.length) = (text(version), Some((*msize).into()));
            }
            Request::Tlcreate { name, .. }
            | Request::Tmknod { name, .. }
            | Request::Tmkdir { name, .. }
            | Request::Tlink { name, .. }
            | Request::Trename { name, .. }
            | Request::Tunlinkat { name, .. } => told.path = text(name.as_bytes()),
            Request::Tsymlink { name, target, .. } => {
                (told.path, told.to) = (text(name.as_bytes()), text(target));
            }
            Request::Trenameat { name, new_name, .. } => {
                (told.path, told.to) = (text(name.as_bytes()), text(new_name.as_bytes()));
            }
            Request::Txattrwalk { name, .. } => told.path = text(name),
            Request::Txattrcreate { name, size, .. } => {
                (told.path, told.length) = (text(name), Some(*size));
            }
            Request::Tread { offset, count, .. } | Request::Treaddir { offset, count, .. } => {
                (told.offset, told.length) = (Some(*offset), Some((*count).into()));
            }
            Request::Twrite { offset, data, .. } => {
                (told.offset, told.length) = (Some(*offset), Some(data.0.len() as u64));
            }
            Request::Tlock { start, length, .. } | Request::Tgetlock { start, length, .. } => {
                (told.offset, told.length) = (Some(*start), Some(*length));
            }
            Request::Tsetattr { valid, size, .. } if valid & 8 != 0 => told.length = Some(*size),
            _ => {}
        }
        Some(told)
    }

    fn begin<'a>(&'a self, server: &'a Server) -> Call<'a> {
        let mut call = server.settings().trace.call(self.call, self.fid);
        if let Some(path) = &self.path {
            call = call.path(path);
        }
        if let Some(to) = &self.to {
            call = call.to(to);
        }
        if let Some(offset) = self.offset {
            call = call.offset(offset);
        }
        match self.length {
            Some(length) => call.length(length),
            None => call,
        }
    }

    /// How many bytes were read or written.
    fn result(reply: &[u8]) -> Option<u64> {
        match Reply::decode(reply) {
            Ok((_, Reply::Rread { data } | Reply::Rreaddir { data })) => Some(data.0.len() as u64),
            Ok((_, Reply::Rwrite { count })) => Some(count.into()),
            _ => None,
        }
    }
}
