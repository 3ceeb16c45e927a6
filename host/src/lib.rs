//! A host for `wasi:filesystem`: one filesystem for every WebAssembly guest, in
//! the browser over OPFS and natively over a directory.

pub mod backend;
#[cfg(all(feature = "jco", target_arch = "wasm32"))]
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod browser;
#[cfg(all(feature = "check", target_arch = "wasm32"))]
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod browser_check;
mod descriptor;
pub mod door;
mod error;
mod locks;
mod mount;
pub mod path;
mod resolve;
mod shared;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(
    feature = "p9",
    all(any(feature = "p1", feature = "wasmtime"), not(target_arch = "wasm32"))
))]
mod trace;

pub use descriptor::{
    Descriptor, DescriptorFlags, Given, Listing, MakeFlags, Object, OpenFlags, Owners, Stat,
    XATTR_SIZE_MAX,
};
pub use error::{ErrorCode, Result, SetupError};
pub use locks::{LockAnswer, LockHolder, LockKind, LockOwner, LockRange, LockWaiter};
pub use mount::{FileSystem, MountOptions, MountTable};
pub use resolve::Follow;
pub use shared::{AnyShared, Ref, Shared, WeakRef};
pub use stream::{CHUNK, DirectoryStream, InputStream, OutputStream, StreamError};
#[cfg(any(
    feature = "p9",
    all(any(feature = "p1", feature = "wasmtime"), not(target_arch = "wasm32"))
))]
pub use trace::{TraceEvent, Tracer};
