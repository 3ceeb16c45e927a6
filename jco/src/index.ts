// The package's entry: file systems for guests of a page.

export { setDefaultMounts } from './defaults.js';
export {
  type AsyncDescriptor,
  Filesystem,
  type FilesystemOptions,
  type WasiFilesystem,
} from './host.js';
export { asyncImports } from './jspi.js';
export type { CoreSource } from './load.js';
export type { Mount, MountOptions, Mounts } from './mount.js';
export type { TraceEvent, TraceListener } from './trace.js';
