//! How much more the origin may store, as the engine last said: it says so later.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(inline_js = r"
let left = -1;
export function roomLeft() {
  const asked = globalThis.navigator?.storage?.estimate?.();
  asked?.then(({ quota = 0, usage = 0 }) => (left = Math.max(quota - usage, 0))).catch(() => {});
  return left;
}
")]
extern "C" {
    #[wasm_bindgen(js_name = roomLeft)]
    fn room_left() -> f64;
}

/// Bytes, of which the engine is asked anew; nothing if it has not said any yet.
pub(super) fn room() -> Option<u64> {
    let left = room_left();
    // It is a number of bytes, or below 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (left >= 0.0).then_some(left as u64)
}
