//! What a guest is given of the machine: clocks, random bytes, sleep.

use std::time::Duration;

use web_time::Instant;

use crate::error::{ErrorCode, Result};

/// Nanoseconds between two answers of the clocks, more or less: a browser's are coarse on
/// purpose.
pub(super) const REALTIME_RESOLUTION: u64 =
    if cfg!(target_arch = "wasm32") { 1_000_000 } else { 1_000 };
pub(super) const MONOTONIC_RESOLUTION: u64 =
    if cfg!(target_arch = "wasm32") { 100_000 } else { 1_000 };

thread_local! {
    #[cfg(target_arch = "wasm32")]
    static START: Instant = Instant::now();
}
#[cfg(not(target_arch = "wasm32"))]
static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);

/// Nanoseconds since some moment before the guest began. No running system says 0, and some
/// guests take it for a clock that does not work.
pub(super) fn monotonic() -> u64 {
    const BEFORE: u64 = 1_000_000_000;
    #[cfg(target_arch = "wasm32")]
    let since = START.with(Instant::elapsed);
    #[cfg(not(target_arch = "wasm32"))]
    let since = START.elapsed();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).saturating_add(BEFORE)
}

/// Fills `bytes`.
///
/// # Errors
/// `io` where the system has none to give.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| ErrorCode::Io)
}

/// Waits; in a runtime of tokio, as wasmtime-wasi does.
#[cfg(not(target_arch = "wasm32"))]
pub(super) async fn sleep(time: Duration, _suspends: bool) {
    tokio::time::sleep(time).await;
}

/// Nothing to do: whoever runs a guest natively writes what it leaves, in a thread of its own.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn turns(_owner: u32, _long: bool) {}

#[cfg(target_arch = "wasm32")]
pub(super) use self::browser::{random, sleep, turns};

#[cfg(target_arch = "wasm32")]
mod browser {
    use std::cell::Cell;

    use js_sys::{Promise, Uint8Array};
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    use wasm_bindgen_futures::JsFuture;

    use super::{Duration, ErrorCode, Result, monotonic};
    use crate::browser;

    /// For how long what a guest wrote may wait while it does something else.
    const MOST: u64 = 500_000_000;

    thread_local! {
        static WRITTEN: Cell<u64> = const { Cell::new(0) };
    }

    /// Hands what the guests of `owner` have written to the storage, if it may be long until
    /// there is another occasion, or if the last one is long ago.
    pub(in super::super) fn turns(owner: u32, long: bool) {
        let now = monotonic();
        if long || now - WRITTEN.get().min(now) > MOST {
            WRITTEN.set(now);
            // What is not written is kept, and the next change or sync is told.
            let _ = browser::write_out(owner);
        }
    }

    // Shared memory is there also where its constructor is hidden, as from pages that are
    // not isolated. Where nobody may wait, as on a main thread, nothing is left but to turn.
    #[wasm_bindgen(inline_js = r"
let cell;
const pause = (ms) => {
  try {
    const memory = { initial: 1, maximum: 1, shared: true };
    cell ??= new Int32Array(new WebAssembly.Memory(memory).buffer);
    Atomics.wait(cell, 0, 0, ms);
  } catch {
    for (const end = performance.now() + ms; performance.now() < end; );
  }
};
export const sleep = (ms, away) => {
  if (away) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
  for (const end = performance.now() + ms, left = () => end - performance.now(); left() > 0; ) {
    pause(left());
  }
  return undefined;
};
")]
    extern "C" {
        #[wasm_bindgen(js_name = sleep)]
        fn js_sleep(ms: f64, away: bool) -> Option<Promise>;
    }

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
        fn get_random_values(into: &Uint8Array) -> std::result::Result<JsValue, JsValue>;
    }

    /// Fills `bytes`.
    ///
    /// # Errors
    /// `io` where the engine has none to give.
    pub(in super::super) fn random(bytes: &mut [u8]) -> Result<()> {
        let length = u32::try_from(bytes.len()).map_err(|_| ErrorCode::Invalid)?;
        let array = Uint8Array::new_with_length(length);
        get_random_values(&array).map_err(|_| ErrorCode::Io)?;
        array.copy_to(bytes);
        Ok(())
    }

    /// Waits: where the guest is suspended, so that the event loop turns.
    pub(in super::super) async fn sleep(time: Duration, suspends: bool) {
        // A timer holds no more than 31 bits; who waits longer is asked again.
        let ms = (time.as_secs_f64() * 1000.0).min(2_147_483_000.0);
        if let Some(over) = js_sleep(ms, suspends) {
            // It cannot be rejected.
            let _ = JsFuture::from(over).await;
        }
    }
}
