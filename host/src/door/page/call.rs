//! One call of the page: which mounts, which paths, and how its answer leaves.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use wasm_bindgen::JsValue;

use crate::browser;
use crate::descriptor::Descriptor;
use crate::door::answer::{answer, at_once};
use crate::door::thrown::thrown;
use crate::error::{ErrorCode, Result};
use crate::mount::MountTable;

/// The paths of a call, in the tree of its mounts.
pub(super) struct Paths {
    mounts: MountTable,
    path: String,
    to: Option<String>,
}

impl Paths {
    /// Where the path begins, and the rest of it.
    pub(super) fn path(&self) -> Result<(Descriptor, &[u8])> {
        self.mounts.at(self.path.as_bytes())
    }

    /// The same of the second path.
    pub(super) fn to(&self) -> Result<(Descriptor, &[u8])> {
        self.mounts.at(self.second().as_bytes())
    }

    /// The second path as it is.
    pub(super) fn second(&self) -> &str {
        self.to.as_deref().unwrap_or_default()
    }

    /// Whether a name to be changed stands on a mount that waits.
    fn wait(&self) -> bool {
        let waits = |path: &str| {
            let Ok((base, rest)) = self.mounts.at(path.as_bytes()) else { return false };
            match at_once(base.waits_at(rest)) {
                None => true,
                // The call itself finds what is wrong.
                Some(answer) => answer.unwrap_or(false),
            }
        };
        self.mounts.waits().is_some()
            && (waits(&self.path) || self.to.as_deref().is_some_and(waits))
    }

    fn failed(&self, verb: &str, code: ErrorCode) -> JsValue {
        failed(verb, &self.path, self.to.as_deref(), code, hint(code))
    }
}

/// A call on a path.
pub(super) struct Call {
    verb: &'static str,
    wait: bool,
    paths: Paths,
}

impl Call {
    pub(super) fn new(
        number: u32,
        verb: &'static str,
        path: String,
        wait: bool,
    ) -> Result<Self, JsValue> {
        let mounts = browser::page(number)?;
        Ok(Self { verb, wait, paths: Paths { mounts, path, to: None } })
    }

    pub(super) fn to(mut self, path: String) -> Self {
        self.paths.to = Some(path);
        self
    }

    /// Does `act`. One that may not wait is not begun where it would have to: a change
    /// that is dropped halfway may be done.
    pub(super) fn run(
        self,
        act: impl AsyncFnOnce(&Paths) -> Result<JsValue> + 'static,
    ) -> Result<JsValue, JsValue> {
        let Self { verb, wait, paths } = self;
        let paths = Rc::new(paths);
        let asked = paths.clone();
        // Boxed, so that what follows is compiled once, not for each verb.
        finish(verb, wait, &paths, Box::pin(async move { act(&asked).await }))
    }

    /// The same of what answers nothing.
    pub(super) fn done(
        self,
        act: impl AsyncFnOnce(&Paths) -> Result<()> + 'static,
    ) -> Result<JsValue, JsValue> {
        self.run(async move |paths| act(paths).await.map(|()| JsValue::UNDEFINED))
    }
}

type Boxed = Pin<Box<dyn Future<Output = Result<JsValue>>>>;

fn finish(
    verb: &'static str,
    wait: bool,
    paths: &Rc<Paths>,
    future: Boxed,
) -> Result<JsValue, JsValue> {
    if wait {
        let paths = paths.clone();
        return answer(async move { future.await.map_err(|code| paths.failed(verb, code)) });
    }
    let done = if paths.wait() { None } else { at_once(future) };
    let done =
        done.ok_or_else(|| failed(verb, &paths.path, None, ErrorCode::Unsupported, WAITS))?;
    done.map_err(|code| paths.failed(verb, code))
}

/// A call on what is open, which changes nothing by being begun.
pub(super) fn on_open(
    verb: &'static str,
    path: String,
    wait: bool,
    future: impl Future<Output = Result<JsValue>> + 'static,
) -> Result<JsValue, JsValue> {
    let future: Boxed = Box::pin(future);
    if wait {
        return answer(async move {
            future.await.map_err(|code| failed(verb, &path, None, code, hint(code)))
        });
    }
    match at_once(future) {
        Some(done) => done.map_err(|code| failed(verb, &path, None, code, hint(code))),
        None => Err(failed(verb, &path, None, ErrorCode::Unsupported, WAITS)),
    }
}

const WAITS: &str = "this mount waits for the browser: use the form that answers with a promise";

pub(super) fn failed(
    verb: &str,
    path: &str,
    to: Option<&str>,
    code: ErrorCode,
    hint: &str,
) -> JsValue {
    let to = to.map(|to| format!(" ('{to}')")).unwrap_or_default();
    thrown(code, &format!("cannot {verb} '{path}'{to}: {code}; {hint}"))
}

/// What can be done about it.
pub(super) fn hint(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NoEntry => "check the path, or create what is missing",
        ErrorCode::Exist => "take another name, or remove what is there",
        ErrorCode::NotEmpty => "remove what is in it first, or ask for all of it with 'recursive'",
        ErrorCode::IsDirectory => "name a file, or remove it with 'recursive'",
        ErrorCode::NotDirectory => "name a directory",
        ErrorCode::Busy => "close it where it is open; a mount point stays",
        ErrorCode::NotPermitted => "stay below the mounts, with relative links",
        ErrorCode::CrossDevice => "copy it, and remove the original",
        ErrorCode::InsufficientSpace | ErrorCode::Quota => {
            "remove files, or free some of the origin's storage"
        }
        ErrorCode::BadDescriptor => "open it again, for what is to be done",
        ErrorCode::Unsupported => "what is mounted here cannot hold it",
        ErrorCode::NameTooLong => "names have at most 255 bytes, paths 4095",
        ErrorCode::Loop => "name what the link leads to",
        _ => "look at the arguments",
    }
}
