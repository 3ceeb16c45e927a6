//! One change of the table as it is stored. Each says how something is from now on, not
//! how it changed, so a commit holds one record for each thing that is different.

use super::extents::Extent;
use super::inode::Attr;
use crate::backend::Kind;
use crate::backend::volume::codec::{Checked, Damage, Reader, put_bytes, put_number};
use crate::backend::volume::space::Run;

/// Blocks of a file there can be; the last byte is at `i64::MAX - 1`.
pub(in crate::backend::volume) const BLOCKS_MAX: u64 = 1 << 51;

#[derive(Debug, PartialEq)]
pub(in crate::backend::volume) enum Record<'a> {
    /// An inode with its attributes.
    Inode { ino: u64, attr: Attr },
    /// An inode is no more, and with it all that belongs to it.
    Gone { ino: u64 },
    /// A directory has an entry. No other of this cookie or name is there.
    Enter { directory: u64, cookie: u64, ino: u64, name: &'a [u8] },
    /// The entry with this cookie is gone.
    Leave { directory: u64, cookie: u64 },
    /// Where a symbolic link leads.
    Target { ino: u64, target: &'a [u8] },
    /// An extended attribute has this value.
    Xattr { ino: u64, name: &'a [u8], value: &'a [u8] },
    /// There is no extended attribute of this name.
    XattrGone { ino: u64, name: &'a [u8] },
    /// Blocks of a file lie here, whatever was there before.
    Map { ino: u64, extent: Extent },
    /// Blocks of a file from `from` up to `to` are a hole.
    Unmap { ino: u64, from: u64, to: u64 },
    /// The digests of blocks that were written for this commit, eight bytes each.
    Sums { start: u32, sums: &'a [u8] },
}

const INODE: u8 = 1;
const GONE: u8 = 2;
const ENTER: u8 = 3;
const LEAVE: u8 = 4;
const TARGET: u8 = 5;
const XATTR: u8 = 6;
const XATTR_GONE: u8 = 7;
const MAP: u8 = 8;
const UNMAP: u8 = 9;
const SUMS: u8 = 10;

/// The kinds by their stored number, from 1.
const KINDS: [Kind; 7] = [
    Kind::File,
    Kind::Directory,
    Kind::Symlink,
    Kind::BlockDevice,
    Kind::CharacterDevice,
    Kind::Fifo,
    Kind::Socket,
];

impl<'a> Record<'a> {
    pub(in crate::backend::volume) fn encode(&self, out: &mut Vec<u8>) {
        let mut start = |tag: u8, numbers: &[u64]| {
            out.push(tag);
            for number in numbers {
                put_number(out, *number);
            }
        };
        match *self {
            Self::Inode { ino, ref attr } => {
                start(INODE, &[ino]);
                encode_attr(attr, out);
            }
            Self::Gone { ino } => start(GONE, &[ino]),
            Self::Enter { directory, cookie, ino, name } => {
                start(ENTER, &[directory, cookie, ino]);
                put_bytes(out, name);
            }
            Self::Leave { directory, cookie } => start(LEAVE, &[directory, cookie]),
            Self::Target { ino, target } => {
                start(TARGET, &[ino]);
                put_bytes(out, target);
            }
            Self::Xattr { ino, name, value } => {
                start(XATTR, &[ino]);
                put_bytes(out, name);
                put_bytes(out, value);
            }
            Self::XattrGone { ino, name } => {
                start(XATTR_GONE, &[ino]);
                put_bytes(out, name);
            }
            Self::Map { ino, extent: Extent { at, run } } => {
                start(MAP, &[ino, at, u64::from(run.start), u64::from(run.count)]);
            }
            Self::Unmap { ino, from, to } => start(UNMAP, &[ino, from, to]),
            Self::Sums { start: block, sums } => {
                start(SUMS, &[u64::from(block)]);
                put_bytes(out, sums);
            }
        }
    }

    pub(in crate::backend::volume) fn decode(from: &mut Reader<'a>) -> Checked<Self> {
        Ok(match from.byte()? {
            INODE => Self::Inode { ino: from.number()?, attr: decode_attr(from)? },
            GONE => Self::Gone { ino: from.number()? },
            ENTER => Self::Enter {
                directory: from.number()?,
                cookie: from.number()?,
                ino: from.number()?,
                name: from.bytes()?,
            },
            LEAVE => Self::Leave { directory: from.number()?, cookie: from.number()? },
            TARGET => Self::Target { ino: from.number()?, target: from.bytes()? },
            XATTR => Self::Xattr { ino: from.number()?, name: from.bytes()?, value: from.bytes()? },
            XATTR_GONE => Self::XattrGone { ino: from.number()?, name: from.bytes()? },
            MAP => {
                let (ino, at) = (from.number()?, from.number()?);
                let run = Run { start: from.small()?, count: from.small()? };
                let extent = Extent { at, run };
                if run.count == 0 || at > BLOCKS_MAX || extent.end() > BLOCKS_MAX {
                    return Err(Damage::new("an extent lies where no file can be"));
                }
                if run.start < 2 || run.end() > u64::from(u32::MAX) {
                    return Err(Damage::new("an extent lies where no data can be"));
                }
                Self::Map { ino, extent }
            }
            UNMAP => Self::Unmap { ino: from.number()?, from: from.number()?, to: from.number()? },
            SUMS => {
                let (start, sums) = (from.small()?, from.bytes()?);
                let blocks = sums.len() as u64 / 8;
                if sums.len() % 8 != 0 || u64::from(start) + blocks > u64::from(u32::MAX) {
                    return Err(Damage::new("the digests of blocks are no digests"));
                }
                Self::Sums { start, sums }
            }
            tag => return Err(Damage::new(format!("a record of the unknown kind {tag}"))),
        })
    }
}

fn encode_attr(attr: &Attr, out: &mut Vec<u8>) {
    let kind = KINDS.iter().position(|kind| *kind == attr.kind).unwrap_or_default();
    // Seven kinds.
    #[allow(clippy::cast_possible_truncation)]
    out.push(kind as u8 + 1);
    for number in [attr.links, attr.mode, attr.uid, attr.gid] {
        put_number(out, u64::from(number));
    }
    put_number(out, attr.detail);
    for time in attr.times {
        out.extend_from_slice(&time.to_le_bytes());
    }
}

fn decode_attr(from: &mut Reader<'_>) -> Checked<Attr> {
    let kind = usize::from(from.byte()?).checked_sub(1).and_then(|kind| KINDS.get(kind));
    let mut attr = Attr {
        kind: *kind.ok_or_else(|| Damage::new("an object of an unknown kind"))?,
        links: from.small()?,
        mode: from.small()?,
        uid: from.small()?,
        gid: from.small()?,
        detail: from.number()?,
        times: [0; 4],
    };
    if i64::try_from(attr.size()).is_err() {
        return Err(Damage::new("a file is larger than one can be"));
    }
    for time in &mut attr.times {
        *time = i64::from_le_bytes(from.array()?);
    }
    Ok(attr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_none_is_read_from_less() {
        let attr = Attr {
            kind: Kind::Fifo,
            links: 1,
            mode: 0o644,
            uid: u32::MAX,
            gid: 1000,
            detail: u64::MAX,
            times: [i64::MIN, -1, 0, i64::MAX],
        };
        let extent = Extent { at: 1 << 40, run: Run { start: 2, count: 300 } };
        let records = [
            Record::Inode { ino: 1, attr },
            Record::Gone { ino: u64::MAX },
            Record::Enter { directory: 1, cookie: 2, ino: 3, name: b"name\xff" },
            Record::Leave { directory: 1, cookie: 1 << 63 },
            Record::Target { ino: 4, target: &[b'x'; 4095] },
            Record::Xattr { ino: 4, name: b"user.a", value: b"" },
            Record::XattrGone { ino: 4, name: b"user.a" },
            Record::Map { ino: 4, extent },
            Record::Unmap { ino: 4, from: 0, to: u64::MAX },
            Record::Sums { start: 10, sums: &[7; 16] },
        ];
        for record in records {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let mut reader = Reader(&bytes);
            assert_eq!(Record::decode(&mut reader).as_ref(), Ok(&record));
            assert!(reader.is_empty());
            for end in 0..bytes.len() {
                let read = Record::decode(&mut Reader(&bytes[..end]));
                assert!(read.is_err(), "{end} bytes of {record:?}");
            }
        }
    }
}
