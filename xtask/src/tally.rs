//! What is counted among tests: what passed, what failed and why, by what their runners print.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::tools::{name, say};

/// What has been counted so far.
#[derive(Default)]
pub(crate) struct Tally {
    passed: u64,
    failures: Vec<String>,
}

impl Tally {
    /// Counts a step that is one test: it passes if it comes to its end.
    pub(crate) fn one(&mut self, what: &str, step: impl FnOnce() -> Result<()>) {
        self.many(what, || step().map(|()| (1, Vec::new())));
    }

    /// Counts a step that counts its own tests and says of each that failed its name and why.
    pub(crate) fn many(&mut self, what: &str, step: impl FnOnce() -> Result<(u64, Vec<String>)>) {
        say(what);
        let start = Instant::now();
        let (passed, failures) = step().unwrap_or_else(|error| (0, vec![format!("{error:#}")]));
        let seconds = start.elapsed().as_secs_f32();
        for failure in &failures {
            say(&format!("  FAILED {failure}"));
        }
        say(&format!("  {passed} passed, {} failed in {seconds:.0} s", failures.len()));
        self.passed += passed;
        self.failures.extend(failures.into_iter().map(|failure| format!("{what}: {failure}")));
    }

    /// Prints a line for each test that failed, and last how many did.
    ///
    /// # Errors
    /// If one did.
    pub(crate) fn report(&self) -> Result<()> {
        let failed = self.failures.len();
        let mut lines: Vec<_> = self.failures.iter().map(|failure| brief(failure)).collect();
        lines.push(format!("{} passed, {failed} failed", self.passed));
        writeln!(std::io::stdout(), "{}", lines.join("\n"))?;
        ensure!(failed == 0, "{failed} tests failed");
        Ok(())
    }
}

/// A failure in a line. All of it has been shown where it happened.
fn brief(failure: &str) -> String {
    const MOST: usize = 240;
    let lines = failure.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" | ");
    let cut: String = line.chars().take(MOST).collect();
    if cut == line { format!("FAILED {line}") } else { format!("FAILED {cut}…") }
}

/// What runs tests and counts them in its output.
pub(crate) struct TestRunner {
    /// How many passed, and how many failed.
    counts: fn(&str) -> Option<(u64, u64)>,
    /// Those that failed, by name, with why if it says so in a line.
    failures: fn(&str) -> Vec<String>,
}

/// `cargo test`.
pub(crate) const CARGO: TestRunner = TestRunner { counts: cargo_counts, failures: cargo_failures };
/// `node --test`.
pub(crate) const NODE: TestRunner = TestRunner { counts: node_counts, failures: node_failures };
/// One whose last line is `3 passed, 0 failed`.
pub(crate) const PLAIN: TestRunner = TestRunner { counts: plain_counts, failures: plain_failures };

impl TestRunner {
    /// Runs a command of this kind.
    ///
    /// # Errors
    /// If it cannot be started or counts nothing.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(u64, Vec<String>)> {
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", name(command)))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let counts = (self.counts)(&text);
        if output.status.success()
            && let Some((passed, 0)) = counts
        {
            return Ok((passed, Vec::new()));
        }
        let mut stderr = std::io::stderr().lock();
        stderr.write_all(&output.stdout)?;
        stderr.write_all(&output.stderr)?;
        let Some((passed, failed)) = counts else {
            bail!("{} counted no tests ({})", name(command), output.status);
        };
        let mut failures = (self.failures)(&text);
        // As many as it counted: one that has no name here failed all the same.
        let failed = usize::try_from(failed.max(1))?;
        let unnamed = format!("{} ended with {}", name(command), output.status);
        failures.resize(failed, unnamed);
        Ok((passed, failures))
    }
}

/// Adds up `test result: ok. 3 passed; 0 failed; …`.
fn cargo_counts(text: &str) -> Option<(u64, u64)> {
    text.lines()
        .filter_map(|line| {
            let (_, counts) = line.split_once("test result: ")?;
            let number = |word: &str| {
                let (before, _) = counts.split_once(word)?;
                before.rsplit([' ', ';']).find(|part| !part.is_empty())?.parse::<u64>().ok()
            };
            Some((number("passed")?, number("failed")?))
        })
        .reduce(|sum, next| (sum.0 + next.0, sum.1 + next.1))
}

/// Reads `---- NAME stdout ----` and the line that says what panicked, below the place.
fn cargo_failures(text: &str) -> Vec<String> {
    let mut failures = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let words = line.strip_prefix("---- ");
        if let Some(name) = words.and_then(|rest| rest.strip_suffix(" stdout ----")) {
            failures.push(name.to_owned());
        } else if line.contains(" panicked at ")
            && let (Some(failure), Some(why)) = (failures.last_mut(), lines.peek())
        {
            *failure = format!("{failure}: {}", why.trim());
        }
    }
    failures
}

/// Reads `3 passed, 0 failed`.
fn plain_counts(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().rev().find(|line| line.contains(" passed, "))?;
    let (passed, rest) = line.trim().split_once(" passed, ")?;
    Some((passed.parse().ok()?, rest.strip_suffix(" failed")?.parse().ok()?))
}

/// Reads `FAILED NAME: why`.
fn plain_failures(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("FAILED ")).map(str::to_owned).collect()
}

/// Reads the `# pass 3` and `# fail 0` of node's test runner.
fn node_counts(text: &str) -> Option<(u64, u64)> {
    let number = |word: &str| {
        let after = |line: &str| {
            let line = line.trim_start_matches(['#', 'ℹ', ' ']);
            line.strip_prefix(word)?.trim().parse::<u64>().ok()
        };
        text.lines().filter_map(after).reduce(|sum, next| sum + next)
    };
    Some((number("pass ")?, number("fail ")?))
}

/// Reads `not ok 3 - NAME` and the `error: 'why'` below it.
fn node_failures(text: &str) -> Vec<String> {
    let mut failures: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if let Some((_, name)) =
            line.strip_prefix("not ok ").and_then(|rest| rest.split_once(" - "))
        {
            failures.push(name.to_owned());
            open = true;
        } else if line == "..." {
            open = false;
        } else if let Some(failure) = failures.last_mut().filter(|_| open)
            && let Some(why) = line.strip_prefix("error: ")
        {
            *failure = format!("{failure}: {why}");
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read() {
        let cargo = "test result: ok. 3 passed; 1 failed; 0 ignored\n\
                     test result: FAILED. 20 passed; 0 failed; 0 ignored";
        assert_eq!(cargo_counts(cargo), Some((23, 1)));
        assert_eq!(plain_counts("x\n7 passed, 2 failed\n"), Some((7, 2)));
        assert_eq!(node_counts("# tests 3\n# pass 2\n# fail 1\n"), Some((2, 1)));
        assert_eq!(node_counts("nothing"), None);
    }

    #[test]
    fn failures_are_named() {
        let cargo = "failures:\n\n---- a::b stdout ----\n\n\
                     thread 'a::b' (7) panicked at src/a.rs:1:2:\nno space\nnote: run with\n\n\
                     failures:\n    a::b\n";
        assert_eq!(cargo_failures(cargo), ["a::b: no space"]);
        let node = "    not ok 1 - inner\n      ---\n      error: 'why'\n      ...\n\
                    error: 'elsewhere'\nok 2 - fine\nnot ok 3 - other\n";
        assert_eq!(node_failures(node), ["inner: 'why'", "other"]);
        assert_eq!(plain_failures("FAILED a: why\nok b\n"), ["a: why"]);
        assert_eq!(brief("a: one\n\n  two\n"), "FAILED a: one | two");
        assert_eq!(brief(&"é".repeat(300)).chars().count(), 248);
    }

    #[test]
    fn a_failed_run_is_counted_by_name() -> Result<()> {
        let print = |text: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", text]);
            PLAIN.run(&mut shell)
        };
        assert_eq!(print("echo 2 passed, 0 failed")?, (2, vec![]));
        let (passed, failures) = print("echo FAILED a: why; echo 2 passed, 2 failed; exit 1")?;
        assert_eq!((passed, failures.len(), failures[0].as_str()), (2, 2, "a: why"));
        assert_eq!(print("echo 2 passed, 0 failed; exit 1")?.1.len(), 1);
        assert!(print("exit 0").is_err());
        Ok(())
    }
}
