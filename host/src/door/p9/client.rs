//! A client: requests go out with tags of their own, replies are told apart by them. What
//! carries the messages is the caller's.

use std::collections::HashMap;
use std::{fmt, io};

use super::messages::{NO_TAG, Reply, Request, header};
use super::wire::{HEADER, Malformed};

/// What carries messages to a server and back.
pub trait Transport {
    /// Sends a whole message.
    ///
    /// # Errors
    /// As what carries it has them.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// Puts the next message that comes in place of what is in `into`; waits for it.
    ///
    /// # Errors
    /// `UnexpectedEof` if none will come.
    fn receive(&mut self, into: &mut Vec<u8>) -> io::Result<()>;
}

/// Why a call has no answer, or not the one that was hoped for.
#[derive(Debug)]
pub enum ClientError {
    /// The server answers with an error number of Linux.
    Errno(u32),
    /// What came is no reply, or none to what was asked.
    Malformed(Malformed),
    /// Nothing came.
    Io(io::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(number) => write!(f, "the server answers with error {number}"),
            Self::Malformed(malformed) => write!(f, "the reply is malformed: {malformed:?}"),
            Self::Io(error) => write!(f, "the connection is broken: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One connection, as the side sees it that asks.
pub struct Client<T> {
    transport: T,
    /// Where the next free tag is looked for.
    next: u16,
    /// Tags that are not answered yet, with what they ask.
    asked: HashMap<u16, u8>,
    /// Tags that are answered, and not yet waited for.
    answered: HashMap<u16, Vec<u8>>,
    out: Vec<u8>,
    reply: Vec<u8>,
}

impl<T: Transport> Client<T> {
    /// A client that has said nothing yet. The first request ought to be `Tversion`.
    pub fn new(transport: T) -> Self {
        Self {
            transport,
            next: 0,
            asked: HashMap::new(),
            answered: HashMap::new(),
            out: Vec::new(),
            reply: Vec::new(),
        }
    }

    /// What carries the messages.
    pub fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Sends a request; its answer is to be waited for by the tag.
    ///
    /// # Errors
    /// As what carries it has them; `WouldBlock` with no tag left.
    pub fn send(&mut self, request: &Request<'_>) -> Result<u16, ClientError> {
        let tag = match request {
            Request::Tversion { .. } => NO_TAG,
            _ => self.free_tag()?,
        };
        request.encode(tag, &mut self.out);
        self.transport.send(&self.out)?;
        self.asked.insert(tag, request.number());
        Ok(tag)
    }

    fn free_tag(&mut self) -> io::Result<u16> {
        for _ in 0..NO_TAG {
            let tag = self.next;
            self.next = if tag + 1 == NO_TAG { 0 } else { tag + 1 };
            let taken = self.asked.contains_key(&tag) || self.answered.contains_key(&tag);
            if !taken {
                return Ok(tag);
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "all tags wait for their answers"))
    }

    /// Waits for the answer to a request.
    ///
    /// # Errors
    /// The server's; `Malformed` for an answer to something else.
    pub fn wait(&mut self, tag: u16) -> Result<Reply<'_>, ClientError> {
        if !self.asked.contains_key(&tag) && !self.answered.contains_key(&tag) {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "nothing was asked so");
            return Err(error.into());
        }
        while !self.answered.contains_key(&tag) {
            self.receive()?;
        }
        self.reply = self.answered.remove(&tag).unwrap_or_default();
        match Reply::decode(&self.reply) {
            Ok((_, Reply::Rlerror { errno })) => Err(ClientError::Errno(errno)),
            Ok((_, reply)) => Ok(reply),
            Err(malformed) => Err(ClientError::Malformed(malformed)),
        }
    }

    /// Takes in the next reply, whichever request it answers: its tag.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub fn receive(&mut self) -> Result<u16, ClientError> {
        let mut message = Vec::new();
        self.transport.receive(&mut message)?;
        let (number, tag) = header(&message).map_err(ClientError::Malformed)?;
        let asked = self.asked.remove(&tag);
        let asked = asked.ok_or(ClientError::Malformed(Malformed::Type(number)))?;
        // A reply has the number after its request's, but for errors.
        if number != asked + 1 && number != RLERROR {
            return Err(ClientError::Malformed(Malformed::Type(number)));
        }
        self.answered.insert(tag, message);
        Ok(tag)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub fn call(&mut self, request: &Request<'_>) -> Result<Reply<'_>, ClientError> {
        let tag = self.send(request)?;
        self.wait(tag)
    }

    /// Waits no longer for a request, and tells the server so. Whether it was answered
    /// before all the same: then the answer is to be waited for.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub fn flush(&mut self, old_tag: u16) -> Result<bool, ClientError> {
        self.call(&Request::Tflush { old_tag })?;
        // After this answer, none comes for the old tag.
        self.asked.remove(&old_tag);
        Ok(self.answered.contains_key(&old_tag))
    }
}

const RLERROR: u8 = Reply::Rlerror { errno: 0 }.number();

/// Messages over a stream each way.
pub struct Streams<R, W> {
    from: R,
    to: W,
    most: u32,
}

impl<R: io::Read, W: io::Write> Streams<R, W> {
    /// Takes messages of up to `most` bytes.
    pub fn new(from: R, to: W, most: u32) -> Self {
        Self { from, to, most }
    }
}

impl<R: io::Read, W: io::Write> Transport for Streams<R, W> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.to.write_all(message)
    }

    fn receive(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        let number = u32::from_le_bytes(length);
        if number > self.most || (number as usize) < HEADER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no message is so long"));
        }
        into.clear();
        into.extend_from_slice(&length);
        into.resize(number as usize, 0);
        self.from.read_exact(&mut into[4..])
    }
}
