//! All that `wasi:cli/command` of WASI 0.2.12 offers but sockets does what it should.
#![cfg(target_arch = "wasm32")]

#[allow(missing_docs, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        inline: "package wasi-opfs:versions;
            world guest { include wasi:cli/command@0.2.12; }",
        path: "../../wit",
        world: "wasi-opfs:versions/guest",
        generate_all,
    });
}

use bindings::wasi::cli::exit::exit_with_code;

#[path = "../src/guest.rs"]
mod guest;

bindings::export!(Guest with_types_in bindings);

struct Guest;

impl bindings::exports::wasi::cli::run::Guest for Guest {
    fn run() -> Result<(), ()> {
        guest::run(exit_with_code)
    }
}
