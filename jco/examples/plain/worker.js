// The same without a bundler. Workers know no import maps, and find no package by its name: this
// file of the package has in it what a worker needs of others.

import { Filesystem, WASIShim } from '../node_modules/wasi-opfs/dist/standalone.js';
import { instantiate } from './visits/visits.js';

const file = (path) => fetch(new URL(path, import.meta.url));

const fs = await Filesystem.open({
  mounts: { '/': 'volume:visits' },
  // The core as a file that is compiled while it comes, instead of the one in JavaScript.
  wasm: file('../node_modules/wasi-opfs/dist/core/wasi_opfs_bg.wasm'),
});

const shim = new WASIShim({ filesystem: fs.wasi, io: fs.io, arguments: ['visits', 'component'] });
const compile = (name) => WebAssembly.compileStreaming(file(`./visits/${name}`));
const { run } = await instantiate(compile, shim.getImportObject());
run.run();

let printed = '';
const wasi = fs.preview1({
  args: ['visits', 'preview1 module'],
  stdout: (bytes) => {
    printed += new TextDecoder().decode(bytes);
  },
});
const module = file('../app/visits-preview1.wasm');
const { instance } = await WebAssembly.instantiateStreaming(module, {
  wasi_snapshot_preview1: wasi.wasiImport,
});
wasi.start(instance);
postMessage(printed);
