// `wasi:filesystem` and `wasi:io` as a module, for guests transpiled with
// `--map 'wasi:filesystem/*=wasi-opfs/filesystem#*' --map 'wasi:io/*=wasi-opfs/filesystem#*'`.

import { defaultOptions } from './defaults.js';
import { Filesystem } from './host.js';

/** The file system that the guests of this realm share. */
export const filesystem: Filesystem = await Filesystem.open(defaultOptions());

export const { types, preopens } = filesystem.wasi;
export const { error, poll, streams } = filesystem.io;
