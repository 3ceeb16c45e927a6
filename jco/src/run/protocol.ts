// What the runner and its page say to each other.

import type { Kind } from '../program/kind.js';

/** Whether somebody sits in front of it. */
export type Terminals = Record<'stdin' | 'stdout' | 'stderr', boolean>;

/** A job, as the page gets it. */
export interface PageJob {
  /** Where the server serves this job. */
  path: string;
  /** The program's file, as it was named. */
  name: string;
  kind: Kind;
  /** Where the server serves the program. */
  program: string;
  modules: string[];
  argv: string[];
  env: Record<string, string>;
  mounts: Record<string, string>;
  /** Guest paths of the directories to be filled before, and copied out after. */
  imports: string[];
  exports: string[];
  terminals: Terminals;
  trace: boolean;
  timeoutMs: number | undefined;
}

/** What is done with files, without a program. */
export type Task = VolumeTask | FilesTask;

export interface VolumeTask {
  verb: 'info' | 'check' | 'compact';
  /** The volume's name. */
  volume: string;
  json: boolean;
  repair: boolean;
}

export type FilesTask = {
  /** From a guest name to `KIND:NAME[:ro]`. */
  mounts: Record<string, string>;
} & (
  | { verb: 'ls'; path: string; long: boolean; recursive: boolean; json: boolean }
  | { verb: 'cat'; paths: string[] }
  | {
      verb: 'import' | 'export';
      /** In the tree of mounts. */
      path: string;
      /** Of this machine. */
      host: string;
      json: boolean;
    }
);

/** A task, as the page and its worker get it. */
export interface TaskOrder {
  /** Where the server serves what it writes and copies. */
  path: string;
  task: Task;
  core?: WebAssembly.Module;
  /** Of an import, the name of the one file; of an export, whether it goes into a directory. */
  file?: { name?: string; modified?: number; into?: boolean };
}

/** One object of a directory that is copied. */
export type Item =
  | { path: string; type: 'directory' }
  | { path: string; type: 'file'; modified: number }
  | { path: string; type: 'symlink'; target: string };

/** The same as it is sent: so many bytes follow that of a file. */
export type SentItem =
  | (Item & { size?: number })
  | { path: string; type: 'error'; message: string };

/** Exit codes that are not the program's own, as the native runner has them. */
export const TIMED_OUT = 124;
/** Its files cannot be made ready, or not be copied out. */
export const NO_FILES = 125;
/** It is there and cannot be run. */
export const NOT_RUNNABLE = 126;
/** There is no such program. */
export const MISSING = 127;
export const TRAPPED = 134;

/** A task that could not be done, and in part perhaps. */
export const FAILED = 1;
/** A volume that could not be checked, as `fsck` has it. */
export const NOT_CHECKED = 8;

export function failedCode({ verb }: Task): number {
  return verb === 'check' ? NOT_CHECKED : FAILED;
}

export type Output = 'stdout' | 'stderr' | 'trace';

/** What a worker tells its page. */
export type WorkerMessage =
  | { type: 'output'; to: Output; bytes: Uint8Array }
  | { type: 'started' }
  | { type: 'ended' }
  | { type: 'done'; exitCode: number };

/** Compiled modules, with the names of their files. */
export type Modules = [string, WebAssembly.Module][];

/** What a page tells its worker: to run the program, or only to copy out. */
export interface WorkerOrder {
  job: PageJob;
  core: WebAssembly.Module;
  /** The program's. */
  modules: Modules | undefined;
}
