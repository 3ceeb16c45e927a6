// What `wasi-opfs/filesystem` opens when it is imported.

import type { FilesystemOptions } from './host.js';
import type { Mounts } from './mount.js';

let options: FilesystemOptions = { mounts: { '/': 'volume:default' } };

/**
 * Chooses the mounts of `wasi-opfs/filesystem`, the module that a guest transpiled
 * with `--map` imports. Call it before that guest is imported.
 */
export function setDefaultMounts(
  mounts: Mounts,
  others: Omit<FilesystemOptions, 'mounts'> = {},
): void {
  options = { ...others, mounts };
}

/** @internal */
export function defaultOptions(): FilesystemOptions {
  return options;
}
