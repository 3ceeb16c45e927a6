//! Renames: of everything over everything.

use anyhow::{Context, Result, ensure};

use super::{Bench, name, read, refused, same, write};
use crate::backend::{Backend, Fresh, Kind, Position, Removal};
use crate::error::ErrorCode;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(everything_is_renamed_over_everything),
        case!(a_rename_onto_itself_changes_nothing),
        case!(a_directory_is_not_moved_into_itself),
        case!(two_names_of_one_object_both_stay),
        case!(nodes_and_files_follow_a_rename),
        case!(what_was_replaced_lives_on),
        case!(a_full_directory_is_moved),
    ]
}

async fn put(bench: &Bench, called: &str, what: &str) -> Result<()> {
    let root = &bench.root;
    match what {
        "file" => drop(bench.file(root, called, called).await?),
        "link" => drop(bench.symlink(root, called, "anywhere").await?),
        "empty" => drop(bench.directory(root, called).await?),
        "full" => {
            let directory = bench.directory(root, called).await?;
            bench.file(&directory, "inside", "").await?;
        }
        _ => {}
    }
    Ok(())
}

async fn everything_is_renamed_over_everything(backend: Ref<dyn Backend>) -> Result<()> {
    use ErrorCode::{IsDirectory, NoEntry, NotDirectory, NotEmpty};
    let bench = Bench::new(backend);
    let kinds = ["missing", "file", "link", "empty", "full"];
    let mut number = 0;
    for source in kinds {
        for target in kinds {
            if !bench.can.symlinks && [source, target].contains(&"link") {
                continue;
            }
            number += 1;
            let (from, to) = (format!("from{number}"), format!("to{number}"));
            put(&bench, &from, source).await?;
            put(&bench, &to, target).await?;
            let moved = bench.find(&bench.root, &from).await?.map(|node| node.id());
            let before = bench.snapshot().await?;
            let (root, old, new) = (&bench.root, name(&from)?, name(&to)?);
            let answer = bench.backend.rename(root, &old, root, &new).await;
            let is_directory = |what| ["empty", "full"].contains(&what);
            let wanted = match (source, target) {
                ("missing", _) => Some(NoEntry),
                (_, "missing") => None,
                _ if !is_directory(source) && is_directory(target) => Some(IsDirectory),
                _ if is_directory(source) && !is_directory(target) => Some(NotDirectory),
                (_, "full") => Some(NotEmpty),
                _ => None,
            };
            let what = format!("{source} over {target}");
            same(&what, answer.err(), wanted)?;
            let after = bench.snapshot().await?;
            if wanted.is_some() {
                same(&what, after, before)?;
                continue;
            }
            ensure!(bench.find(root, &from).await?.is_none(), "{what}: the old name stayed");
            let there = bench.existing(root, &to).await?;
            same(&what, Some(there.id()), moved)?;
            let content = |tree: &std::collections::BTreeMap<String, String>, top: &str| {
                let top = format!("/{top:?}");
                let inside = tree
                    .iter()
                    .filter(|(path, _)| **path == top || path.starts_with(&format!("{top}/")));
                inside.map(|(path, what)| (path[top.len()..].to_owned(), what.clone())).collect()
            };
            let (came, went): (Vec<_>, Vec<_>) = (content(&after, &to), content(&before, &from));
            same(&what, came, went)?;
        }
    }
    Ok(())
}

async fn a_rename_onto_itself_changes_nothing(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    for what in ["file", "full", "link"] {
        if what == "link" && !bench.can.symlinks {
            continue;
        }
        put(&bench, what, what).await?;
        let (root, itself) = (&bench.root, name(what)?);
        let before = bench.snapshot().await?;
        bench.backend.rename(root, &itself, root, &itself).await.context(what)?;
        same(what, bench.snapshot().await?, before)?;
    }
    Ok(())
}

async fn a_directory_is_not_moved_into_itself(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    let d = bench.directory(root, "d").await?;
    let e = bench.directory(&d, "e").await?;
    bench.directory(&e, "old").await?;
    let before = bench.snapshot().await?;
    for (into, called) in [(&d, "x"), (&e, "x"), (&e, "old")] {
        let answer = bench.backend.rename(root, &name("d")?, into, &name(called)?).await;
        refused("into itself", answer, [ErrorCode::Invalid])?;
    }
    // Over the directory that holds it: that one is not empty.
    let answer = bench.backend.rename(&d, &name("e")?, root, &name("d")?).await;
    refused("over its parent", answer, [ErrorCode::NotEmpty])?;
    bench.file(&e, "f", "content").await?;
    for over in ["d", "e"] {
        let parent = if over == "d" { root } else { &d };
        let answer = bench.backend.rename(&e, &name("f")?, parent, &name(over)?).await;
        refused("a file over what holds it", answer, [ErrorCode::IsDirectory])?;
    }
    bench.backend.remove(&e, &name("f")?, Removal::File).await?;
    same("the tree", bench.snapshot().await?, before)
}

async fn two_names_of_one_object_both_stay(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let node = bench.file(root, "a", "one").await?;
    if !bench.can.hard_links {
        let linked = backend.link(&node, root, &name("b")?).await;
        return refused("link", linked, [ErrorCode::Unsupported]);
    }
    backend.link(&node, root, &name("b")?).await?;
    backend.rename(root, &name("a")?, root, &name("b")?).await.context("renaming")?;
    let both = vec!["a".to_owned(), "b".to_owned()];
    same("names", bench.names_in(root).await?, both)?;
    same("links", bench.links(&node).await?, 2)?;
    // Over another object it takes that one's place, and loses its own name.
    bench.file(root, "c", "other").await?;
    backend.rename(root, &name("b")?, root, &name("c")?).await?;
    let left = vec!["a".to_owned(), "c".to_owned()];
    same("names", bench.names_in(root).await?, left)?;
    let there = bench.existing(root, "c").await?;
    same("the object", (there.id(), bench.links(&there).await?), (node.id(), 2))
}

async fn nodes_and_files_follow_a_rename(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let (from, to) = (bench.directory(root, "from").await?, bench.directory(root, "to").await?);
    let (node, file) = bench.create(&from, "f").await?;
    let held = bench.file(&from, "held", "held").await?;
    write(&*file, b"1", Position::End)?;
    backend.rename(&from, &name("f")?, &to, &name("g")?).await.context("a file")?;
    backend.rename(&from, &name("held")?, &to, &name("h")?).await.context("a held file")?;
    write(&*file, b"2", Position::End)?;
    same(
        "through the new name",
        {
            let g = bench.existing(root, "to/g").await?;
            bench.content(&g).await?
        },
        "12".to_owned(),
    )?;
    same("through the old node", bench.content(&held).await?.as_str(), "held")?;

    // The directory above moves too, and is used through its node.
    backend.rename(root, &name("to")?, &from, &name("moved")?).await.context("a directory")?;
    write(&*file, b"3", Position::End)?;
    same("through its node", bench.content(&node).await?.as_str(), "123")?;
    same("names", bench.names_in(&to).await?, vec!["g".to_owned(), "h".to_owned()])?;
    let made = bench.file(&to, "made", "made").await?;
    let found = bench.existing(root, "from/moved/made").await?;
    same("what was made through its node", found.id(), made.id())?;
    same("size", backend.attributes(&node).await?.size, 3)?;
    same("identity", bench.existing(root, "from/moved/g").await?.id(), node.id())?;
    ensure!(bench.find(root, "to").await?.is_none(), "the old name stayed");
    file.sync(true).context("sync")?;
    same("content at last", read(&*file, 0, 10)?.as_slice(), b"123")
}

async fn what_was_replaced_lives_on(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let (old, file) = bench.create(root, "f").await?;
    write(&*file, b"old", Position::At(0))?;
    let held = bench.file(root, "h", "held").await?;
    bench.file(root, "new", "new").await?;
    bench.file(root, "new2", "new2").await?;
    backend.rename(root, &name("new")?, root, &name("f")?).await.context("over an open file")?;
    backend.rename(root, &name("new2")?, root, &name("h")?).await.context("over a held one")?;
    same("the open one", read(&*file, 0, 10)?.as_slice(), b"old")?;
    write(&*file, b"er", Position::End)?;
    same("written to", read(&*file, 0, 10)?.as_slice(), b"older")?;
    same("the held one", bench.content(&held).await?.as_str(), "held")?;
    same("their links", (bench.links(&old).await?, bench.links(&held).await?), (0, 0))?;
    let there = bench.existing(root, "f").await?;
    same("what took the name", bench.content(&there).await?.as_str(), "new")?;

    let dead = bench.directory(root, "d").await?;
    bench.directory(root, "e").await?;
    backend.rename(root, &name("e")?, root, &name("d")?).await.context("over a directory")?;
    same("links of the directory", bench.links(&dead).await?, 0)?;
    let made = backend.make_directory(&dead, &name("x")?, Fresh::DIRECTORY).await;
    refused("in a replaced directory", made, [ErrorCode::NoEntry])
}

async fn a_full_directory_is_moved(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    let d = bench.directory(root, "d").await?;
    let sub = bench.directory(&d, "sub").await?;
    for number in 0..20 {
        bench.file(&d, &format!("f{number}"), &format!("content {number}")).await?;
        bench.file(&sub, &format!("g{number}"), "").await?;
    }
    bench.directory(root, "e").await?;
    bench.backend.rename(root, &name("d")?, root, &name("e")?).await.context("moving")?;
    let moved = bench.existing(root, "e").await?;
    same("the node", (moved.id(), moved.kind()), (d.id(), Kind::Directory))?;
    same("entries", bench.names_in(&moved).await?.len(), 21)?;
    let file = bench.existing(root, "e/f7").await?;
    same("content", bench.content(&file).await?.as_str(), "content 7")?;
    same("below", bench.names_in(&bench.existing(root, "e/sub").await?).await?.len(), 20)
}
