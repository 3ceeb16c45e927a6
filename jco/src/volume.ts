// What is done with a volume that nobody has open.

import * as core from './core/wasi_opfs.js';
import { type CoreSource, loadCore } from './load.js';

export interface CheckOptions {
  /** Put right what is wrong. What is given up for it cannot be had back: copy it before. */
  repair?: boolean;
  /** How long to wait for a volume that somebody has open: 5000 ms if left out. */
  waitMs?: number;
  /** The core's code, if it is not to come from the package's own JavaScript. */
  wasm?: CoreSource | Promise<CoreSource>;
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

/** Checks the volume of a name, in a dedicated worker. */
export async function checkVolume(name: string, options: CheckOptions = {}): Promise<Report> {
  await loadCore(options.wasm);
  return core.checkVolume(name, options.repair ?? false, options.waitMs ?? 5000);
}
