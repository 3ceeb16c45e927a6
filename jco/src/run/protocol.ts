// What the runner and its page say to each other.

/** A job, as the page gets it. */
export interface PageJob {
  /** Where the server serves this job. */
  path: string;
  /** Where it serves the program. */
  program: string;
  modules: string[];
  argv: string[];
  env: Record<string, string>;
  mounts: Record<string, string>;
  /** Guest paths of the directories to be filled before, and copied out after. */
  imports: string[];
  exports: string[];
  trace: boolean;
  timeoutMs: number | undefined;
}


/** One object of a directory that is copied. */
export type Item =
  | { path: string; type: 'directory' }
  | { path: string; type: 'file'; modified: number }
  | { path: string; type: 'symlink'; target: string };

/** Exit codes that are not the program's own, as the native runner has them. */
export const TIMED_OUT = 124;
/** Its files cannot be made ready, or not be copied out. */
export const NO_FILES = 125;
/** It is there and cannot be run. */
export const NOT_RUNNABLE = 126;
/** There is no such program. */
export const MISSING = 127;
export const TRAPPED = 134;

export type Output = 'stdout' | 'stderr' | 'trace';

/** What a worker tells its page. */
export type WorkerMessage =
  | { type: 'output'; to: Output; bytes: Uint8Array }
  | { type: 'started' }
  | { type: 'ended' }
  | { type: 'done'; exitCode: number };

/** What a page tells its worker: to run the program, or only to copy out. */
export interface WorkerOrder {
  job: PageJob;
  core: WebAssembly.Module;
  program: { url: string; modules: [string, WebAssembly.Module][] } | undefined;
}
