//! Any bytes, as messages of 9P: each is answered, and none does harm.

#![no_main]

#[path = "../../host/tests/p9/model.rs"]
mod model;
#[allow(dead_code)] // Some of it is for the other fuzzer.
#[path = "../../host/tests/p9/play.rs"]
mod play;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| play::wire(bytes));
