//! What changes directories.

use super::attributes::kind_of;
use super::errno::Result;
use super::fids::Fid;
use super::messages::Reply;
use super::session::{Inner, Out};
use super::walk::qid;
use crate::backend::{Kind, Removal};
use crate::error::ErrorCode;
use crate::path::Name;

/// The flag of `Tunlinkat` that asks for a directory: Linux's `AT_REMOVEDIR`.
const REMOVE_DIRECTORY: u32 = 0x200;

/// Whose a new object is, if the client says who asks.
fn owner(fid: &Fid, gid: u32) -> Option<(u32, u32)> {
    fid.user.map(|uid| (uid, gid))
}

impl Inner {
    pub(super) async fn mkdir(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        name: &Name,
        (mode, gid): (u32, u32),
    ) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let object = fid.object()?.make_directory(name, (mode, owner(&fid, gid))).await?;
        let qid = qid(&object).await?;
        out.put(&Reply::Rmkdir { qid });
        Ok(())
    }

    pub(super) async fn symlink(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        name: &Name,
        target: &[u8],
        gid: u32,
    ) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let object = fid.object()?.symlink(name, target, owner(&fid, gid)).await?;
        let qid = qid(&object).await?;
        out.put(&Reply::Rsymlink { qid });
        Ok(())
    }

    pub(super) async fn mknod(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        name: &Name,
        (mode, gid): (u32, u32),
        device: (u32, u32),
    ) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let kind = kind_of(mode)?;
        let device = match kind {
            Kind::BlockDevice | Kind::CharacterDevice => device,
            _ => (0, 0),
        };
        let given = (mode, owner(&fid, gid));
        let object = fid.object()?.make_node(name, kind, device, given).await?;
        let qid = qid(&object).await?;
        out.put(&Reply::Rmknod { qid });
        Ok(())
    }

    pub(super) async fn link(
        &self,
        out: &mut Out<'_>,
        directory: u32,
        fid: u32,
        name: &Name,
    ) -> Result<()> {
        let (directory, fid) = (self.fids.get(directory)?, self.fids.get(fid)?);
        directory.object()?.link(name, fid.object()?).await?;
        out.put(&Reply::Rlink {});
        Ok(())
    }

    pub(super) async fn readlink(&self, out: &mut Out<'_>, fid: u32) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let target = fid.object()?.target().await?;
        out.put(&Reply::Rreadlink { target: &target });
        Ok(())
    }

    /// Moves what a fid stands for, and the fid with it.
    pub(super) async fn rename(
        &self,
        out: &mut Out<'_>,
        number: u32,
        directory: u32,
        name: &Name,
    ) -> Result<()> {
        let (fid, directory) = (self.fids.get(number)?, self.fids.get(directory)?);
        let mut object = fid.object()?.clone();
        object.rename_itself(directory.object()?, name).await?;
        self.fids.replace(number, &fid, fid.moved(object))?;
        out.put(&Reply::Rrename {});
        Ok(())
    }

    pub(super) async fn renameat(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        name: &Name,
        to: u32,
        new_name: &Name,
    ) -> Result<()> {
        let (from, to) = (self.fids.get(fid)?, self.fids.get(to)?);
        from.object()?.rename(name, to.object()?, new_name).await?;
        out.put(&Reply::Rrenameat {});
        Ok(())
    }

    pub(super) async fn unlinkat(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        name: &Name,
        flags: u32,
    ) -> Result<()> {
        let fid = self.fids.get(fid)?;
        let what = match flags {
            0 => Removal::File,
            REMOVE_DIRECTORY => Removal::Directory,
            _ => return Err(ErrorCode::Invalid.into()),
        };
        fid.object()?.remove(name, what).await?;
        out.put(&Reply::Runlinkat {});
        Ok(())
    }
}
