//! How this door's answers leave: an error is thrown as the name of its case.

use std::future::Future;

use wasm_bindgen::JsValue;

use crate::door::answer;
use crate::error::{ErrorCode, Result};

/// What is thrown: the name of the error's case.
pub(super) fn thrown(code: ErrorCode) -> JsValue {
    JsValue::from_str(code.name())
}

/// Asks `future` once, on a mount that never waits for the only time; its answer, or a
/// promise of it.
pub(super) fn answer<T: 'static>(
    future: impl Future<Output = Result<T>> + 'static,
    convert: impl FnOnce(T) -> Result<JsValue> + 'static,
) -> Result<JsValue, JsValue> {
    answer::answer(async move { future.await.and_then(convert).map_err(thrown) })
}

/// As [`answer`], of what answers nothing but that it is done.
pub(super) fn done(future: impl Future<Output = Result<()>> + 'static) -> Result<JsValue, JsValue> {
    answer(future, |()| Ok(JsValue::UNDEFINED))
}
