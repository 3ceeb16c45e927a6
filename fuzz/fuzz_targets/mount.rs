//! A damaged image is mounted, read, changed and mounted again.

#![no_main]

#[allow(dead_code)] // Some of it is for the tests only.
#[path = "../../host/tests/volume/mutate.rs"]
mod mutate;
#[allow(dead_code)]
#[path = "../../host/tests/volume/work.rs"]
mod work;

libfuzzer_sys::fuzz_target!(|recipe: &[u8]| mutate::mount(recipe));
