//! `open-at`: from a path to a descriptor, and the gate it passes.

use super::Descriptor;
use crate::backend::{Access, File, Fresh, Kind, Node};
use crate::error::{ErrorCode, Result};
use crate::mount::Place;
use crate::path::{Name, Path};
use crate::resolve::{Follow, Found, names_alone, resolve};
use crate::shared::Ref;

/// What a descriptor is for: the flags of `descriptor-flags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DescriptorFlags {
    /// `read`.
    pub read: bool,
    /// `write`.
    pub write: bool,
    /// `file-integrity-sync`.
    pub file_integrity_sync: bool,
    /// `data-integrity-sync`.
    pub data_integrity_sync: bool,
    /// `requested-write-sync`.
    pub requested_write_sync: bool,
    /// `mutate-directory`: reported of a preopen; what may be changed is up to the
    /// mount.
    pub mutate_directory: bool,
}

/// How something is opened: the flags of `open-flags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFlags {
    /// `create`.
    pub create: bool,
    /// `directory`.
    pub directory: bool,
    /// `exclusive`; without `create` it says nothing.
    pub exclusive: bool,
    /// `truncate`.
    pub truncate: bool,
}

/// How often an open starts again because a name came or went in between.
pub(super) const MAX_RACES: usize = 8;

/// What is asked for, once it is known to make sense.
#[derive(Clone, Copy)]
pub(super) struct Request {
    open: OpenFlags,
    pub(super) access: Access,
}

impl Request {
    /// What can be refused before anything is looked up.
    pub(super) fn new(open: OpenFlags, flags: DescriptorFlags) -> Result<Self> {
        if open.directory && (open.create || open.exclusive || open.truncate) {
            return Err(ErrorCode::Invalid);
        }
        if flags.file_integrity_sync || flags.data_integrity_sync || flags.requested_write_sync {
            return Err(ErrorCode::Unsupported);
        }
        let access = Access {
            read: flags.read || !flags.write,
            // Creating and cutting are writing.
            write: flags.write || open.create || open.truncate,
        };
        Ok(Self { open, access })
    }

    fn exclusive(self) -> bool {
        self.open.create && self.open.exclusive
    }
}

impl Descriptor {
    /// `open-at`.
    ///
    /// # Errors
    /// What the path gives; `not-permitted` to write on a read-only mount;
    /// `unsupported` with a flag for synchronous writes; `loop` for a symbolic link
    /// that is not to be followed; `is-directory` to write, create or cut one.
    pub async fn open_at(
        &self,
        follow: Follow,
        path: &[u8],
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self> {
        let base = self.directory()?;
        let request = Request::new(open, flags)?;
        if request.access.write {
            self.writable_below()?;
        }
        let path = Path::parse(path)?;
        if let Some(opened) = at_once(base, &path, request).await? {
            return Ok(opened);
        }
        // What must not exist is not looked for behind a link.
        let follow = if request.exclusive() { Follow::No } else { follow };
        for _ in 0..MAX_RACES {
            let answer = match resolve(base, path.clone(), follow).await? {
                Found::Object(place) => open_object(place, request).await,
                Found::Missing { .. } if !open.create => return Err(ErrorCode::NoEntry),
                Found::Missing { wants_directory: true, .. } => {
                    return Err(ErrorCode::IsDirectory);
                }
                Found::Missing { parent, name, .. } => {
                    writable(&parent)?;
                    match create(&parent, &name, request.access).await {
                        // Somebody was quicker: open theirs.
                        Err(ErrorCode::Exist) if !request.exclusive() => continue,
                        Err(code) => Err(code),
                        Ok((node, file)) => {
                            let place = Place { mount: parent.mount, node };
                            Ok(Self::of_file(place, request, file))
                        }
                    }
                }
            };
            return answer;
        }
        Err(ErrorCode::Busy)
    }

    pub(super) fn of_file(place: Place, request: Request, file: Ref<dyn File>) -> Self {
        let Access { read, write } = request.access;
        let flags = DescriptorFlags { read, write, ..Default::default() };
        Self { place, flags, file: Some(file) }
    }

    /// The same for no more than what was asked for: cutting a file is no leave to write it.
    pub(super) fn only(mut self, flags: DescriptorFlags) -> Self {
        if self.file.is_some() {
            self.flags = flags;
        }
        self
    }

    /// This directory, as the base of a path.
    pub(super) fn directory(&self) -> Result<&Place> {
        match self.kind() {
            Kind::Directory => Ok(&self.place),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    /// Refuses a change below this directory before anything is looked up, unless
    /// a mount inside may allow it.
    pub(super) fn writable_below(&self) -> Result<()> {
        if self.place.mount.has_points() { Ok(()) } else { writable(&self.place) }
    }
}

/// Opens a file that is there and has no link on its way, as most that are opened.
async fn at_once(base: &Place, path: &Path, request: Request) -> Result<Option<Descriptor>> {
    let Request { open, access } = request;
    // What may be created is mostly missing, a directory is no file, and few cut without creating.
    if open.create || open.truncate || open.directory || path.wants_directory() {
        return Ok(None);
    }
    if !names_alone(base, path) {
        return Ok(None);
    }
    let names = path.clone().take_names();
    let opened = base.mount.fs.backend().open_at(&base.node, &names, access).await?;
    let Some((node, file)) = opened else { return Ok(None) };
    let place = Place { mount: base.mount.clone(), node };
    Ok(Some(Descriptor::of_file(place, request, file)))
}

/// Refuses to change what lies on a read-only mount.
pub(super) fn writable(place: &Place) -> Result<()> {
    if place.mount.read_only { Err(ErrorCode::NotPermitted) } else { Ok(()) }
}

async fn create(parent: &Place, name: &Name, access: Access) -> Result<(Node, Ref<dyn File>)> {
    let fs = &parent.mount.fs;
    let _change = fs.change().await;
    fs.backend().create(&parent.node, name, Fresh::FILE, access).await
}

/// The gate: everything that opens an object comes through here.
pub(super) async fn open_object(place: Place, request: Request) -> Result<Descriptor> {
    let Request { open, access } = request;
    if request.exclusive() {
        return Err(ErrorCode::Exist);
    }
    match place.node.kind() {
        Kind::Directory if open.create || open.truncate || access.write => {
            Err(ErrorCode::IsDirectory)
        }
        Kind::Directory => {
            let flags = DescriptorFlags { read: true, ..Default::default() };
            Ok(Descriptor { place, flags, file: None })
        }
        Kind::Symlink => Err(ErrorCode::Loop),
        _ if open.directory => Err(ErrorCode::NotDirectory),
        _ => {
            if access.write {
                writable(&place)?;
            }
            let file = place.mount.fs.backend().open(&place.node, access).await?;
            if open.truncate {
                file.set_size(0)?;
            }
            Ok(Descriptor::of_file(place, request, file))
        }
    }
}
