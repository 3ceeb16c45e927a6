//! From a file to a program that is ready to run.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Error, Result, bail};
use wasmparser::Parser;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

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

/// A compiled program.
#[derive(Clone)]
pub(crate) enum Program {
    /// For WASI 0.2.
    Component(Component),
    /// For WASI preview1.
    Module(Module),
}

/// Reads and compiles `path`, in the adapter if it is a preview1 module and `adapter` is set;
/// what was compiled before comes from wasmtime's cache.
pub(crate) fn load(engine: &Engine, path: &Path, adapter: bool) -> Result<Program, NotStarted> {
    let shown = path.display();
    let bytes = std::fs::read(path)
        .with_context(|| format!("cannot read the program '{shown}'"))
        .or_exit(MISSING)?;
    compile(engine, &bytes, adapter)
        .with_context(|| format!("cannot run '{shown}'"))
        .or_exit(NOT_RUNNABLE)
}

fn compile(engine: &Engine, bytes: &[u8], adapter: bool) -> Result<Program> {
    let binary =
        wat::parse_bytes(bytes).context("it is neither WebAssembly nor its text format")?;
    let component = if Parser::is_component(&binary) {
        binary
    } else if !Parser::is_core_wasm(&binary) {
        bail!("it is of an unknown version of WebAssembly");
    } else if adapter {
        Cow::Owned(preview1::to_component(&binary)?)
    } else {
        return Module::from_binary(engine, &binary).map(Program::Module).map_err(from_wasmtime);
    };
    Component::from_binary(engine, &component).map(Program::Component).map_err(from_wasmtime)
}
