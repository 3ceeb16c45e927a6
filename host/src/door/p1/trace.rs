//! What a tracer is told of a call on files: those of its arguments that the list of calls
//! gives one of a few names, and what it answered.

use std::sync::Arc;
use std::time::Instant;

use super::failure::{Failure, Result};
use super::memory::Memory;
use crate::path::PATH_MAX;
use crate::trace::{TraceEvent, Tracer};

/// An argument: its name in the list, and its value unless it is negative.
pub(super) type Argument = (&'static str, Option<u64>);

/// A call under way, of which somebody wants to be told.
pub(super) struct Told {
    tracer: Arc<dyn Tracer>,
    call: &'static str,
    descriptor: Option<u32>,
    path: Option<String>,
    to: Option<String>,
    offset: Option<u64>,
    length: Option<u64>,
    /// Where the result is stored, and how many bytes it has.
    into: Option<(u32, usize)>,
    start: Instant,
}

/// How many bytes the result has, of calls that answer with a number worth telling.
fn result_size(call: &str) -> Option<usize> {
    match call {
        "fd_pread" | "fd_pwrite" | "fd_read" | "fd_readdir" | "fd_write" | "path_open"
        | "path_readlink" => Some(4),
        "fd_seek" | "fd_tell" => Some(8),
        _ => None,
    }
}

impl Told {
    /// A call begins; nothing if it is not on files.
    pub(super) fn begin(
        tracer: Arc<dyn Tracer>,
        call: &'static str,
        arguments: &[Argument],
        memory: &mut impl Memory,
    ) -> Option<Self> {
        if !call.starts_with("fd_") && !call.starts_with("path_") {
            return None;
        }
        let number = |wanted: &str| {
            arguments.iter().find(|(name, _)| *name == wanted).and_then(|(_, value)| *value)
        };
        let short = |wanted: &str| number(wanted).and_then(|value| u32::try_from(value).ok());
        let mut text = |at: &str, length: &str| text(memory, short(at)?, short(length)?);
        let path = text("path", "length").or_else(|| text("old_path", "old_length"));
        let to = text("new_path", "new_length").or_else(|| text("target", "target_length"));
        let has_path = arguments.iter().any(|(name, _)| *name == "path");
        let length = if has_path { number("room") } else { number("length") };
        Some(Self {
            tracer,
            call,
            descriptor: short("fd").or_else(|| short("old_fd")),
            path,
            to,
            offset: number("offset"),
            length: length.or_else(|| number("size")),
            into: short("into").zip(result_size(call)),
            start: Instant::now(),
        })
    }

    /// The call has ended.
    pub(super) fn end(self, memory: &mut impl Memory, answered: Result<()>) {
        let micros = self.start.elapsed().as_secs_f64() * 1e6;
        let mut bytes = [0; 8];
        let stored = self
            .into
            .filter(|_| answered.is_ok())
            .is_some_and(|(at, size)| memory.load(at, &mut bytes[..size]).is_ok());
        self.tracer.event(&TraceEvent {
            call: self.call,
            descriptor: self.descriptor,
            path: self.path.as_deref(),
            to: self.to.as_deref(),
            offset: self.offset,
            length: self.length,
            answer: name(answered),
            result: stored.then(|| u64::from_le_bytes(bytes)),
            micros,
        });
    }
}

/// A path, as far as it is text and no longer than paths are.
fn text(memory: &mut impl Memory, at: u32, length: u32) -> Option<String> {
    let mut bytes = vec![0; (length as usize).min(PATH_MAX)];
    memory.load(at, &mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn name(answered: Result<()>) -> &'static str {
    match answered {
        Ok(()) => "ok",
        Err(Failure::Errno(errno)) => NAMES.get(errno as usize).copied().unwrap_or("unknown"),
        Err(Failure::Fault) => "fault",
    }
}

/// The names of the error numbers, which are the witx's.
#[rustfmt::skip]
const NAMES: [&str; 77] = [
    "success", "2big", "acces", "addrinuse", "addrnotavail", "afnosupport", "again", "already",
    "badf", "badmsg", "busy", "canceled", "child", "connaborted", "connrefused", "connreset",
    "deadlk", "destaddrreq", "dom", "dquot", "exist", "fault", "fbig", "hostunreach", "idrm",
    "ilseq", "inprogress", "intr", "inval", "io", "isconn", "isdir", "loop", "mfile", "mlink",
    "msgsize", "multihop", "nametoolong", "netdown", "netreset", "netunreach", "nfile", "nobufs",
    "nodev", "noent", "noexec", "nolck", "nolink", "nomem", "nomsg", "noprotoopt", "nospc",
    "nosys", "notconn", "notdir", "notempty", "notrecoverable", "notsock", "notsup", "notty",
    "nxio", "overflow", "ownerdead", "perm", "pipe", "proto", "protonosupport", "prototype",
    "range", "rofs", "spipe", "srch", "stale", "timedout", "txtbsy", "xdev", "notcapable",
];

/// The value of an argument, whatever its type.
pub(super) trait Value {
    /// Nothing if it is negative.
    fn value(self) -> Option<u64>;
}

impl Value for u32 {
    fn value(self) -> Option<u64> {
        Some(self.into())
    }
}

impl Value for u64 {
    fn value(self) -> Option<u64> {
        Some(self)
    }
}

impl Value for i64 {
    fn value(self) -> Option<u64> {
        self.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::abi::Errno;
    use super::*;

    #[test]
    fn error_numbers_have_the_names_of_the_witx() {
        for (errno, wanted) in [
            (Errno::Acces, "acces"),
            (Errno::Io, "io"),
            (Errno::Noent, "noent"),
            (Errno::Notdir, "notdir"),
            (Errno::Notsock, "notsock"),
            (Errno::Xdev, "xdev"),
        ] {
            assert_eq!(name(Err(errno.into())), wanted);
        }
    }
}
