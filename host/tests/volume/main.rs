//! What only a volume promises: after a crash it is what it was after some operation, a
//! failing or full disk harms nothing that is stored, and damage is refused.
//!
//! Workloads are random, and a failure names its seed. `WASI_OPFS_SEEDS=N` runs more.

#![cfg(feature = "testing")]

mod cache;
mod check;
mod compact;
mod crash;
mod damage;
mod faults;
mod full;
mod fuzz;
mod model;
mod mutate;
mod pieces;
mod sim;
mod work;

/// How many seeds a test runs, `few` by default.
fn seeds(few: u64) -> std::ops::Range<u64> {
    let wanted = std::env::var("WASI_OPFS_SEEDS").ok().and_then(|text| text.parse().ok());
    0..wanted.unwrap_or(few)
}
