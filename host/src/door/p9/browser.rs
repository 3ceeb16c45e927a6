//! Connections of JavaScript: a virtual machine in a worker, or what comes through a port. A
//! connection is a number. Messages are put into a buffer here and taken from another, so that
//! each is copied once on its way in, and once on its way out.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;

use js_sys::{Function, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use super::server::{Limits, Server};
use super::session::{Handled, Session};
use super::wire::HEADER;
use crate::browser;
use crate::descriptor::Owners;
use crate::door::answer::at_once;
use crate::door::slots::Slots;
use crate::door::thrown::thrown;
use crate::error::ErrorCode;
use crate::shared::Ref;
use crate::trace::TraceEvent;

struct Connection {
    session: Session,
    /// Where requests are put, and where replies are found.
    request: Cell<Vec<u8>>,
    reply: Cell<Vec<u8>>,
    /// Takes what does not come at once.
    late: Function,
    waits: bool,
}

struct Held {
    owner: u32,
    connection: Rc<Connection>,
}

thread_local! {
    static CONNECTIONS: RefCell<Slots<Held>> = const { RefCell::new(Slots::new()) };
}

#[wasm_bindgen(inline_js = r"
export const tell = (listener, call, descriptor, path, to, offset, length, answer, result, us) => {
  const event = { call, descriptor, path, to, offset, length, answer, result, us };
  for (const key in event) {
    if (event[key] === undefined) {
      delete event[key];
    }
  }
  listener(event);
};
")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn tell(
        listener: &Function,
        call: &str,
        descriptor: Option<u32>,
        path: Option<&str>,
        to: Option<&str>,
        offset: Option<u64>,
        length: Option<u64>,
        answer: &str,
        result: Option<f64>,
        us: f64,
    ) -> Result<(), JsValue>;
}

/// The longest message that may be allowed, in bytes: it has to be in memory, twice.
const MSIZE_MAX: u32 = 1 << 26;

/// Answers that are no length of a reply: it comes late, or never.
const LATER: i32 = -1;
/// What came was no message.
const BROKEN: i32 = -2;
/// There is no such connection any more.
const CLOSED: i32 = -3;

fn connection(number: u32) -> Option<Rc<Connection>> {
    CONNECTIONS.with_borrow_mut(|all| all.get(number).map(|held| held.connection.clone()))
}

/// A connection to the mounts of the file system `owner`, as guests have them. All files are
/// `uid`'s and `gid`'s, if they are given. `late` takes replies that do not come at once, and
/// `trace` is told of each request.
///
/// # Errors
/// A file system that is closed, an `msize` that is none, too many connections.
#[wasm_bindgen(js_name = p9Open)]
#[allow(clippy::too_many_arguments)] // As they come.
pub fn open(
    owner: u32,
    uid: Option<u32>,
    gid: Option<u32>,
    msize: Option<u32>,
    fids: Option<u32>,
    outstanding: Option<u32>,
    late: Function,
    trace: Option<Function>,
) -> Result<u32, JsValue> {
    let mounts = browser::guests(owner)?;
    let waits = mounts.waits().is_some();
    let owners = match (uid, gid) {
        (None, None) => Owners::Stored,
        (uid, gid) => Owners::Fixed { uid: uid.unwrap_or(0), gid: gid.unwrap_or(0) },
    };
    let usual = Limits::default();
    if msize.is_some_and(|msize| !(Limits::MSIZE_MIN..=MSIZE_MAX).contains(&msize)) {
        let message = format!("'msize' is a number from {} to {MSIZE_MAX}", Limits::MSIZE_MIN);
        return Err(thrown(ErrorCode::Invalid, &message));
    }
    let count = |given: Option<u32>, usual: usize| given.map_or(usual, |given| given as usize);
    let limits = Limits {
        msize: msize.unwrap_or(usual.msize),
        fids: count(fids, usual.fids),
        outstanding: count(outstanding, usual.outstanding),
    };
    let mut server = Server::new(mounts).owners(owners).limits(limits);
    if let Some(listener) = trace {
        server = server.trace(Ref::new(move |event: &TraceEvent<'_>| told(&listener, event)));
    }
    let taker = late.clone();
    let session = server.session(Ref::new(move |message: &[u8]| hand(&taker, message)));
    let (request, reply) = Default::default();
    let connection = Rc::new(Connection { session, request, reply, late, waits });
    CONNECTIONS
        .with_borrow_mut(|all| all.insert(Held { owner, connection }))
        .ok_or_else(|| thrown(ErrorCode::InsufficientMemory, "too many connections; close some"))
}

fn told(listener: &Function, event: &TraceEvent<'_>) {
    let TraceEvent { call, descriptor, path, to, offset, length, answer, result, micros } = *event;
    // It is a number of bytes.
    #[allow(clippy::cast_precision_loss)]
    let result = result.map(|result| result as f64);
    // Who listens is not to break what is listened to.
    let _ = tell(listener, call, descriptor, path, to, offset, length, answer, result, micros);
}

/// Hands a reply over; whoever takes it sees to its own errors.
fn hand(taker: &Function, message: &[u8]) {
    let _ = taker.call1(&JsValue::UNDEFINED, &Uint8Array::from(message));
}

/// Makes room for a request of `length` bytes; answers how many of them are wanted, which is
/// only the head of one that is too long.
#[must_use]
#[wasm_bindgen(js_name = p9Request)]
pub fn request(number: u32, length: u32) -> i32 {
    let Some(connection) = connection(number) else { return CLOSED };
    let wanted = wanted(&connection.session, length);
    let mut request = connection.request.take();
    if request.len() < wanted {
        request.resize(wanted, 0);
    }
    connection.request.set(request);
    i32::try_from(wanted).unwrap_or(BROKEN)
}

/// Where in this module's memory the request is to be put: there is room since it was asked
/// for.
#[must_use]
#[wasm_bindgen(js_name = p9RequestAt)]
pub fn request_at(number: u32) -> usize {
    connection(number).map_or(0, |connection| place(&connection.request))
}

/// Where in this module's memory the reply is, until the next request.
#[must_use]
#[wasm_bindgen(js_name = p9ReplyAt)]
pub fn reply_at(number: u32) -> usize {
    connection(number).map_or(0, |connection| place(&connection.reply))
}

fn place(buffer: &Cell<Vec<u8>>) -> usize {
    let bytes = buffer.take();
    let place = bytes.as_ptr() as usize;
    buffer.set(bytes);
    place
}

/// How much of a request of `length` bytes is looked at.
fn wanted(session: &Session, length: u32) -> usize {
    if length > session.msize() { HEADER } else { length as usize }
}

/// Does what the request of `length` bytes asks that was put there. Answers the length of the
/// reply, or a number below 0.
#[must_use]
#[wasm_bindgen(js_name = p9Handle)]
pub fn handle(number: u32, length: u32) -> i32 {
    let Some(connection) = connection(number) else { return CLOSED };
    let request = connection.request.take();
    let mut reply = connection.reply.take();
    let wanted = wanted(&connection.session, length);
    let Some(message) = request.get(..wanted) else { return BROKEN };
    if wanted < length as usize {
        let handled = connection.session.refuse_long(message, &mut reply);
        return connection.done(handled, request, reply);
    }
    if connection.waits {
        let message = message.to_vec();
        connection.request.set(request);
        return promised(connection.clone(), Box::pin(waiting(connection, message, reply)));
    }
    // Nothing that is mounted waits.
    let handled = at_once(pin!(connection.session.handle(message, &mut reply)));
    connection.done(handled.unwrap_or(Handled::Broken), request, reply)
}

impl Connection {
    /// The buffers are there for the next request.
    fn done(&self, handled: Handled, request: Vec<u8>, reply: Vec<u8>) -> i32 {
        self.request.set(request);
        self.replied(handled, reply)
    }

    fn replied(&self, handled: Handled, reply: Vec<u8>) -> i32 {
        let length = i32::try_from(reply.len()).unwrap_or(BROKEN);
        self.reply.set(reply);
        match handled {
            Handled::Replied => length,
            Handled::Later => LATER,
            Handled::Broken => BROKEN,
        }
    }
}

async fn waiting(
    connection: Rc<Connection>,
    message: Vec<u8>,
    mut reply: Vec<u8>,
) -> (Handled, Vec<u8>) {
    let handled = connection.session.handle(&message, &mut reply).await;
    (handled, reply)
}

type Waiting = Pin<Box<dyn Future<Output = (Handled, Vec<u8>)>>>;

fn promised(connection: Rc<Connection>, mut future: Waiting) -> i32 {
    if let Some((handled, reply)) = at_once(future.as_mut()) {
        return connection.replied(handled, reply);
    }
    spawn_local(async move {
        // What is broken was not waited for.
        if let (Handled::Replied, reply) = future.await {
            hand(&connection.late, &reply);
        }
    });
    LATER
}

/// Ends a connection: what it has open is closed, its locks go.
#[wasm_bindgen(js_name = p9Close)]
pub fn close(number: u32) {
    // Closing files is not done under the table's borrow.
    drop(CONNECTIONS.with_borrow_mut(|all| all.remove(number)));
}

/// The same of all connections to a file system.
pub(crate) fn remove_all(owner: u32) {
    drop(CONNECTIONS.with_borrow_mut(|all| all.remove_all(|held| held.owner == owner)));
}
