//! Mounts: read-only ones, and mounts inside mounts.

use anyhow::{Result, ensure};

use super::{READ, Tree, WRITE, content, create, flags, same, table};
use crate::backend::{Backend, Kind, Source};
use crate::error::ErrorCode::{Busy, CrossDevice, Exist, NoEntry, NotPermitted};
use crate::mount::FileSystem;
use crate::resolve::Follow;
use crate::shared::Ref;
use crate::testing::{Case, Model, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(a_read_only_mount_refuses_before_it_looks),
        case!(mounts_lie_inside_mounts),
        case!(a_mount_point_belongs_to_one_directory),
        case!(mounts_are_crossed_by_no_link_or_rename),
        case!(mount_tables_are_checked),
    ]
}

async fn a_read_only_mount_refuses_before_it_looks(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let frozen = table(&[("/", &tree.fs, true)]).await?.remove(0);
    let refused = Err(NotPermitted);
    for path in ["new", "nope/x", "file"] {
        let path = path.as_bytes();
        for (open, df) in [("C", READ), ("T", READ), ("", WRITE)] {
            let answer = frozen.open_at(Follow::No, path, flags(open), df).await;
            same("open-at", answer.map(|_| ()), refused)?;
        }
        same("create-directory-at", frozen.create_directory_at(path).await, refused)?;
        same("unlink-file-at", frozen.unlink_file_at(path).await, refused)?;
        same("remove-directory-at", frozen.remove_directory_at(path).await, refused)?;
        same("symlink-at", frozen.symlink_at(b"x", path).await, refused)?;
        same("rename-at", frozen.rename_at(path, &frozen, b"y").await, refused)?;
        same("rename-at", tree.root.rename_at(b"file", &frozen, path).await, refused)?;
        same("link-at", frozen.link_at(Follow::No, path, &frozen, b"y").await, refused)?;
        same("set-times-at", frozen.set_times_at(Follow::No, path, None, None).await, refused)?;
    }
    let file = frozen.open_at(Follow::No, b"file", flags(""), READ).await?;
    same("write", file.write(Source::Slice(b"x"), 0).map(|_| ()), refused)?;
    same("set-size", file.set_size(0), refused)?;
    same("set-times", file.set_times(None, None).await, refused)?;
    same("write-via-stream", file.write_via_stream(0).map(|_| ()), refused)?;
    same("append-via-stream", file.append_via_stream().map(|_| ()), refused)?;
    same("read", file.read(10, 0)?.0, b"hello".to_vec())
}

async fn mounts_lie_inside_mounts(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let inner = FileSystem::new(Ref::new(Model::new()));
    let deep = FileSystem::new(Ref::new(Model::new()));
    let mounts =
        [("/dir/sub", &inner, false), ("/", &tree.fs, false), ("/dir/sub/a/b", &deep, true)];
    let preopens = table(&mounts).await?;
    let [sub, root, ab] = &preopens[..] else { anyhow::bail!("{} preopens", preopens.len()) };
    create(sub, "here", "in the inner one").await?;
    same("from above", content(root, "dir/sub/here").await?.as_str(), "in the inner one")?;
    same("and back", content(root, "dir/sub/../inner").await?.as_str(), "inside")?;
    same("and further", content(root, "dir/sub/a/b/../../../../file").await?.as_str(), "hello")?;
    same("not from within", sub.stat_at(Follow::No, b"..").await.err(), Some(NotPermitted))?;
    let seen = root.open_at(Follow::No, b"dir/sub/a/b", flags("D"), READ).await?;
    ensure!(seen.is_same_object(ab), "the innermost is seen from the top");
    let seen = root.stat_at(Follow::No, b"dir/sub").await?;
    ensure!(seen.id == sub.stat().await?.id, "the root covers the mount point");
    // Each has its own rights.
    same("read-only", root.create_directory_at(b"dir/sub/a/b/x").await, Err(NotPermitted))?;
    same("writable", root.create_directory_at(b"dir/sub/x").await, Ok(()))?;
    for path in ["dir/sub", "dir/sub/a/b"] {
        let path = path.as_bytes();
        let answer = root.remove_directory_at(path).await;
        ensure!(matches!(answer, Err(Busy | NotPermitted)), "remove a mount point: {answer:?}");
        let answer = root.rename_at(path, root, b"elsewhere").await;
        ensure!(matches!(answer, Err(Busy | NotPermitted)), "rename a mount point: {answer:?}");
        same("create over it", root.create_directory_at(path).await, Err(Exist))?;
    }
    // What holds a mount point can be moved, and the mount moves along.
    if tree.can.atomic_directory_rename {
        root.rename_at(b"dir", root, b"moved").await?;
        same("moved", content(root, "moved/sub/here").await?.as_str(), "in the inner one")?;
    }
    Ok(())
}

async fn a_mount_point_belongs_to_one_directory(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let inner = FileSystem::new(Ref::new(Model::new()));
    let root = table(&[("/", &tree.fs, false), ("/gone/point", &inner, false)]).await?.remove(0);
    // Somebody who does not see the mount removes the directory that holds it.
    tree.root.remove_directory_at(b"gone/point").await?;
    tree.root.remove_directory_at(b"gone").await?;
    for number in 0..8 {
        let path = format!("new{number}");
        root.create_directory_at(path.as_bytes()).await?;
        let path = format!("{path}/point");
        let kind = root.stat_at(Follow::No, path.as_bytes()).await.map(|stat| stat.kind);
        same("another directory", kind.err(), Some(NoEntry))?;
    }
    Ok(())
}

async fn mounts_are_crossed_by_no_link_or_rename(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let other = FileSystem::new(Ref::new(Model::new()));
    let mounts = [("a", &tree.fs, false), ("b", &other, false), ("a/empty", &other, false)];
    let preopens = table(&mounts).await?;
    let [a, b, inside] = &preopens[..] else { anyhow::bail!("{} preopens", preopens.len()) };
    same("rename", a.rename_at(b"file", b, b"file").await, Err(CrossDevice))?;
    same("rename", a.rename_at(b"file", a, b"empty/file").await, Err(CrossDevice))?;
    same("link", a.link_at(Follow::No, b"file", b, b"file").await, Err(CrossDevice))?;
    same("rename", b.rename_at(b"nope", a, b"file").await, Err(CrossDevice))?;
    // One file system in two places is still one.
    create(b, "x", "shared").await?;
    same("rename", b.rename_at(b"x", inside, b"y").await, Ok(()))?;
    same("seen", content(a, "empty/y").await?.as_str(), "shared")
}

async fn mount_tables_are_checked(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let fs = &tree.fs;
    for (mounts, message) in [
        (&[("/", fs, false), ("/", fs, false)][..], "mounted twice"),
        (&[("data", fs, false), ("./data/", fs, false)], "same place"),
        (&[("/a/../b", fs, false)], "without '..'"),
        (&[("", fs, false)], "cannot mount"),
        (&[("/", fs, true), ("/new", fs, false)], "create the directory first"),
        (&[("/", fs, false), ("/file", fs, false)], "has to be a directory"),
    ] {
        let answer = table(mounts).await.err().map(|error| error.to_string()).unwrap_or_default();
        ensure!(answer.contains(message), "{answer:?} does not say {message:?}");
    }
    let preopens = table(&[(".", fs, false), ("/", fs, false), ("new/er", fs, false)]).await?;
    same("the cwd and the root are two trees", preopens.len(), 3)?;
    same("made", tree.stat("new/er", Follow::No).await, Ok(Kind::Directory))
}
