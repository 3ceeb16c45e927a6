//! The contract of [`backend`](crate::backend), sentence by sentence, asked of one
//! backend. What it declares not to hold is asserted to be `unsupported`; no case is
//! left out.

mod attributes;
mod data;
mod list;
mod names;
mod objects;
mod rename;
mod walk;

use std::collections::BTreeMap;
use std::fmt::Debug;

use anyhow::{Context, Result, bail, ensure};

use super::Case;
use crate::backend::{
    Access, Backend, Capabilities, Destination, Entry, File, Fresh, Kind, Node, Position, Source,
};
use crate::error::ErrorCode;
use crate::path::Name;
use crate::shared::Ref;

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        walk::cases(),
        objects::cases(),
        rename::cases(),
        list::cases(),
        attributes::cases(),
        data::cases(),
        names::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const READ: Access = Access { read: true, write: false };
const WRITE: Access = Access { read: false, write: true };
const BOTH: Access = Access { read: true, write: true };

/// `answer` is an error, and this one.
fn refused<T>(
    what: &str,
    answer: Result<T, ErrorCode>,
    wanted: impl AsRef<[ErrorCode]>,
) -> Result<()> {
    let wanted = wanted.as_ref();
    match answer {
        Ok(_) => bail!("{what}: done, instead of {wanted:?}"),
        Err(code) => ensure!(wanted.contains(&code), "{what}: {code:?} instead of {wanted:?}"),
    }
    Ok(())
}

fn same<T: PartialEq + Debug>(what: &str, answer: T, wanted: T) -> Result<()> {
    ensure!(answer == wanted, "{what}: {answer:?} instead of {wanted:?}");
    Ok(())
}

fn name(text: impl AsRef<[u8]>) -> Result<Name> {
    let text = text.as_ref();
    Name::new(text).with_context(|| format!("the name {:?}", String::from_utf8_lossy(text)))
}

/// The names in a path.
fn names(path: &str) -> Result<Vec<Name>> {
    path.split('/').filter(|part| !part.is_empty()).map(name).collect()
}

fn read(file: &dyn File, offset: u64, count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0xAA; count];
    let read = file.read(Destination::Slice(&mut bytes), offset).context("reading")?;
    ensure!(read <= count, "{read} bytes read into {count}");
    ensure!(bytes[read..].iter().all(|byte| *byte == 0xAA), "bytes behind what was read changed");
    bytes.truncate(read);
    Ok(bytes)
}

fn write(file: &dyn File, bytes: &[u8], position: Position) -> Result<u64> {
    let written = file.write(Source::Slice(bytes), position).context("writing")?;
    same("bytes written", written.count, bytes.len())?;
    if let Position::At(offset) = position {
        same("where it was written", written.offset, offset)?;
    }
    Ok(written.offset)
}

/// A backend with the words that most cases use.
struct Bench {
    backend: Ref<dyn Backend>,
    root: Node,
    can: Capabilities,
}

impl Bench {
    fn new(backend: Ref<dyn Backend>) -> Self {
        let (root, can) = (backend.root(), backend.capabilities());
        Self { backend, root, can }
    }

    async fn directory(&self, parent: &Node, called: &str) -> Result<Node> {
        let made = self.backend.make_directory(parent, &name(called)?, Fresh::DIRECTORY).await;
        made.with_context(|| format!("making the directory {called:?}"))
    }

    async fn create(&self, parent: &Node, called: &str) -> Result<(Node, Ref<dyn File>)> {
        let made = self.backend.create(parent, &name(called)?, Fresh::FILE, BOTH).await;
        made.with_context(|| format!("creating {called:?}"))
    }

    /// A file that holds `content`.
    async fn file(&self, parent: &Node, called: &str, content: &str) -> Result<Node> {
        let (node, file) = self.create(parent, called).await?;
        write(&*file, content.as_bytes(), Position::At(0))?;
        Ok(node)
    }

    /// A symbolic link, for backends that have them.
    async fn symlink(&self, parent: &Node, called: &str, target: &str) -> Result<Node> {
        let (called, target) = (name(called)?, target.as_bytes());
        let made = self.backend.symlink(parent, &called, target, Fresh::FILE).await;
        made.with_context(|| format!("linking {called:?}"))
    }

    /// What a path leads to, if it leads anywhere.
    async fn find(&self, from: &Node, path: &str) -> Result<Option<Node>> {
        let names = names(path)?;
        let walk = self.backend.walk(from, &names).await.with_context(|| format!("to {path:?}"))?;
        Ok((walk.walked == names.len()).then_some(walk.node))
    }

    async fn existing(&self, from: &Node, path: &str) -> Result<Node> {
        self.find(from, path).await?.with_context(|| format!("{path:?} is missing"))
    }

    /// All of a file, opened for it.
    async fn content(&self, node: &Node) -> Result<String> {
        let file = self.backend.open(node, READ).await.context("opening")?;
        Ok(String::from_utf8_lossy(&read(&*file, 0, 1000)?).into_owned())
    }

    async fn links(&self, node: &Node) -> Result<u64> {
        Ok(self.backend.attributes(node).await.context("attributes")?.links)
    }

    /// All entries of a directory, as whoever reads it to the end gets them.
    async fn list(&self, directory: &Node) -> Result<Vec<Entry>> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let after = all.last().map_or(0, |entry| entry.cookie);
            let more = self.backend.list(directory, after).await.context("listing")?;
            if more.is_empty() {
                return Ok(all);
            }
            ensure!(more.iter().all(|entry| entry.cookie != 0), "a cookie is 0");
            all.extend(more);
            ensure!(all.len() < 100_000, "the listing has no end");
        }
    }

    /// The names in a directory, sorted.
    async fn names_in(&self, directory: &Node) -> Result<Vec<String>> {
        let entries = self.list(directory).await?;
        let text = |entry: &Entry| String::from_utf8_lossy(entry.name.as_bytes()).into_owned();
        let mut names: Vec<_> = entries.iter().map(text).collect();
        names.sort();
        Ok(names)
    }

    /// Every path with what it leads to: a file's content, a link's target.
    async fn snapshot(&self) -> Result<BTreeMap<String, String>> {
        snapshot(&*self.backend).await
    }
}

/// Every path in a backend with what it leads to: the kind, and a file's content or a
/// link's target. For comparing a tree with what it was before.
///
/// # Errors
/// What the backend answers.
pub async fn snapshot(backend: &dyn Backend) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![(String::new(), backend.root())];
    while let Some((path, directory)) = directories.pop() {
        let mut after = 0;
        loop {
            let entries = backend.list(&directory, after).await?;
            let Some(last) = entries.last() else { break };
            after = last.cookie;
            for entry in entries {
                let path = format!("{path}/{:?}", entry.name);
                let walk = backend.walk(&directory, std::slice::from_ref(&entry.name)).await?;
                ensure!(walk.walked == 1, "{path} is listed, but nothing is there");
                same(&path, walk.node.kind(), entry.kind)?;
                let what = match entry.kind {
                    Kind::File => {
                        let file = backend.open(&walk.node, READ).await?;
                        String::from_utf8_lossy(&read(&*file, 0, 1000)?).into_owned()
                    }
                    Kind::Symlink => {
                        let target = backend.read_link(&walk.node).await?;
                        String::from_utf8_lossy(&target).into_owned()
                    }
                    Kind::Directory => {
                        directories.push((path.clone(), walk.node));
                        String::new()
                    }
                    _ => String::new(),
                };
                found.insert(path, format!("{:?} {what}", entry.kind));
            }
        }
    }
    Ok(found)
}
