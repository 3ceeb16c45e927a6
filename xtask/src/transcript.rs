//! One script of operations, `guest-tests/src/bin/transcript`, through every door and on every
//! kind of backend: what it prints is the same.

use anyhow::{Result, ensure};

use crate::guests::{Outcome, lacks};

/// The guest program.
pub(crate) const TRANSCRIPT: &str = "transcript";

/// What was printed, and where.
#[derive(Default)]
pub(crate) struct Transcripts(Vec<Transcript>);

struct Transcript {
    place: String,
    /// What the backend declares that it lacks: with another list, other lines are right.
    lacks: &'static str,
    lines: Vec<String>,
}

impl Transcripts {
    /// Keeps what the program printed, if it was among those that ran.
    pub(crate) fn keep(&mut self, place: &str, kind: &str, outcomes: &[Outcome]) {
        for outcome in outcomes.iter().filter(|outcome| outcome.name == TRANSCRIPT) {
            let lines = outcome.stdout.lines().map(ToOwned::to_owned).collect();
            let place = place.to_owned();
            self.0.push(Transcript { place, lacks: lacks(kind), lines });
        }
    }

    /// Compares all that have the same to show: how many did, and where others differ.
    pub(crate) fn compare(&self, expected: usize) -> Result<(u64, Vec<String>)> {
        ensure!(self.0.len() == expected, "{} transcripts of {expected}", self.0.len());
        let (mut same, mut failures) = (0, Vec::new());
        for (index, transcript) in self.0.iter().enumerate() {
            ensure!(transcript.lines.len() > 1000, "{}: a short transcript", transcript.place);
            let first = self.0[..index].iter().find(|first| first.lacks == transcript.lacks);
            match first.and_then(|first| difference(first, transcript)) {
                Some(difference) => failures.push(difference),
                None => same += u64::from(first.is_some()),
            }
        }
        Ok((same, failures))
    }
}

/// The first lines that differ, under the last ones that do not.
fn difference(one: &Transcript, other: &Transcript) -> Option<String> {
    let length = one.lines.len().max(other.lines.len());
    let at = (0..length).find(|at| one.lines.get(*at) != other.lines.get(*at))?;
    let from = at.saturating_sub(5).min(one.lines.len());
    let before = one.lines[from..at.min(one.lines.len())].join("\n");
    let line = |transcript: &Transcript| {
        let end = "the end".to_owned();
        format!("{}: {}", transcript.place, transcript.lines.get(at).unwrap_or(&end))
    };
    Some(format!("line {}\n{before}\n{}\n{}", at + 1, line(one), line(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcripts(texts: [&str; 3]) -> Transcripts {
        let mut transcripts = Transcripts::default();
        for (text, kind) in texts.into_iter().zip(["dir", "volume", "tree"]) {
            let stdout = "line\n".repeat(1000) + text;
            let name = TRANSCRIPT.to_owned();
            let outcome = Outcome { name, exit_code: 0, stdout, stderr: String::new() };
            transcripts.keep(kind, kind, &[outcome]);
        }
        transcripts
    }

    #[test]
    fn what_differs_is_told() {
        let (same, failures) = transcripts(["a", "a", "b"]).compare(3).expect("all");
        assert_eq!((same, failures), (1, Vec::new()));
        let (same, failures) = transcripts(["a", "b", "b"]).compare(3).expect("all");
        assert_eq!((same, failures.len()), (0, 1));
        assert!(failures[0].ends_with("dir: a\nvolume: b"), "{}", failures[0]);
        let (_, failures) = transcripts(["a", "a\nmore", "b"]).compare(3).expect("all");
        assert!(failures[0].ends_with("dir: the end\nvolume: more"), "{}", failures[0]);
        assert!(transcripts(["a", "a", "a"]).compare(4).is_err());
    }
}
