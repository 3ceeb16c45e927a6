//! What the guest programs share: the bindings of the WIT, short names for flags, and
//! assertions whose messages say what was asked, what was expected and what came.
//!
//! A program ends with exit code 0 or panics; nothing here reports in another way.

#![allow(clippy::missing_panics_doc, reason = "to panic is how a program fails")]

pub mod at;
mod check;
mod descriptor;
pub mod model;
mod stream;

#[allow(missing_docs, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "guest", generate_all });
}

pub use bindings::wasi::cli::{stdin::get_stdin, stdout::get_stdout};
pub use bindings::wasi::clocks::wall_clock;
pub use bindings::wasi::filesystem::preopens::get_directories;
pub use bindings::wasi::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
    filesystem_error_code,
};
pub use bindings::wasi::io::poll::{Pollable, poll};
pub use bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
pub use check::{Answer, answer, errno, expect, kind, ok, one_of, refused};
pub use descriptor::{symlink, time};
pub use stream::{append_all, closed, failed, read_to_end, streamed, write_all};

/// A final symbolic link is followed.
pub const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
/// A final symbolic link is not followed.
pub const NOFOLLOW: PathFlags = PathFlags::empty();
/// No descriptor flags at all.
pub const NONE: DescriptorFlags = DescriptorFlags::empty();
/// `read`.
pub const R: DescriptorFlags = DescriptorFlags::READ;
/// `write`.
pub const W: DescriptorFlags = DescriptorFlags::WRITE;
/// `read` and `write`.
pub const RW: DescriptorFlags = R.union(W);
/// No open flags at all.
pub const PLAIN: OpenFlags = OpenFlags::empty();
/// `create`.
pub const CREATE: OpenFlags = OpenFlags::CREATE;
/// `directory`.
pub const DIRECTORY: OpenFlags = OpenFlags::DIRECTORY;
/// `exclusive`.
pub const EXCLUSIVE: OpenFlags = OpenFlags::EXCLUSIVE;
/// `truncate`.
pub const TRUNCATE: OpenFlags = OpenFlags::TRUNCATE;

/// wasi-libc's number for `not-empty`.
pub const ENOTEMPTY: i32 = 55;
/// wasi-libc's number for `cross-device`.
pub const EXDEV: i32 = 75;

/// Whether the backend under `work` declares that it lacks `what`.
#[must_use]
pub fn lacks(what: &str) -> bool {
    std::env::var("LACKS").is_ok_and(|list| list.split(',').any(|lacking| lacking == what))
}

/// The preopen with the given name.
#[must_use]
pub fn preopen(name: &str) -> Descriptor {
    let found = get_directories().into_iter().find(|(_, guest)| guest == name);
    found.unwrap_or_else(|| panic!("get-directories: no preopen is named {name:?}")).0
}

/// The preopen in which nearly everything happens: read-write, and empty at the start.
#[must_use]
pub fn work() -> Descriptor {
    preopen("work")
}
