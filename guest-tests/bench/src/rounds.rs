//! Single calls in rounds: the median tells what one of them costs.

use std::time::Instant;

use anyhow::Result;

use crate::{milliseconds, say};

/// How many rounds count, and of which calls.
pub struct Rounds {
    /// As many come before that do not count.
    pub count: usize,
    /// What the names of those that are measured contain.
    pub of: String,
}

impl Rounds {
    /// From the arguments of the program: `ROUNDS [NAME]`.
    ///
    /// # Errors
    /// If the first is no number.
    pub fn from_arguments() -> Result<Self> {
        let mut arguments = std::env::args().skip(1);
        let rounds = arguments.next().ok_or_else(|| anyhow::anyhow!("how many rounds"))?;
        let count = rounds.parse::<usize>()?.max(1);
        Ok(Self { count, of: arguments.next().unwrap_or_default() })
    }

    /// Calls of which nothing has to be cleaned up.
    ///
    /// # Errors
    /// Those of the call.
    pub fn alone(&self, name: &str, call: impl FnMut(usize) -> Result<()>) -> Result<()> {
        self.each(name, 1000, call, || Ok(()))
    }

    /// Tells the microseconds of one of `calls` calls. `between` is not timed.
    ///
    /// # Errors
    /// Those of the calls.
    pub fn each(
        &self,
        name: &str,
        calls: usize,
        mut call: impl FnMut(usize) -> Result<()>,
        mut between: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        if !name.contains(&self.of) {
            return Ok(());
        }
        let mut times = Vec::new();
        for _ in 0..2 * self.count {
            let begun = Instant::now();
            for number in 0..calls {
                call(number)?;
            }
            #[allow(clippy::cast_precision_loss)] // Thousands.
            times.push(milliseconds(begun.elapsed()) * 1000.0 / calls as f64);
            between()?;
        }
        let counted = &mut times[self.count..];
        counted.sort_by(f64::total_cmp);
        let us = counted[counted.len() / 2];
        say(&format!(r#"{{"call":"{name}","us":{us}}}"#));
        Ok(())
    }
}
