//! A damaged image is checked and repaired, and has to work then.

#![no_main]

#[allow(dead_code)] // Some of it is for the tests only.
#[path = "../../host/tests/volume/mutate.rs"]
mod mutate;
#[allow(dead_code)]
#[path = "../../host/tests/volume/work.rs"]
mod work;

libfuzzer_sys::fuzz_target!(|recipe: &[u8]| mutate::check_and_repair(recipe));
