//! Objects: how they are made, named, removed, and what lives on without a name.

use anyhow::{Context, Result, ensure};

use super::{BOTH, Bench, READ, WRITE, name, read, refused, same, write};
use crate::backend::{Backend, Fresh, Kind, Position, Removal};
use crate::error::ErrorCode;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(a_new_file_is_empty_and_open),
        case!(a_taken_name_is_not_given_again),
        case!(entries_are_removed_as_what_they_are),
        case!(a_removed_file_lives_on_while_it_is_open),
        case!(a_removed_file_lives_on_while_a_node_holds_it),
        case!(a_removed_directory_is_dead),
        case!(symbolic_links_keep_their_target),
        case!(hard_links_are_names_of_one_object),
        case!(nodes_are_made_and_not_waited_for),
    ]
}

async fn a_new_file_is_empty_and_open(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    for (called, access) in [("r", READ), ("w", WRITE), ("rw", BOTH)] {
        let created = bench.backend.create(&bench.root, &name(called)?, Fresh::FILE, access).await;
        let (node, file) = created.with_context(|| called.to_owned())?;
        same(called, node.kind(), Kind::File)?;
        same("its node", bench.existing(&bench.root, called).await?.id(), node.id())?;
        same("its size", bench.backend.attributes(&node).await?.size, 0)?;
        if access.write {
            write(&*file, b"x", Position::At(0))?;
        }
        if access.read {
            let wanted: &[u8] = if access.write { b"x" } else { b"" };
            same("its content", read(&*file, 0, 10)?.as_slice(), wanted)?;
        }
    }
    let directory = bench.directory(&bench.root, "d").await?;
    same("a directory", directory.kind(), Kind::Directory)?;
    same("its names", bench.names_in(&directory).await?, vec![])?;
    let again = bench.existing(&bench.root, "d").await?;
    same("the directory again", again.id(), directory.id())?;
    ensure!(directory.id() != bench.root.id(), "two directories are one");
    same("the device", directory.id().device, bench.root.id().device)
}

async fn a_taken_name_is_not_given_again(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (can, root) = (bench.can, &bench.root);
    let file = bench.file(root, "file", "kept").await?;
    bench.directory(root, "directory").await?;
    let mut taken = vec!["file", "directory"];
    if can.symlinks {
        bench.symlink(root, "link", "file").await?;
        bench.symlink(root, "dangling", "nowhere").await?;
        taken.extend(["link", "dangling"]);
    }
    let before = bench.snapshot().await?;
    let backend = &bench.backend;
    for called in taken {
        let at = name(called)?;
        let exist = [ErrorCode::Exist];
        refused(called, backend.create(root, &at, Fresh::FILE, BOTH).await, exist)?;
        refused(called, backend.make_directory(root, &at, Fresh::DIRECTORY).await, exist)?;
        if can.symlinks {
            refused(called, backend.symlink(root, &at, b"x", Fresh::FILE).await, exist)?;
        }
        if can.hard_links {
            refused(called, backend.link(&file, root, &at).await, exist)?;
        }
        if can.nodes {
            let fifo = backend.make_node(root, &at, Kind::Fifo, (0, 0), Fresh::FILE).await;
            refused(called, fifo, exist)?;
        }
    }
    same("the tree", bench.snapshot().await?, before)
}

async fn entries_are_removed_as_what_they_are(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    bench.file(root, "file", "").await?;
    bench.directory(root, "empty").await?;
    let full = bench.directory(root, "full").await?;
    bench.file(&full, "inside", "").await?;
    let mut rows = vec![
        ("missing", Removal::File, Some(ErrorCode::NoEntry)),
        ("missing", Removal::Directory, Some(ErrorCode::NoEntry)),
        ("file", Removal::Directory, Some(ErrorCode::NotDirectory)),
        ("empty", Removal::File, Some(ErrorCode::IsDirectory)),
        ("full", Removal::File, Some(ErrorCode::IsDirectory)),
        ("full", Removal::Directory, Some(ErrorCode::NotEmpty)),
        ("file", Removal::File, None),
        ("file", Removal::File, Some(ErrorCode::NoEntry)),
        ("empty", Removal::Directory, None),
        ("empty", Removal::Directory, Some(ErrorCode::NoEntry)),
    ];
    if bench.can.symlinks {
        bench.symlink(root, "link", "full").await?;
        rows.push(("link", Removal::Directory, Some(ErrorCode::NotDirectory)));
        rows.push(("link", Removal::File, None));
    }
    for (called, what, error) in rows {
        let answer = bench.backend.remove(root, &name(called)?, what).await;
        same(&format!("removing {called} as a {what:?}"), answer.err(), error)?;
    }
    same("what is left", bench.names_in(root).await?, vec!["full".to_owned()])?;
    same("and in it", bench.names_in(&full).await?, vec!["inside".to_owned()])
}

async fn a_removed_file_lives_on_while_it_is_open(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (node, file) = bench.create(&bench.root, "f").await?;
    write(&*file, b"before", Position::At(0))?;
    bench.backend.remove(&bench.root, &name("f")?, Removal::File).await.context("removing")?;
    ensure!(bench.find(&bench.root, "f").await?.is_none(), "the name is still there");
    same("names", bench.names_in(&bench.root).await?, vec![])?;
    same("links", bench.links(&node).await?, 0)?;

    // The name is free, and what takes it is another object.
    let new = bench.file(&bench.root, "f", "new").await?;
    ensure!(new.id() != node.id(), "the new file has the identity of the removed one");

    same("where it was appended", write(&*file, b" after", Position::End)?, 6)?;
    same("content", read(&*file, 0, 100)?.as_slice(), b"before after")?;
    file.set_size(3).context("cutting")?;
    same("content once cut", read(&*file, 0, 100)?.as_slice(), b"bef")?;
    same("size", bench.backend.attributes(&node).await?.size, 3)?;
    file.sync(false).context("sync")?;
    drop(node);
    same("without the node", read(&*file, 0, 100)?.as_slice(), b"bef")?;
    same("the new one", bench.content(&new).await?.as_str(), "new")
}

async fn a_removed_file_lives_on_while_a_node_holds_it(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let node = bench.file(&bench.root, "f", "kept").await?;
    bench.backend.remove(&bench.root, &name("f")?, Removal::File).await.context("removing")?;
    same("links", bench.links(&node).await?, 0)?;
    same("content", bench.content(&node).await?.as_str(), "kept")?;
    if bench.can.hard_links {
        let linked = bench.backend.link(&node, &bench.root, &name("again")?).await;
        refused("a name for it", linked, [ErrorCode::NoEntry])?;
    }
    if bench.can.symlinks {
        let link = bench.symlink(&bench.root, "l", "target").await?;
        bench.backend.remove(&bench.root, &name("l")?, Removal::File).await?;
        same("links of a link", bench.links(&link).await?, 0)?;
        let target = bench.backend.read_link(&link).await?;
        same("target of a removed link", target.as_slice(), b"target")?;
    }
    same("what is left", bench.names_in(&bench.root).await?, vec![])
}

async fn a_removed_directory_is_dead(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let file = bench.file(&bench.root, "f", "").await?;
    let dead = bench.directory(&bench.root, "d").await?;
    let backend = &bench.backend;
    backend.remove(&bench.root, &name("d")?, Removal::Directory).await.context("removing")?;

    let (at, gone) = (name("x")?, [ErrorCode::NoEntry]);
    refused("create", backend.create(&dead, &at, Fresh::FILE, BOTH).await, gone)?;
    refused("make_directory", backend.make_directory(&dead, &at, Fresh::DIRECTORY).await, gone)?;
    if bench.can.symlinks {
        refused("symlink", backend.symlink(&dead, &at, b"x", Fresh::FILE).await, gone)?;
    }
    if bench.can.hard_links {
        refused("link", backend.link(&file, &dead, &at).await, gone)?;
    }
    if bench.can.nodes {
        let fifo = backend.make_node(&dead, &at, Kind::Fifo, (0, 0), Fresh::FILE).await;
        refused("make_node", fifo, gone)?;
    }
    refused("remove", backend.remove(&dead, &at, Removal::File).await, gone)?;
    refused("rename out", backend.rename(&dead, &at, &bench.root, &at).await, gone)?;
    refused("rename into", backend.rename(&bench.root, &name("f")?, &dead, &at).await, gone)?;
    // A name that is missing is no error of a walk.
    match backend.walk(&dead, std::slice::from_ref(&at)).await {
        Ok(walk) => same("names walked", walk.walked, 0)?,
        Err(code) => same("walk", code, ErrorCode::NoEntry)?,
    }
    same("entries", bench.names_in(&dead).await?, vec![])?;
    same("links", bench.links(&dead).await?, 0)?;
    same("what is left", bench.names_in(&bench.root).await?, vec!["f".to_owned()])
}

async fn symbolic_links_keep_their_target(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let longest = "t/".repeat(2000);
    let targets: [&[u8]; 8] = [
        b"file",
        b"/absolute/one",
        b"../../out of here",
        b".",
        b"d/",
        b"a\nb\\c",
        b"\xff\xfe",
        longest.as_bytes(),
    ];
    if !bench.can.symlinks {
        let made = backend.symlink(root, &name("l")?, b"file", Fresh::FILE).await;
        refused("symlink", made, [ErrorCode::Unsupported])?;
        return same("names", bench.names_in(root).await?, vec![]);
    }
    bench.file(root, "file", "x").await?;
    for (number, target) in targets.into_iter().enumerate() {
        let what = String::from_utf8_lossy(target).into_owned();
        if std::str::from_utf8(target).is_err() && !bench.can.byte_names {
            continue;
        }
        let called = format!("l{number}");
        let link = backend.symlink(root, &name(&called)?, target, Fresh::FILE).await;
        let link = link.with_context(|| what.clone())?;
        same(&what, link.kind(), Kind::Symlink)?;
        same(&what, backend.read_link(&link).await?.as_slice(), target)?;
        let found = bench.existing(root, &called).await?;
        same(&what, (found.id(), found.kind()), (link.id(), Kind::Symlink))?;
        same(&what, backend.attributes(&found).await?.size, target.len() as u64)?;
    }
    Ok(())
}

async fn hard_links_are_names_of_one_object(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let (node, file) = bench.create(root, "a").await?;
    let directory = bench.directory(root, "d").await?;
    if !bench.can.hard_links {
        let linked = backend.link(&node, &directory, &name("b")?).await;
        refused("link", linked, [ErrorCode::Unsupported])?;
        same("links", bench.links(&node).await?, 1)?;
        return same("names", bench.names_in(&directory).await?, vec![]);
    }
    backend.link(&node, &directory, &name("b")?).await.context("linking")?;
    let other = bench.existing(root, "d/b").await?;
    same("the object", (other.id(), other.kind()), (node.id(), Kind::File))?;
    same("links", (bench.links(&node).await?, bench.links(&other).await?), (2, 2))?;
    write(&*file, b"shared", Position::At(0))?;
    same("through the other name", bench.content(&other).await?.as_str(), "shared")?;

    // A new name for an object whose first one is gone.
    backend.remove(root, &name("a")?, Removal::File).await?;
    same("links once one is gone", bench.links(&other).await?, 1)?;
    let left = bench.existing(root, "d/b").await?;
    backend.link(&left, root, &name("c")?).await.context("linking again")?;
    same(
        "through the new name",
        {
            let c = bench.existing(root, "c").await?;
            bench.content(&c).await?
        },
        "shared".to_owned(),
    )?;

    if bench.can.symlinks {
        let link = bench.symlink(root, "l", "c").await?;
        backend.link(&link, root, &name("m")?).await.context("linking a link")?;
        let linked = bench.existing(root, "m").await?;
        same("the link itself", (linked.id(), linked.kind()), (link.id(), Kind::Symlink))?;
    }
    Ok(())
}

async fn nodes_are_made_and_not_waited_for(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let rows = [
        ("fifo", Kind::Fifo, (0, 0)),
        ("socket", Kind::Socket, (0, 0)),
        ("char", Kind::CharacterDevice, (1, 3)),
        ("block", Kind::BlockDevice, (7, 200)),
    ];
    for (called, kind, device) in rows {
        let made = backend.make_node(root, &name(called)?, kind, device, Fresh::FILE).await;
        if !bench.can.nodes {
            refused(called, made, [ErrorCode::Unsupported])?;
            continue;
        }
        let made = match made {
            Ok(made) => made,
            Err(code) => {
                // Devices are for the privileged, pipes are for all.
                ensure!(device != (0, 0) && code == ErrorCode::NotPermitted, "{called}: {code:?}");
                continue;
            }
        };
        let found = bench.existing(root, called).await?;
        same(called, (found.id(), found.kind()), (made.id(), kind))?;
        same(called, backend.attributes(&found).await?.device, device)?;
        // Whatever it answers, it does not wait for another end.
        for access in [READ, BOTH] {
            drop(backend.open(&found, access).await);
        }
        let listed = bench.list(root).await?;
        let entry = listed.iter().find(|entry| entry.name.as_bytes() == called.as_bytes());
        same(called, entry.map(|entry| entry.kind), Some(kind))?;
        backend.remove(root, &name(called)?, Removal::File).await.context("removing")?;
    }
    same("what is left", bench.names_in(root).await?, vec![])
}
