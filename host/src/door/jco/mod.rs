//! The door for components that jco transpiles to JavaScript. What a guest holds
//! lives in a table here and is known outside by its number; the classes of the
//! npm package are shells around numbers. Names and values are converted here,
//! what a call means is the core's.

#[cfg(target_arch = "wasm32")]
mod answer;
#[cfg(target_arch = "wasm32")]
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod descriptor;
#[cfg(target_arch = "wasm32")]
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod filesystem;
mod slots;
#[cfg(target_arch = "wasm32")]
#[allow(unreachable_pub)] // What wasm-bindgen exports has to be public.
mod stream;
#[cfg(target_arch = "wasm32")]
mod table;
#[cfg(target_arch = "wasm32")]
mod value;
