//! Attaching, walking, and letting go.

use super::errno::Result;
use super::fids::{Fid, Held};
use super::messages::{NO_FID, NO_UID, Reply};
use super::session::{Inner, Out};
use super::wire::{Qid, Qids};
use crate::backend::Kind;
use crate::descriptor::{Object, Stat};
use crate::error::ErrorCode;
use crate::path::Part;

/// What an object is known by.
pub(super) async fn qid(object: &Object) -> Result<Qid> {
    Ok(qid_of(object, &object.stat().await?))
}

pub(super) fn qid_of(object: &Object, stat: &Stat) -> Qid {
    // The upper half of the version says little more.
    #[allow(clippy::cast_possible_truncation)]
    let version = version(stat) as u32;
    Qid { kind: qid_kind(object.kind()), version, path: object.number() }
}

pub(super) const fn qid_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Directory => Qid::DIRECTORY,
        Kind::Symlink => Qid::SYMLINK,
        _ => Qid::FILE,
    }
}

/// Changes with the content.
pub(super) fn version(stat: &Stat) -> u64 {
    let attributes = &stat.attributes;
    let modified = attributes.modified.map_or(0, |time| {
        time.seconds
            .cast_unsigned()
            .wrapping_mul(1_000_000_000)
            .wrapping_add(time.nanoseconds.into())
    });
    // Odd numbers: no two sizes or times that differ become alike.
    let spread = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    spread(modified) ^ attributes.size
}

impl Inner {
    pub(super) async fn attach(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        auth: u32,
        export: &[u8],
        uid: u32,
    ) -> Result<()> {
        // There is no fid that says who somebody is.
        if auth != NO_FID {
            return Err(ErrorCode::BadDescriptor.into());
        }
        self.fids.check(fid, self.limits().fids)?;
        let settings = self.server.settings();
        let root = settings.mounts.export(export, settings.owners).await?;
        let qid = qid(&root).await?;
        let user = (uid != NO_UID).then_some(uid);
        self.fids.insert(fid, Fid::new(root, user, Held::Nothing), self.limits().fids)?;
        out.put(&Reply::Rattach { qid });
        Ok(())
    }

    /// Walks as far as it leads. Only a walk that leads to the end makes a fid, and one that
    /// does not lead anywhere is an error.
    pub(super) async fn walk(
        &self,
        out: &mut Out<'_>,
        fid: u32,
        new_fid: u32,
        way: &[Part],
    ) -> Result<()> {
        let most = self.limits().fids;
        let from = self.fids.get(fid)?;
        let mut at = from.object()?.clone();
        if fid == new_fid {
            from.unopened()?;
        } else {
            self.fids.check(new_fid, most)?;
        }
        let mut qids = Qids::new();
        for part in way {
            let stepped = match at.step(part).await {
                Ok(next) => qid(&next).await.map(|qid| (next, qid)),
                Err(code) => Err(code.into()),
            };
            match stepped {
                Ok((next, qid)) => {
                    qids.push(qid);
                    at = next;
                }
                Err(errno) if qids.is_empty() => return Err(errno),
                Err(_) => break,
            }
        }
        if qids.len() == way.len() {
            let new = Fid::new(at, from.user, Held::Nothing);
            if fid == new_fid {
                self.fids.replace(fid, &from, new)?;
            } else {
                self.fids.insert(new_fid, new, most)?;
            }
        }
        out.put(&Reply::Rwalk { qids });
        Ok(())
    }

    /// Lets a fid go, whatever the answer is: an extended attribute is set now.
    pub(super) async fn clunk(&self, out: &mut Out<'_>, number: u32) -> Result<()> {
        let fid = self.fids.remove(number)?;
        self.release(&fid);
        self.finish_xattr(&fid).await?;
        out.put(&Reply::Rclunk {});
        Ok(())
    }

    /// Removes what a fid stands for, and lets it go, whatever the answer is.
    pub(super) async fn remove(&self, out: &mut Out<'_>, number: u32) -> Result<()> {
        let fid = self.fids.remove(number)?;
        self.release(&fid);
        fid.object()?.remove_itself().await?;
        out.put(&Reply::Rremove {});
        Ok(())
    }
}
