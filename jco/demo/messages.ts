// What the page and its workers say to each other.

import type { Kind } from 'wasi-opfs';

/** The volume in which the programs' files are. */
export const VOLUME = 'volume:demo';

/** What the programs see where. What they need to have is put into `/usr` before they run. */
export const MOUNTS = { '/': VOLUME, '/tmp': 'memory', '/usr': 'memory:ro' };

/** A file that a program needs. */
export interface Needed {
  path: string;
  bytes: Uint8Array;
}

export interface Entry {
  /** From the top, without a slash in front. */
  path: string;
  name: string;
  kind: Kind;
  /** Of a symbolic link. */
  target: string | undefined;
  /** 1 at the top. */
  level: number;
  /** In bytes. */
  size: number;
  /** In milliseconds since 1970. */
  modified: number;
}

/** What whoever has the files does for the page, and the answers. */
export interface Kept {
  list: Entry[];
  read: { bytes: Uint8Array<ArrayBuffer>; modified: number } | undefined;
  remove: void;
  removeAll: void;
}

export interface Asked {
  type: 'asked';
  id: number;
  act: keyof Kept;
  path: string;
}

export interface KeptAnswer {
  type: 'kept';
  id: number;
  answer?: Kept[keyof Kept];
  error?: string;
}

/** A program to be run. */
export interface Order {
  type: 'order';
  /** A module, or bytes of whatever it is. */
  program: WebAssembly.Module | ArrayBuffer;
  files: readonly Needed[];
  argv: readonly string[];
  environment: Record<string, string>;
}

/** What is typed for it; no bytes are an end. */
export type Typed = Uint8Array;

export type Told =
  | KeptAnswer
  | { type: 'output'; error: boolean; bytes: Uint8Array }
  /** It waits for something to be typed. */
  | { type: 'reading' }
  /** It is made ready: a component that is new here is transpiled. */
  | { type: 'transpiling' }
  | { type: 'running' }
  | { type: 'ended'; exitCode: number; ms: number }
  /** It did not end by itself. */
  | { type: 'failed'; exitCode: number; why: string };

/** By convention, of what cannot be run, what trapped, and what was interrupted. */
export const NOT_RUNNABLE = 126;
export const TRAPPED = 134;
export const INTERRUPTED = 130;
