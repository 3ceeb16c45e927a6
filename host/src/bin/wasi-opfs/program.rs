//! From a file to a component that is ready to run.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Error, Result, bail};
use wasmparser::Parser;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::preview1;

/// Why a program was not started.
pub(crate) struct NotStarted {
    /// As a shell has it.
    pub(crate) exit_code: i32,
    pub(crate) error: Error,
}

/// There is no such program.
pub(crate) const MISSING: i32 = 127;
/// It is there and cannot be run.
pub(crate) const NOT_RUNNABLE: i32 = 126;
/// Its files cannot be made ready, or not be copied out.
pub(crate) const NO_FILES: i32 = 125;

/// Gives an error the exit code that it leads to.
pub(crate) trait OrExit<T> {
    fn or_exit(self, exit_code: i32) -> Result<T, NotStarted>;
}

impl<T> OrExit<T> for Result<T> {
    fn or_exit(self, exit_code: i32) -> Result<T, NotStarted> {
        self.map_err(|error| NotStarted { exit_code, error })
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// wasmtime's error, with its causes, as one of ours.
pub(crate) fn from_wasmtime(error: wasmtime::Error) -> Error {
    Error::from_boxed(error.into_boxed_dyn_error())
}

/// Reads and compiles `path`; what was compiled before comes from wasmtime's cache.
pub(crate) fn load(engine: &Engine, path: &Path) -> Result<Component, NotStarted> {
    let shown = path.display();
    let bytes = std::fs::read(path)
        .with_context(|| format!("cannot read the program '{shown}'"))
        .or_exit(MISSING)?;
    component(&bytes)
        .and_then(|bytes| Component::from_binary(engine, &bytes).map_err(from_wasmtime))
        .with_context(|| format!("cannot run '{shown}'"))
        .or_exit(NOT_RUNNABLE)
}

/// The component in `bytes`: text is read, and a preview1 module is wrapped.
fn component(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let binary =
        wat::parse_bytes(bytes).context("it is neither WebAssembly nor its text format")?;
    if Parser::is_component(&binary) {
        return Ok(binary);
    }
    if !Parser::is_core_wasm(&binary) {
        bail!("it is of an unknown version of WebAssembly");
    }
    Ok(Cow::Owned(preview1::to_component(&binary)?))
}
