//! The check of a volume in OPFS that nobody has open.

use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::backend::volume;
use crate::backend::volume::disk::{Disk, OpfsFile};
use crate::door::thrown::refused;
use crate::error::SetupError;

#[wasm_bindgen(inline_js = r"
export const report = (clean, repaired, findings, text) => ({ clean, repaired, findings, text });
")]
extern "C" {
    #[wasm_bindgen(js_name = report)]
    fn js_report(clean: bool, repaired: bool, findings: Vec<String>, text: &str) -> JsValue;
}

/// Checks the volume `name`, and with `repair` puts right what is wrong.
///
/// # Errors
/// What opening it answers, and what is no volume at all.
#[wasm_bindgen(js_name = checkVolume)]
pub async fn check(name: String, repair: bool, wait: u32) -> Result<JsValue, JsValue> {
    let wait = Duration::from_millis(wait.into());
    let mut disk = OpfsFile::open(&name, wait).await.map_err(|error| refused(&error))?;
    let report = volume::check(&mut disk, repair);
    disk.close();
    let report = report.map_err(|error| {
        refused(&SetupError::new(error.code(), format!("cannot check '{name}': {error}")))
    })?;
    let findings = report.findings.iter().map(ToString::to_string).collect();
    Ok(js_report(report.is_clean(), report.repaired, findings, &report.to_string()))
}
