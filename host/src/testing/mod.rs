//! What every backend has to pass, wherever it runs: natively, and compiled to wasm
//! in a browser. A backend of your own is tested with the same cases.

// Answers are compared as they come, by value: a row of a table stays one line.
#![allow(clippy::needless_pass_by_value)]

#[cfg(all(feature = "tree", target_arch = "wasm32"))]
mod browser;
pub mod contract;
mod failing;
mod model;
#[cfg(all(feature = "tree", target_arch = "wasm32"))]
mod opfs;
pub mod semantics;
#[cfg(all(feature = "tree", target_arch = "wasm32"))]
mod tree;
#[cfg(all(feature = "tree", target_arch = "wasm32"))]
mod volume;
mod waiting;

use std::pin::Pin;

pub use self::failing::Failing;
pub use self::model::Model;
pub use self::waiting::Waiting;
use crate::backend::Backend;
use crate::shared::Ref;

/// A case under way.
#[cfg(not(target_arch = "wasm32"))]
pub type Running = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;
/// A case under way.
#[cfg(target_arch = "wasm32")]
pub type Running = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

/// One case: it gets an empty backend of its own, and answers what went wrong.
pub struct Case {
    /// What it says, as the name of a function.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(Ref<dyn Backend>) -> Running,
}

/// A [`Case`] from the function that holds it.
macro_rules! case {
    ($function:ident) => {
        $crate::testing::Case {
            name: stringify!($function),
            run: |backend| Box::pin($function(backend)),
        }
    };
}
use case;

/// All cases, of the contract and of the semantics above it.
#[must_use]
pub fn cases() -> Vec<Case> {
    contract::cases().into_iter().chain(semantics::cases()).collect()
}
