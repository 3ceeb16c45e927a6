// What a page and the worker of its program say to each other.

import type { FilesystemOptions } from '../host.js';
import type { Step } from './execute.js';

/** Standard output, or standard error. */
export type Sink = 'stdout' | 'stderr';

/** What is to be run, and on what. */
export interface Order {
  type: 'order';
  program: ArrayBuffer | WebAssembly.Module;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  files: Omit<FilesystemOptions, 'trace' | 'sync' | 'wasm'>;
  /** Bytes; nothing, if they come when they are wanted. */
  stdin: Uint8Array | undefined;
  terminal: boolean;
  cache: boolean;
}

/** What a page tells its worker. */
export type Told =
  | Order
  /** The next bytes of standard input; nothing at its end. */
  | { type: 'input'; bytes: Uint8Array | undefined }
  /** So many bytes of output are where they go. */
  | { type: 'taken'; bytes: number };

/** Why a program did not end by itself. */
export type Reason = 'not-runnable' | 'trapped' | 'files' | 'worker';

/** What a worker tells its page. */
export type Tells =
  /** It has understood what it is to do: the first of all. */
  | { type: 'here' }
  | { type: 'progress'; step: Step }
  /** A program waits for input. */
  | { type: 'wants' }
  | { type: 'output'; to: Sink; bytes: Uint8Array }
  | { type: 'ended'; exitCode: number }
  | { type: 'failed'; reason: Reason; message: string };
