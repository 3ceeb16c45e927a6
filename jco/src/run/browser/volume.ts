// What is done with a volume that nobody has open, said as the native command line does.

import { Filesystem } from '../../host.js';
import { type Report, type VolumeInfo, checkVolume, volumeInfo } from '../../volume.js';
import type { VolumeTask } from '../protocol.js';
import { humanBytes } from './show.js';

/** What there is to say, and what it is ended with. */
export interface Answer {
  text: string;
  exitCode: number;
}

/** How much is moved in one step. */
const STEP = 8 * 1024 * 1024;

/** What a check exits with, as `fsck` does. */
const CLEAN = 0;
const CORRECTED = 1;
const LEFT = 4;

/** Does it. The volume has to be there. */
export async function tend(task: VolumeTask, wasm: WebAssembly.Module): Promise<Answer> {
  const { verb, volume, json, repair } = task;
  switch (verb) {
    case 'info': {
      const info = await volumeInfo(volume);
      const line = { file: `${volume}.volume`, ...info };
      return { text: json ? JSON.stringify(line) : shown(volume, info), exitCode: 0 };
    }
    case 'check': {
      const report = await checkVolume(volume, { repair });
      const text = json ? JSON.stringify(reportLine(volume, report)) : report.text;
      return { text, exitCode: report.clean ? CLEAN : report.repaired ? CORRECTED : LEFT };
    }
    case 'compact': {
      const done = await compact(volume, wasm);
      const [before, after, moved] = [done.before, done.after, done.moved].map(humanBytes);
      const text = `'${volume}' takes ${after} instead of ${before}; ${moved} were moved`;
      return { text: json ? JSON.stringify(done) : text, exitCode: 0 };
    }
  }
}

function shown(volume: string, info: VolumeInfo): string {
  const bytes = (count: number): string => `${humanBytes(count)} (${count} bytes)`;
  const [used, other] = info.areas.map(
    ({ start, len }) => `${humanBytes(len)} at ${humanBytes(start)}`,
  );
  const lines = [
    ['volume', volume],
    ['identity', info.id],
    ['format', info.version],
    ['generation', info.generation],
    ['epoch', info.epoch],
    ['objects', info.objects],
    ['size', bytes(info.size)],
    ['  live', bytes(info.live)],
    ['  dead', bytes(info.dead)],
    ['  free', bytes(info.free)],
    ['  reserved', bytes(info.reserved)],
    ['log area', used],
    ['  checkpoint', bytes(info.checkpoint)],
    ['  commits', bytes(info.commits)],
    ['other area', other],
  ];
  return lines.map(([name, value]) => `${String(name).padEnd(12)} ${value}`).join('\n');
}

function reportLine(volume: string, report: Report): unknown {
  const { clean, repaired, worst, findings, omitted, counts } = report;
  const state = clean ? 'clean' : repaired ? 'repaired' : 'damaged';
  return { file: `${volume}.volume`, state, worst: worst ?? null, findings, omitted, ...counts };
}

async function compact(
  volume: string,
  wasm: WebAssembly.Module,
): Promise<{ before: number; after: number; moved: number }> {
  // Messages have the mount's name.
  const files = await Filesystem.open({ mounts: { [volume]: `volume:${volume}` }, wasm });
  try {
    const before = files.usageSync(volume).size;
    let moved = 0;
    for (;;) {
      const step = files.compactSync(volume, STEP);
      moved += step.moved;
      if (step.done) {
        files.syncSync();
        return { before, after: step.size, moved };
      }
    }
  } finally {
    files.close();
  }
}
