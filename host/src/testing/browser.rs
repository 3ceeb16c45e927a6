//! The suite as a worker of a browser calls it: which cases there are, and one of
//! them at a time. The script that does so is `jco/test/contract.mjs`.

// What JavaScript calls is exported by wasm-bindgen, not by this module.
#![allow(unreachable_pub)]

use anyhow::{Context, Result, anyhow};
use wasm_bindgen::prelude::*;

use super::opfs::{Directory, pause};
use super::{Case, cases, tree, volume};
use crate::backend::Backend;
use crate::backend::tree::Tree;
use crate::shared::Ref;

/// The case of a volume that has no more room.
const FULL_VOLUME: &str = "a_full_volume_stays_whole_and_can_be_emptied";

/// Every case, as its kind and its name with a space between: `volume` and `tree`
/// are the suite on that backend, `opfs` is what only a tree does, `full` wants an
/// origin that has little space left.
#[wasm_bindgen(js_name = testCases)]
#[must_use]
pub fn test_cases() -> Vec<String> {
    let suite = cases();
    let suite = suite.iter().map(|case| case.name);
    let named = |kind: &'static str| move |name: &str| format!("{kind} {name}");
    let mut all: Vec<String> = suite.clone().map(named("volume")).collect();
    all.extend(suite.map(named("tree")));
    all.extend(tree::cases().iter().map(|case| named("opfs")(case.name)));
    all.extend(tree::full_cases().iter().map(|case| named("full")(case.name)));
    all.push(named("full")(FULL_VOLUME));
    all
}

/// Runs one case; answers what went wrong.
#[wasm_bindgen(js_name = runTestCase)]
pub async fn run_test_case(kind: String, name: String) -> Option<String> {
    // An exception carries the message to the script; a panic would be a mere trap.
    std::panic::set_hook(Box::new(|info| wasm_bindgen::throw_str(&info.to_string())));
    run(&kind, &name).await.err().map(|error| format!("{error:#}"))
}

/// One step of the test that a directory's rename, killed in the middle, loses no
/// file: `prepare`, `rename` (in which the worker is to be ended), `check`.
#[wasm_bindgen(js_name = killedRename)]
pub async fn killed_rename(step: String) -> Option<String> {
    tree::killed_rename(&step).await.err().map(|error| format!("{error:#}"))
}

async fn run(kind: &str, name: &str) -> Result<()> {
    let find = |cases: Vec<Case>| {
        let found = cases.into_iter().find(|case| case.name == name);
        found.map(|case| case.run).with_context(|| format!("no case {name}"))
    };
    let directory = format!("test-{kind}-{name}");
    match kind {
        "volume" => {
            let volume: Ref<dyn Backend> = Ref::new(volume::open().await?);
            find(cases())?(volume).await?;
            return remove(volume::FILE).await.context("what the case left is still in use");
        }
        "full" if name == FULL_VOLUME => {
            volume::full().await?;
            return remove(volume::FILE).await;
        }
        "tree" => {
            let tree: Ref<dyn Backend> = Ref::new(Tree::open(&directory).await?);
            find(cases())?(tree).await?;
        }
        "opfs" | "full" => {
            let cases = tree::cases().into_iter().chain(tree::full_cases());
            let case = cases.into_iter().find(|case| case.name == name);
            (case.with_context(|| format!("no case {name}"))?.run)(directory.clone()).await?;
        }
        _ => return Err(anyhow!("no kind {kind}")),
    }
    remove(&directory).await.context("what the case left is still in use")
}

/// Removes a directory of OPFS: every file in it has to be closed by now, or soon,
/// by a change that nobody waited for.
async fn remove(name: &str) -> Result<()> {
    let top = Directory::top().await?;
    let mut last = Ok(());
    for _ in 0..50 {
        last = top.remove(name).await;
        if last.is_ok() {
            break;
        }
        pause(20).await?;
    }
    last
}
