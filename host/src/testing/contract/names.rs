//! Names: whatever they look like, they are only names.

use anyhow::{Context, Result, ensure};

use super::{BOTH, Bench, name, names, refused, same, write};
use crate::backend::{Backend, Fresh, Position, Removal};
use crate::error::ErrorCode;
use crate::path::NAME_MAX;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(hostile_names_are_only_names),
        case!(a_backslash_is_stored_or_refused),
        case!(names_are_told_apart_by_their_bytes),
        case!(names_that_are_not_text),
        case!(links_are_never_followed),
    ]
}

const HOSTILE: &[&str] = &[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "a:b",
    "C:",
    "stream:$DATA",
    "new\nline",
    "tab\tand\rreturn",
    "\u{1}\u{1f}\u{7f}",
    "dot.",
    "blank ",
    " ",
    "...",
    "..x",
    ".hidden",
    "CON",
    "nul.txt",
    "*?<>|\"",
    "-rf",
    "~",
    "$HOME",
    "%2e%2e%2f",
    "&amp;",
    "'\"`",
    "a.crswap",
    "\u{feff}mark",
    "\u{202e}txt.exe",
    "日本語",
    "😀",
];

async fn hostile_names_are_only_names(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    let longest = ["x".repeat(NAME_MAX), "é".repeat(NAME_MAX / 2)];
    let all: Vec<_> = HOSTILE.iter().copied().chain(longest.iter().map(String::as_str)).collect();
    for called in &all {
        ensure!(bench.find(root, called).await?.is_none(), "{called:?} is there already");
        let directory = bench.directory(root, called).await?;
        let file = bench.file(&directory, called, called).await?;
        let both = [name(called)?, name(called)?];
        let walk = bench.backend.walk(root, &both).await.with_context(|| format!("{called:?}"))?;
        same(called, (walk.walked, walk.node.id()), (2, file.id()))?;
        same(called, bench.content(&walk.node).await?.as_str(), &called[..])?;
        same(called, bench.names_in(&directory).await?, vec![(*called).to_owned()])?;
    }
    let mut wanted: Vec<_> = all.iter().map(|called| (*called).to_owned()).collect();
    wanted.sort();
    same("all of them", bench.names_in(root).await?, wanted)?;
    // Each moves to another one's place, and goes.
    for (index, called) in all.iter().enumerate() {
        let directory = bench.existing(root, called).await?;
        let (old, new) = (name(called)?, name(all[(index + 1) % all.len()])?);
        if old != new {
            bench
                .backend
                .rename(&directory, &old, &directory, &new)
                .await
                .with_context(|| format!("{old:?} to {new:?}"))?;
        }
        let left = bench.list(&directory).await?;
        ensure!(left.len() == 1 && left[0].name == new, "{new:?}: {left:?}");
        bench
            .backend
            .remove(&directory, &new, Removal::File)
            .await
            .with_context(|| format!("removing {new:?}"))?;
        bench
            .backend
            .remove(root, &old, Removal::Directory)
            .await
            .with_context(|| format!("removing {old:?}"))?;
    }
    same("what is left", bench.names_in(root).await?, vec![])
}

async fn a_backslash_is_stored_or_refused(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    bench.directory(root, "a").await?;
    for called in ["a\\b", "..\\x", "\\"] {
        let at = name(called)?;
        match bench.backend.create(root, &at, Fresh::FILE, BOTH).await {
            Ok((node, file)) => {
                write(&*file, b"x", Position::At(0))?;
                same(called, bench.existing(root, called).await?.id(), node.id())?;
                let listed = bench.names_in(root).await?;
                ensure!(listed.iter().any(|name| name == called), "{called:?} in {listed:?}");
                bench.backend.remove(root, &at, Removal::File).await?;
            }
            Err(code) => {
                same(called, code, ErrorCode::Invalid)?;
                let made = bench.backend.make_directory(root, &at, Fresh::DIRECTORY).await;
                refused(called, made, [ErrorCode::Invalid])?;
                let moved = bench.backend.rename(root, &name("a")?, root, &at).await;
                refused(called, moved, [ErrorCode::Invalid])?;
                // Nothing has such a name, so it is missing.
                ensure!(bench.find(root, called).await?.is_none(), "{called:?} leads somewhere");
            }
        }
    }
    same("what is left", bench.names_in(root).await?, vec!["a".to_owned()])?;
    same("in it", bench.names_in(&bench.existing(root, "a").await?).await?, vec![])
}

async fn names_are_told_apart_by_their_bytes(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    // By case, by the way an accent is written, by width, by what cannot be seen.
    let all = ["a", "A", "é", "e\u{301}", "É", "ａ", "a\u{200b}", "ß", "ss", "ı", "i", "I"];
    for called in all {
        bench.file(root, called, called).await?;
    }
    for called in all {
        let file = bench.existing(root, called).await?;
        same(called, bench.content(&file).await?.as_str(), called)?;
    }
    same("names", bench.list(root).await?.len(), all.len())
}

async fn names_that_are_not_text(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    // A lone byte, half a character, a surrogate, an overlong slash.
    for bytes in [&b"\xff"[..], b"caf\xc3", b"\xed\xa0\x80", b"\xc0\xaf"] {
        let at = name(bytes)?;
        let created = bench.backend.create(root, &at, Fresh::FILE, BOTH).await;
        if !bench.can.byte_names {
            let either = [ErrorCode::IllegalByteSequence, ErrorCode::Invalid];
            refused("create", created, either)?;
            let made = bench.backend.make_directory(root, &at, Fresh::DIRECTORY).await;
            refused("make_directory", made, either)?;
            continue;
        }
        let (node, _) = created.with_context(|| format!("{at:?}"))?;
        let walk = bench.backend.walk(root, std::slice::from_ref(&at)).await?;
        same("the node", (walk.walked, walk.node.id()), (1, node.id()))?;
        let entries = bench.list(root).await?;
        ensure!(entries.len() == 1 && entries[0].name == at, "{at:?}: {entries:?}");
        bench.backend.remove(root, &at, Removal::File).await.context("removing")?;
    }
    same("what is left", bench.names_in(root).await?, vec![])
}

/// The core follows links, and asks the backend for what is beside them.
async fn links_are_never_followed(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let directory = bench.directory(root, "d").await?;
    bench.file(&directory, "f", "inside").await?;
    if !bench.can.symlinks {
        let made = backend.symlink(root, &name("l")?, b"d", Fresh::FILE).await;
        return refused("symlink", made, [ErrorCode::Unsupported]);
    }
    bench.file(root, "file", "kept").await?;
    for (called, target) in
        [("l", "d"), ("up", ".."), ("out", "/"), ("self", "self"), ("m", "file")]
    {
        bench.symlink(root, called, target).await?;
        let walk = backend.walk(root, &names(&format!("{called}/f"))?).await.context(called)?;
        same(called, walk.walked, 1)?;
        let created = backend.create(root, &name(called)?, Fresh::FILE, BOTH).await;
        refused(called, created, [ErrorCode::Exist])?;
    }
    // What is done to a link is done to it.
    backend.rename(root, &name("file")?, root, &name("l")?).await.context("over a link")?;
    backend.remove(root, &name("m")?, Removal::File).await.context("removing a link")?;
    let l = bench.existing(root, "l").await?;
    same("in its place", bench.content(&l).await?.as_str(), "kept")?;
    same("the directory", bench.names_in(&directory).await?, vec!["f".to_owned()])
}
