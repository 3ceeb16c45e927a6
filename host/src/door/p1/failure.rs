//! Why a call does not answer with success: a number for the guest, or the guest's end.

use super::abi::Errno;
use crate::error::ErrorCode;

/// What ends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The guest is told.
    Errno(Errno),
    /// A pointer leads outside of the memory: the guest traps, as the witx wants it.
    Fault,
}

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Errno(code.into())
    }
}
