//! Streams: their ends, their failures, and what they outlive.

use anyhow::Result;

use super::{BOTH, READ, Tree, WRITE, content, create, flags, same};
use crate::backend::{Backend, Source};
use crate::error::ErrorCode::{BadDescriptor, Invalid, IsDirectory};
use crate::resolve::Follow;
use crate::shared::Ref;
use crate::stream::StreamError;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(streams_end_and_fail_for_good),
        case!(streams_outlive_descriptor_and_name),
        case!(appends_go_to_the_present_end),
    ]
}

async fn streams_end_and_fail_for_good(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let open = async |df| tree.root.open_at(Follow::No, b"file", flags(""), df).await;
    let (both, reader, writer) = (open(BOTH).await?, open(READ).await?, open(WRITE).await?);
    let mut stream = both.read_via_stream(1)?;
    same("nothing", stream.read_vec(0), Ok(Vec::new()))?;
    same("two", stream.read_vec(2), Ok(b"el".to_vec()))?;
    same("skip", stream.skip(1), Ok(1))?;
    same("the rest", stream.read_vec(u64::MAX), Ok(b"o".to_vec()))?;
    same("the end", stream.read_vec(1), Err(StreamError::Closed))?;
    both.write(Source::Slice(b"more"), 5)?;
    same("still the end", stream.read_vec(1), Err(StreamError::Closed))?;
    same("beyond", both.read_via_stream(1 << 50)?.read_vec(1), Err(StreamError::Closed))?;
    let far = both.read_via_stream(u64::MAX)?.read_vec(1);
    same("far beyond", far, Err(StreamError::Failed(Invalid)))?;
    let mut refused = writer.read_via_stream(0)?;
    same("no right", refused.read_vec(1), Err(StreamError::Failed(BadDescriptor)))?;
    same("closed", refused.read_vec(1), Err(StreamError::Closed))?;

    let mut out = both.write_via_stream(7)?;
    same("room", out.check_write(), Ok(64 * 1024))?;
    same("write", out.write(Source::Slice(b"ab")), Ok(()))?;
    same("on", out.write(Source::Slice(b"cd")), Ok(()))?;
    same("zeros", out.write_zeros(1), Ok(()))?;
    same("flush", out.flush(), Ok(()))?;
    // A guest asks for more zeros than it was allowed, and would wait for ever for them.
    let mut greedy = both.write_via_stream(0)?;
    same("zeros", greedy.write_zeros(64 * 1024 + 1), Err(StreamError::Failed(Invalid)))?;
    same("closed", greedy.check_write(), Err(StreamError::Closed))?;
    same("written", content(&tree.root, "file").await?.as_str(), "hellomoabcd\0")?;
    let mut refused = reader.write_via_stream(0)?;
    let answer = refused.write(Source::Slice(b"x"));
    same("no right", answer, Err(StreamError::Failed(BadDescriptor)))?;
    same("closed", refused.check_write(), Err(StreamError::Closed))?;
    let mut far = both.write_via_stream(u64::MAX)?;
    same("too far", far.write(Source::Slice(b"x")), Err(StreamError::Failed(Invalid)))?;
    let dir = tree.root.open_at(Follow::No, b"dir", flags("D"), READ).await?;
    same("a directory", dir.read_via_stream(0).err(), Some(IsDirectory))?;
    same("a directory", dir.write_via_stream(0).err(), Some(BadDescriptor))?;
    same("a directory", dir.append_via_stream().err(), Some(BadDescriptor))
}

async fn streams_outlive_descriptor_and_name(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let file = tree.root.open_at(Follow::No, b"file", flags(""), BOTH).await?;
    let (mut input, mut output) = (file.read_via_stream(0)?, file.append_via_stream()?);
    let keeper = file.clone();
    drop(file);
    tree.root.unlink_file_at(b"file").await?;
    output.write(Source::Slice(b" there"))?;
    same("read", input.read_vec(100)?, b"hello there".to_vec())?;
    same("names", keeper.stat().await?.attributes.links, 0)?;
    // The name is free again, and somebody else's.
    create(&tree.root, "file", "new").await?;
    same("the old one", keeper.read(100, 0)?.0, b"hello there".to_vec())?;
    same("the new one", content(&tree.root, "file").await?.as_str(), "new")
}

async fn appends_go_to_the_present_end(backend: Ref<dyn Backend>) -> Result<()> {
    let tree = Tree::new(backend).await?;
    let one = tree.root.open_at(Follow::No, b"file", flags(""), WRITE).await?;
    let two = tree.root.open_at(Follow::No, b"file", flags(""), WRITE).await?;
    let (mut first, mut second) = (one.append_via_stream()?, two.append_via_stream()?);
    first.write(Source::Slice(b" a"))?;
    second.write(Source::Slice(b" b"))?;
    first.write(Source::Slice(b" c"))?;
    one.set_size(7)?;
    second.write(Source::Slice(b" d"))?;
    same("together", content(&tree.root, "file").await?.as_str(), "hello a d")
}
