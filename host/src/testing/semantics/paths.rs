//! Paths: step by step, and links within bounds.

use anyhow::Result;

use super::{READ, Tree, flags, same};
use crate::backend::{Backend, Kind};
use crate::error::ErrorCode::{
    Invalid, Loop, NameTooLong, NoEntry, NotDirectory, NotPermitted, Unsupported,
};
use crate::resolve::Follow;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![case!(paths_are_resolved_step_by_step), case!(links_are_followed_within_bounds)]
}

async fn paths_are_resolved_step_by_step(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let long = "x".repeat(256);
    let deep = "dir/../".repeat(600);
    for (path, wanted) in [
        ("file", Ok(Kind::File)),
        ("./file", Ok(Kind::File)),
        ("dir//sub", Ok(Kind::Directory)),
        (".", Ok(Kind::Directory)),
        ("./", Ok(Kind::Directory)),
        ("dir/", Ok(Kind::Directory)),
        ("dir/.", Ok(Kind::Directory)),
        ("dir/../file", Ok(Kind::File)),
        ("dir/sub/../../file", Ok(Kind::File)),
        ("dir/sub/../inner", Ok(Kind::File)),
        ("dir/..", Ok(Kind::Directory)),
        ("", Err(NoEntry)),
        ("/", Err(NotPermitted)),
        ("/file", Err(NotPermitted)),
        ("..", Err(NotPermitted)),
        ("dir/../..", Err(NotPermitted)),
        ("../file", Err(NotPermitted)),
        ("nope", Err(NoEntry)),
        ("nope/", Err(NoEntry)),
        ("nope/..", Err(NoEntry)),
        ("nope/../file", Err(NoEntry)),
        ("dir/nope/../inner", Err(NoEntry)),
        ("file/", Err(NotDirectory)),
        ("file/.", Err(NotDirectory)),
        ("file/..", Err(NotDirectory)),
        ("file/x", Err(NotDirectory)),
        ("fi\0le", Err(Invalid)),
        (&long, Err(NameTooLong)),
        (&deep, Err(NameTooLong)),
        ("__proto__", Err(NoEntry)),
        ("constructor", Err(NoEntry)),
    ] {
        for follow in [Follow::Yes, Follow::No] {
            same(
                &format!("stat-at {path:.40?} {follow:?}"),
                tree.stat(path, follow).await,
                wanted,
            )?;
        }
    }
    let file = tree.root.open_at(Follow::No, b"file", flags(""), READ).await?;
    same("a file as base", file.stat_at(Follow::No, b"x").await.err(), Some(NotDirectory))?;
    same("a file as base", file.create_directory_at(b"x").await.err(), Some(NotDirectory))
}

async fn links_are_followed_within_bounds(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    if !tree.can.symlinks {
        let answer = tree.root.symlink_at(b"file", b"link").await;
        return same("symlink-at", answer.err(), Some(Unsupported));
    }
    for (path, followed, itself) in [
        ("to-file", Ok(Kind::File), Ok(Kind::Symlink)),
        ("to-dir", Ok(Kind::Directory), Ok(Kind::Symlink)),
        ("to-dir/", Ok(Kind::Directory), Ok(Kind::Directory)),
        ("to-dir/inner", Ok(Kind::File), Ok(Kind::File)),
        ("to-dir/../file", Ok(Kind::File), Ok(Kind::File)),
        ("dir/back", Ok(Kind::File), Ok(Kind::Symlink)),
        ("around", Ok(Kind::Directory), Ok(Kind::Symlink)),
        ("around/file", Ok(Kind::File), Ok(Kind::File)),
        ("dangling", Err(NoEntry), Ok(Kind::Symlink)),
        ("dangling/x", Err(NoEntry), Err(NoEntry)),
        ("to-file/", Err(NotDirectory), Err(NotDirectory)),
        ("to-file/x", Err(NotDirectory), Err(NotDirectory)),
        ("up", Err(NotPermitted), Ok(Kind::Symlink)),
        ("up/file", Err(NotPermitted), Err(NotPermitted)),
        ("dir/../up/..", Err(NotPermitted), Err(NotPermitted)),
        ("absolute", Err(NotPermitted), Ok(Kind::Symlink)),
        ("circle", Err(Loop), Ok(Kind::Symlink)),
        ("circle/x", Err(Loop), Err(Loop)),
    ] {
        same(&format!("{path} followed"), tree.stat(path, Follow::Yes).await, followed)?;
        same(&format!("{path} itself"), tree.stat(path, Follow::No).await, itself)?;
    }
    // Forty links are followed, one more is not.
    tree.root.symlink_at(b"file", b"chain0").await?;
    for n in 1..=40 {
        let (target, path) = (format!("chain{}", n - 1), format!("chain{n}"));
        tree.root.symlink_at(target.as_bytes(), path.as_bytes()).await?;
    }
    same("40 links", tree.stat("chain39", Follow::Yes).await, Ok(Kind::File))?;
    same("41 links", tree.stat("chain40", Follow::Yes).await, Err(Loop))
}
