//! What others do in the same place, and what the engine does by itself.

use anyhow::{Context, Result, ensure};
use js_sys::Uint8Array;

use super::{BOTH, Bench, append, content, names, refused, same};
use crate::backend::tree::{RESERVED, Tree};
use crate::backend::{Backend, Destination, Fresh, Position, Removal, Source};
use crate::error::ErrorCode;
use crate::path::Name;
use crate::testing::opfs::pause;

pub(super) async fn what_is_left_is_swept_at_mount(bench: Bench) -> Result<()> {
    let reserved = bench.outside.directory(RESERVED).await?;
    reserved.write("left", "by a tab that was closed").await?;
    reserved.directory("odd/deep").await?;
    let (_node, file) = bench.create("f", "one").await?;
    bench.remove("f", Removal::File).await?;
    let before = reserved.names().await?;
    let second = Tree::open(&bench.name).await?;
    let after = reserved.names().await?;
    same("entries", (before.len(), after.len()), (3, 1))?;
    same("content", content(&*file)?, "one".to_owned())?;
    drop((file, second));
    Ok(())
}

pub(super) async fn the_reserved_name_is_hidden(bench: Bench) -> Result<()> {
    bench.outside.directory(RESERVED).await?.write("f", "").await?;
    bench.directory("d").await?;
    same("names", bench.listed(&bench.root).await?, vec!["d".to_owned()])?;
    ensure!(bench.find(RESERVED).await?.is_none(), "found");
    let inside = format!("{RESERVED}/f");
    ensure!(bench.find(&inside).await?.is_none(), "found inside");
    refused("creating", bench.create(RESERVED, "").await, ErrorCode::NotPermitted)?;
    refused("making", bench.directory(RESERVED).await, ErrorCode::NotPermitted)?;
    refused("moving to it", bench.rename("d", RESERVED).await, ErrorCode::NotPermitted)?;
    refused("moving it", bench.rename(RESERVED, "e").await, ErrorCode::NoEntry)?;
    refused("removing", bench.remove(RESERVED, Removal::Directory).await, ErrorCode::NoEntry)?;
    // Elsewhere it is a name as any other.
    bench.directory(&format!("d/{RESERVED}")).await?;
    same("names", bench.listed(&bench.existing("d").await?).await?, vec![RESERVED.to_owned()])
}

pub(super) async fn changes_of_others_are_found(bench: Bench) -> Result<()> {
    bench.directory("a").await?;
    bench.directory("a/b").await?;
    bench.create("a/b/f", "one").await?;
    let held = bench.existing("a/b").await?;

    bench.outside.directory("a/b").await?.write("new", "theirs").await?;
    let file = bench.tree.open(&bench.existing("a/b/new").await?, BOTH).await?;
    same("content", content(&*file)?, "theirs".to_owned())?;
    drop(file);
    same("names", bench.listed(&held).await?.join(" "), "f new".to_owned())?;

    bench.outside.directory("a").await?.remove("b").await?;
    let walk = bench.tree.walk(&bench.root, &names("a/b/f")?).await?;
    same("walked", walk.walked, 1)?;
    same("names", bench.listed(&held).await?, Vec::new())?;
    bench.outside.directory("a").await?.write("b", "a file now").await?;
    let walk = bench.tree.walk(&bench.root, &names("a/b/f")?).await?;
    same("walked", (walk.walked, walk.node.kind()), (2, crate::backend::Kind::File))?;
    refused("creating", bench.create("a/b", "").await, ErrorCode::Exist)?;
    refused("removing", bench.remove("a/b", Removal::Directory).await, ErrorCode::NotDirectory)?;
    bench.outside.remove("a").await?;
    same("names", bench.listed(&bench.root).await?, Vec::new())
}

pub(super) async fn what_others_have_open_is_busy(bench: Bench) -> Result<()> {
    let locked = bench.outside.lock("f").await?;
    let node = bench.existing("f").await?;
    refused("opening", bench.tree.open(&node, BOTH).await.map_err(Into::into), ErrorCode::Busy)?;
    refused("removing", bench.remove("f", Removal::File).await, ErrorCode::Busy)?;
    refused("renaming", bench.rename("f", "g").await, ErrorCode::Busy)?;
    bench.create("h", "").await?;
    refused("replacing", bench.rename("h", "f").await, ErrorCode::Busy)?;
    same("size", bench.tree.attributes(&node).await?.size, 0)?;
    drop(locked);
    drop(bench.tree.open(&node, BOTH).await?);
    bench.rename("h", "f").await?;
    drop(node);
    bench.is_cleared().await
}

pub(super) async fn all_share_one_handle(bench: Bench) -> Result<()> {
    let (node, first) = bench.create("f", "one").await?;
    let (second, third) = (bench.tree.open(&node, BOTH), bench.tree.open(&node, BOTH));
    let (second, third) = (second.await?, third.await?);
    same("appended at", append(&*second, " two")?, 3)?;
    same("appended at", append(&*first, " three")?, 7)?;
    same("content", content(&*third)?, "one two three".to_owned())?;
    drop((first, second));
    ensure!(bench.outside.lock("f").await.is_err(), "it is not locked");
    drop(third);
    drop(bench.outside.lock("f").await?);
    Ok(())
}

pub(super) async fn identity_lasts(bench: Bench) -> Result<()> {
    bench.directory("d").await?;
    let id = bench.create("d/f", "").await?.0.id();
    same("met again", bench.existing("d/f").await?.id(), id)?;
    let directory = bench.existing("d").await?;
    let listed = bench.tree.list(&directory, 0).await?;
    same("listed", listed[0].inode, id.inode)?;
    bench.rename("d/f", "g").await?;
    same("renamed", bench.existing("g").await?.id(), id)?;
    ensure!(bench.create("d/f", "").await?.0.id() != id, "a new file has it");
    bench.remove("g", Removal::File).await?;
    ensure!(bench.create("g", "").await?.0.id() != id, "a new file has it");
    Ok(())
}

pub(super) async fn names_stay_as_they_are(bench: Bench) -> Result<()> {
    let odd = ["a:b", "con", "a.", "a ", " a", "\u{1}\n", "*?<>|\"", "__proto__", "constructor"];
    let like = ["e\u{301}", "\u{e9}", "E\u{301}", "\u{1F600}", "x.crswap"];
    let mut all: Vec<_> = odd.iter().chain(&like).map(ToString::to_string).collect();
    all.push("n".repeat(255));
    all.push("\u{1F600}".repeat(63));
    for name in &all {
        bench.create(name, name).await.with_context(|| name.clone())?;
    }
    for name in &all {
        let file = bench.tree.open(&bench.existing(name).await?, BOTH).await?;
        ensure!(name.starts_with(&content(&*file)?), "{name} holds {}", content(&*file)?);
    }
    all.sort();
    same("listed", bench.listed(&bench.root).await?, all)?;

    let bytes = Name::new(b"a\xff")?;
    same("walked", bench.tree.walk(&bench.root, std::slice::from_ref(&bytes)).await?.walked, 0)?;
    let made = bench.tree.create(&bench.root, &bytes, Fresh::FILE, BOTH).await;
    refused("bytes", made.map_err(Into::into), ErrorCode::IllegalByteSequence)?;

    // Some engines have it, some do not: it is never another name.
    let before = bench.listed(&bench.root).await?.len();
    match bench.create("a\\b", "").await {
        Ok(_) => ensure!(bench.find("a\\b").await?.is_some(), "created, and not there"),
        refusal => {
            refused("a backslash", refusal, ErrorCode::Invalid)?;
            ensure!(bench.find("a\\b").await?.is_none(), "refused, and there");
            refused("a backslash", bench.directory("a\\b").await, ErrorCode::Invalid)?;
            refused("a backslash", bench.rename("con", "a\\b").await, ErrorCode::Invalid)?;
            same("names", bench.listed(&bench.root).await?.len(), before)?;
        }
    }
    Ok(())
}

pub(super) async fn sizes_have_a_limit(bench: Bench) -> Result<()> {
    let (node, file) = bench.create("f", "one").await?;
    let byte = Source::Slice(b"x");
    for (offset, wanted) in [
        (1 << 50, ErrorCode::InsufficientSpace),
        ((1 << 53) - 1, ErrorCode::FileTooLarge),
        (1 << 53, ErrorCode::FileTooLarge),
        (u64::MAX >> 1, ErrorCode::FileTooLarge),
    ] {
        let what = format!("at {offset}");
        same(&what, file.set_size(offset + 1).err(), Some(wanted))?;
        same(&what, file.write(byte, Position::At(offset)).err(), Some(wanted))?;
        same(&what, file.read(Destination::Slice(&mut [0; 9]), offset), Ok(0))?;
    }
    same("size", bench.tree.attributes(&node).await?.size, 3)?;
    same("nothing at the end", append(&*file, "")?, 3)?;
    file.write(Source::Slice(b""), Position::At(100))?;
    same("size", bench.tree.attributes(&node).await?.size, 3)?;
    file.set_size(6)?;
    file.write(byte, Position::At(8))?;
    same("content", content(&*file)?, "one\0\0\0\0\0x".to_owned())
}

pub(super) async fn the_time_of_an_open_file_moves(bench: Bench) -> Result<()> {
    let (node, file) = bench.create("f", "one").await?;
    let attributes = bench.tree.attributes(&node).await?;
    ensure!(attributes.modified.is_some(), "it has no time");
    pause(30).await?;
    same("unchanged", bench.tree.attributes(&node).await?.modified, attributes.modified)?;
    append(&*file, "two")?;
    let changed = bench.tree.attributes(&node).await?;
    ensure!(changed.modified > attributes.modified, "{:?}", changed.modified);
    pause(30).await?;
    file.set_size(1)?;
    ensure!(bench.tree.attributes(&node).await?.modified > changed.modified, "after set_size");
    drop(file);
    let closed = bench.tree.attributes(&node).await?;
    ensure!(closed.modified > changed.modified && closed.size == 1, "{closed:?}");
    let root = bench.tree.attributes(&bench.root).await?;
    same("of a directory", (root.modified, root.links), (None, 1))
}

pub(super) async fn views_are_filled_in_place(bench: Bench) -> Result<()> {
    let (_node, file) = bench.create("f", "0123456789").await?;
    let view = Uint8Array::new_with_length(6);
    same("read", file.read((&view).into(), 7)?, 3)?;
    same("bytes", view.to_vec(), b"789\0\0\0".to_vec())?;
    same("read", file.read((&view).into(), 1)?, 6)?;
    same("bytes", view.to_vec(), b"123456".to_vec())?;
    let written = file.write(Source::from(&view).part(1, 3), Position::End)?;
    same("written", (written.offset, written.count), (10, 2))?;
    file.write(Source::from(&view), Position::At(12))?;
    same("content", content(&*file)?, "012345678923123456".to_owned())
}

pub(super) async fn removed_directories_are_gone(bench: Bench) -> Result<()> {
    let node = bench.directory("d").await?;
    refused("removing", bench.remove("d", Removal::File).await, ErrorCode::IsDirectory)?;
    bench.directory("d/e").await?;
    refused("removing", bench.remove("d", Removal::Directory).await, ErrorCode::NotEmpty)?;
    bench.remove("d/e", Removal::Directory).await?;
    bench.remove("d", Removal::Directory).await?;
    same("links", bench.links(&node).await?, 0)?;
    let new = bench.directory("d").await?;
    ensure!(new.id() != node.id(), "a new directory has the old one's identity");
    bench.create("d/f", "").await?;
    same("names", bench.listed(&node).await?, Vec::new())?;
    let name = &names("f")?[0];
    let made = bench.tree.create(&node, name, Fresh::FILE, BOTH).await;
    refused("creating", made.map_err(Into::into), ErrorCode::NoEntry)?;
    let removed = bench.tree.remove(&node, name, Removal::File).await;
    refused("removing", removed.map_err(Into::into), ErrorCode::NoEntry)
}

pub(super) async fn names_of_mounts_are_checked(bench: Bench) -> Result<()> {
    bench.create("file", "").await?;
    let file = format!("{}/file", bench.name);
    let reserved = format!("{}/{RESERVED}", bench.name);
    for (name, wanted) in [
        ("", ErrorCode::NoEntry),
        ("/a", ErrorCode::NoEntry),
        ("a//b", ErrorCode::NoEntry),
        ("a/", ErrorCode::NoEntry),
        (".", ErrorCode::Invalid),
        ("a/..", ErrorCode::Invalid),
        (reserved.as_str(), ErrorCode::NotPermitted),
        (file.as_str(), ErrorCode::NotDirectory),
    ] {
        let refusal = Tree::open(name).await.err().with_context(|| format!("{name:?} mounted"))?;
        same(name, refusal.code(), wanted)?;
        ensure!(refusal.to_string().contains(name), "{refusal}");
    }
    let inner = Tree::open(&format!("{}/x/y", bench.name)).await?;
    inner.create(&inner.root(), &names("f")?[0], Fresh::FILE, BOTH).await?;
    bench.existing("x/y/f").await?;
    let statfs = bench.tree.statfs().await?;
    ensure!(statfs.blocks >= statfs.free_blocks && statfs.free_blocks > 0, "{statfs:?}");
    Ok(())
}

pub(super) async fn a_full_disk_is_not_broken(bench: Bench) -> Result<()> {
    const MEBI: usize = 1 << 20;
    let piece = vec![7_u8; MEBI];
    let (node, file) = bench.create("big", "").await?;
    let (other_node, other) = bench.create("other", "small").await?;
    let mut size = 0_u64;
    let refusal = loop {
        match file.write(Source::Slice(&piece), Position::End) {
            Ok(written) => {
                same("where it was written", written.offset, size)?;
                ensure!(written.count > 0, "nothing was written, and no error");
                size += written.count as u64;
            }
            Err(code) => break code,
        }
        ensure!(size < 1 << 30, "the disk is never full");
    };
    same("refusal", refusal, ErrorCode::InsufficientSpace)?;
    same("size", bench.tree.attributes(&node).await?.size, size)?;
    same("growing", file.set_size(size + (1 << 30)), Err(ErrorCode::InsufficientSpace))?;
    same("size", bench.tree.attributes(&node).await?.size, size)?;
    let over = file.write(Source::Slice(&piece[..100]), Position::At(5))?;
    same("overwritten", over.count, 100)?;
    let mut bytes = [0; 10];
    same("read", file.read(Destination::Slice(&mut bytes), size - 10)?, 10)?;
    same("bytes", bytes, [7; 10])?;
    file.sync(false)?;
    same("other", content(&*other)?, "small".to_owned())?;

    // A copy of what is open does not fit: nothing changes.
    let (_, new) = bench.create("new", "new").await?;
    refused("replacing", bench.rename("new", "big").await, ErrorCode::InsufficientSpace)?;
    same("size", bench.tree.attributes(&node).await?.size, size)?;
    same("content", content(&*new)?, "new".to_owned())?;
    same("content", bench.outside.read("new").await?, "new".to_owned())?;
    file.write(Source::Slice(&piece[..100]), Position::At(5))?;

    bench.rename("other", "moved").await?;
    bench.remove("big", Removal::File).await?;
    drop((node, file));
    bench.is_cleared().await?;
    let written = other.write(Source::Slice(&piece), Position::End)?;
    same("written", written.count, MEBI)?;
    same("size", bench.tree.attributes(&other_node).await?.size, MEBI as u64 + 5)
}
