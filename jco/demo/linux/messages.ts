// What the page and the worker with Linux in it say to each other.

import type { Asked, KeptAnswer, Needed } from '../messages.js';
import { VOLUME } from '../messages.js';

/** Where the files are: for Linux, and for programs, by the same names. */
export const FILES = '/mnt';

/** What programs see where; Linux has `FILES` alone. */
export const MOUNTS = { '/': 'memory', [FILES]: VOLUME, '/tmp': 'memory', '/usr': 'memory:ro' };

/** Something that the server has. */
export interface Served {
  url: string;
  bytes: number;
}

/** What the machine is made of; it is booted if it was not saved. */
export interface Offer {
  emulator: Served;
  bios: Served;
  video: Served;
  kernel: Served;
  files: Served;
  state?: Served;
}

export interface Program {
  type: 'program';
  module: WebAssembly.Module;
  /** What it needs to have below `/usr`. */
  files: readonly Needed[];
  argv: readonly string[];
  environment: Record<string, string>;
  /** What it reads. */
  stdin: string;
}

export type ToWorker =
  | { type: 'start'; offer: Offer; columns: number; rows: number }
  | { type: 'typed'; bytes: Uint8Array }
  | { type: 'resize'; columns: number; rows: number }
  | Program
  | Asked;

export type FromWorker =
  | KeptAnswer
  /** What has come, from 0 to 1. */
  | { type: 'loading'; part: number }
  | { type: 'booting' }
  | { type: 'up'; ms: number }
  | { type: 'unable'; why: string }
  | { type: 'console'; bytes: Uint8Array }
  | { type: 'output'; error: boolean; bytes: Uint8Array }
  | { type: 'ended'; exitCode: number; ms: number; failure: string | undefined };
