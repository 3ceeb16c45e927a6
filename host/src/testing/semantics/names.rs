//! What changes directories.

use anyhow::{Result, ensure};

use super::{READ, Tree, content, create, flags, same};
use crate::backend::{Backend, Kind, Source};
use crate::error::ErrorCode::{
    Busy, Exist, Invalid, IsDirectory, NameTooLong, NoEntry, NotDirectory, NotEmpty, NotPermitted,
    Unsupported,
};
use crate::resolve::Follow;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(directories_are_created),
        case!(files_and_directories_are_removed),
        case!(entries_are_renamed),
        case!(hard_links_are_made),
        case!(symbolic_links_are_made_and_read),
    ]
}

async fn directories_are_created(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let linked = [("dangling", Err(Exist)), ("to-dir", Err(Exist)), ("to-dir/newer", Ok(()))];
    let linked = if tree.can.symlinks { &linked[..] } else { &[] };
    for (path, wanted) in [
        ("new", Ok(())),
        ("slash/", Ok(())),
        ("dir/new", Ok(())),
        ("dir", Err(Exist)),
        ("file", Err(Exist)),
        (".", Err(Exist)),
        ("dir/.", Err(Exist)),
        ("dir/..", Err(Exist)),
        ("..", Err(NotPermitted)),
        ("nope/.", Err(NoEntry)),
        ("nope/x", Err(NoEntry)),
        ("file/x", Err(NotDirectory)),
        ("", Err(NoEntry)),
    ]
    .iter()
    .chain(linked)
    {
        let answer = tree.root.create_directory_at(path.as_bytes()).await;
        same(&format!("create-directory-at {path:?}"), answer, *wanted)?;
    }
    Ok(())
}

async fn files_and_directories_are_removed(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    for (path, unlink, rmdir) in [
        ("dir", Err(IsDirectory), Err(NotEmpty)),
        ("dir/", Err(IsDirectory), Err(NotEmpty)),
        (".", Err(IsDirectory), Err(Invalid)),
        ("dir/.", Err(IsDirectory), Err(Invalid)),
        ("..", Err(NotPermitted), Err(NotPermitted)),
        ("nope", Err(NoEntry), Err(NoEntry)),
        ("nope/", Err(NoEntry), Err(NoEntry)),
        ("file/", Err(NotDirectory), Err(NotDirectory)),
        ("file", Ok(()), Err(NoEntry)),
        ("empty", Err(IsDirectory), Ok(())),
        ("dir/sub/", Err(IsDirectory), Ok(())),
    ] {
        let answer = tree.root.unlink_file_at(path.as_bytes()).await;
        same(&format!("unlink-file-at {path}"), answer, unlink)?;
        let answer = tree.root.remove_directory_at(path.as_bytes()).await;
        same(&format!("remove-directory-at {path}"), answer, rmdir)?;
    }
    let inner = tree.root.remove_directory_at(b"dir/inner").await;
    same("remove-directory-at of a file", inner, Err(NotDirectory))?;
    if tree.can.symlinks {
        let answer = tree.root.remove_directory_at(b"to-dir").await;
        same("remove-directory-at of a link", answer, Err(NotDirectory))?;
        same("a link and a slash", tree.root.unlink_file_at(b"to-dir/").await, Err(IsDirectory))?;
        same("a link", tree.root.unlink_file_at(b"to-dir").await, Ok(()))?;
        same("its target", tree.stat("dir", Follow::No).await, Ok(Kind::Directory))?;
    }
    // A directory that is open can be removed, and is empty for good.
    tree.root.create_directory_at(b"open").await?;
    let open = tree.root.open_at(Follow::No, b"open", flags("D"), READ).await?;
    tree.root.remove_directory_at(b"open").await?;
    same("create in it", open.create_directory_at(b"x").await, Err(NoEntry))?;
    ensure!(open.stat().await.is_ok(), "stat of it");
    ensure!(open.read_directory().await?.next().is_none(), "its entries");
    Ok(())
}

async fn entries_are_renamed(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let root = &tree.root;
    create(root, "other", "other").await?;
    for (old, new, wanted) in [
        ("file", "dir", Err(IsDirectory)),
        ("dir", "file", Err(NotDirectory)),
        ("empty", "dir", Err(NotEmpty)),
        ("dir", "dir/sub/x", Err(Invalid)),
        ("dir", "dir/x", Err(Invalid)),
        ("nope", "x", Err(NoEntry)),
        ("file", "nope/x", Err(NoEntry)),
        ("file", "other/x", Err(NotDirectory)),
        (".", "x", Err(Busy)),
        ("dir/.", "x", Err(Busy)),
        ("file", ".", Err(Busy)),
        ("..", "x", Err(NotPermitted)),
        ("file", "../x", Err(NotPermitted)),
        ("/file", "x", Err(NotPermitted)),
        ("file/", "x", Err(NotDirectory)),
        ("file", "x/", Err(NotDirectory)),
        ("", "x", Err(NoEntry)),
        ("file", "", Err(NoEntry)),
        ("file", "file", Ok(())),
        ("dir", "dir", Ok(())),
        ("file", "other", Ok(())),
        ("other", "dir/moved", Ok(())),
        ("dir", "empty", Ok(())),
        ("empty", "slash/", Ok(())),
    ] {
        let answer = root.rename_at(old.as_bytes(), root, new.as_bytes()).await;
        same(&format!("rename-at {old:?} {new:?}"), answer, wanted)?;
    }
    same("moved", content(root, "slash/moved").await?.as_str(), "hello")?;
    same("inside", content(root, "slash/inner").await?.as_str(), "inside")?;
    same("the old name", tree.stat("dir", Follow::No).await, Err(NoEntry))?;
    // What is open follows.
    let open = create(root, "before", "1").await?;
    root.rename_at(b"before", root, b"slash/after").await?;
    open.write(Source::Slice(b"2"), 1)?;
    same("written through", content(root, "slash/after").await?.as_str(), "12")
}

async fn hard_links_are_made(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let root = &tree.root;
    if !tree.can.hard_links {
        let answer = root.link_at(Follow::No, b"file", root, b"twin").await;
        return same("link-at", answer, Err(Unsupported));
    }
    for (old, new, wanted) in [
        ("file", "twin", Ok(())),
        ("file", "twin", Err(Exist)),
        ("file", "file", Err(Exist)),
        ("file", "dir", Err(Exist)),
        ("file", ".", Err(Exist)),
        ("dir", "x", Err(NotPermitted)),
        ("nope", "x", Err(NoEntry)),
        ("file/", "x", Err(NotDirectory)),
        ("file", "x/", Err(NoEntry)),
        ("file", "nope/x", Err(NoEntry)),
        ("file", "../x", Err(NotPermitted)),
    ] {
        let answer = root.link_at(Follow::No, old.as_bytes(), root, new.as_bytes()).await;
        same(&format!("link-at {old} {new}"), answer, wanted)?;
    }
    let followed = root.link_at(Follow::Yes, b"file", root, b"x").await;
    same("link-at with symlink-follow", followed, Err(Invalid))?;
    let stat = root.stat_at(Follow::No, b"twin").await?;
    same("names", stat.attributes.links, 2)?;
    same("rename onto a twin", root.rename_at(b"file", root, b"twin").await, Ok(()))?;
    same("both remain", tree.stat("file", Follow::No).await, Ok(Kind::File))?;
    root.unlink_file_at(b"file").await?;
    same("content", content(root, "twin").await?.as_str(), "hello")?;
    if tree.can.symlinks {
        root.link_at(Follow::No, b"to-dir", root, b"to-dir-2").await?;
        let slash = root.link_at(Follow::No, b"twin", root, b"to-dir/").await;
        same("a link to a directory and a slash", slash, Err(Exist))?;
        same("a link's twin", tree.stat("to-dir-2", Follow::No).await, Ok(Kind::Symlink))?;
    }
    Ok(())
}

async fn symbolic_links_are_made_and_read(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let root = &tree.root;
    if !tree.can.symlinks {
        return same("symlink-at", root.symlink_at(b"x", b"y").await, Err(Unsupported));
    }
    let long = "x".repeat(4096);
    for (target, path, wanted) in [
        ("file", "a", Ok(())),
        ("../../out", "b", Ok(())),
        ("dir/", "c", Ok(())),
        ("file", "file", Err(Exist)),
        ("file", "dangling", Err(Exist)),
        ("", "d", Err(NoEntry)),
        ("/file", "d", Err(NotPermitted)),
        ("a\0b", "d", Err(Invalid)),
        (&long, "d", Err(NameTooLong)),
        ("file", "d/", Err(NoEntry)),
        ("file", "dir/", Err(Exist)),
        ("file", "file/", Err(NotDirectory)),
        ("file", "..", Err(NotPermitted)),
        ("file", ".", Err(Exist)),
    ] {
        let answer = root.symlink_at(target.as_bytes(), path.as_bytes()).await;
        same(&format!("symlink-at {target:.20?} {path}"), answer, wanted)?;
    }
    for (path, wanted) in [
        ("a", Ok("file")),
        ("b", Ok("../../out")),
        ("c", Ok("dir/")),
        ("file", Err(Invalid)),
        ("dir", Err(Invalid)),
        ("to-dir/", Err(Invalid)),
        ("to-file/", Err(NotDirectory)),
        ("absolute", Err(NotPermitted)),
        ("nope", Err(NoEntry)),
    ] {
        let answer = root.readlink_at(path.as_bytes()).await;
        same(&format!("readlink-at {path}"), answer.as_deref(), wanted.as_ref().map(|to| &**to))?;
    }
    let stat = root.stat_at(Follow::No, b"b").await?;
    same("a link's size", stat.attributes.size, 9)
}
