//! After random changes, what can be seen is what a model has. With arguments, the changes
//! go on for as long as the program lives, and another run tells which of its states is there.

use std::env;
use std::io::{Write, stdout};

use guest_tests::model::{Change, Model, difference, look};
use guest_tests::work;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let numbers: Vec<u64> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    match (arguments.first().map(String::as_str), &numbers[..]) {
        (None, _) => exercise(),
        (Some("change"), &[seed, from, to]) => change(seed, from, to),
        (Some("tell"), &[seed, from, to]) => tell(seed, from, to),
        _ => panic!("usage: [change SEED FROM TO | tell SEED FROM TO]"),
    }
}

fn exercise() {
    let work = work();
    let mut model = Model::new(1);
    while model.number() < 400 {
        let change = model.next();
        change.carry_out(&work, model.number());
        model.make(&change);
        if model.number().is_multiple_of(20) {
            let differing = difference(&model.state(), &look(&work));
            assert_eq!(differing, None, "after change {}, {change:?}", model.number());
        }
    }
}

fn say(word: &str, number: u64) {
    // Who cannot be told anything is not to stop the changes.
    let _ = writeln!(stdout(), "{word} {number}");
}

/// Makes the changes from one number to another, and says after which of them what was
/// stored: `syncing N` and `stored N`, and `paused N` where something may be done about it.
fn change(seed: u64, from: u64, to: u64) {
    let work = work();
    let mut model = Model::new(seed);
    model.advance(from);
    say("resumed", from);
    while model.number() < to {
        let change = model.next();
        if matches!(change, Change::Sync(_)) {
            say("syncing", model.number());
        }
        change.carry_out(&work, model.number());
        model.make(&change);
        match change {
            Change::Sync(_) => say("stored", model.number()),
            Change::Pause => say("paused", model.number()),
            _ => {}
        }
    }
}

/// Says as `state N` which state is there; it has to be one between two numbers.
fn tell(seed: u64, from: u64, to: u64) {
    let found = look(&work());
    let mut model = Model::new(seed);
    model.advance(from);
    let nearest = difference(&model.state(), &found);
    while difference(&model.state(), &found).is_some() {
        if model.number() == to {
            explain(seed, from, &found, &nearest.unwrap_or_default());
        }
        let next = model.number() + 1;
        model.advance(next);
    }
    say("state", model.number());
}

fn explain(seed: u64, from: u64, found: &guest_tests::model::State<'_>, nearest: &str) -> ! {
    let mut model = Model::new(seed);
    while model.number() < from {
        let next = model.number() + 1;
        model.advance(next);
        assert!(
            model.state() != *found,
            "the state is that after change {next}, though {from} were stored"
        );
    }
    panic!("the state is none that there was; it differs from that after change {from}:\n{nearest}")
}
