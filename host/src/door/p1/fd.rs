//! Calls on what is open: all but reading, writing and listing it.

use super::abi::{self, Errno, Filetype, fdflags, rights};
use super::failure::Result;
use super::guest::Guest;
use super::memory::Memory;
use super::table::{Open, OpenDevice, OpenFile};
use crate::backend::{Kind, NewTime, Time};
use crate::shared::lock;

impl OpenDevice {
    fn filetype(&self) -> Filetype {
        // What has no place to seek to and is a character device is taken for a terminal.
        if self.device.is_terminal() { Filetype::CharacterDevice } else { Filetype::Unknown }
    }
}

impl Guest {
    /// What is at the end of a file at its position is one of `advice`, which is ignored.
    pub(super) fn fd_advise(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        offset: u64,
        length: u64,
        advice: u32,
    ) -> Result<()> {
        const LAST: u32 = 5;
        let open = self.table.get(fd)?;
        if advice > LAST {
            return Err(Errno::Inval.into());
        }
        Ok(open.seekable()?.descriptor.advise(offset, length)?)
    }

    /// Nothing here sets room aside.
    pub(super) fn fd_allocate(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        _offset: u64,
        _length: u64,
    ) -> Result<()> {
        self.table.get(fd)?.seekable()?;
        Err(Errno::Notsup.into())
    }

    pub(super) fn fd_close(&self, _m: &mut impl Memory, fd: u32) -> Result<()> {
        self.table.remove(fd)
    }

    pub(super) async fn fd_datasync(&self, _m: &mut impl Memory, fd: u32) -> Result<()> {
        Ok(self.synced(fd)?.descriptor()?.sync_data().await?)
    }

    pub(super) async fn fd_sync(&self, _m: &mut impl Memory, fd: u32) -> Result<()> {
        Ok(self.synced(fd)?.descriptor()?.sync().await?)
    }

    /// What can be synced: not a device, as in POSIX.
    fn synced(&self, fd: u32) -> Result<crate::shared::Ref<Open>> {
        let open = self.table.get(fd)?;
        match *open {
            Open::Device(_) => Err(Errno::Inval.into()),
            Open::File(_) | Open::Directory(_) => Ok(open),
        }
    }

    /// Of the rights, only those to read and to write are enforced.
    pub(super) fn fd_fdstat_get(&self, m: &mut impl Memory, fd: u32, into: u32) -> Result<()> {
        let fdstat = match &*self.table.get(fd)? {
            Open::File(OpenFile { descriptor, cursor }) => {
                let mut rights = rights::ALL & !rights::SOCKETS & !rights::FD_ALLOCATE;
                if !descriptor.flags().read {
                    rights &= !(rights::FD_READ | rights::FD_READDIR);
                }
                if !descriptor.flags().write {
                    rights &= !rights::FD_WRITE;
                }
                let flags = lock(cursor).flags;
                abi::fdstat(descriptor.kind().into(), flags, rights, rights)
            }
            Open::Directory(_) => {
                let all = rights::ALL & !rights::SOCKETS & !rights::FD_ALLOCATE;
                let of_files = rights::FD_SEEK
                    | rights::FD_TELL
                    | rights::FD_READ
                    | rights::FD_WRITE
                    | rights::FD_FILESTAT_SET_SIZE
                    | rights::PATH_FILESTAT_SET_SIZE;
                // Reading a directory is listing it.
                let own = all & !of_files | rights::FD_READ;
                abi::fdstat(Filetype::Directory, 0, own, all)
            }
            Open::Device(device) => {
                let flags = *lock(&device.flags);
                abi::fdstat(device.filetype(), flags, device.rights, device.rights)
            }
        };
        m.store(into, &fdstat)
    }

    pub(super) fn fd_fdstat_set_flags(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        flags: u32,
    ) -> Result<()> {
        let open = self.table.get(fd)?;
        if flags & !(fdflags::APPEND | fdflags::NONBLOCK) != 0 {
            return Err(Errno::Inval.into());
        }
        match &*open {
            Open::File(file) => lock(&file.cursor).flags = flags,
            Open::Device(device) => *lock(&device.flags) = flags,
            Open::Directory(_) => return Err(Errno::Badf.into()),
        }
        Ok(())
    }

    /// Rights cannot be given up one by one.
    pub(super) fn fd_fdstat_set_rights(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        _rights: u64,
        _inheriting: u64,
    ) -> Result<()> {
        self.table.get(fd)?;
        Err(Errno::Notsup.into())
    }

    pub(super) async fn fd_filestat_get(
        &self,
        m: &mut impl Memory,
        fd: u32,
        into: u32,
    ) -> Result<()> {
        let filestat = match &*self.table.get(fd)? {
            Open::Device(device) => abi::filestat_of_device(device.filetype()),
            open => abi::filestat(&open.descriptor()?.stat().await?),
        };
        m.store(into, &filestat)
    }

    pub(super) fn fd_filestat_set_size(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        size: u64,
    ) -> Result<()> {
        Ok(self.table.get(fd)?.descriptor()?.set_size(size)?)
    }

    pub(super) async fn fd_filestat_set_times(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        accessed: u64,
        modified: u64,
        flags: u32,
    ) -> Result<()> {
        let (accessed, modified) = new_times(accessed, modified, flags)?;
        Ok(self.table.get(fd)?.descriptor()?.set_times(accessed, modified).await?)
    }

    pub(super) fn fd_prestat_get(&self, m: &mut impl Memory, fd: u32, into: u32) -> Result<()> {
        match &*self.table.get(fd)? {
            Open::Directory(directory) => match &directory.preopen {
                Some(name) => m.store(into, &abi::prestat(name.len())),
                None => Err(Errno::Badf.into()),
            },
            _ => Err(Errno::Badf.into()),
        }
    }

    pub(super) fn fd_prestat_dir_name(
        &self,
        m: &mut impl Memory,
        fd: u32,
        into: u32,
        length: u32,
    ) -> Result<()> {
        match &*self.table.get(fd)? {
            Open::Directory(directory) => match &directory.preopen {
                Some(name) if name.len() > length as usize => Err(Errno::Nametoolong.into()),
                Some(name) => m.store(into, name.as_bytes()),
                None => Err(Errno::Notdir.into()),
            },
            _ => Err(Errno::Notdir.into()),
        }
    }

    pub(super) fn fd_renumber(&self, _m: &mut impl Memory, from: u32, to: u32) -> Result<()> {
        self.table.renumber(from, to)
    }

    pub(super) async fn fd_seek(
        &self,
        m: &mut impl Memory,
        fd: u32,
        offset: i64,
        whence: u32,
        into: u32,
    ) -> Result<()> {
        let open = self.table.get(fd)?;
        let file = open.seekable()?;
        let start = match whence {
            0 => 0,
            1 => lock(&file.cursor).position,
            2 => match file.descriptor.kind() {
                Kind::File => file.descriptor.stat().await?.attributes.size,
                _ => return Err(Errno::Spipe.into()),
            },
            _ => return Err(Errno::Inval.into()),
        };
        let position = start.checked_add_signed(offset);
        // No byte of a file lies beyond.
        let position = position.filter(|position| i64::try_from(*position).is_ok());
        let position = position.ok_or(Errno::Inval)?;
        m.store_u64(into, position)?;
        lock(&file.cursor).position = position;
        Ok(())
    }

    pub(super) fn fd_tell(&self, m: &mut impl Memory, fd: u32, into: u32) -> Result<()> {
        let open = self.table.get(fd)?;
        let position = lock(&open.seekable()?.cursor).position;
        m.store_u64(into, position)
    }
}

/// The two times of a call, by its `fstflags`.
pub(super) fn new_times(
    accessed: u64,
    modified: u64,
    flags: u32,
) -> Result<(Option<NewTime>, Option<NewTime>)> {
    let time = |given: bool, now: bool, at: u64| match (given, now) {
        (true, true) => Err(Errno::Inval),
        // A 64-bit number of nanoseconds is less than 2^35 seconds.
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        (true, false) => Ok(Some(NewTime::At(Time {
            seconds: (at / 1_000_000_000) as i64,
            nanoseconds: (at % 1_000_000_000) as u32,
        }))),
        (false, true) => Ok(Some(NewTime::Now)),
        (false, false) => Ok(None),
    };
    if flags > 15 {
        return Err(Errno::Inval.into());
    }
    let set = |bit: u32| flags & bit != 0;
    Ok((time(set(1), set(2), accessed)?, time(set(4), set(8), modified)?))
}
