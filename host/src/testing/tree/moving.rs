//! Files that are open, or held, while their names change.

use std::pin::{Pin, pin};
use std::task::Poll;

use anyhow::{Result, bail, ensure};

use super::{BOTH, Bench, append, content, names, refused, same};
use crate::backend::tree::RESERVED;
use crate::backend::{Backend, Destination, Removal};
use crate::error::ErrorCode;
use crate::testing::opfs::Directory;

pub(super) async fn an_open_file_outlives_its_name(bench: Bench) -> Result<()> {
    let (node, file) = bench.create("f", "one").await?;
    bench.remove("f", Removal::File).await?;
    same("content", content(&*file)?, "one".to_owned())?;
    same("appended at", append(&*file, " two")?, 3)?;
    file.sync(false)?;
    bench.tree.sync().await?;
    same("links", bench.links(&node).await?, 0)?;
    same("size", bench.tree.attributes(&node).await?.size, 7)?;
    ensure!(bench.find("f").await?.is_none(), "the name is still there");
    same("names outside", bench.outside.names().await?, vec![RESERVED.to_owned()])?;
    same("names inside", bench.listed(&bench.root).await?, Vec::new())?;

    let (new, _) = bench.create("f", "new").await?;
    ensure!(new.id() != node.id(), "a new file has the old one's identity");
    drop(file);
    let file = bench.tree.open(&node, BOTH).await?;
    same("content, opened again", content(&*file)?, "one two".to_owned())?;
    drop((file, node));
    bench.is_cleared().await
}

pub(super) async fn a_held_file_outlives_its_name(bench: Bench) -> Result<()> {
    let (node, file) = bench.create("f", "one").await?;
    drop(file);
    bench.remove("f", Removal::File).await?;
    same("links", bench.links(&node).await?, 0)?;
    let file = bench.tree.open(&node, BOTH).await?;
    same("content", content(&*file)?, "one".to_owned())?;
    // The file alone holds it too.
    drop(node);
    same("content", content(&*file)?, "one".to_owned())?;
    drop(file);
    bench.is_cleared().await?;

    let (node, file) = bench.create("g", "").await?;
    drop((node, file));
    bench.remove("g", Removal::File).await?;
    let reserved = bench.outside.directory(RESERVED).await?;
    same("what nobody holds", reserved.names().await?, Vec::new())
}

pub(super) async fn an_open_file_follows_its_rename(bench: Bench) -> Result<()> {
    let (node, file) = bench.create("f", "one").await?;
    bench.directory("d").await?;
    bench.rename("f", "d/g").await?;
    append(&*file, " two")?;
    let outside = bench.outside.directory("d").await?;
    same("content outside", outside.read("g").await?, "one two".to_owned())?;
    same("identity", bench.existing("d/g").await?.id(), node.id())?;
    ensure!(bench.find("f").await?.is_none(), "the old name is still there");
    same("links", bench.links(&node).await?, 1)
}

pub(super) async fn an_open_file_outlives_what_replaces_it(bench: Bench) -> Result<()> {
    let (old, old_file) = bench.create("old", "old").await?;
    let (new, new_file) = bench.create("new", "new").await?;
    bench.rename("new", "old").await?;
    append(&*old_file, "er")?;
    append(&*new_file, "er")?;
    same("the old one", content(&*old_file)?, "older".to_owned())?;
    same("the new one", content(&*new_file)?, "newer".to_owned())?;
    same("what stands there", bench.outside.read("old").await?, "newer".to_owned())?;
    same("identity", bench.existing("old").await?.id(), new.id())?;
    same("links", (bench.links(&old).await?, bench.links(&new).await?), (0, 1))?;
    drop((old, old_file));
    bench.is_cleared().await
}

pub(super) async fn a_held_file_outlives_what_replaces_it(bench: Bench) -> Result<()> {
    let long = "0123456789".repeat(60_000);
    let (old, file) = bench.create("old", &long).await?;
    drop(file);
    bench.create("new", "new").await?;
    bench.rename("new", "old").await?;
    same("links", bench.links(&old).await?, 0)?;
    let file = bench.tree.open(&old, BOTH).await?;
    let mut bytes = vec![0; long.len() + 1];
    let count = file.read(Destination::Slice(&mut bytes), 0)?;
    ensure!(bytes[..count] == *long.as_bytes(), "{count} bytes differ");
    drop((old, file));
    bench.is_cleared().await
}

/// Polls `work` once, and leaves it alone.
async fn begin<T>(work: &mut Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await
}

pub(super) async fn an_open_file_is_busy_while_it_moves(bench: Bench) -> Result<()> {
    let (_node, file) = bench.create("f", "one").await?;
    let mut renaming = pin!(bench.rename("f", "g"));
    let mut answers = Vec::new();
    // Under way only as far as it is asked for.
    while begin(&mut renaming).await.is_pending() {
        answers.push(content(&*file));
        // The shortest turn of the event loop; a timer takes 4 ms.
        Directory::top().await?;
    }
    answers.push(content(&*file));
    answers.dedup();
    let one = Ok("one".to_owned());
    same("answers", answers, vec![one.clone(), Err(ErrorCode::Busy), one])
}

pub(super) async fn a_change_that_nobody_waits_for_is_finished(bench: Bench) -> Result<()> {
    let (node, file) = bench.create("f", "one").await?;
    let (parent, name, new_name) = (bench.root.clone(), names("f")?, names("g")?);
    {
        let mut renaming = pin!(bench.tree.rename(&parent, &name[0], &parent, &new_name[0]));
        ensure!(begin(&mut renaming).await.is_pending(), "it is done at once");
    }
    // The next call waits for it.
    bench.existing("g").await?;
    same("content", content(&*file)?, "one".to_owned())?;
    drop((node, file));
    {
        let node = bench.existing("g").await?;
        let mut opening = pin!(bench.tree.open(&node, BOTH));
        ensure!(begin(&mut opening).await.is_pending(), "it is done at once");
    }
    bench.remove("g", Removal::File).await?;
    bench.is_cleared().await
}

pub(super) async fn a_directory_takes_its_open_files_along(bench: Bench) -> Result<()> {
    for path in ["a", "a/b", "a/b/c", "z"] {
        bench.directory(path).await?;
    }
    let (node, file) = bench.create("a/b/c/open", "one").await?;
    for path in ["a/1", "a/2", "a/b/3", "a/b/c/4"] {
        bench.create(path, path).await?;
    }
    let held = bench.existing("a/b").await?;
    let inner = bench.existing("a/b/c").await?.id();
    bench.rename("a", "z/y").await?;

    append(&*file, " two")?;
    let outside = bench.outside.directory("z/y/b/c").await?;
    same("content outside", outside.read("open").await?, "one two".to_owned())?;
    same("names outside", outside.names().await?, vec!["4".to_owned(), "open".into()])?;
    ensure!(bench.find("a").await?.is_none(), "the old name is still there");
    same("identity", bench.existing("z/y/b/c/open").await?.id(), node.id())?;
    same("identity", bench.existing("z/y/b/c").await?.id(), inner)?;
    same("names", bench.listed(&held).await?, vec!["3".to_owned(), "c".into()])?;
    let file = bench.tree.open(&bench.existing("z/y/2").await?, BOTH).await?;
    same("content", content(&*file)?, "a/2".to_owned())
}

pub(super) async fn a_directory_that_cannot_move_stays_whole(bench: Bench) -> Result<()> {
    bench.directory("a").await?;
    bench.directory("a/b").await?;
    for path in ["a/1", "a/2", "a/b/3", "a/b/4", "a/b/5"] {
        bench.create(path, path).await?;
    }
    let (_node, file) = bench.create("a/b/open", "one").await?;
    let locked = bench.outside.directory("a/b").await?.lock("4").await?;
    refused("renaming", bench.rename("a", "z").await, ErrorCode::Busy)?;
    drop(locked);
    ensure!(bench.find("z").await?.is_none(), "a part of it is at the new name");
    same("names", bench.listed(&bench.existing("a").await?).await?.join(" "), "1 2 b".to_owned())?;
    let inner = bench.listed(&bench.existing("a/b").await?).await?;
    same("names", inner.join(" "), "3 4 5 open".to_owned())?;
    append(&*file, " two")?;
    same("content", content(&*file)?, "one two".to_owned())?;
    bench.rename("a", "z").await?;
    same("content", content(&*file)?, "one two".to_owned())
}

pub(super) async fn a_directory_is_not_moved_over_a_full_one(bench: Bench) -> Result<()> {
    bench.directory("a").await?;
    bench.directory("z").await?;
    bench.outside.directory("z").await?.write("f", "kept").await?;
    refused("renaming", bench.rename("a", "z").await, ErrorCode::NotEmpty)?;
    same("content", bench.outside.directory("z").await?.read("f").await?, "kept".to_owned())?;
    bench.outside.directory("z").await?.remove("f").await?;
    bench.create("a/f", "moved").await?;
    let replaced = bench.existing("z").await?;
    bench.rename("a", "z").await?;
    same("content", bench.outside.directory("z").await?.read("f").await?, "moved".to_owned())?;
    same("links", bench.links(&replaced).await?, 0)
}

/// The directory of [`killed_rename`], and its files.
const KILLED: &str = "test-killed-rename";
const FILES: usize = 150;

pub(in crate::testing) async fn killed_rename(step: &str) -> Result<()> {
    let bench = Bench::new(KILLED).await?;
    match step {
        "prepare" => {
            bench.directory("old").await?;
            bench.directory("old/inner").await?;
            for number in 0..FILES {
                let path = if number % 2 == 0 { "old" } else { "old/inner" };
                bench.create(&format!("{path}/{number}"), &number.to_string()).await?;
            }
            Ok(())
        }
        "rename" => bench.rename("old", "new").await,
        "check" => {
            let mut places = vec![0; FILES];
            let mut in_old = 0;
            for path in ["old", "old/inner", "new", "new/inner"] {
                let Some(directory) = bench.find(path).await? else { continue };
                for name in bench.listed(&directory).await? {
                    let Ok(number) = name.parse::<usize>() else { continue };
                    let node = bench.existing(&format!("{path}/{name}")).await?;
                    let file = bench.tree.open(&node, BOTH).await?;
                    same("content", content(&*file)?, name)?;
                    places[number] += 1;
                    in_old += usize::from(path.starts_with("old"));
                }
            }
            ensure!(places.iter().all(|count| *count == 1), "{places:?}");
            ensure!(in_old > 0 && in_old < FILES, "it was not killed in the middle: {in_old}");
            drop(bench);
            Directory::top().await?.remove(KILLED).await
        }
        "remove" => Directory::top().await?.remove(KILLED).await,
        _ => bail!("no step {step}"),
    }
}
