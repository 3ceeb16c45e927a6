//! What a check has found, in the order in which it was found: one line each, for whoever
//! has to do something about it.

use std::fmt;

/// Findings that are kept; of the others only the number and the worst severity.
const FINDINGS_MAX: usize = 1000;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is wrong; the next mount tidies it up by itself, or it does no harm.
    Note,
    /// It can be put right, and nothing of what was stored is missing afterwards.
    Repairable,
    /// Something that was stored is gone. A repair makes the rest consistent.
    Lost,
}

impl Severity {
    /// In one word, as it is shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Repairable => "repairable",
            Self::Lost => "lost",
        }
    }
}

/// One thing that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, and what comes of it.
    pub text: String,
    /// The volume was put right.
    pub repaired: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repaired = if self.repaired { " (repaired)" } else { "" };
        write!(f, "{}: {}{repaired}", self.severity.name(), self.text)
    }
}

/// Findings as they come in.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    /// How many more there were.
    pub(super) omitted: u64,
    pub(super) worst: Option<Severity>,
}

impl Findings {
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.add(Severity::Note, text.into());
    }

    pub(super) fn repairable(&mut self, text: impl Into<String>) {
        self.add(Severity::Repairable, text.into());
    }

    pub(super) fn lost(&mut self, text: impl Into<String>) {
        self.add(Severity::Lost, text.into());
    }

    fn add(&mut self, severity: Severity, text: String) {
        self.worst = self.worst.max(Some(severity));
        // A state is looked at once more if the one behind it turns out not to be whole.
        if self.list.iter().any(|known| known.text == text) {
            return;
        }
        if self.list.len() < FINDINGS_MAX {
            self.list.push(Finding { severity, text, repaired: false });
        } else {
            self.omitted += 1;
        }
    }
}
