//! What is done with an open object: bytes, sizes, times, entries, identity.

use anyhow::{Result, ensure};

use super::{BOTH, READ, Tree, WRITE, content, create, flags, same};
use crate::backend::{Backend, Fresh, Kind, NewTime, Source, Time};
use crate::error::ErrorCode::{
    self, BadDescriptor, Invalid, NoEntry, NotDirectory, Overflow, Unsupported,
};
use crate::path::Name;
use crate::resolve::Follow;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(reads_and_writes_keep_their_bounds),
        case!(sizes_are_set),
        case!(times_are_set),
        case!(directories_are_listed_as_they_were),
        case!(objects_have_an_identity),
    ]
}

async fn reads_and_writes_keep_their_bounds(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let open = async |df| tree.root.open_at(Follow::No, b"file", flags(""), df).await;
    let both = open(BOTH).await?;
    let end = i64::MAX as u64;
    for (length, offset, wanted) in [
        (5, 0, Ok(("hello", false))),
        (100, 1, Ok(("ello", false))),
        (u64::MAX, 0, Ok(("hello", false))),
        (1, 5, Ok(("", true))),
        (0, 0, Ok(("", false))),
        (0, 5, Ok(("", true))),
        (1, 1 << 40, Ok(("", true))),
        (1, end, Err(Invalid)),
        (1, u64::MAX, Err(Invalid)),
    ] {
        let answer = both.read(length, offset);
        let answer = answer.as_ref().map(|(bytes, end)| (String::from_utf8_lossy(bytes), *end));
        let answer = answer.map(|(text, end)| (text.into_owned(), end)).map_err(|code| *code);
        let wanted = wanted.map(|(text, end)| (text.to_owned(), end));
        same(&format!("read {length} at {offset}"), answer, wanted)?;
    }
    for (offset, wanted) in [(1, Ok(1)), (8, Ok(1)), (end, Err(Invalid)), (u64::MAX, Err(Invalid))]
    {
        same(&format!("write at {offset}"), both.write(Source::Slice(b"!"), offset), wanted)?;
    }
    same("with its gap", content(&tree.root, "file").await?.as_str(), "h!llo\0\0\0!")?;
    same("read", open(WRITE).await?.read(1, 0).err(), Some(BadDescriptor))?;
    same("write", open(READ).await?.write(Source::Slice(b"!"), 0).err(), Some(BadDescriptor))?;
    same("write", open(READ).await?.write(Source::Slice(b""), 0).err(), Some(BadDescriptor))?;
    let dir = tree.root.open_at(Follow::No, b"dir", flags("D"), READ).await?;
    same("read of a directory", dir.read(1, 0).err(), Some(BadDescriptor))?;
    same("write to one", dir.write(Source::Slice(b"!"), 0).err(), Some(BadDescriptor))?;
    same("advise", dir.advise(0, 0).err(), Some(BadDescriptor))?;
    same("advise", both.advise(0, u64::MAX).err(), Some(Invalid))?;
    same("advise", both.advise(1 << 40, 0), Ok(()))?;
    same("sync", open(READ).await?.sync().await, Ok(()))?;
    same("sync-data", both.sync_data().await, Ok(()))?;
    same("sync of a directory", dir.sync().await, Ok(()))
}

async fn sizes_are_set(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let open = async |df| tree.root.open_at(Follow::No, b"file", flags(""), df).await;
    let (both, reader) = (open(BOTH).await?, open(READ).await?);
    same("to 2", both.set_size(2), Ok(()))?;
    same("to 4", both.set_size(4), Ok(()))?;
    same("seen by others", reader.read(10, 0)?.0, b"he\0\0".to_vec())?;
    same("the size", reader.stat().await?.attributes.size, 4)?;
    same("without write", reader.set_size(1), Err(Invalid))?;
    same("too large", both.set_size(u64::MAX), Err(Invalid))?;
    let dir = tree.root.open_at(Follow::No, b"dir", flags("D"), READ).await?;
    same("of a directory", dir.set_size(0), Err(BadDescriptor))
}

async fn times_are_set(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let root = &tree.root;
    same("too late", Time::from_parts(u64::MAX, 0).err(), Some(Overflow))?;
    same("carried", Time::from_parts(1, 2_000_000_005)?, Time { seconds: 3, nanoseconds: 5 })?;
    let time = Time { seconds: 1_000_000_000, nanoseconds: 123_456_789 };
    let set = root.set_times_at(Follow::No, b"file", None, Some(NewTime::At(time))).await;
    if !tree.can.set_times {
        same("set-times-at", set, Err(Unsupported))?;
        return same("no change", root.set_times_at(Follow::No, b"file", None, None).await, Ok(()));
    }
    set?;
    let before = root.stat_at(Follow::No, b"file").await?.attributes;
    same("modified", before.modified, Some(time))?;
    root.set_times_at(Follow::No, b"file", Some(NewTime::At(time)), None).await?;
    let after = root.stat_at(Follow::No, b"file").await?.attributes;
    same("both", (after.accessed, after.modified), (Some(time), Some(time)))?;
    root.set_times_at(Follow::No, b"dir", None, Some(NewTime::At(time))).await?;
    same(
        "of a directory",
        root.stat_at(Follow::No, b"dir").await?.attributes.modified,
        Some(time),
    )?;
    let missing = root.set_times_at(Follow::No, b"nope", None, None).await;
    same("of nothing", missing, Err(NoEntry))?;
    let file = root.open_at(Follow::No, b"file", flags(""), READ).await?;
    file.set_times(Some(NewTime::Now), Some(NewTime::Now)).await?;
    ensure!(file.stat().await?.attributes.modified > Some(time), "now is later");
    if tree.can.symlinks {
        let at = Some(NewTime::At(time));
        let answer = root.set_times_at(Follow::Yes, b"dangling", None, at).await;
        same("followed to nothing", answer, Err(NoEntry))?;
        root.set_times_at(Follow::No, b"to-file", None, at).await?;
        let link = root.stat_at(Follow::No, b"to-file").await?.attributes.modified;
        same("of a link", link, Some(time))?;
        ensure!(file.stat().await?.attributes.modified > Some(time), "its target is not touched");
    }
    Ok(())
}

async fn directories_are_listed_as_they_were(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let dir = tree.root.open_at(Follow::No, b"dir", flags("D"), READ).await?;
    let mut entries = dir.read_directory().await?;
    create(&dir, "later", "").await?;
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let (kind, name) = entry?;
        names.push((name, kind));
    }
    ensure!(entries.next().is_none(), "the end is the end");
    names.sort_by(|a, b| a.0.cmp(&b.0));
    let mut wanted = vec![("back".to_owned(), Kind::Symlink), ("inner".to_owned(), Kind::File)];
    if !tree.can.symlinks {
        wanted.remove(0);
    }
    wanted.push(("sub".to_owned(), Kind::Directory));
    same("entries", names, wanted)?;
    let file = tree.root.open_at(Follow::No, b"file", flags(""), READ).await?;
    same("of a file", file.read_directory().await.err(), Some(NotDirectory))?;
    if tree.can.byte_names {
        let top = tree.fs.backend().root();
        let name = Name::new(b"\xff")?;
        tree.fs.backend().make_directory(&top, &name, Fresh::DIRECTORY).await?;
        let mut entries = tree.root.read_directory().await?;
        let mut odd = Vec::new();
        while let Some(entry) = entries.next() {
            odd.extend(entry.err());
        }
        same("a name that is no text", odd, vec![ErrorCode::IllegalByteSequence])?;
    }
    Ok(())
}

async fn objects_have_an_identity(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let root = &tree.root;
    let one = root.open_at(Follow::No, b"file", flags(""), BOTH).await?;
    let two = root.open_at(Follow::No, b"dir/../file", flags(""), READ).await?;
    let dir = root.open_at(Follow::No, b"dir", flags("D"), READ).await?;
    ensure!(one.is_same_object(&two) && !one.is_same_object(&dir), "is-same-object");
    let before = one.metadata_hash().await?;
    same("by path", root.metadata_hash_at(Follow::No, b"file").await?, before)?;
    root.rename_at(b"file", root, b"moved").await?;
    same("after a rename", root.metadata_hash_at(Follow::No, b"moved").await?.0, before.0)?;
    one.write(Source::Slice(b"longer than before"), 0)?;
    let after = one.metadata_hash().await?;
    same("the lower half", after.0, before.0)?;
    ensure!(after.1 != before.1, "the upper half changes with the content");
    ensure!(dir.metadata_hash().await?.0 != before.0, "others differ");
    Ok(())
}
