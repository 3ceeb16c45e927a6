//! How fields lie in a message: little-endian numbers, text and data behind their length.
//! Whatever comes from outside is bounded here, and names are checked.

use smallvec::SmallVec;

use crate::error::ErrorCode;
use crate::path::{Name, Part};

/// What stands before the fields: the length of all, the type, the tag.
pub const HEADER: usize = 4 + 1 + 2;

/// How many names one walk takes.
pub const WALK_MAX: usize = 16;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends before its fields do.
    Short,
    /// Something follows its fields, or it has more of them than there can be.
    Long,
    /// There is no such type.
    Type(u8),
    /// A name that no entry can have.
    Name(ErrorCode),
}

/// What is still to be read of a message.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A message ends here.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Long) }
    }
}

/// A field of a message.
pub(super) trait Field<'a>: Sized {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed>;
    fn put(&self, into: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Field<'_> for $number {
            fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                let mut bytes = [0; size_of::<Self>()];
                bytes.copy_from_slice(from.take(size_of::<Self>())?);
                Ok(Self::from_le_bytes(bytes))
            }

            fn put(&self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64);

/// Text, which need not be UTF-8. No more than 65,535 bytes of it are sent.
impl<'a> Field<'a> for &'a [u8] {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        let length = u16::get(from)?;
        from.take(length.into())
    }

    fn put(&self, into: &mut Vec<u8>) {
        let length = u16::try_from(self.len()).unwrap_or(u16::MAX);
        length.put(into);
        into.extend_from_slice(&self[..length.into()]);
    }
}

impl Field<'_> for Name {
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(<&[u8]>::get(from)?).map_err(Malformed::Name)
    }

    fn put(&self, into: &mut Vec<u8>) {
        self.as_bytes().put(into);
    }
}

/// The way of a walk.
pub type Way = SmallVec<[Part; 2]>;

impl Field<'_> for Way {
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = u16::get(from)?;
        if usize::from(count) > WALK_MAX {
            return Err(Malformed::Long);
        }
        let part = |from: &mut Reader<'_>| match <&[u8]>::get(from)? {
            b".." => Ok(Part::Up),
            name => Name::new(name).map(Part::Name).map_err(Malformed::Name),
        };
        (0..count).map(|_| part(from)).collect()
    }

    fn put(&self, into: &mut Vec<u8>) {
        count(self.len()).put(into);
        for part in self {
            match part {
                Part::Up => b"..".as_slice().put(into),
                Part::Name(name) => name.put(into),
            }
        }
    }
}

/// How many parts a walk has, or went.
fn count(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// What a server knows an object by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qid {
    /// What it is, roughly: one of [`Qid::DIRECTORY`], [`Qid::SYMLINK`], [`Qid::FILE`].
    pub kind: u8,
    /// Changes with the content.
    pub version: u32,
    /// The object's own, and nobody else's.
    pub path: u64,
}

impl Qid {
    /// A directory.
    pub const DIRECTORY: u8 = 0x80;
    /// A symbolic link.
    pub const SYMLINK: u8 = 0x02;
    /// Anything else.
    pub const FILE: u8 = 0;

    /// Its length in a message.
    pub const LENGTH: usize = 1 + 4 + 8;
}

impl Field<'_> for Qid {
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { kind: u8::get(from)?, version: u32::get(from)?, path: u64::get(from)? })
    }

    fn put(&self, into: &mut Vec<u8>) {
        self.kind.put(into);
        self.version.put(into);
        self.path.put(into);
    }
}

/// What a walk passed.
pub type Qids = SmallVec<[Qid; 2]>;

impl Field<'_> for Qids {
    fn get(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = u16::get(from)?;
        if usize::from(count) > WALK_MAX {
            return Err(Malformed::Long);
        }
        (0..count).map(|_| Qid::get(from)).collect()
    }

    fn put(&self, into: &mut Vec<u8>) {
        count(self.len()).put(into);
        for qid in self {
            qid.put(into);
        }
    }
}

/// Bytes of a file, behind a length of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a>(pub &'a [u8]);

impl<'a> Field<'a> for Data<'a> {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        let length = u32::get(from)?;
        let length = usize::try_from(length).map_err(|_| Malformed::Short)?;
        from.take(length).map(Self)
    }

    fn put(&self, into: &mut Vec<u8>) {
        // Messages are bounded far below.
        u32::try_from(self.0.len()).unwrap_or(u32::MAX).put(into);
        into.extend_from_slice(self.0);
    }
}

/// One entry in the data of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// What it leads to; its version is not told.
    pub qid: Qid,
    /// Where to go on after it.
    pub offset: u64,
    /// What it leads to, as the `d_type` of Linux.
    pub kind: u8,
    /// Its name; `.` and `..` are listed, too.
    pub name: &'a [u8],
}

impl DirEntry<'_> {
    /// The length of an entry with a name of `name` bytes.
    #[must_use]
    pub const fn length(name: usize) -> usize {
        Qid::LENGTH + 8 + 1 + 2 + name
    }
}

impl<'a> DirEntry<'a> {
    pub(super) fn put(&self, into: &mut Vec<u8>) {
        self.qid.put(into);
        self.offset.put(into);
        self.kind.put(into);
        self.name.put(into);
    }

    /// Takes the entries of a listing apart.
    ///
    /// # Errors
    /// If the last one is not whole.
    pub fn all(data: &'a [u8]) -> Result<Vec<Self>, Malformed> {
        let mut from = Reader(data);
        let mut entries = Vec::new();
        while !from.0.is_empty() {
            entries.push(Self {
                qid: Qid::get(&mut from)?,
                offset: u64::get(&mut from)?,
                kind: u8::get(&mut from)?,
                name: <&[u8]>::get(&mut from)?,
            });
        }
        Ok(entries)
    }
}
