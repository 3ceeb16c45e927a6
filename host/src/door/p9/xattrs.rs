//! Extended attributes: a fid for reading a value, and one that sets it when it is clunked.

use std::sync::Mutex;

use super::errno::{Errno, Result, of_xattr};
use super::fids::{Fid, Held, Writing};
use super::messages::Reply;
use super::session::{Inner, Out};
use crate::backend::XattrMode;
use crate::descriptor::XATTR_SIZE_MAX;
use crate::error::ErrorCode;
use crate::shared::lock;

/// Flags of `Txattrcreate`, which are those of Linux's `setxattr`.
const CREATE: u32 = 1;
const REPLACE: u32 = 2;

impl Inner {
    /// Makes `new_fid` stand for a value; without a name, for the names of all.
    pub(super) async fn xattrwalk(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        new_fid: u32,
        name: &[u8],
    ) -> Result<()> {
        let most = self.limits().fids;
        let fid = self.fids.get(fid)?;
        self.fids.check(new_fid, most)?;
        let object = fid.object()?;
        let value = match name {
            b"" => {
                let mut names = object.xattrs().await.map_err(of_xattr)?;
                for name in &mut names {
                    name.push(0);
                }
                names.concat()
            }
            _ => object.xattr(name).await.map_err(of_xattr)?,
        };
        let size = value.len() as u64;
        self.fids.insert(new_fid, Fid::new(object.clone(), fid.user, Held::Value(value)), most)?;
        out.put(&Reply::Rxattrwalk { size });
        Ok(())
    }

    /// Makes a fid stand for an attribute that is to be set.
    pub(super) fn xattrcreate(
        &self,
        out: &mut Out<'_>,
        number: u32,
        name: &[u8],
        size: u64,
        flags: u32,
    ) -> Result<()> {
        let fid = self.fids.get(number)?;
        let object = fid.unopened()?.clone();
        let mode = match flags {
            0 => XattrMode::Set,
            CREATE => XattrMode::Create,
            REPLACE => XattrMode::Replace,
            _ => return Err(ErrorCode::Invalid.into()),
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= XATTR_SIZE_MAX);
        let size = size.ok_or(Errno::TOO_BIG)?;
        let writing = Writing { name: name.to_vec(), value: Vec::new(), size, mode };
        let held = Held::Writing(Mutex::new(writing));
        self.fids.replace(number, &fid, Fid::new(object, fid.user, held))?;
        out.put(&Reply::Rxattrcreate {});
        Ok(())
    }

    /// Sets the attribute that a fid was for, if all of it was written. Nothing at all in
    /// place of another value is how Linux says that it is to be removed.
    pub(super) async fn finish_xattr(&self, fid: &Fid) -> Result<()> {
        let Held::Writing(writing) = &*fid.held else { return Ok(()) };
        // Taken out: nothing is locked while the storage is waited for.
        let Writing { name, value, size, mode } = std::mem::take(&mut *lock(writing));
        if value.len() != size {
            return Err(ErrorCode::Invalid.into());
        }
        let set = match (size, mode) {
            (0, XattrMode::Replace) => fid.object.remove_xattr(&name).await,
            _ => fid.object.set_xattr(&name, &value, mode).await,
        };
        set.map_err(of_xattr)
    }
}

/// Takes the next part of a value.
pub(super) fn write(writing: &Mutex<Writing>, offset: u64, data: &[u8]) -> Result<u64> {
    let writing = &mut *lock(writing);
    if offset != writing.value.len() as u64 {
        return Err(ErrorCode::Invalid.into());
    }
    if data.len() > writing.size - writing.value.len() {
        return Err(Errno::TOO_BIG);
    }
    writing.value.extend_from_slice(data);
    Ok(data.len() as u64)
}
