//! The door for the page itself: verbs on paths, as a script wants them. Each is one call,
//! at once or, with `wait`, as a promise where a mount waits. What a path means is the
//! core's: a page sees what a guest with these mounts sees. An error is thrown as an
//! `Error` that names path, cause and next step.

mod call;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod content;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod handle;
mod remove;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod tree;
mod value;

pub(crate) use self::handle::remove_all;
