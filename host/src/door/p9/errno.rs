//! What a request is answered with that fails: the error numbers of Linux, as its client takes
//! them.

use super::wire::Malformed;
use crate::error::ErrorCode;

/// An error number of Linux, and what it is called where calls are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Errno {
    pub(super) number: u32,
    pub(super) name: &'static str,
}

pub(super) type Result<T, E = Errno> = std::result::Result<T, E>;

impl Errno {
    const fn new(number: u32, name: &'static str) -> Self {
        Self { number, name }
    }

    /// More fids than the limit.
    pub(super) const FIDS: Self = Self::new(24, "too-many-fids");
    /// An extended attribute that is not there.
    pub(super) const NO_DATA: Self = Self::new(61, "no-data");
    /// An extended attribute whose name is too long.
    pub(super) const RANGE: Self = Self::new(34, "range");
    /// An extended attribute that is too large.
    pub(super) const TOO_BIG: Self = Self::new(7, "too-big");
    /// Something that nobody knows; the client makes do without.
    pub(super) const UNKNOWN: Self = Self::new(38, "unknown");
    /// A message that comes before the version is agreed upon.
    pub(super) const PROTOCOL: Self = Self::new(71, "protocol");
}

impl From<ErrorCode> for Errno {
    fn from(code: ErrorCode) -> Self {
        let number = match code {
            ErrorCode::Access => 13,
            ErrorCode::WouldBlock => 11,
            ErrorCode::Already => 114,
            ErrorCode::BadDescriptor => 9,
            ErrorCode::Busy => 16,
            ErrorCode::Deadlock => 35,
            ErrorCode::Quota => 122,
            ErrorCode::Exist => 17,
            ErrorCode::FileTooLarge => 27,
            ErrorCode::IllegalByteSequence => 84,
            ErrorCode::InProgress => 115,
            ErrorCode::Interrupted => 4,
            ErrorCode::Invalid => 22,
            ErrorCode::Io => 5,
            ErrorCode::IsDirectory => 21,
            ErrorCode::Loop => 40,
            ErrorCode::TooManyLinks => 31,
            ErrorCode::MessageSize => 90,
            ErrorCode::NameTooLong => 36,
            ErrorCode::NoDevice => 19,
            ErrorCode::NoEntry => 2,
            ErrorCode::NoLock => 37,
            ErrorCode::InsufficientMemory => 12,
            ErrorCode::InsufficientSpace => 28,
            ErrorCode::NotDirectory => 20,
            ErrorCode::NotEmpty => 39,
            ErrorCode::NotRecoverable => 131,
            ErrorCode::Unsupported => 95,
            ErrorCode::NoTty => 25,
            ErrorCode::NoSuchDevice => 6,
            ErrorCode::Overflow => 75,
            ErrorCode::NotPermitted => 1,
            ErrorCode::Pipe => 32,
            ErrorCode::ReadOnly => 30,
            ErrorCode::InvalidSeek => 29,
            ErrorCode::TextFileBusy => 26,
            ErrorCode::CrossDevice => 18,
        };
        Self::new(number, code.name())
    }
}

impl From<Malformed> for Errno {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Short | Malformed::Long => ErrorCode::Invalid.into(),
            // What a client takes for "ask in another way".
            Malformed::Type(_) => ErrorCode::Unsupported.into(),
            Malformed::Name(code) => code.into(),
        }
    }
}

/// The error of a call on an extended attribute.
pub(super) fn of_xattr(code: ErrorCode) -> Errno {
    match code {
        ErrorCode::NoEntry => Errno::NO_DATA,
        ErrorCode::NameTooLong => Errno::RANGE,
        code => code.into(),
    }
}
