// What is done with a volume that nobody has open.

import { once, unpack } from './load.js';
import type { Usage } from './page.js';

/** How long a volume is waited for that somebody has open. */
const WAIT_MS = 5000;

export interface CheckOptions {
  /** Put right what is wrong. What is given up for it cannot be had back: copy it before. */
  repair?: boolean;
  /** How long to wait for a volume that somebody has open: 5000 ms if left out. */
  waitMs?: number;
}

/** How bad a finding is. */
export type Severity =
  /** Nothing is wrong. */
  | 'note'
  /** Nothing that was stored is missing after a repair. */
  | 'repairable'
  /** Something that was stored is gone; a repair makes the rest whole. */
  | 'lost';

export interface Finding {
  severity: Severity;
  text: string;
  repaired: boolean;
}

/** What a check has found. */
export interface Report {
  /** Whether nothing is wrong; there may be notes among the findings. */
  clean: boolean;
  /** Whether it was put right. */
  repaired: boolean;
  /** Of all findings. */
  worst: Severity | undefined;
  findings: Finding[];
  /** How many more there are than those. */
  omitted: number;
  /** What was looked at. */
  counts: {
    files: number;
    directories: number;
    /** Symbolic links, devices and the like. */
    others: number;
    /** In bytes, by files and by the volume itself. */
    used: number;
    size: number;
    /** The number of the last checkpoint. */
    epoch: number;
    /** Since then. */
    commits: number;
    /** Blocks of these, which were compared with their digests. */
    compared: number;
  };
  /** All of it, as lines. */
  text: string;
}

/** A part of a volume's file, in bytes. */
export interface Area {
  start: number;
  len: number;
}

/** Which volume it is, and how full; lengths are in bytes. */
export interface VolumeInfo extends Omit<Usage, 'gathered'> {
  /** Chosen when it was made: 32 hexadecimal digits. */
  id: string;
  /** Of the format. */
  version: number;
  /** How often a superblock was written. */
  generation: number;
  /** How many checkpoints there were. */
  epoch: number;
  /** The area of the log that is in use, and the other one. */
  areas: [Area, Area];
  /** What the last checkpoint takes of the area in use. */
  checkpoint: number;
  /** What the commits behind it take. */
  commits: number;
}

// A module of its own, which comes when it is asked for.
const module = () => import('./check/wasi_opfs.js');

const load = once(async () => {
  const { default: embedded } = await import('./check/embedded.js');
  const { default: init } = await module();
  return init({ module_or_path: await unpack(embedded) });
});

/** Checks the volume of a name, in a dedicated worker. */
export async function checkVolume(name: string, options: CheckOptions = {}): Promise<Report> {
  await load();
  return (await module()).checkVolume(name, options.repair ?? false, options.waitMs ?? WAIT_MS);
}

/** Which volume has a name, and how full it is, in a dedicated worker. It is only read. */
export async function volumeInfo(
  name: string,
  options: Pick<CheckOptions, 'waitMs'> = {},
): Promise<VolumeInfo> {
  await load();
  return (await module()).volumeInfo(name, options.waitMs ?? WAIT_MS);
}
