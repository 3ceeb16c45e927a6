//! What the system's error numbers mean in the vocabulary of `error-code`.

use std::io;

use crate::error::ErrorCode;

/// The meaning of a number. What no case of `error-code` is for is `io`.
#[cfg(target_os = "linux")]
pub(super) fn code(errno: rustix::io::Errno) -> ErrorCode {
    use rustix::io::Errno;

    match errno {
        Errno::ACCESS => ErrorCode::Access,
        Errno::AGAIN => ErrorCode::WouldBlock,
        Errno::ALREADY => ErrorCode::Already,
        Errno::BADF => ErrorCode::BadDescriptor,
        Errno::BUSY => ErrorCode::Busy,
        Errno::DEADLK => ErrorCode::Deadlock,
        Errno::DQUOT => ErrorCode::Quota,
        Errno::EXIST => ErrorCode::Exist,
        Errno::FBIG => ErrorCode::FileTooLarge,
        Errno::ILSEQ => ErrorCode::IllegalByteSequence,
        Errno::INPROGRESS => ErrorCode::InProgress,
        Errno::INTR => ErrorCode::Interrupted,
        Errno::INVAL => ErrorCode::Invalid,
        Errno::ISDIR => ErrorCode::IsDirectory,
        Errno::LOOP => ErrorCode::Loop,
        Errno::MLINK => ErrorCode::TooManyLinks,
        Errno::MSGSIZE => ErrorCode::MessageSize,
        // The second is what an attribute's name gets that is too long.
        Errno::NAMETOOLONG | Errno::RANGE => ErrorCode::NameTooLong,
        Errno::NODEV => ErrorCode::NoDevice,
        // The second is an extended attribute that is not there.
        Errno::NOENT | Errno::NODATA => ErrorCode::NoEntry,
        Errno::NOLCK => ErrorCode::NoLock,
        // Descriptors that have run out are memory of the kernel that has.
        Errno::NOMEM | Errno::NOBUFS | Errno::MFILE | Errno::NFILE => ErrorCode::InsufficientMemory,
        // The second is an extended attribute larger than any can be.
        Errno::NOSPC | Errno::TOOBIG => ErrorCode::InsufficientSpace,
        Errno::NOTDIR => ErrorCode::NotDirectory,
        Errno::NOTEMPTY => ErrorCode::NotEmpty,
        Errno::NOTRECOVERABLE => ErrorCode::NotRecoverable,
        Errno::NOTSUP | Errno::NOSYS => ErrorCode::Unsupported,
        Errno::NOTTY => ErrorCode::NoTty,
        Errno::NXIO => ErrorCode::NoSuchDevice,
        Errno::OVERFLOW => ErrorCode::Overflow,
        Errno::PERM => ErrorCode::NotPermitted,
        Errno::PIPE => ErrorCode::Pipe,
        Errno::ROFS => ErrorCode::ReadOnly,
        Errno::SPIPE => ErrorCode::InvalidSeek,
        Errno::TXTBSY => ErrorCode::TextFileBusy,
        Errno::XDEV => ErrorCode::CrossDevice,
        _ => ErrorCode::Io,
    }
}

/// The same of an error that comes through the standard library.
pub(super) fn from_io(error: &io::Error) -> ErrorCode {
    #[cfg(target_os = "linux")]
    if let Some(errno) = rustix::io::Errno::from_io_error(error) {
        return code(errno);
    }
    from_kind(error)
}

/// The same by the kinds that the standard library tells apart on every system.
fn from_kind(error: &io::Error) -> ErrorCode {
    use std::io::ErrorKind;

    match error.kind() {
        ErrorKind::AlreadyExists => ErrorCode::Exist,
        ErrorKind::BrokenPipe => ErrorCode::Pipe,
        ErrorKind::CrossesDevices => ErrorCode::CrossDevice,
        ErrorKind::Deadlock => ErrorCode::Deadlock,
        ErrorKind::DirectoryNotEmpty => ErrorCode::NotEmpty,
        ErrorKind::ExecutableFileBusy => ErrorCode::TextFileBusy,
        ErrorKind::FileTooLarge => ErrorCode::FileTooLarge,
        ErrorKind::Interrupted => ErrorCode::Interrupted,
        ErrorKind::InvalidFilename => ErrorCode::NameTooLong,
        ErrorKind::InvalidInput => ErrorCode::Invalid,
        ErrorKind::IsADirectory => ErrorCode::IsDirectory,
        ErrorKind::NotADirectory => ErrorCode::NotDirectory,
        ErrorKind::NotFound => ErrorCode::NoEntry,
        ErrorKind::NotSeekable => ErrorCode::InvalidSeek,
        ErrorKind::OutOfMemory => ErrorCode::InsufficientMemory,
        // Every Unix has the number 1 for EPERM; the other one is EACCES.
        ErrorKind::PermissionDenied if cfg!(unix) && error.raw_os_error() == Some(1) => {
            ErrorCode::NotPermitted
        }
        ErrorKind::PermissionDenied => ErrorCode::Access,
        ErrorKind::QuotaExceeded => ErrorCode::Quota,
        ErrorKind::ReadOnlyFilesystem => ErrorCode::ReadOnly,
        ErrorKind::ResourceBusy => ErrorCode::Busy,
        ErrorKind::StorageFull | ErrorKind::ArgumentListTooLong => ErrorCode::InsufficientSpace,
        ErrorKind::TooManyLinks => ErrorCode::TooManyLinks,
        ErrorKind::Unsupported => ErrorCode::Unsupported,
        ErrorKind::WouldBlock => ErrorCode::WouldBlock,
        _ => ErrorCode::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The kernel's own numbers (asm-generic), so that the table is not compared with
    // itself.
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    const NUMBERS: &[(i32, ErrorCode)] = &[
        (13, ErrorCode::Access),
        (11, ErrorCode::WouldBlock),
        (114, ErrorCode::Already),
        (9, ErrorCode::BadDescriptor),
        (16, ErrorCode::Busy),
        (35, ErrorCode::Deadlock),
        (122, ErrorCode::Quota),
        (17, ErrorCode::Exist),
        (27, ErrorCode::FileTooLarge),
        (84, ErrorCode::IllegalByteSequence),
        (115, ErrorCode::InProgress),
        (4, ErrorCode::Interrupted),
        (22, ErrorCode::Invalid),
        (5, ErrorCode::Io),
        (21, ErrorCode::IsDirectory),
        (40, ErrorCode::Loop),
        (31, ErrorCode::TooManyLinks),
        (90, ErrorCode::MessageSize),
        (36, ErrorCode::NameTooLong),
        (34, ErrorCode::NameTooLong),
        (19, ErrorCode::NoDevice),
        (2, ErrorCode::NoEntry),
        (61, ErrorCode::NoEntry),
        (37, ErrorCode::NoLock),
        (12, ErrorCode::InsufficientMemory),
        (23, ErrorCode::InsufficientMemory),
        (24, ErrorCode::InsufficientMemory),
        (105, ErrorCode::InsufficientMemory),
        (28, ErrorCode::InsufficientSpace),
        (7, ErrorCode::InsufficientSpace),
        (20, ErrorCode::NotDirectory),
        (39, ErrorCode::NotEmpty),
        (131, ErrorCode::NotRecoverable),
        (95, ErrorCode::Unsupported),
        (38, ErrorCode::Unsupported),
        (25, ErrorCode::NoTty),
        (6, ErrorCode::NoSuchDevice),
        (75, ErrorCode::Overflow),
        (1, ErrorCode::NotPermitted),
        (32, ErrorCode::Pipe),
        (30, ErrorCode::ReadOnly),
        (29, ErrorCode::InvalidSeek),
        (26, ErrorCode::TextFileBusy),
        (18, ErrorCode::CrossDevice),
        // A stale handle of NFS: no case is for it.
        (116, ErrorCode::Io),
    ];

    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    #[test]
    fn every_case_has_its_number() {
        for (number, expected) in NUMBERS {
            let error = io::Error::from_raw_os_error(*number);
            assert_eq!(from_io(&error), *expected, "{number}: {error}");
        }
        for case in ErrorCode::ALL {
            assert!(NUMBERS.iter().any(|(_, code)| code == case), "{case:?} has no row");
        }
    }

    #[cfg(unix)]
    #[test]
    fn kinds_agree_with_numbers() {
        // Those that have the same number on every Unix.
        for (number, expected) in [
            (1, ErrorCode::NotPermitted),
            (2, ErrorCode::NoEntry),
            (4, ErrorCode::Interrupted),
            (5, ErrorCode::Io),
            (12, ErrorCode::InsufficientMemory),
            (13, ErrorCode::Access),
            (16, ErrorCode::Busy),
            (17, ErrorCode::Exist),
            (18, ErrorCode::CrossDevice),
            (20, ErrorCode::NotDirectory),
            (21, ErrorCode::IsDirectory),
            (22, ErrorCode::Invalid),
            (26, ErrorCode::TextFileBusy),
            (27, ErrorCode::FileTooLarge),
            (28, ErrorCode::InsufficientSpace),
            (29, ErrorCode::InvalidSeek),
            (30, ErrorCode::ReadOnly),
            (31, ErrorCode::TooManyLinks),
            (32, ErrorCode::Pipe),
        ] {
            assert_eq!(from_kind(&io::Error::from_raw_os_error(number)), expected, "{number}");
        }
    }
}
