//! What is open: reading, writing, listing, storing.

use super::attributes::kind_of;
use super::errno::Result;
use super::fids::{Fid, Held, OpenFile};
use super::messages::{Reply, begin, begin_over, finish};
use super::session::{Inner, Out};
use super::walk::{qid, qid_kind};
use super::wire::{DirEntry, HEADER, Qid};
use crate::backend::{Destination, Kind, Source};
use crate::descriptor::{Descriptor, DescriptorFlags, Listing, MakeFlags, OpenFlags};
use crate::error::ErrorCode;
use crate::path::Name;

/// How something is opened: the flags of Linux, which 9P2000.L has the numbers of.
mod flags {
    pub(super) const ACCESS: u32 = 0o3;
    pub(super) const WRITE: u32 = 0o1;
    pub(super) const READ_WRITE: u32 = 0o2;
    pub(super) const EXCLUSIVE: u32 = 0o200;
    pub(super) const TRUNCATE: u32 = 0o1000;
    pub(super) const APPEND: u32 = 0o2000;
    pub(super) const DATA_SYNC: u32 = 0o10_000;
    pub(super) const DIRECTORY: u32 = 0o200_000;
    pub(super) const SYNC: u32 = 0o4_000_000;
}

fn access(bits: u32) -> Result<DescriptorFlags> {
    let (read, write) = match bits & flags::ACCESS {
        0 => (true, false),
        flags::WRITE => (false, true),
        flags::READ_WRITE => (true, true),
        _ => return Err(ErrorCode::Invalid.into()),
    };
    Ok(DescriptorFlags { read, write, ..DescriptorFlags::default() })
}

fn held(descriptor: Descriptor, bits: u32) -> Held {
    if let Some(listing) = Listing::of(&descriptor) {
        return Held::Directory(descriptor, listing);
    }
    Held::File(OpenFile {
        descriptor,
        appends: bits & flags::APPEND != 0,
        syncs: bits & (flags::DATA_SYNC | flags::SYNC) != 0,
    })
}

/// Where the data of `Rread` and `Rreaddir` begins.
const DATA: usize = HEADER + 4;

/// The kind as the `d_type` of Linux.
const fn entry_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Fifo => 1,
        Kind::CharacterDevice => 2,
        Kind::Directory => 4,
        Kind::BlockDevice => 6,
        Kind::File => 8,
        Kind::Symlink => 10,
        Kind::Socket => 12,
    }
}

impl Inner {
    pub(super) async fn open(&self, out: &mut Out<'_>, number: u32, bits: u32) -> Result<()> {
        let fid = self.fids.get(number)?;
        let object = fid.unopened()?;
        let open = OpenFlags {
            directory: bits & flags::DIRECTORY != 0,
            truncate: bits & flags::TRUNCATE != 0,
            ..OpenFlags::default()
        };
        let descriptor = object.open(open, access(bits)?).await?;
        let qid = qid(object).await?;
        let new = Fid::new(object.clone(), fid.user, held(descriptor, bits));
        self.fids.replace(number, &fid, new)?;
        out.put(&Reply::Rlopen { qid, iounit: 0 });
        Ok(())
    }

    /// Opens a file, which is made if it is missing; from then on the fid stands for it.
    pub(super) async fn create(
        &self,
        out: &mut Out<'_>,
        number: u32,
        name: &Name,
        bits: u32,
        (mode, gid): (u32, u32),
    ) -> Result<()> {
        let fid = self.fids.get(number)?;
        let directory = fid.unopened()?;
        if kind_of(mode)? != Kind::File {
            return Err(ErrorCode::Invalid.into());
        }
        let make = MakeFlags {
            exclusive: bits & flags::EXCLUSIVE != 0,
            truncate: bits & flags::TRUNCATE != 0,
        };
        let given = (mode, fid.user.map(|uid| (uid, gid)));
        let (file, descriptor) = directory.create(name, make, access(bits)?, given).await?;
        let qid = qid(&file).await?;
        self.fids.replace(number, &fid, Fid::new(file, fid.user, held(descriptor, bits)))?;
        out.put(&Reply::Rlcreate { qid, iounit: 0 });
        Ok(())
    }

    /// How many bytes of data a reply has room for.
    fn room(&self, count: u32) -> usize {
        let most = (self.msize() as usize).saturating_sub(DATA);
        usize::try_from(count).map_or(most, |count| count.min(most))
    }

    pub(super) fn read(&self, out: &mut Out<'_>, fid: u32, offset: u64, count: u32) -> Result<()> {
        const RREAD: u8 = Reply::Rread { data: super::wire::Data(b"") }.number();
        let fid = self.fids.get(fid)?;
        let room = self.room(count);
        match &*fid.held {
            Held::File(file) => {
                // Straight to where it is sent from. What the reply before has left there is
                // read over, or cut off; filling it with zeros first would cost as much as
                // reading what is in memory.
                out.message.resize(DATA + room, 0);
                begin_over(RREAD, out.tag, out.message);
                let into = Destination::Slice(&mut out.message[DATA..]);
                let (read, _) = file.descriptor.read_into(into, offset)?;
                out.message.truncate(DATA + read);
            }
            Held::Value(value) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(value.len());
                let end = start.saturating_add(room).min(value.len());
                begin(RREAD, out.tag, out.message);
                out.message.resize(DATA, 0);
                out.message.extend_from_slice(&value[start..end]);
            }
            Held::Nothing | Held::Directory(..) | Held::Writing(_) => {
                return Err(ErrorCode::BadDescriptor.into());
            }
        }
        end_data(out.message);
        Ok(())
    }

    pub(super) async fn write(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        offset: u64,
        data: &[u8],
    ) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let count = if let Held::Writing(writing) = &*fid.held {
            super::xattrs::write(writing, offset, data)?
        } else {
            write_file(&fid, offset, data).await?
        };
        // Never more than there was.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        out.put(&Reply::Rwrite { count });
        Ok(())
    }

    /// Lists entries behind `offset`, as many as there is room for.
    pub(super) async fn readdir(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        offset: u64,
        count: u32,
    ) -> Result<()> {
        const RREADDIR: u8 = Reply::Rreaddir { data: super::wire::Data(b"") }.number();
        /// The places of `.` and `..`, before all others.
        const DOTS: u64 = 2;
        let fid = self.fids.get(fid)?;
        let Held::Directory(_, listing) = &*fid.held else {
            return Err(ErrorCode::BadDescriptor.into());
        };
        let object = &fid.object;
        let end = DATA + self.room(count);
        begin(RREADDIR, out.tag, out.message);
        out.message.resize(DATA, 0);
        let mut more = true;
        let mut put = |entry: &DirEntry<'_>| {
            more = out.message.len() + DirEntry::length(entry.name.len()) <= end;
            if more {
                entry.put(out.message);
            }
            more
        };
        let dots = [(&b"."[..], object.number()), (b"..", object.number_above())];
        let mut goes_on = true;
        for (place, (name, path)) in (1..).zip(dots).skip_while(|(place, _)| *place <= offset) {
            let qid = Qid { kind: Qid::DIRECTORY, version: 0, path };
            let kind = entry_kind(Kind::Directory);
            goes_on = goes_on && put(&DirEntry { qid, offset: place, kind, name });
        }
        if goes_on {
            let visited = listing.visit(offset.saturating_sub(DOTS), |cookie, entry| {
                let path = object.number_of_entry(entry.inode);
                let qid = Qid { kind: qid_kind(entry.kind), version: 0, path };
                let offset = cookie.saturating_add(DOTS);
                let kind = entry_kind(entry.kind);
                put(&DirEntry { qid, offset, kind, name: entry.name.as_bytes() })
            });
            visited.await?;
        }
        // Nothing would say that the directory ends here.
        if !more && out.message.len() == DATA {
            return Err(ErrorCode::Invalid.into());
        }
        end_data(out.message);
        Ok(())
    }

    /// Answers when what was written to a file, or the names in a directory, are stored.
    pub(super) async fn fsync(&self, out: &mut Out<'_>, fid: u32, data_only: u32) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let descriptor = match &*fid.held {
            Held::File(file) => &file.descriptor,
            Held::Directory(descriptor, _) => descriptor,
            _ => return Err(ErrorCode::BadDescriptor.into()),
        };
        match data_only {
            0 => descriptor.sync().await?,
            _ => descriptor.sync_data().await?,
        }
        out.put(&Reply::Rfsync {});
        Ok(())
    }
}

/// Writes to what is open: how many bytes there was room for.
async fn write_file(fid: &Fid, offset: u64, data: &[u8]) -> Result<u64> {
    let file = fid.file()?;
    // The client does this for what it keeps in memory only.
    if fid.user.is_some_and(|user| user != 0) && !data.is_empty() {
        fid.object.drop_privileges().await?;
    }
    let from = Source::Slice(data);
    let count = if file.appends {
        file.descriptor.append(from)?.count as u64
    } else {
        file.descriptor.write(from, offset)?
    };
    if file.syncs {
        file.descriptor.sync_data().await?;
    }
    Ok(count)
}

/// Says how much data there is.
fn end_data(message: &mut [u8]) {
    let count = u32::try_from(message.len() - DATA).unwrap_or(u32::MAX);
    message[HEADER..DATA].copy_from_slice(&count.to_le_bytes());
    finish(message);
}
