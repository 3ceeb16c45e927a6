//! What changes a directory that was walked to: one name at a time, with all that a system
//! like Linux has to say of a new object.

use super::open::{MAX_RACES, Request, open_object};
use super::{Descriptor, DescriptorFlags, Object, OpenFlags};
use crate::backend::{Access, Kind, Removal};
use crate::error::{ErrorCode, Result};
use crate::mount::Place;
use crate::path::{Name, PATH_MAX};

/// How a file is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MakeFlags {
    /// It must not exist.
    pub exclusive: bool,
    /// One that exists is cut.
    pub truncate: bool,
}

/// A new object's mode, and its owner and group; without them, it belongs to whomever the
/// backend's objects belong to.
pub type Given = (u32, Option<(u32, u32)>);

impl Object {
    /// A directory that may be changed.
    fn changeable_directory(&self) -> Result<()> {
        if self.kind() != Kind::Directory {
            return Err(ErrorCode::NotDirectory);
        }
        self.changeable()
    }

    fn made(&self, node: crate::backend::Node, name: &Name) -> Self {
        self.found(Place { mount: self.place.mount.clone(), node }, name.clone())
    }

    /// Opens a file, which is made if it is missing.
    ///
    /// # Errors
    /// `read-only`; `exist` if it must not be there; as [`Object::open`] otherwise.
    pub async fn create(
        &self,
        name: &Name,
        make: MakeFlags,
        flags: DescriptorFlags,
        (mode, owner): Given,
    ) -> Result<(Self, Descriptor)> {
        self.changeable_directory()?;
        let MakeFlags { exclusive, truncate } = make;
        let open = OpenFlags { truncate, ..OpenFlags::default() };
        let there = Request::new(open, flags)?;
        for _ in 0..MAX_RACES {
            if let Some(found) = self.child(name).await? {
                if exclusive {
                    return Err(ErrorCode::Exist);
                }
                if found.kind() == Kind::Directory {
                    return Err(ErrorCode::IsDirectory);
                }
                let opened = open_object(found.place.clone(), there).await?;
                return Ok((found, opened.only(flags)));
            }
            let fs = &self.place.mount.fs;
            let fresh = self.fresh(mode, owner);
            let created = {
                let _change = fs.change().await;
                fs.backend().create(&self.place.node, name, fresh, there.access).await
            };
            match created {
                // Somebody was quicker: open theirs.
                Err(ErrorCode::Exist) if !exclusive => {}
                Err(code) => return Err(code),
                Ok((node, file)) => {
                    let object = self.made(node, name);
                    let opened = Descriptor::of_file(object.place.clone(), there, file);
                    return Ok((object, opened.only(flags)));
                }
            }
        }
        Err(ErrorCode::Busy)
    }

    /// Creates an empty directory.
    ///
    /// # Errors
    /// `read-only`; `exist` whatever stands there.
    pub async fn make_directory(&self, name: &Name, (mode, owner): Given) -> Result<Self> {
        self.changeable_directory()?;
        let fs = &self.place.mount.fs;
        let _change = fs.change().await;
        let fresh = self.fresh(mode, owner);
        let node = fs.backend().make_directory(&self.place.node, name, fresh).await?;
        Ok(self.made(node, name))
    }

    /// Creates a symbolic link to anything.
    ///
    /// # Errors
    /// `read-only`; `no-entry` for an empty target, `invalid` for one with NUL,
    /// `name-too-long` beyond [`PATH_MAX`].
    pub async fn symlink(
        &self,
        name: &Name,
        target: &[u8],
        owner: Option<(u32, u32)>,
    ) -> Result<Self> {
        self.changeable_directory()?;
        match target {
            b"" => return Err(ErrorCode::NoEntry),
            _ if target.contains(&0) => return Err(ErrorCode::Invalid),
            _ if target.len() > PATH_MAX => return Err(ErrorCode::NameTooLong),
            _ => {}
        }
        let fs = &self.place.mount.fs;
        let _change = fs.change().await;
        let fresh = self.fresh(0o777, owner);
        let node = fs.backend().symlink(&self.place.node, name, target, fresh).await?;
        Ok(self.made(node, name))
    }

    /// Creates a file, a device, a pipe or a socket, and opens nothing.
    ///
    /// # Errors
    /// `read-only`; `exist`; `invalid` for another kind; `unsupported`.
    pub async fn make_node(
        &self,
        name: &Name,
        kind: Kind,
        device: (u32, u32),
        (mode, owner): Given,
    ) -> Result<Self> {
        self.changeable_directory()?;
        let fs = &self.place.mount.fs;
        let _change = fs.change().await;
        let fresh = self.fresh(mode, owner);
        let parent = &self.place.node;
        let node = match kind {
            Kind::Directory | Kind::Symlink => return Err(ErrorCode::Invalid),
            Kind::File => {
                let access = Access { read: true, write: true };
                fs.backend().create(parent, name, fresh, access).await?.0
            }
            _ => fs.backend().make_node(parent, name, kind, device, fresh).await?,
        };
        Ok(self.made(node, name))
    }

    /// Gives `object` one more name, in this directory.
    ///
    /// # Errors
    /// `read-only`; `not-permitted` for a directory; `cross-device`; `exist`; `no-entry` if
    /// it has no name left.
    pub async fn link(&self, name: &Name, object: &Self) -> Result<()> {
        self.changeable_directory()?;
        object.changeable()?;
        let fs = &self.place.mount.fs;
        if object.kind() == Kind::Directory {
            return Err(ErrorCode::NotPermitted);
        }
        if !fs.is(&object.place.mount.fs) {
            return Err(ErrorCode::CrossDevice);
        }
        let _change = fs.change().await;
        fs.backend().link(&object.place.node, &self.place.node, name).await
    }

    /// Moves an entry of this directory, as `rename` in POSIX.
    ///
    /// # Errors
    /// `read-only`; `busy` for a mount point; `cross-device`.
    pub async fn rename(&self, name: &Name, to: &Self, new_name: &Name) -> Result<()> {
        self.changeable_directory()?;
        to.changeable_directory()?;
        self.refuse_mount_point(name)?;
        to.refuse_mount_point(new_name)?;
        let fs = &self.place.mount.fs;
        if !fs.is(&to.place.mount.fs) {
            return Err(ErrorCode::CrossDevice);
        }
        let _change = fs.change().await;
        fs.backend().rename(&self.place.node, name, &to.place.node, new_name).await
    }

    /// Removes an entry of this directory.
    ///
    /// # Errors
    /// `read-only`; `busy` for a mount point; as `what` says.
    pub async fn remove(&self, name: &Name, what: Removal) -> Result<()> {
        self.changeable_directory()?;
        self.refuse_mount_point(name)?;
        let fs = &self.place.mount.fs;
        let _change = fs.change().await;
        fs.backend().remove(&self.place.node, name, what).await
    }

    /// Moves it from where it was walked to, and knows it there.
    ///
    /// # Errors
    /// As [`Object::rename`]; `no-entry` if it does not stand there any more; `busy` for the
    /// root of the export.
    pub async fn rename_itself(&mut self, to: &Self, new_name: &Name) -> Result<()> {
        let (parent, name) = self.above().await?;
        parent.rename(&name, to, new_name).await?;
        self.moved(to, new_name.clone());
        Ok(())
    }

    /// Removes it from where it was walked to.
    ///
    /// # Errors
    /// As [`Object::remove`] and [`Object::rename_itself`].
    pub async fn remove_itself(&self) -> Result<()> {
        let (parent, name) = self.above().await?;
        let what = match self.kind() {
            Kind::Directory => Removal::Directory,
            _ => Removal::File,
        };
        parent.remove(&name, what).await
    }

    fn refuse_mount_point(&self, name: &Name) -> Result<()> {
        match self.place.mount.mounted_at(&self.place.node, name) {
            Some(_) => Err(ErrorCode::Busy),
            None => Ok(()),
        }
    }
}
