//! The door for plain preview1 programs: every function of `wasi_snapshot_preview1` over the
//! core's descriptors. `calls` lists them, `guest`, `fd`, `io`, `path` and `poll` are what
//! they do, `linker` and `browser` are the two ways to offer them. Descriptors as numbers,
//! positions, and the layouts are here; what a call on files means is the core's.

mod abi;
#[cfg(all(feature = "jco", target_arch = "wasm32"))]
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod browser;
mod calls;
mod device;
mod failure;
mod fd;
mod guest;
mod io;
#[cfg(not(target_arch = "wasm32"))]
mod linker;
mod memory;
mod path;
mod poll;
mod system;
mod table;
#[cfg(not(target_arch = "wasm32"))]
mod trace;

#[cfg(all(feature = "jco", target_arch = "wasm32"))]
pub(crate) use self::browser::remove_all;
pub use self::device::{Device, Null, Want};
#[cfg(not(target_arch = "wasm32"))]
pub use self::linker::{Exit, P1Builder, P1Ctx, P1View, add_to_linker};
