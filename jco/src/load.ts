// Brings the core, a WebAssembly module, into this realm: once, whoever asks.

import init, { type InitOutput } from './core/wasi_opfs.js';

/** Where the core's code comes from, if not from the package's own JavaScript. */
export type CoreSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

/** Does what `load` does once, unless it fails. */
export function once<T extends unknown[]>(
  load: (...args: T) => Promise<unknown>,
): (...args: T) => Promise<void> {
  let loaded: Promise<unknown> | undefined;
  return async (...args) => {
    loaded ??= load(...args);
    try {
      await loaded;
    } catch (error) {
      loaded = undefined;
      throw error;
    }
  };
}

/** Loads the core. Only the first caller's `source` counts. */
export const loadCore = once(async (source?: CoreSource | Promise<CoreSource>) => {
  loaded = await init({ module_or_path: (await source) ?? (await embedded()) });
});

let loaded: InitOutput | undefined;

/** What the core exports to WebAssembly, once it is loaded. */
export function loadedCore(): InitOutput {
  if (!loaded) {
    throw new Error('the core is not loaded');
  }
  return loaded;
}

/** The core that the package carries: a module of its own, for pages that bring theirs. */
async function embedded(): Promise<ArrayBuffer> {
  const { default: packed } = await import('./core/embedded.js');
  return unpack(packed);
}

/** Base64 of what gzip made. */
export async function unpack(packed: string): Promise<ArrayBuffer> {
  const compressed = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).arrayBuffer();
}
