//! What only an OPFS directory does: files that are open while their names change,
//! the reserved directory, and other code of the page in the same place.

mod moving;
mod place;

use anyhow::{Context, Result, bail, ensure};

pub(super) use self::moving::killed_rename;
use super::Running;
use super::opfs::{Directory, pause};
use crate::backend::tree::{RESERVED, Tree};
use crate::backend::{Access, Backend, Destination, File, Fresh, Node, Position, Removal, Source};
use crate::error::ErrorCode;
use crate::path::Name;
use crate::shared::Ref;

/// One case: it gets the name of a directory that is not there.
pub(super) struct TreeCase {
    pub(super) name: &'static str,
    pub(super) run: fn(String) -> Running,
}

macro_rules! cases {
    ($($module:ident: $($function:ident)*;)*) => {
        vec![$($(TreeCase {
            name: stringify!($function),
            run: |name| Box::pin(async move { $module::$function(Bench::new(&name).await?).await }),
        },)*)*]
    };
}

pub(super) fn cases() -> Vec<TreeCase> {
    cases! {
        moving:
            an_open_file_outlives_its_name
            a_held_file_outlives_its_name
            an_open_file_follows_its_rename
            an_open_file_outlives_what_replaces_it
            a_held_file_outlives_what_replaces_it
            an_open_file_is_busy_while_it_moves
            a_change_that_nobody_waits_for_is_finished
            a_directory_takes_its_open_files_along
            a_directory_that_cannot_move_stays_whole
            a_directory_is_not_moved_over_a_full_one;
        place:
            what_is_left_is_swept_at_mount
            the_reserved_name_is_hidden
            changes_of_others_are_found
            what_others_have_open_is_busy
            all_share_one_handle
            identity_lasts
            names_stay_as_they_are
            sizes_have_a_limit
            the_time_of_an_open_file_moves
            views_are_filled_in_place
            removed_directories_are_gone
            names_of_mounts_are_checked;
    }
}

pub(super) fn full_cases() -> Vec<TreeCase> {
    cases! { place: a_full_disk_is_not_broken; }
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
