//! Walking, listing and making entries.

use std::collections::HashSet;
use std::rc::Rc;

use super::Inner;
use super::dom::{self, Make};
use super::errors::Wanted;
use super::file;
use super::moves::Target;
use super::nodes::Object;
use super::reserved::is_reserved;
use crate::backend::{Entry, File, Kind, Node, Walk};
use crate::error::{ErrorCode, Result};
use crate::path::Name;
use crate::shared::Ref;

/// The bit that a listing's last cookie has, so that nobody waits for a second
/// listing to learn that this was all.
pub(super) const LAST: u64 = 1 << 63;

impl Inner {
    /// Walks, and lets known directories that are not the last on the way pass
    /// without asking OPFS if it may `trust` them. `None`: one of those is gone.
    pub(super) async fn walk(
        self: &Rc<Self>,
        from: &Rc<Object>,
        names: &[Name],
        trust: bool,
    ) -> Result<Option<Walk>> {
        let mut at = self.hold(from);
        let mut trusted = false;
        let mut walked = 0;
        for (index, name) in names.iter().enumerate() {
            let is_last = index + 1 == names.len();
            // Such a name leads nowhere.
            let Ok(name) = name.as_str() else { break };
            if let Some(known) = at.object.known_directory(name).filter(|_| trust && !is_last) {
                at = self.hold(&known);
                trusted = true;
            } else {
                let guess = if is_last { Kind::File } else { Kind::Directory };
                match self.find(&at.object, name, guess).await? {
                    Some(found) => at = found,
                    None if trusted && !at.object.is_still_there().await? => return Ok(None),
                    None => break,
                }
                trusted = false;
            }
            walked += 1;
            if at.object.kind != Kind::Directory {
                break;
            }
        }
        Ok(Some(Walk { walked, node: self.node(at) }))
    }

    /// Where something new may be put.
    async fn vacant(self: &Rc<Self>, at: &Target, kind: Kind) -> Result<()> {
        if is_reserved(&at.parent, &at.name) {
            return Err(ErrorCode::NotPermitted);
        }
        match self.find(&at.parent, &at.name, kind).await? {
            Some(_) => Err(ErrorCode::Exist),
            None => Ok(()),
        }
    }

    pub(super) async fn create(self: &Rc<Self>, at: &Target) -> Result<(Node, Ref<dyn File>)> {
        self.vacant(at, Kind::File).await?;
        let directory = at.parent.directory().await?;
        let handle = dom::file(&directory, &at.name, Make::Yes).await?;
        let live = self.meet(&at.parent, &at.name, dom::Entry::File(handle));
        match file::open(&live).await {
            Ok(file) => Ok((self.node(live), file)),
            Err(code) => {
                // It is empty; if it stays, the name is taken, and no more.
                let _ = dom::remove(&directory, &at.name, Wanted::File).await;
                at.parent.forget(&at.name);
                Err(code)
            }
        }
    }

    pub(super) async fn make_directory(self: &Rc<Self>, at: &Target) -> Result<Node> {
        self.vacant(at, Kind::Directory).await?;
        let handle = dom::directory(&at.parent.directory().await?, &at.name, Make::Yes).await?;
        Ok(self.node(self.meet(&at.parent, &at.name, dom::Entry::Directory(handle))))
    }

    pub(super) async fn list(self: &Rc<Self>, directory: &Rc<Object>) -> Result<Vec<Entry>> {
        let listed = match directory.directory().await {
            Ok(handle) => dom::entries(&handle).await,
            Err(code) => Err(code),
        };
        let listed = match listed {
            Err(ErrorCode::NoEntry) => Vec::new(),
            listed => listed?,
        };
        let mut entries = Vec::with_capacity(listed.len());
        for (text, entry) in listed {
            // A name that is longer than guests' names can be is left out.
            let Ok(name) = Name::new(text.as_bytes()) else { continue };
            if is_reserved(directory, &text) {
                continue;
            }
            let object = self.note(directory, &text, entry.kind());
            let cookie = entries.len() as u64 + 1;
            entries.push(Entry { name, kind: object.kind, inode: object.inode, cookie });
        }
        if let Some(last) = entries.last_mut() {
            last.cookie |= LAST;
        }
        let names: HashSet<_> =
            entries.iter().filter_map(|entry| entry.name.as_str().ok()).collect();
        directory.forget_others(|name| names.contains(name));
        Ok(entries)
    }
}
