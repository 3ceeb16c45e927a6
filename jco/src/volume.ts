// What is done with a volume that nobody has open.

import { once, unpack } from './load.js';

export interface CheckOptions {
  /** Put right what is wrong. What is given up for it cannot be had back: copy it before. */
  repair?: boolean;
  /** How long to wait for a volume that somebody has open: 5000 ms if left out. */
  waitMs?: number;
}

/** What a check has found. */
export interface Report {
  /** Whether nothing is wrong; there may be notes among the findings. */
  clean: boolean;
  /** Whether it was put right. */
  repaired: boolean;
  findings: string[];
  /** All of it, as lines. */
  text: string;
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
  return (await module()).checkVolume(name, options.repair ?? false, options.waitMs ?? 5000);
}
