//! A host for `wasi:filesystem`: one filesystem for every WebAssembly guest, in
//! the browser over OPFS and natively over a directory.

pub mod backend;
mod descriptor;
mod error;
mod mount;
pub mod path;
mod resolve;
mod shared;
mod stream;

pub use descriptor::{Descriptor, DescriptorFlags, OpenFlags, Stat};
pub use error::{ErrorCode, Result, SetupError};
pub use mount::{FileSystem, MountOptions, MountTable};
pub use resolve::Follow;
pub use shared::{AnyShared, Ref, Shared, WeakRef};
pub use stream::{CHUNK, DirectoryStream, InputStream, OutputStream, StreamError};
