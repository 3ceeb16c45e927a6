//! A host for `wasi:filesystem`: one filesystem for every WebAssembly guest, in
//! the browser over OPFS and natively over a directory.

pub mod backend;
mod error;
pub mod path;
mod shared;

pub use error::{ErrorCode, Result, SetupError};
pub use shared::{AnyShared, Ref, Shared, WeakRef};
