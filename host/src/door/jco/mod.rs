//! The door for components that jco transpiles to JavaScript. What a guest holds
//! lives in a table here and is known outside by its number; the classes of the
//! npm package are shells around numbers. Names and values are converted here,
//! what a call means is the core's.

mod answer;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod descriptor;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod preopens;
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod stream;
mod table;
mod value;

pub(crate) use self::table::remove_all;
