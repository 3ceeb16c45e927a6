//! From names to descriptors: a whole run of names in one call of the kernel, and
//! name by name where that does not succeed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;

use super::errno::code;
use crate::backend::{Kind, Node, NodeId};
use crate::error::Result;
use crate::path::{Name, PATH_MAX};
use crate::shared::Ref;

/// A node's descriptor is a place in the tree, not an open file: it needs no right
/// to read, and opening a pipe or a device for it does nothing.
pub(super) const PLACE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The kernel is asked for what the contract asks for. With `PLACE`, a link at the
/// very end is the node itself.
const INSIDE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// How far `names` lead from `from`, and where to; `None` if no name was walked.
pub(super) fn walk(from: BorrowedFd<'_>, names: &[Name]) -> Result<(usize, Option<Node>)> {
    if let [_, _, ..] = names
        && let Some(found) = at_once(from, names)?
    {
        return Ok(found);
    }
    step_by_step(from, names)
}

/// The node that `name` leads to.
pub(super) fn step(from: BorrowedFd<'_>, name: &Name) -> Result<Node> {
    node(Ref::new(place(from, name).map_err(code)?))
}

/// Makes a node of its descriptor.
pub(super) fn node(fd: Ref<OwnedFd>) -> Result<Node> {
    let stat = fstat(&*fd).map_err(code)?;
    let id = NodeId { device: stat.st_dev, inode: stat.st_ino };
    let kind = kind(FileType::from_raw_mode(stat.st_mode));
    Ok(Node::new(kind, id, fd))
}

pub(super) fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::CharacterDevice => Kind::CharacterDevice,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::RegularFile | FileType::Unknown => Kind::File,
    }
}

fn place(from: BorrowedFd<'_>, name: &Name) -> rustix::io::Result<OwnedFd> {
    openat(from, name.as_bytes(), PLACE, Mode::empty())
}

/// Opens what `names` lead to with no link on the way; `None` if that cannot be asked for.
pub(super) fn open_inside(
    from: BorrowedFd<'_>,
    names: &[Name],
    flags: OFlags,
) -> Option<rustix::io::Result<OwnedFd>> {
    // Linux has openat2 since 5.6, and a sandbox may refuse it; asked once.
    static MISSING: AtomicBool = AtomicBool::new(false);
    if MISSING.load(Ordering::Relaxed) {
        return None;
    }
    let length = names.iter().map(|name| name.as_bytes().len() + 1).sum::<usize>();
    if length > PATH_MAX + 1 {
        return None;
    }
    let mut path = Vec::with_capacity(length);
    for name in names {
        path.extend_from_slice(name.as_bytes());
        path.push(b'/');
    }
    // The place of the last slash is room for the end of the text.
    path.pop();
    let opened = openat2(from, path, flags, Mode::empty(), INSIDE);
    if let Err(Errno::NOSYS | Errno::PERM) = opened {
        MISSING.store(true, Ordering::Relaxed);
        return None;
    }
    Some(opened)
}

/// The answer if one or two calls give it.
fn at_once(from: BorrowedFd<'_>, names: &[Name]) -> Result<Option<(usize, Option<Node>)>> {
    match open_inside(from, names, PLACE) {
        Some(Ok(fd)) => Ok(Some((names.len(), Some(node(Ref::new(fd))?)))),
        // Mostly it is the last name that is missing, because it is to be created.
        Some(Err(Errno::NOENT)) => {
            let (_, parents) = names.split_last().expect("there are two names");
            match open_inside(from, parents, PLACE) {
                Some(Ok(fd)) => Ok(Some((parents.len(), Some(node(Ref::new(fd))?)))),
                Some(Err(_)) | None => Ok(None),
            }
        }
        // A link or a file on the way, or an error that the steps will meet again.
        Some(Err(_)) | None => Ok(None),
    }
}

fn step_by_step(from: BorrowedFd<'_>, names: &[Name]) -> Result<(usize, Option<Node>)> {
    let mut reached: Option<OwnedFd> = None;
    let mut walked = 0;
    for name in names {
        match place(reached.as_ref().map_or(from, AsFd::as_fd), name) {
            Ok(fd) => reached = Some(fd),
            // What was reached is then a link or a file, and the answer.
            Err(Errno::NOENT | Errno::NOTDIR) => break,
            Err(errno) => return Err(code(errno)),
        }
        walked += 1;
    }
    Ok((walked, reached.map(Ref::new).map(node).transpose()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the suite cannot see from outside: that the one call is taken at all.
    #[test]
    fn one_call_walks_a_whole_run() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(dir.path().join("a/b")).expect("directories");
        std::os::unix::fs::symlink("a", dir.path().join("l")).expect("a link");
        let root = std::fs::File::open(dir.path()).expect("the directory");
        for (path, walked) in [
            ("a/b", Some(2)),
            ("a/missing", Some(1)),
            ("a/b/missing", Some(2)),
            ("a/missing/x/y", None),
            ("l/b", None),
        ] {
            let names: Vec<_> =
                path.split('/').map(|name| Name::new(name.as_bytes()).expect("a name")).collect();
            let found = at_once(root.as_fd(), &names).expect(path);
            assert_eq!(found.map(|(walked, _)| walked), walked, "{path}");
        }
    }
}
