// What the page and the worker of a run say to each other.

/** The directory of OPFS in which the programs' files are. */
export const DIRECTORY = 'demo';

/** What the programs see where. */
export const MOUNTS = { '/': `tree:${DIRECTORY}`, '/tmp': 'memory' };

/** Where the tree keeps removed files that are still open. */
export const RESERVED = '.wasi-opfs-unlinked';

/** A program to be run, as the first message. */
export interface Order {
  /** Where its JavaScript is. */
  url: string;
  modules: ReadonlyMap<string, WebAssembly.Module>;
  argv: readonly string[];
  environment: Record<string, string>;
}

/** What is typed for it, as every other message; no bytes are its end. */
export type Typed = Uint8Array;

export type Told =
  | { type: 'output'; error: boolean; bytes: Uint8Array }
  /** It waits for something to be typed. */
  | { type: 'reading' }
  | { type: 'ended'; exitCode: number; ms: number }
  /** It did not end by itself. */
  | { type: 'failed'; exitCode: number; why: string };

/** By convention, of a program that trapped and of one that was interrupted. */
export const TRAPPED = 134;
export const INTERRUPTED = 130;
