//! After random changes, what can be seen is what a model has. With arguments, the changes
//! go on for as long as the program lives, and another run tells which of its states is there.

use std::env;
use std::io::{Write, stdout};

use guest_tests::model::{Change, Model, State, difference, look};
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

/// Says as `state N` after how many changes the state is as it is: the most of those between
/// two numbers, for some change nothing. There has to be one.
fn tell(seed: u64, from: u64, to: u64) {
    let found = look(&work());
    let mut model = Model::new(seed);
    model.advance(from);
    let nearest = difference(&model.state(), &found);
    while model.state() != found {
        if model.number() == to {
            explain(seed, from, &found, &nearest.unwrap_or_default());
        }
        model.advance(model.number() + 1);
    }
    let mut state = model.number();
    while model.number() < to && model.state() == found {
        state = model.number();
        model.advance(state + 1);
    }
    say("state", state);
}

fn explain(seed: u64, from: u64, found: &State<'_>, nearest: &str) -> ! {
    let mut model = Model::new(seed);
    while model.number() < from {
        model.advance(model.number() + 1);
        assert!(
            model.state() != *found,
            "the state is that after change {}, though {from} were stored",
            model.number()
        );
    }
    panic!("the state is none that there was; it differs from that after change {from}:\n{nearest}")
}
