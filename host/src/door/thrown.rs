//! What is thrown at a page.

use js_sys::{Error, Reflect};
use wasm_bindgen::JsValue;

use crate::error::{ErrorCode, SetupError};

/// An `Error` with the case's name as its `code`.
pub(crate) fn thrown(code: ErrorCode, message: &str) -> JsValue {
    let error = Error::new(message);
    // A property of a fresh object can always be set.
    let _ = Reflect::set(&error, &"code".into(), &code.name().into());
    error.into()
}

/// The same of what could not be opened.
pub(crate) fn refused(error: &SetupError) -> JsValue {
    thrown(error.code(), &error.to_string())
}
