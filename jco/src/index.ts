// The package's entry: file systems for guests of a page, and for the page.

export type { MountFd } from './browser-wasi-shim.js';
export { setDefaultMounts } from './defaults.js';
export {
  Filesystem,
  type FilesystemOptions,
  type GatherOptions,
  type WasiFilesystem,
  type WasiIo,
} from './host.js';
export type { Device, Input, Output } from './device.js';
export { asyncImports } from './jspi.js';
export type { CoreSource } from './load.js';
export type { Mount, MountOptions, Mounts } from './mount.js';
export {
  type Compaction,
  type Entry,
  FileHandle,
  type Files,
  type Kind,
  type MakeDirectoryOptions,
  type Moment,
  type OpenOptions,
  type RemoveOptions,
  type Stats,
  type SyncOptions,
  type Usage,
  type WriteOptions,
} from './page.js';
export { Preview1, type Preview1Options } from './preview1.js';
export { Exit, type WasiImport } from './wasi-import.js';
export { NotRunnable, Trapped } from './program/ended.js';
export { type ExecuteOptions, type Program, type Step, execute } from './program/execute.js';
export {
  type ProgramSource,
  RunError,
  type RunOptions,
  type RunOutput,
  type RunResult,
  run,
} from './program/run.js';
export {
  type Area,
  type CheckOptions,
  type Finding,
  type Report,
  type Severity,
  type VolumeInfo,
  checkVolume,
  volumeInfo,
} from './volume.js';
export type { TraceEvent, TraceListener } from './trace.js';
