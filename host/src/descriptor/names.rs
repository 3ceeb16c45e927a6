//! What changes directories: create, link, rename, remove.

use super::Descriptor;
use super::open::writable;
use crate::backend::{Fresh, Kind, Removal};
use crate::error::{ErrorCode, Result};
use crate::mount::Place;
use crate::path::{End, Name, PATH_MAX, Part, Path};
use crate::resolve::{Follow, Found, Last, Parent, existing, parent, resolve};
use crate::shared::Ref;

impl Descriptor {
    /// `create-directory-at`.
    ///
    /// # Errors
    /// `exist` whatever stands there; what the path gives.
    pub async fn create_directory_at(&self, path: &[u8]) -> Result<()> {
        let (place, name, _) = self.last_name(path, ErrorCode::Exist).await?;
        let fs = &place.mount.fs;
        let _change = fs.change().await;
        fs.backend().make_directory(&place.node, &name, Fresh::DIRECTORY).await?;
        Ok(())
    }

    /// `link-at`: of a symbolic link, the link itself gets one more name.
    ///
    /// # Errors
    /// `invalid` with `symlink-follow`; `not-permitted` for a directory, and if
    /// either mount is read-only; `cross-device`.
    pub async fn link_at(
        &self,
        follow: Follow,
        old_path: &[u8],
        new_base: &Self,
        new_path: &[u8],
    ) -> Result<()> {
        let base = self.directory()?;
        new_base.directory()?;
        if follow == Follow::Yes {
            return Err(ErrorCode::Invalid);
        }
        self.writable_below()?;
        new_base.writable_below()?;
        let old = existing(base, Path::parse(old_path)?, Follow::No).await?;
        let (place, name, end) = new_base.last_name(new_path, ErrorCode::Exist).await?;
        writable(&old)?;
        if old.node.kind() == Kind::Directory {
            return Err(ErrorCode::NotPermitted);
        }
        if !old.mount.fs.is(&place.mount.fs) {
            return Err(ErrorCode::CrossDevice);
        }
        if end == End::Slash {
            return Err(behind_slash(&place, name, ErrorCode::Exist).await);
        }
        let fs = &place.mount.fs;
        let _change = fs.change().await;
        fs.backend().link(&old.node, &place.node, &name).await
    }

    /// `readlink-at`.
    ///
    /// # Errors
    /// `invalid` for anything but a link; `not-permitted` if its target is absolute;
    /// `illegal-byte-sequence` if it is not UTF-8.
    pub async fn readlink_at(&self, path: &[u8]) -> Result<String> {
        let base = self.directory()?;
        let place = existing(base, Path::parse(path)?, Follow::No).await?;
        if place.node.kind() != Kind::Symlink {
            return Err(ErrorCode::Invalid);
        }
        let target = place.mount.fs.backend().read_link(&place.node).await?;
        if target.starts_with(b"/") {
            return Err(ErrorCode::NotPermitted);
        }
        String::from_utf8(target).map_err(|_| ErrorCode::IllegalByteSequence)
    }

    /// `remove-directory-at`.
    ///
    /// # Errors
    /// `invalid` for a path that ends with a dot; `busy` for a mount point.
    pub async fn remove_directory_at(&self, path: &[u8]) -> Result<()> {
        let (place, name, _) = self.last_name(path, ErrorCode::Invalid).await?;
        refuse_mount_point(&place, &name)?;
        let fs = &place.mount.fs;
        let _change = fs.change().await;
        fs.backend().remove(&place.node, &name, Removal::Directory).await
    }

    /// `rename-at`.
    ///
    /// # Errors
    /// As `rename` in POSIX; `busy` for a path that ends with a dot, and for a mount
    /// point; `not-permitted` if either mount is read-only; `cross-device`.
    pub async fn rename_at(&self, old_path: &[u8], new_base: &Self, new_path: &[u8]) -> Result<()> {
        self.directory()?;
        new_base.directory()?;
        self.writable_below()?;
        new_base.writable_below()?;
        let (from, name, end) = self.last_name(old_path, ErrorCode::Busy).await?;
        let (to, new_name, new_end) = match beside(self, old_path, new_base, new_path) {
            // Most renames stay in their directory, which is found but once.
            Some(new_name) if end == End::Plain => (from.clone(), new_name, end),
            _ => new_base.last_name(new_path, ErrorCode::Busy).await?,
        };
        refuse_mount_point(&from, &name)?;
        refuse_mount_point(&to, &new_name)?;
        if !from.mount.fs.is(&to.mount.fs) {
            return Err(ErrorCode::CrossDevice);
        }
        let fs = &from.mount.fs;
        let _change = fs.change().await;
        if end == End::Slash || new_end == End::Slash {
            let walk = fs.backend().walk(&from.node, std::slice::from_ref(&name)).await?;
            match (walk.walked, walk.node.kind()) {
                (0, _) => return Err(ErrorCode::NoEntry),
                (_, Kind::Directory) => {}
                _ => return Err(ErrorCode::NotDirectory),
            }
        }
        fs.backend().rename(&from.node, &name, &to.node, &new_name).await
    }

    /// `symlink-at`.
    ///
    /// # Errors
    /// `no-entry` for an empty target, `not-permitted` for an absolute one.
    pub async fn symlink_at(&self, target: &[u8], path: &[u8]) -> Result<()> {
        self.directory()?;
        self.writable_below()?;
        match target {
            b"" => return Err(ErrorCode::NoEntry),
            [b'/', ..] => return Err(ErrorCode::NotPermitted),
            _ if target.len() > PATH_MAX => return Err(ErrorCode::NameTooLong),
            _ if target.contains(&0) => return Err(ErrorCode::Invalid),
            _ => {}
        }
        let (place, name, end) = self.last_name(path, ErrorCode::Exist).await?;
        if end == End::Slash {
            return Err(behind_slash(&place, name, ErrorCode::Exist).await);
        }
        let fs = &place.mount.fs;
        let _change = fs.change().await;
        fs.backend().symlink(&place.node, &name, target, Fresh::DIRECTORY).await?;
        Ok(())
    }

    /// `unlink-file-at`.
    ///
    /// # Errors
    /// `is-directory`, also for a dot; `not-directory` with a slash behind a file.
    pub async fn unlink_file_at(&self, path: &[u8]) -> Result<()> {
        let (place, name, end) = self.last_name(path, ErrorCode::IsDirectory).await?;
        if end == End::Slash {
            return Err(behind_slash(&place, name, ErrorCode::IsDirectory).await);
        }
        let fs = &place.mount.fs;
        let _change = fs.change().await;
        fs.backend().remove(&place.node, &name, Removal::File).await
    }

    /// The directory, on a mount that may be changed, and the name in it that a change
    /// is about. A path that ends without a name is answered with `itself`.
    async fn last_name(&self, path: &[u8], itself: ErrorCode) -> Result<(Place, Name, End)> {
        let base = self.directory()?;
        self.writable_below()?;
        let Parent { place, last } = parent(base, Path::parse(path)?).await?;
        writable(&place)?;
        match last {
            Last::Name(name, end) => Ok((place, name, end)),
            Last::Itself => Err(itself),
        }
    }
}

/// The last name of `new`, if all before it is the same as of `old`, which is a path.
fn beside(base: &Descriptor, old: &[u8], new_base: &Descriptor, new: &[u8]) -> Option<Name> {
    // In a browser names are found in memory, and this would be more to load.
    if cfg!(target_arch = "wasm32") {
        return None;
    }
    let start = |path: &[u8]| path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let (directory, name) = new.split_at(start(new));
    let same = Ref::ptr_eq(&base.place.mount, &new_base.place.mount)
        && base.place.node.id() == new_base.place.node.id()
        && directory == &old[..start(old)]
        && new.len() <= PATH_MAX;
    if same { Name::new(name).ok() } else { None }
}

/// Why nothing but a directory can stand at a name that a slash follows: `exists`, if
/// there is a directory.
async fn behind_slash(parent: &Place, name: Name, exists: ErrorCode) -> ErrorCode {
    let path = Path { parts: vec![Part::Name(name)], end: End::Slash };
    match resolve(parent, path, Follow::Yes).await {
        Err(code) => code,
        Ok(Found::Missing { .. }) => ErrorCode::NoEntry,
        Ok(Found::Object(_)) => exists,
    }
}

fn refuse_mount_point(parent: &Place, name: &Name) -> Result<()> {
    match parent.mount.mounted_at(&parent.node, name) {
        Some(_) => Err(ErrorCode::Busy),
        None => Ok(()),
    }
}
