//! Every message of 9P2000.L, once: its name, its number and its fields in their order. Server
//! and client encode and decode by these two lists.

use std::cmp::Ordering;

use super::wire::{Data, Field, HEADER, Malformed, Qid, Qids, Reader, Way};
use crate::path::Name;

/// The tag of a message that has none.
pub const NO_TAG: u16 = u16::MAX;
/// The fid that is none.
pub const NO_FID: u32 = u32::MAX;
/// The user that nobody names.
pub const NO_UID: u32 = u32::MAX;

/// What stands before the fields: the type and the tag.
///
/// # Errors
/// `Short` for less than a header, and for one that says so of itself.
pub(super) fn header(message: &[u8]) -> Result<(u8, u16), Malformed> {
    let mut from = Reader(message);
    let length = u32::get(&mut from)?;
    let head = (u8::get(&mut from)?, u16::get(&mut from)?);
    if (length as usize) < HEADER { Err(Malformed::Short) } else { Ok(head) }
}

/// Begins a message; [`finish`] says how long it has become.
pub(super) fn begin(number: u8, tag: u16, into: &mut Vec<u8>) {
    into.clear();
    0_u32.put(into);
    number.put(into);
    tag.put(into);
}

/// The same in a message that has room for more: what is behind its head is left as it is.
pub(super) fn begin_over(number: u8, tag: u16, message: &mut [u8]) {
    message[4] = number;
    message[5..HEADER].copy_from_slice(&tag.to_le_bytes());
}

pub(super) fn finish(message: &mut [u8]) {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    message[..4].copy_from_slice(&length.to_le_bytes());
}

macro_rules! messages {
    ($(#[$attribute:meta])* $list:ident {
        $($name:ident = $number:literal { $($field:ident: $kind:ty),* })*
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // The protocol's own.
        pub enum $list<'a> {
            $($name { $($field: $kind),* },)*
        }

        impl<'a> $list<'a> {
            /// The numbers of all.
            pub const NUMBERS: &'static [u8] = &[$($number),*];

            /// The number of its type.
            #[must_use]
            pub const fn number(&self) -> u8 {
                match self { $(Self::$name { .. } => $number,)* }
            }

            /// Its name in the protocol.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)* }
            }

            /// Takes a whole message apart: its tag and what it says.
            ///
            /// # Errors
            /// As [`Malformed`] has them.
            pub fn decode(message: &'a [u8]) -> Result<(u16, Self), Malformed> {
                let (number, tag) = header(message)?;
                let mut from = Reader(message);
                let length = u32::get(&mut from)? as usize;
                match length.cmp(&message.len()) {
                    Ordering::Greater => return Err(Malformed::Short),
                    Ordering::Less => return Err(Malformed::Long),
                    Ordering::Equal => {}
                }
                from.take(HEADER - 4)?;
                let decoded = match number {
                    $($number => Self::$name { $($field: <$kind>::get(&mut from)?),* },)*
                    _ => return Err(Malformed::Type(number)),
                };
                from.end()?;
                Ok((tag, decoded))
            }

            /// Writes the whole message, instead of what is in `into`.
            pub fn encode(&self, tag: u16, into: &mut Vec<u8>) {
                begin(self.number(), tag, into);
                match self {
                    $(Self::$name { $($field),* } => { $($field.put(into);)* })*
                }
                finish(into);
            }
        }
    };
}

messages! {
    /// What a client asks.
    Request {
        Tstatfs = 8 { fid: u32 }
        Tlopen = 12 { fid: u32, flags: u32 }
        Tlcreate = 14 { fid: u32, name: Name, flags: u32, mode: u32, gid: u32 }
        Tsymlink = 16 { fid: u32, name: Name, target: &'a [u8], gid: u32 }
        Tmknod = 18 { fid: u32, name: Name, mode: u32, major: u32, minor: u32, gid: u32 }
        Trename = 20 { fid: u32, directory: u32, name: Name }
        Treadlink = 22 { fid: u32 }
        Tgetattr = 24 { fid: u32, mask: u64 }
        Tsetattr = 26 {
            fid: u32, valid: u32, mode: u32, uid: u32, gid: u32, size: u64,
            atime: u64, atime_nanos: u64, mtime: u64, mtime_nanos: u64
        }
        Txattrwalk = 30 { fid: u32, new_fid: u32, name: &'a [u8] }
        Txattrcreate = 32 { fid: u32, name: &'a [u8], size: u64, flags: u32 }
        Treaddir = 40 { fid: u32, offset: u64, count: u32 }
        Tfsync = 50 { fid: u32, data_only: u32 }
        Tlock = 52 {
            fid: u32, kind: u8, flags: u32, start: u64, length: u64, process: u32,
            client: &'a [u8]
        }
        Tgetlock = 54 {
            fid: u32, kind: u8, start: u64, length: u64, process: u32, client: &'a [u8]
        }
        Tlink = 70 { directory: u32, fid: u32, name: Name }
        Tmkdir = 72 { fid: u32, name: Name, mode: u32, gid: u32 }
        Trenameat = 74 { fid: u32, name: Name, to: u32, new_name: Name }
        Tunlinkat = 76 { fid: u32, name: Name, flags: u32 }
        Tversion = 100 { msize: u32, version: &'a [u8] }
        Tauth = 102 { fid: u32, user: &'a [u8], export: &'a [u8], uid: u32 }
        Tattach = 104 { fid: u32, auth: u32, user: &'a [u8], export: &'a [u8], uid: u32 }
        Tflush = 108 { old_tag: u16 }
        Twalk = 110 { fid: u32, new_fid: u32, way: Way }
        Tread = 116 { fid: u32, offset: u64, count: u32 }
        Twrite = 118 { fid: u32, offset: u64, data: Data<'a> }
        Tclunk = 120 { fid: u32 }
        Tremove = 122 { fid: u32 }
    }
}

messages! {
    /// What a server answers.
    Reply {
        Rlerror = 7 { errno: u32 }
        Rstatfs = 9 {
            kind: u32, block_size: u32, blocks: u64, free: u64, available: u64, files: u64,
            free_files: u64, id: u64, name_max: u32
        }
        Rlopen = 13 { qid: Qid, iounit: u32 }
        Rlcreate = 15 { qid: Qid, iounit: u32 }
        Rsymlink = 17 { qid: Qid }
        Rmknod = 19 { qid: Qid }
        Rrename = 21 {}
        Rreadlink = 23 { target: &'a [u8] }
        Rgetattr = 25 {
            valid: u64, qid: Qid, mode: u32, uid: u32, gid: u32, links: u64, device: u64,
            size: u64, block_size: u64, blocks: u64, atime: u64, atime_nanos: u64, mtime: u64,
            mtime_nanos: u64, ctime: u64, ctime_nanos: u64, btime: u64, btime_nanos: u64,
            generation: u64, data_version: u64
        }
        Rsetattr = 27 {}
        Rxattrwalk = 31 { size: u64 }
        Rxattrcreate = 33 {}
        Rreaddir = 41 { data: Data<'a> }
        Rfsync = 51 {}
        Rlock = 53 { status: u8 }
        Rgetlock = 55 { kind: u8, start: u64, length: u64, process: u32, client: &'a [u8] }
        Rlink = 71 {}
        Rmkdir = 73 { qid: Qid }
        Rrenameat = 75 {}
        Runlinkat = 77 {}
        Rversion = 101 { msize: u32, version: &'a [u8] }
        Rauth = 103 { qid: Qid }
        Rattach = 105 { qid: Qid }
        Rflush = 109 {}
        Rwalk = 111 { qids: Qids }
        Rread = 117 { data: Data<'a> }
        Rwrite = 119 { count: u32 }
        Rclunk = 121 {}
        Rremove = 123 {}
    }
}

impl Request<'_> {
    /// The fid that it is about, if it is about one.
    #[must_use]
    pub const fn fid(&self) -> Option<u32> {
        match self {
            Self::Tversion { .. } | Self::Tauth { .. } | Self::Tflush { .. } => None,
            Self::Tattach { fid, .. }
            | Self::Tstatfs { fid }
            | Self::Tlopen { fid, .. }
            | Self::Tlcreate { fid, .. }
            | Self::Tsymlink { fid, .. }
            | Self::Tmknod { fid, .. }
            | Self::Trename { fid, .. }
            | Self::Treadlink { fid }
            | Self::Tgetattr { fid, .. }
            | Self::Tsetattr { fid, .. }
            | Self::Txattrwalk { fid, .. }
            | Self::Txattrcreate { fid, .. }
            | Self::Treaddir { fid, .. }
            | Self::Tfsync { fid, .. }
            | Self::Tlock { fid, .. }
            | Self::Tgetlock { fid, .. }
            | Self::Tlink { fid, .. }
            | Self::Tmkdir { fid, .. }
            | Self::Trenameat { fid, .. }
            | Self::Tunlinkat { fid, .. }
            | Self::Twalk { fid, .. }
            | Self::Tread { fid, .. }
            | Self::Twrite { fid, .. }
            | Self::Tclunk { fid }
            | Self::Tremove { fid } => Some(*fid),
        }
    }
}
