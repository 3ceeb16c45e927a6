//! How an answer leaves: at once where the core had it at once, otherwise as a
//! promise that goes on with the same future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use crate::error::{ErrorCode, Result};

/// What is thrown: the name of the error's case.
pub(super) fn thrown(code: ErrorCode) -> JsValue {
    JsValue::from_str(code.name())
}

/// Asks `future` once, on a mount that never waits for the only time.
pub(super) fn answer<T: 'static>(
    future: impl Future<Output = Result<T>> + 'static,
    convert: impl FnOnce(T) -> Result<JsValue> + 'static,
) -> Result<JsValue, JsValue> {
    let mut future: Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>> =
        Box::pin(async move { future.await.and_then(convert).map_err(thrown) });
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Ok(future_to_promise(future).into()),
    }
}

/// As [`answer`], of what answers nothing but that it is done.
pub(super) fn done(future: impl Future<Output = Result<()>> + 'static) -> Result<JsValue, JsValue> {
    answer(future, |()| Ok(JsValue::UNDEFINED))
}
