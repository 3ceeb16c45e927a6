//! What the measuring programs share: what they write, so that whoever reads can tell
//! whether it is the same, and how they say what they found.
//!
//! Each prints lines of JSON: what begins, and how long it took. Whoever runs it does between
//! the phases what is not to be timed, while the line is written.

pub mod content;
pub mod rounds;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// Runs a program that measures, and says before and after that it holds nothing but what it
/// began with.
///
/// # Errors
/// Those of the program.
pub fn measured(run: impl FnOnce() -> Result<()>) -> Result<()> {
    // The standard library asks for the preopens once, and keeps them.
    std::fs::metadata("/")?;
    say(r#"{"handles":"before"}"#);
    run()?;
    say(r#"{"handles":"after"}"#);
    Ok(())
}

/// Says that a phase begins which writes so many bytes, runs it, and says how long it took.
///
/// # Errors
/// Those of the phase.
pub fn phase<T>(name: &str, writes: usize, run: impl FnOnce() -> Result<T>) -> Result<T> {
    part_of_phase(name, writes, || Ok((run()?, 1.0)))
}

/// The same of one that may do but a part of what it should: its share is beside its answer,
/// and the time is said for all of it.
///
/// # Errors
/// Those of the phase.
pub fn part_of_phase<T>(
    name: &str,
    writes: usize,
    run: impl FnOnce() -> Result<(T, f64)>,
) -> Result<T> {
    say(&format!(r#"{{"at":"{name}","writes":{writes}}}"#));
    let begun = Instant::now();
    let (found, share) = run()?;
    let ms = milliseconds(begun.elapsed()) / share;
    let cut = share < 1.0;
    say(&format!(r#"{{"phase":"{name}","ms":{ms},"cut":{cut}}}"#));
    Ok(found)
}

/// Prints a line for whoever runs this.
pub fn say(line: &str) {
    #[allow(clippy::print_stdout)] // That is where lines are read.
    {
        println!("{line}");
    }
}

/// With all its decimals.
#[must_use]
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Stops unless two are the same.
///
/// # Errors
/// If they are not.
#[allow(clippy::needless_pass_by_value)] // Most are made for this.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<()> {
    ensure!(found == wanted, "{what}: {found:?}, not {wanted:?}");
    Ok(())
}
