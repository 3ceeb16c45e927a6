//! What a program reads and writes beside files: this process's own streams, or memory. A
//! component is given wasmtime's streams; for a module they are devices.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use wasi_opfs::backend::{Destination, Source};
use wasi_opfs::door::p1::{Device, Want};
use wasi_opfs::{ErrorCode, Result};
use wasmtime_wasi::cli::{StdinStream, StdoutStream};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::p2::{InputStream, OutputStream, StreamError};

/// Where a program's input comes from and its output goes to.
pub(crate) enum Stdio {
    /// This process's own.
    Inherited,
    /// No input; output is kept.
    Captured { stdout: MemoryOutputPipe, stderr: MemoryOutputPipe },
}

/// The most that is read ahead for a program that asks whether there is input, in bytes.
const AHEAD: usize = 64 * 1024;

/// Something that is read.
pub(crate) struct Input {
    state: tokio::sync::Mutex<InputState>,
    terminal: bool,
}

struct InputState {
    stream: Box<dyn InputStream>,
    /// What was read ahead.
    pending: Bytes,
    ended: bool,
}

impl Input {
    pub(crate) fn new(stream: &impl StdinStream) -> Self {
        let state = InputState { stream: stream.p2_stream(), pending: Bytes::new(), ended: false };
        Self { state: tokio::sync::Mutex::new(state), terminal: stream.is_terminal() }
    }
}

impl InputState {
    /// Waits until there is something, or the end.
    async fn fill(&mut self, most: usize) -> Result<()> {
        if self.pending.is_empty() && !self.ended {
            match self.stream.blocking_read(most.min(AHEAD)).await {
                Ok(bytes) => self.pending = bytes,
                Err(StreamError::Closed) => self.ended = true,
                Err(error) => return Err(code(&error)),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Device for Input {
    async fn read(&self, mut into: Destination<'_>) -> Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let mut state = self.state.lock().await;
        state.fill(into.len()).await?;
        let count = state.pending.len().min(into.len());
        into.put(0, &state.pending.split_to(count));
        Ok(count)
    }

    async fn write(&self, _from: Source<'_>) -> Result<usize> {
        Err(ErrorCode::BadDescriptor)
    }

    async fn ready(&self, want: Want, most: Duration) -> Result<u64> {
        if want == Want::Write {
            return Err(ErrorCode::BadDescriptor);
        }
        let mut state = self.state.lock().await;
        match tokio::time::timeout(most, state.fill(AHEAD)).await {
            Ok(filled) => filled?,
            Err(_late) => return Ok(0),
        }
        // The end is also read at once.
        Ok(state.pending.len().max(1) as u64)
    }

    fn is_terminal(&self) -> bool {
        self.terminal
    }
}

/// Something that is written.
pub(crate) struct Output {
    stream: Mutex<Box<dyn OutputStream>>,
    terminal: bool,
}

impl Output {
    pub(crate) fn new(stream: &impl StdoutStream) -> Self {
        Self { stream: Mutex::new(stream.p2_stream()), terminal: stream.is_terminal() }
    }

    fn put(&self, bytes: &[u8]) -> Result<usize, StreamError> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let count = stream.check_write()?.min(bytes.len());
        stream.write(Bytes::copy_from_slice(&bytes[..count]))?;
        // Somebody may wait for a line that has no end yet.
        stream.flush()?;
        Ok(count)
    }
}

#[async_trait]
impl Device for Output {
    async fn read(&self, _into: Destination<'_>) -> Result<usize> {
        Err(ErrorCode::BadDescriptor)
    }

    async fn write(&self, from: Source<'_>) -> Result<usize> {
        let Source::Slice(bytes) = from;
        self.put(bytes).map_err(|error| code(&error))
    }

    async fn ready(&self, want: Want, _most: Duration) -> Result<u64> {
        match want {
            Want::Read => Err(ErrorCode::BadDescriptor),
            Want::Write => Ok(1),
        }
    }

    fn is_terminal(&self) -> bool {
        self.terminal
    }
}

fn code(error: &StreamError) -> ErrorCode {
    match error {
        StreamError::Closed => ErrorCode::Pipe,
        StreamError::LastOperationFailed(_) | StreamError::Trap(_) => ErrorCode::Io,
    }
}
