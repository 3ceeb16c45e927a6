//! What a long command has done so far: counted, and shown while somebody looks at a terminal.

use std::time::Duration;

use anyhow::Result;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::interrupt;

/// How often it is drawn.
const TICK: Duration = Duration::from_millis(100);

/// What was copied.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Counts {
    files: u64,
    directories: u64,
    /// Symbolic links, and hard ones to what was copied before.
    links: u64,
    bytes: u64,
}

pub(crate) struct Progress {
    pub(crate) counts: Counts,
    bar: ProgressBar,
    /// A signal ends the work.
    stoppable: bool,
}

impl Progress {
    /// Only counts.
    pub(crate) fn hidden() -> Self {
        Self { counts: Counts::default(), bar: ProgressBar::hidden(), stoppable: true }
    }

    /// The same, for what is done after a signal, too.
    pub(crate) fn unstoppable() -> Self {
        Self { stoppable: false, ..Self::hidden() }
    }

    /// Shows what is done, if standard error is a terminal.
    pub(crate) fn shown() -> Self {
        let bar = ProgressBar::no_length();
        bar.set_style(style("{spinner} {msg}, {bytes}, {bytes_per_sec}"));
        bar.enable_steady_tick(TICK);
        Self { counts: Counts::default(), bar, stoppable: true }
    }

    pub(crate) fn file(&mut self) -> Result<()> {
        self.counts.files += 1;
        self.bar.set_message(format!("{} files", self.counts.files));
        self.check()
    }

    pub(crate) fn directory(&mut self) -> Result<()> {
        self.counts.directories += 1;
        self.check()
    }

    pub(crate) fn link(&mut self) -> Result<()> {
        self.counts.links += 1;
        self.check()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<()> {
        self.counts.bytes += count as u64;
        self.bar.set_position(self.counts.bytes);
        self.check()
    }

    fn check(&self) -> Result<()> {
        if self.stoppable { interrupt::check() } else { Ok(()) }
    }

    /// Takes the bar away, and says what was done to who looks at a terminal.
    pub(crate) fn finish(&self, done: bool) {
        if !done {
            return self.bar.finish_and_clear();
        }
        let Counts { files, directories, links, bytes } = self.counts;
        let bytes = HumanBytes(bytes);
        self.bar.set_style(style("{msg}"));
        self.bar.finish_with_message(format!(
            "{files} files, {directories} directories, {links} links, {bytes}"
        ));
    }
}

/// A bar from 0 to `length` bytes, on a terminal.
pub(crate) fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    bar.set_style(style("{wide_bar} {bytes} of {total_bytes}, {eta} left"));
    bar.enable_steady_tick(TICK);
    bar
}

/// A template that is wrong, which no input can make it, shows the default.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
