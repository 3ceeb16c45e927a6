//! A connection over a stream: one thread reads, acts and answers; another one, if need be,
//! sends what comes late.

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use super::server::Server;
use super::session::{Handled, Session};
use super::wire::HEADER;
use crate::shared::lock;

/// Serves one client until it has nothing more to say.
///
/// # Errors
/// What the stream answers; `InvalidData` if what came is not 9P; `Unsupported` if one of the
/// mounts waits, which none does natively.
pub fn serve(
    server: &Server,
    mut from: impl Read,
    to: impl Write + Send + 'static,
) -> io::Result<()> {
    if let Some(mount) = server.settings().mounts.waits() {
        let message = format!("the mount '{mount}' waits, and cannot be served by a thread");
        return Err(io::Error::new(ErrorKind::Unsupported, message));
    }
    let to = Arc::new(Mutex::new(to));
    let late = Arc::new(LateReplies { to: to.clone(), sender: Mutex::default() });
    let sender = late.clone();
    let session = server.session(Arc::new(move |message: &[u8]| sender.send(message)));
    let mut incoming = Incoming::default();
    let mut reply = Vec::new();
    let answer = loop {
        match incoming.next(&mut from, &session, &mut reply) {
            Ok(Some(Handled::Replied)) => {
                if let Err(error) = lock(&to).write_all(&reply) {
                    break Err(error);
                }
            }
            Ok(Some(Handled::Later)) => {}
            Ok(Some(Handled::Broken)) => {
                break Err(io::Error::new(ErrorKind::InvalidData, "what came is not 9P"));
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
        // One long answer is no reason to keep so much for ever.
        reply.shrink_to(1 << 20);
    };
    drop(session);
    late.end();
    answer
}

/// What was read and not yet taken apart.
#[derive(Default)]
struct Incoming {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// How much of what comes belongs to a message that was refused.
    skip: usize,
}

impl Incoming {
    /// How much is asked for at least in one call.
    const CHUNK: usize = 64 * 1024;

    /// Handles the next message, wherever it ends; nothing at the end of the stream.
    fn next(
        &mut self,
        from: &mut impl Read,
        session: &Session,
        reply: &mut Vec<u8>,
    ) -> io::Result<Option<Handled>> {
        while self.skip > 0 {
            if self.start == self.end && !self.fill(from, 1)? {
                return Ok(None);
            }
            let passed = self.skip.min(self.end - self.start);
            self.start += passed;
            self.skip -= passed;
        }
        while self.end - self.start < HEADER {
            if !self.fill(from, HEADER)? {
                return Ok(None);
            }
        }
        let head = &self.buffer[self.start..self.start + HEADER];
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if length > session.msize() {
            let handled = session.refuse_long(head, reply);
            self.skip = length as usize;
            return Ok(Some(handled));
        }
        let length = (length as usize).max(HEADER);
        while self.end - self.start < length {
            if !self.fill(from, length)? {
                return Ok(None);
            }
        }
        let message = &self.buffer[self.start..self.start + length];
        self.start += length;
        let handled = at_once(session.handle(message, reply));
        Ok(Some(handled.unwrap_or(Handled::Broken)))
    }

    /// Reads more, with room for `length` bytes from the start of the message; false at the
    /// end of the stream.
    fn fill(&mut self, from: &mut impl Read, length: usize) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let room = length.max(Self::CHUNK);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        loop {
            match from.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.end += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Asks once: no mount waits.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// Replies that come when somebody else is being answered, who must not wait for this
/// client to read them: a thread of their own sends them, once there is one.
struct LateReplies<W> {
    to: Arc<Mutex<W>>,
    sender: Mutex<Option<Sending>>,
}

type Sending = (Sender<Vec<u8>>, JoinHandle<()>);

impl<W: Write + Send + 'static> LateReplies<W> {
    fn send(&self, message: &[u8]) {
        let mut sender = lock(&self.sender);
        let (sender, _) = sender.get_or_insert_with(|| {
            let (sender, receiver) = channel::<Vec<u8>>();
            let to = self.to.clone();
            let send = move || {
                for message in receiver {
                    // Whoever reads the stream learns that it is gone.
                    if lock(&to).write_all(&message).is_err() {
                        return;
                    }
                }
            };
            (sender, thread::spawn(send))
        });
        // A thread that has ended has nobody to send to.
        let _ = sender.send(message.to_vec());
    }

    /// Sends what is left, if it can be.
    fn end(&self) {
        let taken = lock(&self.sender).take();
        if let Some((sender, thread)) = taken {
            drop(sender);
            let _ = thread.join();
        }
    }
}
