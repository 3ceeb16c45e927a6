//! What is told of a volume in OPFS that nobody has open: its check, and how full it is.

use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::backend::volume::disk::{Disk, OpfsFile};
use crate::backend::volume::{self, Area, Counts, Finding, Options, Severity, Volume};
use crate::door::thrown::refused;
use crate::error::SetupError;

#[wasm_bindgen(inline_js = r"
export const finding = (severity, text, repaired) => ({ severity, text, repaired });
export const report = (
  clean, repaired, worst, findings, omitted,
  [files, directories, others, used, size, epoch, commits, compared], text,
) => ({
  clean,
  repaired,
  worst,
  findings,
  omitted,
  counts: { files, directories, others, used, size, epoch, commits, compared },
  text,
});
export const info = (id, [
  version, generation, epoch, objects, size, live, dead, free, reserved,
  start, len, otherStart, otherLen, checkpoint, commits,
]) => ({
  id,
  version,
  generation,
  epoch,
  objects,
  size,
  live,
  dead,
  free,
  reserved,
  areas: [{ start, len }, { start: otherStart, len: otherLen }],
  checkpoint,
  commits,
});
")]
extern "C" {
    #[wasm_bindgen(js_name = finding)]
    fn js_finding(severity: &str, text: &str, repaired: bool) -> JsValue;
    #[wasm_bindgen(js_name = report)]
    fn js_report(
        clean: bool,
        repaired: bool,
        worst: Option<String>,
        findings: Vec<JsValue>,
        omitted: f64,
        counts: Vec<f64>,
        text: &str,
    ) -> JsValue;
    #[wasm_bindgen(js_name = info)]
    fn js_info(id: &str, numbers: Vec<f64>) -> JsValue;
}

/// A number as JavaScript has it: a volume has less than 2^53 bytes.
#[allow(clippy::cast_precision_loss)]
const fn number(value: u64) -> f64 {
    value as f64
}

fn numbers(values: &[u64]) -> Vec<f64> {
    values.iter().copied().map(number).collect()
}

const fn milliseconds(wait: u32) -> Duration {
    Duration::from_millis(wait as u64)
}

/// What could not be done, and with which volume.
fn not_done(verb: &str, name: &str, error: &SetupError) -> JsValue {
    refused(&SetupError::new(error.code(), format!("cannot {verb} '{name}': {error}")))
}

/// Checks the volume `name`, and with `repair` puts right what is wrong.
///
/// # Errors
/// `no-entry` if there is none, what opening it answers, and what is no volume at all.
#[wasm_bindgen(js_name = checkVolume)]
pub async fn check(name: String, repair: bool, wait: u32) -> Result<JsValue, JsValue> {
    let opened = OpfsFile::open_existing(&name, milliseconds(wait)).await;
    let mut disk = opened.map_err(|error| refused(&error))?;
    let report = volume::check(&mut disk, repair);
    disk.close();
    let report = report.map_err(|error| not_done("check", &name, &error))?;
    let finding = |it: &Finding| js_finding(it.severity.name(), &it.text, it.repaired);
    let Counts { files, directories, others, used, size, epoch, commits, compared } = report.counts;
    let counts = [files, directories, others, used, size, epoch, commits, compared];
    Ok(js_report(
        report.is_clean(),
        report.repaired,
        report.worst.map(|worst| Severity::name(worst).to_owned()),
        report.findings.iter().map(finding).collect(),
        number(report.omitted),
        numbers(&counts),
        &report.to_string(),
    ))
}

/// Which volume `name` is, and how full. It is only read.
///
/// # Errors
/// `no-entry` if there is none, and what opening it answers.
#[wasm_bindgen(js_name = volumeInfo)]
pub async fn info(name: String, wait: u32) -> Result<JsValue, JsValue> {
    let opened = OpfsFile::open_existing(&name, milliseconds(wait)).await;
    let disk = opened.map_err(|error| refused(&error))?;
    let volume = Volume::open(disk, Options::default().read_only())
        .map_err(|error| not_done("open", &name, &error))?;
    let (info, usage) = (volume.info(), volume.usage());
    let [Area { start, len }, other] = info.areas;
    Ok(js_info(
        &format!("{:032x}", u128::from_be_bytes(info.id)),
        numbers(&[
            info.version.into(),
            info.generation,
            info.epoch,
            usage.objects,
            usage.size,
            usage.live,
            usage.dead,
            usage.free,
            usage.reserved,
            start,
            len,
            other.start,
            other.len,
            info.checkpoint,
            info.commits,
        ]),
    ))
}
