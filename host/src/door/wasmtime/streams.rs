//! The core's streams as wasmtime-wasi's. They are always ready, because the data
//! half of a backend never waits.

use bytes::Bytes;
use wasmtime_wasi::p2::{self, DynInputStream, DynOutputStream, Pollable, StreamResult};

use crate::backend::Source;
use crate::stream::{InputStream, OutputStream, StreamError};
use crate::trace::Trace;

pub(super) fn input(stream: InputStream, trace: Trace, descriptor: u32) -> DynInputStream {
    Box::new(Input { stream, trace, descriptor })
}

pub(super) fn output(stream: OutputStream, trace: Trace, descriptor: u32) -> DynOutputStream {
    Box::new(Output { stream, trace, descriptor })
}

impl From<StreamError> for p2::StreamError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Closed => Self::Closed,
            StreamError::Failed(code) => Self::LastOperationFailed(code.into()),
        }
    }
}

struct Input {
    stream: InputStream,
    trace: Trace,
    descriptor: u32,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl p2::InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let size = size as u64;
        let call = self.trace.call("input-stream.read", Some(self.descriptor)).length(size);
        let answer = call.end_stream(self.stream.read_vec(size), |bytes| Some(bytes.len() as u64));
        Ok(answer?.into())
    }
}

struct Output {
    stream: OutputStream,
    trace: Trace,
    descriptor: u32,
}

impl Output {
    /// Ends a guest that writes more than it was allowed to, as the WIT asks.
    fn check_permit(&self, size: usize) -> StreamResult<()> {
        match self.stream.check_write()? {
            permit if size as u64 <= permit => Ok(()),
            _ => Err(p2::StreamError::trap("a write of more bytes than check-write allowed")),
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl p2::OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check_permit(bytes.len())?;
        let length = bytes.len() as u64;
        let call = self.trace.call("output-stream.write", Some(self.descriptor)).length(length);
        Ok(call.end_stream(self.stream.write(Source::Slice(&bytes)), |()| None)?)
    }

    fn write_zeroes(&mut self, count: usize) -> StreamResult<()> {
        self.check_permit(count)?;
        let length = count as u64;
        let call = self.trace.call("output-stream.write-zeroes", Some(self.descriptor));
        Ok(call.length(length).end_stream(self.stream.write_zeros(length), |()| None)?)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(self.stream.flush()?)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // At most 64 KiB.
        Ok(usize::try_from(self.stream.check_write()?).unwrap_or(usize::MAX))
    }
}
