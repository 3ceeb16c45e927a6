//! Between the WIT's types and the core's.

use wasmtime::component::ResourceTableError;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

use super::bindings::types;
use crate::backend::{Kind, NewTime, Time};
use crate::descriptor::{DescriptorFlags, OpenFlags, Stat};
use crate::error::{ErrorCode, Result};
use crate::resolve::Follow;

/// Why a call did not succeed.
pub(super) enum FsError {
    /// What the guest is told.
    Code(ErrorCode),
    /// The guest is ended: the host's own mistake.
    Trap(wasmtime::Error),
}

pub(super) type FsResult<T> = Result<T, FsError>;

impl From<ErrorCode> for FsError {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<ResourceTableError> for FsError {
    fn from(error: ResourceTableError) -> Self {
        match error {
            // The only one that a guest can bring about.
            ResourceTableError::Full => Self::Code(ErrorCode::InsufficientMemory),
            ResourceTableError::NotPresent
            | ResourceTableError::WrongType
            | ResourceTableError::HasChildren => Self::Trap(error.into()),
        }
    }
}

pub(super) fn error_code(code: ErrorCode) -> types::ErrorCode {
    match code {
        ErrorCode::Access => types::ErrorCode::Access,
        ErrorCode::WouldBlock => types::ErrorCode::WouldBlock,
        ErrorCode::Already => types::ErrorCode::Already,
        ErrorCode::BadDescriptor => types::ErrorCode::BadDescriptor,
        ErrorCode::Busy => types::ErrorCode::Busy,
        ErrorCode::Deadlock => types::ErrorCode::Deadlock,
        ErrorCode::Quota => types::ErrorCode::Quota,
        ErrorCode::Exist => types::ErrorCode::Exist,
        ErrorCode::FileTooLarge => types::ErrorCode::FileTooLarge,
        ErrorCode::IllegalByteSequence => types::ErrorCode::IllegalByteSequence,
        ErrorCode::InProgress => types::ErrorCode::InProgress,
        ErrorCode::Interrupted => types::ErrorCode::Interrupted,
        ErrorCode::Invalid => types::ErrorCode::Invalid,
        ErrorCode::Io => types::ErrorCode::Io,
        ErrorCode::IsDirectory => types::ErrorCode::IsDirectory,
        ErrorCode::Loop => types::ErrorCode::Loop,
        ErrorCode::TooManyLinks => types::ErrorCode::TooManyLinks,
        ErrorCode::MessageSize => types::ErrorCode::MessageSize,
        ErrorCode::NameTooLong => types::ErrorCode::NameTooLong,
        ErrorCode::NoDevice => types::ErrorCode::NoDevice,
        ErrorCode::NoEntry => types::ErrorCode::NoEntry,
        ErrorCode::NoLock => types::ErrorCode::NoLock,
        ErrorCode::InsufficientMemory => types::ErrorCode::InsufficientMemory,
        ErrorCode::InsufficientSpace => types::ErrorCode::InsufficientSpace,
        ErrorCode::NotDirectory => types::ErrorCode::NotDirectory,
        ErrorCode::NotEmpty => types::ErrorCode::NotEmpty,
        ErrorCode::NotRecoverable => types::ErrorCode::NotRecoverable,
        ErrorCode::Unsupported => types::ErrorCode::Unsupported,
        ErrorCode::NoTty => types::ErrorCode::NoTty,
        ErrorCode::NoSuchDevice => types::ErrorCode::NoSuchDevice,
        ErrorCode::Overflow => types::ErrorCode::Overflow,
        ErrorCode::NotPermitted => types::ErrorCode::NotPermitted,
        ErrorCode::Pipe => types::ErrorCode::Pipe,
        ErrorCode::ReadOnly => types::ErrorCode::ReadOnly,
        ErrorCode::InvalidSeek => types::ErrorCode::InvalidSeek,
        ErrorCode::TextFileBusy => types::ErrorCode::TextFileBusy,
        ErrorCode::CrossDevice => types::ErrorCode::CrossDevice,
    }
}

pub(super) fn descriptor_type(kind: Kind) -> types::DescriptorType {
    match kind {
        Kind::File => types::DescriptorType::RegularFile,
        Kind::Directory => types::DescriptorType::Directory,
        Kind::Symlink => types::DescriptorType::SymbolicLink,
        Kind::BlockDevice => types::DescriptorType::BlockDevice,
        Kind::CharacterDevice => types::DescriptorType::CharacterDevice,
        Kind::Fifo => types::DescriptorType::Fifo,
        Kind::Socket => types::DescriptorType::Socket,
    }
}

pub(super) fn descriptor_stat(stat: &Stat) -> types::DescriptorStat {
    let attributes = &stat.attributes;
    types::DescriptorStat {
        type_: descriptor_type(stat.kind),
        link_count: attributes.links,
        size: attributes.size,
        data_access_timestamp: attributes.accessed.and_then(datetime),
        data_modification_timestamp: attributes.modified.and_then(datetime),
        status_change_timestamp: attributes.changed.and_then(datetime),
    }
}

/// A time, if the WIT can say it.
fn datetime(time: Time) -> Option<Datetime> {
    let seconds = u64::try_from(time.seconds).ok()?;
    Some(Datetime { seconds, nanoseconds: time.nanoseconds })
}

pub(super) fn new_time(time: types::NewTimestamp) -> Result<Option<NewTime>> {
    Ok(match time {
        types::NewTimestamp::NoChange => None,
        types::NewTimestamp::Now => Some(NewTime::Now),
        types::NewTimestamp::Timestamp(Datetime { seconds, nanoseconds }) => {
            Some(NewTime::At(Time::from_parts(seconds, nanoseconds)?))
        }
    })
}

pub(super) fn hash((lower, upper): (u64, u64)) -> types::MetadataHashValue {
    types::MetadataHashValue { lower, upper }
}

pub(super) fn follow(flags: types::PathFlags) -> Follow {
    if flags.contains(types::PathFlags::SYMLINK_FOLLOW) { Follow::Yes } else { Follow::No }
}

pub(super) fn open_flags(flags: types::OpenFlags) -> OpenFlags {
    use types::OpenFlags as Wit;
    OpenFlags {
        create: flags.contains(Wit::CREATE),
        directory: flags.contains(Wit::DIRECTORY),
        exclusive: flags.contains(Wit::EXCLUSIVE),
        truncate: flags.contains(Wit::TRUNCATE),
    }
}

pub(super) fn descriptor_flags(flags: types::DescriptorFlags) -> DescriptorFlags {
    use types::DescriptorFlags as Wit;
    DescriptorFlags {
        read: flags.contains(Wit::READ),
        write: flags.contains(Wit::WRITE),
        file_integrity_sync: flags.contains(Wit::FILE_INTEGRITY_SYNC),
        data_integrity_sync: flags.contains(Wit::DATA_INTEGRITY_SYNC),
        requested_write_sync: flags.contains(Wit::REQUESTED_WRITE_SYNC),
        mutate_directory: flags.contains(Wit::MUTATE_DIRECTORY),
    }
}

pub(super) fn flags_of(flags: DescriptorFlags) -> types::DescriptorFlags {
    use types::DescriptorFlags as Wit;
    [
        (flags.read, Wit::READ),
        (flags.write, Wit::WRITE),
        (flags.file_integrity_sync, Wit::FILE_INTEGRITY_SYNC),
        (flags.data_integrity_sync, Wit::DATA_INTEGRITY_SYNC),
        (flags.requested_write_sync, Wit::REQUESTED_WRITE_SYNC),
        (flags.mutate_directory, Wit::MUTATE_DIRECTORY),
    ]
    .into_iter()
    .filter_map(|(set, flag)| set.then_some(flag))
    .fold(Wit::empty(), |all, flag| all | flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_names() {
        for code in ErrorCode::ALL {
            assert_eq!(error_code(*code).name(), code.name());
        }
    }

    #[test]
    fn flags_go_there_and_back() {
        let all = types::DescriptorFlags::READ
            | types::DescriptorFlags::WRITE
            | types::DescriptorFlags::FILE_INTEGRITY_SYNC
            | types::DescriptorFlags::DATA_INTEGRITY_SYNC
            | types::DescriptorFlags::REQUESTED_WRITE_SYNC
            | types::DescriptorFlags::MUTATE_DIRECTORY;
        for flags in [all, types::DescriptorFlags::WRITE, types::DescriptorFlags::empty()] {
            assert_eq!(flags_of(descriptor_flags(flags)), flags);
        }
    }

    #[test]
    fn times_that_the_wit_cannot_say_are_left_out() {
        let time = |seconds| datetime(Time { seconds, nanoseconds: 5 });
        assert!(time(-1).is_none());
        assert_eq!(time(7).map(|time| (time.seconds, time.nanoseconds)), Some((7, 5)));
        let carried =
            types::NewTimestamp::Timestamp(Datetime { seconds: 1, nanoseconds: 2_000_000_001 });
        let wanted = NewTime::At(Time { seconds: 3, nanoseconds: 1 });
        assert_eq!(new_time(carried), Ok(Some(wanted)));
    }
}
