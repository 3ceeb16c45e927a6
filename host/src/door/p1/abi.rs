//! The numbers and layouts of `wasi_snapshot_preview1`, as its witx files give them. All
//! integers are little-endian.

use crate::backend::{Kind, Time};
use crate::descriptor::Stat;
use crate::error::ErrorCode;

/// What a call answers if not success, which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errno {
    Acces = 2,
    Again = 6,
    Already = 7,
    Badf = 8,
    Busy = 10,
    Deadlk = 16,
    Dquot = 19,
    Exist = 20,
    Fbig = 22,
    Ilseq = 25,
    Inprogress = 26,
    Intr = 27,
    Inval = 28,
    Io = 29,
    Isdir = 31,
    Loop = 32,
    Mfile = 33,
    Mlink = 34,
    Msgsize = 35,
    Nametoolong = 37,
    Nodev = 43,
    Noent = 44,
    Nolck = 46,
    Nomem = 48,
    Nospc = 51,
    Notdir = 54,
    Notempty = 55,
    Notrecoverable = 56,
    Notsock = 57,
    Notsup = 58,
    Notty = 59,
    Nxio = 60,
    Overflow = 61,
    Perm = 63,
    Pipe = 64,
    Rofs = 69,
    Spipe = 70,
    Txtbsy = 74,
    Xdev = 75,
}

impl From<ErrorCode> for Errno {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Access => Self::Acces,
            ErrorCode::WouldBlock => Self::Again,
            ErrorCode::Already => Self::Already,
            ErrorCode::BadDescriptor => Self::Badf,
            ErrorCode::Busy => Self::Busy,
            ErrorCode::Deadlock => Self::Deadlk,
            ErrorCode::Quota => Self::Dquot,
            ErrorCode::Exist => Self::Exist,
            ErrorCode::FileTooLarge => Self::Fbig,
            ErrorCode::IllegalByteSequence => Self::Ilseq,
            ErrorCode::InProgress => Self::Inprogress,
            ErrorCode::Interrupted => Self::Intr,
            ErrorCode::Invalid => Self::Inval,
            ErrorCode::Io => Self::Io,
            ErrorCode::IsDirectory => Self::Isdir,
            ErrorCode::Loop => Self::Loop,
            ErrorCode::TooManyLinks => Self::Mlink,
            ErrorCode::MessageSize => Self::Msgsize,
            ErrorCode::NameTooLong => Self::Nametoolong,
            ErrorCode::NoDevice => Self::Nodev,
            ErrorCode::NoEntry => Self::Noent,
            ErrorCode::NoLock => Self::Nolck,
            ErrorCode::InsufficientMemory => Self::Nomem,
            ErrorCode::InsufficientSpace => Self::Nospc,
            ErrorCode::NotDirectory => Self::Notdir,
            ErrorCode::NotEmpty => Self::Notempty,
            ErrorCode::NotRecoverable => Self::Notrecoverable,
            ErrorCode::Unsupported => Self::Notsup,
            ErrorCode::NoTty => Self::Notty,
            ErrorCode::NoSuchDevice => Self::Nxio,
            ErrorCode::Overflow => Self::Overflow,
            ErrorCode::NotPermitted => Self::Perm,
            ErrorCode::Pipe => Self::Pipe,
            ErrorCode::ReadOnly => Self::Rofs,
            ErrorCode::InvalidSeek => Self::Spipe,
            ErrorCode::TextFileBusy => Self::Txtbsy,
            ErrorCode::CrossDevice => Self::Xdev,
        }
    }
}

/// `rights`, as far as this door names them one by one.
pub(super) mod rights {
    pub(crate) const FD_READ: u64 = 1 << 1;
    pub(crate) const FD_SEEK: u64 = 1 << 2;
    pub(crate) const FD_TELL: u64 = 1 << 5;
    pub(crate) const FD_WRITE: u64 = 1 << 6;
    pub(crate) const FD_ALLOCATE: u64 = 1 << 8;
    pub(crate) const FD_READDIR: u64 = 1 << 14;
    pub(crate) const PATH_FILESTAT_SET_SIZE: u64 = 1 << 19;
    pub(crate) const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
    pub(crate) const POLL_FD_READWRITE: u64 = 1 << 27;
    /// All 30 of them.
    pub(crate) const ALL: u64 = (1 << 30) - 1;
    /// What nothing here has: sockets.
    pub(crate) const SOCKETS: u64 = 1 << 28 | 1 << 29;
}

/// `fdflags`.
pub(super) mod fdflags {
    pub(crate) const APPEND: u32 = 1;
    pub(crate) const DSYNC: u32 = 2;
    pub(crate) const NONBLOCK: u32 = 4;
    pub(crate) const RSYNC: u32 = 8;
    pub(crate) const SYNC: u32 = 16;
    pub(crate) const ALL: u32 = 31;
}

/// `filetype`.
#[derive(Clone, Copy)]
pub(super) enum Filetype {
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketStream = 6,
    SymbolicLink = 7,
}

impl From<Kind> for Filetype {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::File => Self::RegularFile,
            Kind::Directory => Self::Directory,
            Kind::Symlink => Self::SymbolicLink,
            Kind::BlockDevice => Self::BlockDevice,
            Kind::CharacterDevice => Self::CharacterDevice,
            // The witx has no case for a pipe.
            Kind::Fifo => Self::Unknown,
            Kind::Socket => Self::SocketStream,
        }
    }
}

/// A layout, filled in from its start.
struct Layout<const N: usize>([u8; N]);

impl<const N: usize> Layout<N> {
    const fn new() -> Self {
        Self([0; N])
    }

    fn put<const L: usize>(mut self, at: usize, bytes: [u8; L]) -> Self {
        self.0[at..at + L].copy_from_slice(&bytes);
        self
    }
}

/// `fdstat`. No narrower rights are inherited than a descriptor has itself.
pub(super) fn fdstat(kind: Filetype, flags: u32, rights: u64, inheriting: u64) -> [u8; 24] {
    Layout::new()
        .put(0, [kind as u8])
        // All of them lie in 16 bits.
        .put(2, [flags.to_le_bytes()[0], flags.to_le_bytes()[1]])
        .put(8, rights.to_le_bytes())
        .put(16, inheriting.to_le_bytes())
        .0
}

/// `filestat`. A time that cannot be told is the nearest that can.
pub(super) fn filestat(stat: &Stat) -> [u8; 64] {
    let attributes = &stat.attributes;
    let time = |time: Option<Time>| time.map_or(0, timestamp).to_le_bytes();
    Layout::new()
        .put(0, stat.id.device.to_le_bytes())
        .put(8, stat.id.inode.to_le_bytes())
        .put(16, [Filetype::from(stat.kind) as u8])
        .put(24, attributes.links.to_le_bytes())
        .put(32, attributes.size.to_le_bytes())
        .put(40, time(attributes.accessed))
        .put(48, time(attributes.modified))
        .put(56, time(attributes.changed))
        .0
}

/// The `filestat` of what is not a file.
pub(super) fn filestat_of_device(kind: Filetype) -> [u8; 64] {
    Layout::new().put(16, [kind as u8]).0
}

/// `timestamp`: nanoseconds since 1970.
pub(super) fn timestamp(time: Time) -> u64 {
    let Ok(seconds) = u64::try_from(time.seconds) else { return 0 };
    seconds.saturating_mul(1_000_000_000).saturating_add(time.nanoseconds.into())
}

/// `dirent`, which the name follows.
pub(super) fn dirent(next: u64, inode: u64, name: usize, kind: Filetype) -> [u8; 24] {
    let length = u32::try_from(name).unwrap_or(u32::MAX);
    Layout::new()
        .put(0, next.to_le_bytes())
        .put(8, inode.to_le_bytes())
        .put(16, length.to_le_bytes())
        .put(20, [kind as u8])
        .0
}

/// `prestat` of a directory.
pub(super) fn prestat(name: usize) -> [u8; 8] {
    Layout::new().put(4, u32::try_from(name).unwrap_or(u32::MAX).to_le_bytes()).0
}

/// How long a `subscription` is.
pub(super) const SUBSCRIPTION: u32 = 48;

/// `subscription`: the guest's word for it, and what it waits for.
pub(super) struct Subscription {
    pub(super) userdata: u64,
    pub(super) what: Awaited,
}

/// What a subscription waits for.
#[derive(Clone, Copy)]
pub(super) enum Awaited {
    Clock { id: u32, timeout: u64, absolute: bool },
    Read { fd: u32 },
    Write { fd: u32 },
}

impl Subscription {
    pub(super) fn parse(bytes: &[u8; SUBSCRIPTION as usize]) -> Result<Self, Errno> {
        let what = match bytes[8] {
            0 => match u16_at(bytes, 40) {
                flags @ (0 | 1) => Awaited::Clock {
                    id: u32_at(bytes, 16),
                    timeout: u64_at(bytes, 24),
                    absolute: flags == 1,
                },
                _ => return Err(Errno::Inval),
            },
            1 => Awaited::Read { fd: u32_at(bytes, 16) },
            2 => Awaited::Write { fd: u32_at(bytes, 16) },
            _ => return Err(Errno::Inval),
        };
        Ok(Self { userdata: u64_at(bytes, 0), what })
    }

    /// The `event` that it is answered with.
    pub(super) fn event(&self, ready: u64, hangup: bool) -> [u8; 32] {
        let kind = match self.what {
            Awaited::Clock { .. } => 0,
            Awaited::Read { .. } => 1,
            Awaited::Write { .. } => 2,
        };
        Layout::new()
            .put(0, self.userdata.to_le_bytes())
            .put(10, [kind])
            .put(16, ready.to_le_bytes())
            .put(24, [u8::from(hangup)])
            .0
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The number at `at`.
///
/// # Panics
/// If `bytes` ends before it does.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
