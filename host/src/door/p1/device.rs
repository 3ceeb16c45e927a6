//! What an embedder puts behind a descriptor: a terminal, a pipe, a log.

use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{Destination, Source};
use crate::error::Result;
use crate::shared::Shared;

/// What a guest waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// That a read is answered at once.
    Read,
    /// That a write is.
    Write,
}

/// Something that is read and written in one direction, without a position.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Device: Shared {
    /// Reads what there is, waiting for at least one byte; 0 at the end.
    ///
    /// # Errors
    /// `bad-descriptor` where nothing is ever read, and what else the device has.
    async fn read(&self, into: Destination<'_>) -> Result<usize>;

    /// Writes some of `from`; how many bytes it took.
    ///
    /// # Errors
    /// `bad-descriptor` where nothing is ever written, `pipe` if nobody reads any more.
    async fn write(&self, from: Source<'_>) -> Result<usize>;

    /// How many bytes could be read or written at once; 0 if that is none even after
    /// `most`, for which it may wait.
    ///
    /// # Errors
    /// What the device has.
    async fn ready(&self, want: Want, most: Duration) -> Result<u64>;

    /// Whether somebody sits in front of it.
    fn is_terminal(&self) -> bool;
}

/// At its end from the start, and takes everything: what a guest has where it is given nothing.
pub struct Null;

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Device for Null {
    async fn read(&self, _into: Destination<'_>) -> Result<usize> {
        Ok(0)
    }

    async fn write(&self, from: Source<'_>) -> Result<usize> {
        Ok(from.len())
    }

    async fn ready(&self, _want: Want, _most: Duration) -> Result<u64> {
        Ok(1)
    }

    fn is_terminal(&self) -> bool {
        false
    }
}
