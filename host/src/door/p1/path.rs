//! Calls on paths.

use super::abi::{self, Errno, fdflags, rights};
use super::failure::Result;
use super::fd::new_times;
use super::guest::Guest;
use super::memory::{Memory, Text};
use super::table::Open;
use crate::descriptor::{Descriptor, DescriptorFlags, OpenFlags};
use crate::resolve::Follow;

/// `lookupflags`.
fn follow(flags: u32) -> Result<Follow> {
    match flags {
        0 => Ok(Follow::No),
        1 => Ok(Follow::Yes),
        _ => Err(Errno::Inval.into()),
    }
}

/// `oflags`.
fn open_flags(flags: u32) -> Result<OpenFlags> {
    if flags > 15 {
        return Err(Errno::Inval.into());
    }
    let set = |bit: u32| flags & bit != 0;
    Ok(OpenFlags { create: set(1), directory: set(2), exclusive: set(4), truncate: set(8) })
}

/// What a file is opened for, by `rights` and `fdflags`.
fn descriptor_flags(rights: u64, flags: u32) -> Result<DescriptorFlags> {
    if flags & !fdflags::ALL != 0 {
        return Err(Errno::Inval.into());
    }
    Ok(DescriptorFlags {
        read: rights & rights::FD_READ != 0,
        write: rights & rights::FD_WRITE != 0,
        file_integrity_sync: flags & fdflags::SYNC != 0,
        data_integrity_sync: flags & fdflags::DSYNC != 0,
        requested_write_sync: flags & fdflags::RSYNC != 0,
        mutate_directory: false,
    })
}

impl Guest {
    /// What a path begins at; the core says that a file is no directory.
    fn base(&self, fd: u32) -> Result<Descriptor> {
        Ok(self.table.get(fd)?.descriptor()?.clone())
    }

    /// The same, and the path.
    fn at(
        &self,
        m: &mut impl Memory,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(Descriptor, Text)> {
        Ok((self.base(fd)?, m.path(path, length)?))
    }

    pub(super) async fn path_create_directory(
        &self,
        m: &mut impl Memory,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<()> {
        let (base, path) = self.at(m, fd, path, length)?;
        Ok(base.create_directory_at(&path).await?)
    }

    pub(super) async fn path_filestat_get(
        &self,
        m: &mut impl Memory,
        fd: u32,
        flags: u32,
        path: u32,
        length: u32,
        into: u32,
    ) -> Result<()> {
        let (base, path) = self.at(m, fd, path, length)?;
        let stat = base.stat_at(follow(flags)?, &path).await?;
        m.store(into, &abi::filestat(&stat))
    }

    #[allow(clippy::too_many_arguments)] // The witx's, here and below.
    pub(super) async fn path_filestat_set_times(
        &self,
        m: &mut impl Memory,
        fd: u32,
        flags: u32,
        path: u32,
        length: u32,
        accessed: u64,
        modified: u64,
        times: u32,
    ) -> Result<()> {
        let (accessed, modified) = new_times(accessed, modified, times)?;
        let (base, path) = self.at(m, fd, path, length)?;
        Ok(base.set_times_at(follow(flags)?, &path, accessed, modified).await?)
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) async fn path_link(
        &self,
        m: &mut impl Memory,
        old_fd: u32,
        old_flags: u32,
        old_path: u32,
        old_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Result<()> {
        let (old_base, new_base) = (self.base(old_fd)?, self.base(new_fd)?);
        let old_path = m.path(old_path, old_length)?;
        let new_path = m.path(new_path, new_length)?;
        Ok(old_base.link_at(follow(old_flags)?, &old_path, &new_base, &new_path).await?)
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) async fn path_open(
        &self,
        m: &mut impl Memory,
        fd: u32,
        lookup: u32,
        path: u32,
        length: u32,
        open: u32,
        rights: u64,
        _inheriting: u64,
        flags: u32,
        into: u32,
    ) -> Result<()> {
        let (base, path) = self.at(m, fd, path, length)?;
        let (open, for_what) = (open_flags(open)?, descriptor_flags(rights, flags)?);
        let opened = base.open_at(follow(lookup)?, &path, open, for_what).await?;
        let kept = flags & (fdflags::APPEND | fdflags::NONBLOCK);
        let fd = self.table.insert(Open::new(opened, kept))?;
        let told = m.store_u32(into, fd);
        if told.is_err() {
            self.table.remove(fd)?;
        }
        told
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) async fn path_readlink(
        &self,
        m: &mut impl Memory,
        fd: u32,
        path: u32,
        length: u32,
        buffer: u32,
        room: u32,
        into: u32,
    ) -> Result<()> {
        let (base, path) = self.at(m, fd, path, length)?;
        let target = base.readlink_at(&path).await?;
        let told = &target.as_bytes()[..target.len().min(room as usize)];
        m.store(buffer, told)?;
        // No more than `room`.
        #[allow(clippy::cast_possible_truncation)]
        m.store_u32(into, told.len() as u32)
    }

    pub(super) async fn path_remove_directory(
        &self,
        m: &mut impl Memory,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<()> {
        let (base, path) = self.at(m, fd, path, length)?;
        Ok(base.remove_directory_at(&path).await?)
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) async fn path_rename(
        &self,
        m: &mut impl Memory,
        old_fd: u32,
        old_path: u32,
        old_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Result<()> {
        let (old_base, new_base) = (self.base(old_fd)?, self.base(new_fd)?);
        let old_path = m.path(old_path, old_length)?;
        let new_path = m.path(new_path, new_length)?;
        Ok(old_base.rename_at(&old_path, &new_base, &new_path).await?)
    }

    pub(super) async fn path_symlink(
        &self,
        m: &mut impl Memory,
        target: u32,
        target_length: u32,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<()> {
        let base = self.base(fd)?;
        let target = m.path(target, target_length)?;
        let path = m.path(path, length)?;
        Ok(base.symlink_at(&target, &path).await?)
    }

    pub(super) async fn path_unlink_file(
        &self,
        m: &mut impl Memory,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<()> {
        let (base, path) = self.at(m, fd, path, length)?;
        Ok(base.unlink_file_at(&path).await?)
    }
}
