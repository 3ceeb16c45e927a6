//! Where `--trace` writes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use wasi_opfs::{TraceEvent, Tracer};

/// A file of lines, or standard error.
pub(crate) struct TraceLog(Mutex<State>);

struct State {
    out: Box<dyn Write + Send>,
    failed: Option<io::Error>,
}

impl TraceLog {
    /// Writes to `file`, which is emptied, or to standard error if it is `-`.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let out: Box<dyn Write + Send> = if file == Path::new("-") {
            Box::new(io::stderr())
        } else {
            let shown = file.display();
            let file = File::create(file)
                .with_context(|| format!("cannot write the trace to '{shown}'"))?;
            Box::new(BufWriter::new(file))
        };
        Ok(Self(Mutex::new(State { out, failed: None })))
    }

    /// Writes what one guest does; with the name of its job, if there are several.
    pub(crate) fn tracer(self: &Arc<Self>, job: Option<&str>) -> Arc<dyn Tracer> {
        let log = Arc::clone(self);
        let head = match job {
            Some(name) => format!("{{\"job\":{},", serde_json::Value::from(name)),
            None => "{".to_owned(),
        };
        Arc::new(move |event: &TraceEvent<'_>| {
            let line = format!("{head}{}\n", &event.to_string()[1..]);
            let mut state = log.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.failed.is_none() {
                state.failed = state.out.write_all(line.as_bytes()).err();
            }
        })
    }

    /// Everything is written.
    pub(crate) fn finish(&self) -> Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match state.failed.take() {
            Some(error) => Err(error),
            None => state.out.flush(),
        };
        answer.context("the trace is not complete")
    }
}
