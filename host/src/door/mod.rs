//! The doors: adapters between a caller's world and the core. A door looks up,
//! converts, calls and converts back; no rule of WASI is written here.

#[cfg(all(feature = "jco", target_arch = "wasm32"))]
pub(crate) mod answer;
#[cfg(all(feature = "jco", target_arch = "wasm32"))]
pub mod jco;
#[cfg(feature = "p1")]
pub mod p1;
#[cfg(feature = "p9")]
pub mod p9;
#[cfg(all(feature = "jco", target_arch = "wasm32"))]
pub mod page;
#[cfg(all(feature = "jco", any(test, target_arch = "wasm32")))]
pub(crate) mod slots;
#[cfg(all(any(feature = "jco", feature = "check"), target_arch = "wasm32"))]
pub(crate) mod thrown;
#[cfg(all(feature = "wasmtime", not(target_arch = "wasm32")))]
pub mod wasmtime;
