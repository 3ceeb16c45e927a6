//! All that `wasi:cli/command` of WASI 0.2.0 offers but sockets does what it should.
#![cfg(target_arch = "wasm32")]

#[allow(missing_docs, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "wit-0.2.0", world: "guest", generate_all });
}

use bindings::wasi::cli::exit::exit;

#[path = "../src/guest.rs"]
mod guest;

bindings::export!(Guest with_types_in bindings);

struct Guest;

impl bindings::exports::wasi::cli::run::Guest for Guest {
    fn run() -> Result<(), ()> {
        guest::run(|code| exit(if code == 0 { Ok(()) } else { Err(()) }))
    }
}
