//! What only an OPFS directory does: files that are open while their names change,
//! the reserved directory, and other code of the page in the same place.

use std::pin::{Pin, pin};
use std::task::Poll;

use anyhow::{Context, Result, bail, ensure};
use js_sys::Uint8Array;

use super::opfs::{Directory, pause};
use crate::backend::tree::{RESERVED, Tree};
use crate::backend::{Access, Backend, Destination, File, Fresh, Node, Position, Removal, Source};
use crate::error::ErrorCode;
use crate::path::Name;
use crate::shared::Ref;

/// One case: it gets the name of a directory that is not there.
pub(super) struct TreeCase {
    pub(super) name: &'static str,
    pub(super) run: fn(String) -> Pin<Box<dyn Future<Output = Result<()>>>>,
}

macro_rules! cases {
    ($($function:ident),* $(,)?) => {
        vec![$(TreeCase {
            name: stringify!($function),
            run: |name| Box::pin(async move { $function(Bench::new(&name).await?).await }),
        }),*]
    };
}

pub(super) fn cases() -> Vec<TreeCase> {
    cases![
        an_open_file_outlives_its_name,
        a_held_file_outlives_its_name,
        an_open_file_follows_its_rename,
        an_open_file_outlives_what_replaces_it,
        a_held_file_outlives_what_replaces_it,
        an_open_file_is_busy_while_it_moves,
        a_change_that_nobody_waits_for_is_finished,
        a_directory_takes_its_open_files_along,
        a_directory_that_cannot_move_stays_whole,
        a_directory_is_not_moved_over_a_full_one,
        what_is_left_is_swept_at_mount,
        the_reserved_name_is_hidden,
        changes_of_others_are_found,
        what_others_have_open_is_busy,
        all_share_one_handle,
        identity_lasts,
        names_stay_as_they_are,
        sizes_have_a_limit,
        the_time_of_an_open_file_moves,
        views_are_filled_in_place,
        removed_directories_are_gone,
        names_of_mounts_are_checked,
    ]
}

pub(super) fn full_cases() -> Vec<TreeCase> {
    cases![a_full_disk_is_not_broken]
}

const BOTH: Access = Access { read: true, write: true };

struct Bench {
    tree: Tree,
    root: Node,
    /// The same directory, as others see it.
    outside: Directory,
    name: String,
}

impl Bench {
    async fn new(name: &str) -> Result<Self> {
        let tree = Tree::open(name).await?;
        let outside = Directory::top().await?.directory(name).await?;
        Ok(Self { root: tree.root(), tree, outside, name: name.to_owned() })
    }

    async fn create(&self, path: &str, content: &str) -> Result<(Node, Ref<dyn File>)> {
        let (parent, last) = self.parent(path).await?;
        let (node, file) = self.tree.create(&parent, &last, Fresh::FILE, BOTH).await?;
        file.write(Source::Slice(content.as_bytes()), Position::At(0))?;
        Ok((node, file))
    }

    async fn directory(&self, path: &str) -> Result<Node> {
        let (parent, last) = self.parent(path).await?;
        Ok(self.tree.make_directory(&parent, &last, Fresh::DIRECTORY).await?)
    }

    async fn find(&self, path: &str) -> Result<Option<Node>> {
        let names = names(path)?;
        let walk = self.tree.walk(&self.root, &names).await?;
        Ok((walk.walked == names.len()).then_some(walk.node))
    }

    async fn existing(&self, path: &str) -> Result<Node> {
        self.find(path).await?.with_context(|| format!("{path} is missing"))
    }

    async fn parent(&self, path: &str) -> Result<(Node, Name)> {
        let mut names = names(path)?;
        let last = names.pop().context("an empty path")?;
        Ok((self.tree.walk(&self.root, &names).await?.node, last))
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let ((from, name), (to, new_name)) = (self.parent(from).await?, self.parent(to).await?);
        Ok(self.tree.rename(&from, &name, &to, &new_name).await?)
    }

    async fn remove(&self, path: &str, what: Removal) -> Result<()> {
        let (parent, name) = self.parent(path).await?;
        Ok(self.tree.remove(&parent, &name, what).await?)
    }

    async fn listed(&self, directory: &Node) -> Result<Vec<String>> {
        let entries = self.tree.list(directory, 0).await?;
        let text = |entry: &crate::backend::Entry| Ok(entry.name.as_str()?.to_owned());
        let mut names = entries.iter().map(text).collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    async fn links(&self, node: &Node) -> Result<u64> {
        Ok(self.tree.attributes(node).await?.links)
    }

    /// The reserved directory becomes empty, soon.
    async fn is_cleared(&self) -> Result<()> {
        let reserved = self.outside.directory(RESERVED).await?;
        for _ in 0..100 {
            if reserved.names().await?.is_empty() {
                return Ok(());
            }
            pause(10).await?;
        }
        bail!("{:?} are left", reserved.names().await?)
    }
}

fn names(path: &str) -> Result<Vec<Name>> {
    path.split('/').map(|name| Ok(Name::new(name.as_bytes())?)).collect()
}

fn content(file: &dyn File) -> Result<String, ErrorCode> {
    let mut bytes = [0; 100];
    let count = file.read(Destination::Slice(&mut bytes), 0)?;
    Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
}

fn append(file: &dyn File, text: &str) -> Result<u64, ErrorCode> {
    Ok(file.write(Source::Slice(text.as_bytes()), Position::End)?.offset)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, answer: T, wanted: T) -> Result<()> {
    ensure!(answer == wanted, "{what}: {answer:?} instead of {wanted:?}");
    Ok(())
}

fn refused<T>(what: &str, answer: Result<T>, wanted: ErrorCode) -> Result<()> {
    let code = answer.err().with_context(|| format!("{what}: done, instead of {wanted:?}"))?;
    same(what, code.downcast_ref().copied(), Some(wanted))
}

async fn an_open_file_outlives_its_name(bench: Bench) -> Result<()> {
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

async fn a_held_file_outlives_its_name(bench: Bench) -> Result<()> {
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

async fn an_open_file_follows_its_rename(bench: Bench) -> Result<()> {
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

async fn an_open_file_outlives_what_replaces_it(bench: Bench) -> Result<()> {
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

async fn a_held_file_outlives_what_replaces_it(bench: Bench) -> Result<()> {
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

async fn an_open_file_is_busy_while_it_moves(bench: Bench) -> Result<()> {
    let (_node, file) = bench.create("f", "one").await?;
    let mut renaming = pin!(bench.rename("f", "g"));
    let mut answers = Vec::new();
    // Under way only as far as it is asked for.
    while begin(&mut renaming).await.is_pending() {
        answers.push(content(&*file));
        pause(0).await?;
    }
    answers.push(content(&*file));
    answers.dedup();
    let one = Ok("one".to_owned());
    same("answers", answers, vec![one.clone(), Err(ErrorCode::Busy), one])
}

async fn a_change_that_nobody_waits_for_is_finished(bench: Bench) -> Result<()> {
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

async fn a_directory_takes_its_open_files_along(bench: Bench) -> Result<()> {
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

async fn a_directory_that_cannot_move_stays_whole(bench: Bench) -> Result<()> {
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

async fn a_directory_is_not_moved_over_a_full_one(bench: Bench) -> Result<()> {
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

async fn what_is_left_is_swept_at_mount(bench: Bench) -> Result<()> {
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

async fn the_reserved_name_is_hidden(bench: Bench) -> Result<()> {
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

async fn changes_of_others_are_found(bench: Bench) -> Result<()> {
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

async fn what_others_have_open_is_busy(bench: Bench) -> Result<()> {
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

async fn all_share_one_handle(bench: Bench) -> Result<()> {
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

async fn identity_lasts(bench: Bench) -> Result<()> {
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

async fn names_stay_as_they_are(bench: Bench) -> Result<()> {
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

async fn sizes_have_a_limit(bench: Bench) -> Result<()> {
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

async fn the_time_of_an_open_file_moves(bench: Bench) -> Result<()> {
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

async fn views_are_filled_in_place(bench: Bench) -> Result<()> {
    let (_node, file) = bench.create("f", "0123456789").await?;
    let view = Uint8Array::new_with_length(6);
    same("read", file.read(Destination::View(&view), 7)?, 3)?;
    same("bytes", view.to_vec(), b"789\0\0\0".to_vec())?;
    same("read", file.read(Destination::View(&view), 1)?, 6)?;
    same("bytes", view.to_vec(), b"123456".to_vec())?;
    let written = file.write(Source::from(&view).part(1, 3), Position::End)?;
    same("written", (written.offset, written.count), (10, 2))?;
    file.write(Source::from(&view), Position::At(12))?;
    same("content", content(&*file)?, "012345678923123456".to_owned())
}

async fn removed_directories_are_gone(bench: Bench) -> Result<()> {
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

async fn names_of_mounts_are_checked(bench: Bench) -> Result<()> {
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

async fn a_full_disk_is_not_broken(bench: Bench) -> Result<()> {
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

/// The directory of [`killed_rename`], and its files.
const KILLED: &str = "test-killed-rename";
const FILES: usize = 150;

pub(super) async fn killed_rename(step: &str) -> Result<()> {
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
