//! The door for whoever mounts: 9P2000.L as Linux speaks it. `wire` and `messages` are the
//! format, `session` is one connection, `walk`, `attributes`, `files`, `names`, `xattrs` and
//! `locking` are what its requests do, `serve` carries them over a stream, `client` asks.
//! Fids are here, and what flags and numbers mean; what a request does is the core's.
//! Nobody is asked who they are: modes are looked at by the client, as Linux does.

mod attributes;
pub mod client;
mod errno;
mod fids;
mod files;
mod locking;
mod messages;
mod names;
#[cfg(not(target_arch = "wasm32"))]
mod serve;
mod server;
mod session;
mod walk;
mod wire;
mod xattrs;

pub use self::messages::{NO_FID, NO_TAG, NO_UID, Reply, Request};
#[cfg(not(target_arch = "wasm32"))]
pub use self::serve::serve;
pub use self::server::{Limits, Server};
pub use self::session::{Handled, Late, Session};
pub use self::wire::{Data, DirEntry, HEADER, Malformed, Qid, Qids, WALK_MAX, Way};
