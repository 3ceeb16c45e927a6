//! `open-at`: the whole matrix, and what a descriptor says it is for.

use anyhow::Result;

use super::{BOTH, READ, Tree, WRITE, content, flags, same, table};
use crate::DescriptorFlags;
use crate::backend::{Backend, Kind};
use crate::error::ErrorCode::{
    Exist, Invalid, IsDirectory, Loop, NoEntry, NotDirectory, NotPermitted, Unsupported,
};
use crate::resolve::Follow;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(the_whole_open_matrix),
        case!(links_at_the_end_of_an_open),
        case!(flags_say_what_was_opened),
    ]
}

async fn the_whole_open_matrix(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let none = DescriptorFlags::default();
    let file = Ok(Kind::File);
    let directory = Ok(Kind::Directory);
    for (path, open, df, wanted) in [
        ("new", "", READ, Err(NoEntry)),
        ("new", "T", READ, Err(NoEntry)),
        ("new", "D", READ, Err(NoEntry)),
        ("new", "X", READ, Err(NoEntry)),
        ("new", "C", READ, file),
        ("newer", "CX", none, file),
        ("newest", "CT", WRITE, file),
        ("new/", "", READ, Err(NotDirectory)),
        ("nope/", "", READ, Err(NoEntry)),
        ("nope/", "C", READ, Err(IsDirectory)),
        ("nope/", "CX", READ, Err(IsDirectory)),
        ("nope/", "CT", READ, Err(IsDirectory)),
        ("nope/", "D", READ, Err(NoEntry)),
        ("nope/", "T", READ, Err(NoEntry)),
        ("nope/x", "C", READ, Err(NoEntry)),
        ("file", "", none, file),
        ("file", "C", READ, file),
        ("file", "CX", READ, Err(Exist)),
        ("file", "X", READ, file),
        ("file", "D", READ, Err(NotDirectory)),
        ("file/", "", READ, Err(NotDirectory)),
        ("file/", "C", READ, Err(NotDirectory)),
        ("file/x", "C", READ, Err(NotDirectory)),
        ("dir", "", READ, directory),
        ("dir", "", none, directory),
        ("dir", "D", READ, directory),
        ("dir/", "D", READ, directory),
        (".", "D", READ, directory),
        ("dir", "X", READ, directory),
        ("dir", "C", READ, Err(IsDirectory)),
        ("dir", "CX", READ, Err(Exist)),
        ("dir", "T", READ, Err(IsDirectory)),
        ("dir", "CT", READ, Err(IsDirectory)),
        ("dir", "", WRITE, Err(IsDirectory)),
        ("dir", "", BOTH, Err(IsDirectory)),
        ("dir", "D", WRITE, Err(IsDirectory)),
        ("dir", "CX", WRITE, Err(Exist)),
        ("dir", "DC", READ, Err(Invalid)),
        ("nope", "DX", READ, Err(Invalid)),
        ("file", "DT", READ, Err(Invalid)),
        ("..", "D", READ, Err(NotPermitted)),
        ("/dir", "D", READ, Err(NotPermitted)),
        ("", "", READ, Err(NoEntry)),
    ] {
        for follow in [Follow::No, Follow::Yes] {
            let answer = tree.root.open_at(follow, path.as_bytes(), flags(open), df).await;
            let answer = answer.map(|opened| opened.kind());
            same(&format!("open-at {path:?} {open} {df:?} {follow:?}"), answer, wanted)?;
            if open.contains('X') && wanted == file && path != "file" {
                tree.root.unlink_file_at(path.as_bytes()).await?;
            }
        }
    }
    same("truncated by nobody", content(&tree.root, "file").await?.as_str(), "hello")?;
    tree.root.open_at(Follow::No, b"file", flags("T"), READ).await?;
    same("truncated", content(&tree.root, "file").await?.as_str(), "")?;
    let sync = DescriptorFlags { data_integrity_sync: true, ..READ };
    let answer = tree.root.open_at(Follow::No, b"file", flags(""), sync).await;
    same("a flag for synchronous writes", answer.err(), Some(Unsupported))
}

async fn links_at_the_end_of_an_open(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    if !tree.can.symlinks {
        return same("readlink-at", tree.root.readlink_at(b"file").await.err(), Some(Invalid));
    }
    let file = Ok(Kind::File);
    for (path, follow, open, wanted) in [
        ("to-file", Follow::No, "", Err(Loop)),
        ("to-file", Follow::No, "C", Err(Loop)),
        ("to-file", Follow::No, "CX", Err(Exist)),
        ("to-file", Follow::No, "T", Err(Loop)),
        ("to-dir", Follow::No, "D", Err(Loop)),
        ("to-dir/", Follow::No, "D", Ok(Kind::Directory)),
        ("to-file", Follow::Yes, "", file),
        ("to-file", Follow::Yes, "C", file),
        ("to-file", Follow::Yes, "CX", Err(Exist)),
        ("to-file", Follow::Yes, "D", Err(NotDirectory)),
        ("dangling", Follow::Yes, "", Err(NoEntry)),
        ("dangling", Follow::Yes, "CX", Err(Exist)),
        ("dangling", Follow::Yes, "T", Err(NoEntry)),
        ("dangling", Follow::Yes, "D", Err(NoEntry)),
        ("up", Follow::Yes, "D", Err(NotPermitted)),
        ("absolute", Follow::Yes, "", Err(NotPermitted)),
        // The last, because it makes the target.
        ("dangling", Follow::Yes, "C", file),
    ] {
        let answer = tree.root.open_at(follow, path.as_bytes(), flags(open), READ).await;
        let answer = answer.map(|opened| opened.kind());
        same(&format!("open-at {path} {follow:?} {open}"), answer, wanted)?;
    }
    same("the target", tree.stat("nowhere", Follow::No).await, Ok(Kind::File))
}

async fn flags_say_what_was_opened(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let mutating = DescriptorFlags { mutate_directory: true, ..READ };
    for (path, open, df, wanted) in [
        ("file", "", READ, READ),
        ("file", "", WRITE, WRITE),
        ("file", "", BOTH, BOTH),
        ("file", "", DescriptorFlags::default(), READ),
        ("file", "C", READ, BOTH),
        ("file", "T", WRITE, WRITE),
        ("file", "C", DescriptorFlags::default(), BOTH),
        ("dir", "", mutating, READ),
        ("dir", "D", READ, READ),
    ] {
        let opened = tree.root.open_at(Follow::No, path.as_bytes(), flags(open), df).await?;
        same(&format!("{path} {open} {df:?}"), opened.flags(), wanted)?;
    }
    same("a preopen", tree.root.flags(), mutating)?;
    let frozen = table(&[("/", &tree.fs, true)]).await?.remove(0);
    same("a read-only preopen", frozen.flags(), READ)
}
