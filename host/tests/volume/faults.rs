//! Errors at call n of the disk, for all n: what is told to have failed has not happened,
//! all else has, and once the disk works again everything can be stored.

use std::time::Duration;

use wasi_opfs::ErrorCode;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::testing::Model;

use crate::sim::{Fault, Platter, Sim};
use crate::work::{Bench, Operation, Random, Style, operation};

const OPERATIONS: usize = 100;

/// A workload in which call `at` and the next ones fail; answers whether one did.
fn run(seed: u64, style: Style, at: u64, times: u64, fault: Fault) -> bool {
    let what = format!("seed {seed} {style:?}: {times} calls from {at} fail: {fault:?}");
    let mut random = Random::new(seed);
    let options = Options::default().gather(2_000, Duration::from_secs(100));
    let sim = Sim::new(&Platter::default());
    let mut volume = Bench::of_volume(Volume::open(sim.clone(), options).expect("a volume"));
    let mut model = Bench::new(Model::new());
    sim.arm(at, times, fault);
    for step in 0..OPERATIONS {
        let operation = operation(&mut random, style);
        let what = format!("{what}, step {step}: {operation:?}");
        let answer = volume.run(&operation);
        match answer {
            Err(ErrorCode::Io | ErrorCode::InsufficientSpace) => {}
            // Where there was no room for all of it.
            Ok(count) if is_short(&operation, count) => {
                let less = shortened(&operation, count);
                assert_eq!(model.run(&less), answer, "{what}");
            }
            _ => assert_eq!(model.run(&operation), answer, "{what}"),
        }
    }
    let calls = sim.calls();
    sim.disarm();
    assert_eq!(volume.dump(), model.dump(), "{what}");
    volume.run(&Operation::Sync).unwrap_or_else(|code| panic!("{what}: then sync: {code}"));
    let again = Sim::new(&Platter::default().killed(&sim.events()));
    let found = Volume::open(again, options).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(Bench::of_volume(found).dump(), model.dump(), "{what}, opened again");
    calls > at
}

fn is_short(operation: &Operation, count: usize) -> bool {
    match operation {
        Operation::Write(_, _, wanted, _) => count < *wanted,
        Operation::WriteOpen(wanted, _) => count > 0 && count < *wanted,
        _ => false,
    }
}

fn shortened(operation: &Operation, count: usize) -> Operation {
    match operation {
        Operation::Write(at, offset, _, number) => {
            Operation::Write(at.clone(), *offset, count, *number)
        }
        Operation::WriteOpen(_, number) => Operation::WriteOpen(count, *number),
        other => other.clone(),
    }
}

#[test]
fn a_failure_of_any_call_harms_nothing() {
    let mut calls = 0;
    for seed in crate::seeds(3) {
        for fault in [Fault::Io, Fault::Full, Fault::Short, Fault::Nothing] {
            let mut at = 0;
            while run(seed, Style::Mixed, at, 1, fault) {
                at += 1;
            }
            calls += at;
        }
    }
    assert!(calls > 200, "only {calls} calls failed");
}

#[test]
fn failures_that_last_harm_nothing() {
    for seed in crate::seeds(3) {
        for fault in [Fault::Io, Fault::Full, Fault::Nothing] {
            for times in [2, 7, 1_000_000] {
                let mut at = 0;
                while run(100 + seed, Style::Mixed, at, times, fault) {
                    at += 5;
                }
            }
        }
    }
}

#[test]
fn failures_around_checkpoints_harm_nothing() {
    for fault in [Fault::Io, Fault::Full] {
        let mut at = 0;
        while run(7, Style::Heavy, at, 1, fault) {
            at += 3;
        }
    }
}
