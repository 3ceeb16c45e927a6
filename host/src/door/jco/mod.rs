//! The door for components that jco transpiles to JavaScript. What a guest holds
//! lives in a table here and is known outside by its number; what it calls takes
//! and answers numbers ([`call`]). What a call means is the core's, and how it looks
//! to a component is the npm package's: classes, or functions on a guest's memory.

#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod call;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod descriptor;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod preopens;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod stream;
mod table;

pub(crate) use self::table::remove_all;
