//! Paths as they are written on the command line, in the tree of mounts that a guest sees.

use anyhow::{Context, Error, Result, anyhow, bail};
use wasi_opfs::{Descriptor, ErrorCode, Follow, MountTable};

use crate::copy::{DIRECTORY, READ};

/// The root of the mount that holds `guest`, and the names from there on.
pub(crate) fn locate<'a>(table: &MountTable, guest: &'a str) -> Result<(Descriptor, Vec<&'a str>)> {
    let mut preopens = table.preopens();
    let names: Vec<_> = preopens.iter().map(|(_, name)| name.as_str()).collect();
    let Some((at, rest)) = nearest(&names, guest) else {
        match names.join("', '") {
            none if none.is_empty() => bail!("nothing is mounted; add --mount '{guest}=…'"),
            names => bail!("no mount has it; there are '{names}'"),
        }
    };
    Ok((preopens.swap_remove(at).0, rest))
}

/// The directory `guest` as a guest with `table` sees it; created where it is missing
/// if `create` is set.
pub(crate) async fn directory(table: &MountTable, guest: &str, create: bool) -> Result<Descriptor> {
    let (mut directory, names) = locate(table, guest)?;
    for name in names {
        if create {
            match directory.create_directory_at(name.as_bytes()).await {
                Ok(()) | Err(ErrorCode::Exist) => {}
                Err(code) => return Err(code).with_context(|| format!("at '{name}'")),
            }
        }
        directory = directory
            .open_at(Follow::Yes, name.as_bytes(), DIRECTORY, READ)
            .await
            .with_context(|| format!("at '{name}'"))?;
    }
    Ok(directory)
}

/// Which of `mounts` holds `guest`, the innermost, and the names from there on.
pub(crate) fn nearest<'a>(mounts: &[&str], guest: &'a str) -> Option<(usize, Vec<&'a str>)> {
    let names = names_of(guest);
    let holds = |mount: &str| {
        mount.starts_with('/') == guest.starts_with('/') && names.starts_with(&names_of(mount))
    };
    let holding = mounts.iter().enumerate().filter(|(_, mount)| holds(mount));
    let (at, mount) = holding.max_by_key(|(_, mount)| names_of(mount).len())?;
    Some((at, names[names_of(mount).len()..].to_vec()))
}

fn names_of(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).collect()
}

/// An error with what can be done about it, as far as its code tells.
pub(crate) fn advised(error: Error) -> Error {
    let advice = match error.downcast_ref::<ErrorCode>() {
        Some(ErrorCode::NoEntry) => "'wasi-opfs ls' shows what is there",
        Some(ErrorCode::NotPermitted | ErrorCode::ReadOnly) => {
            "a mount with ':ro' is not changed, and no link is followed out of its mount"
        }
        Some(ErrorCode::InsufficientSpace) => {
            "make room on the disk that holds it, or delete something in it"
        }
        Some(ErrorCode::IsDirectory) => "give the path of a file",
        Some(ErrorCode::NotDirectory) => "give the path of a directory",
        _ => return error,
    };
    anyhow!("{error:#}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_holds_a_path() {
        let mounts = ["/", ".", "/a/b", "data"];
        // (path, the mount, the rest)
        let rows: &[(&str, &str, &[&str])] = &[
            ("/", "/", &[]),
            ("/a", "/", &["a"]),
            ("/a/b", "/a/b", &[]),
            ("/a/b/", "/a/b", &[]),
            ("/a/bc", "/", &["a", "bc"]),
            ("/a/b/c/d", "/a/b", &["c", "d"]),
            (".", ".", &[]),
            ("./x", ".", &["x"]),
            ("data/x", "data", &["x"]),
            ("other", ".", &["other"]),
        ];
        for (path, mount, rest) in rows {
            let (at, names) = nearest(&mounts, path).expect("a mount");
            assert_eq!((mounts[at], &names[..]), (*mount, *rest), "{path}");
        }
        assert!(nearest(&["/a"], "/b").is_none());
        assert!(nearest(&["."], "/b").is_none());
    }
}
