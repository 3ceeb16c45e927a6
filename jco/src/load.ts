// Brings the core, a WebAssembly module, into this realm: once, whoever asks.

import init from './core/wasi_opfs.js';
import embedded from './core/embedded.js';

/** Where the core's code comes from, if not from the package's own JavaScript. */
export type CoreSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

let loaded: Promise<unknown> | undefined;

/** Loads the core. Only the first caller's `source` counts. */
export async function loadCore(source?: CoreSource | Promise<CoreSource>): Promise<void> {
  loaded ??= (async () => init({ module_or_path: (await source) ?? (await unpack(embedded)) }))();
  try {
    await loaded;
  } catch (error) {
    loaded = undefined;
    throw error;
  }
}

/** Base64 of what gzip made. */
async function unpack(packed: string): Promise<ArrayBuffer> {
  const compressed = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).arrayBuffer();
}
