// Runs a component, then a preview1 module, on one volume, and posts what the last one printed.

import { _setArgs } from '@bytecodealliance/preview2-shim/cli';
import { setDefaultMounts } from 'wasi-opfs';

// What `wasi-opfs/filesystem` mounts, which the transpiled component imports.
setDefaultMounts({ '/': 'volume:visits' });
_setArgs(['visits', 'component']);
const { run } = await import('./visits/visits.js');
run.run();

const { filesystem } = await import('wasi-opfs/filesystem');
let printed = '';
const wasi = filesystem.preview1({
  args: ['visits', 'preview1 module'],
  stdout: (bytes) => {
    printed += new TextDecoder().decode(bytes);
  },
});
const module = fetch(new URL('./visits-preview1.wasm', import.meta.url));
const { instance } = await WebAssembly.instantiateStreaming(module, {
  wasi_snapshot_preview1: wasi.wasiImport,
});
wasi.start(instance);
postMessage(printed);
