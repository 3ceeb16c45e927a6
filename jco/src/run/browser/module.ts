// A preview1 module as a job's program: it is given its calls directly.

import type { Device } from '../../device.js';
import type { Filesystem } from '../../host.js';
import { Exit, NAMES } from '../../wasi-import.js';
import { NOT_RUNNABLE, type PageJob, TRAPPED } from '../protocol.js';
import { type Write, ask, say } from './host.js';
import { describe } from './trap.js';

const PREVIEW1 = 'wasi_snapshot_preview1';

/** Why a module cannot be run, in the words of the native runner; nothing if it can. */
export function unfit(module: WebAssembly.Module): string | undefined {
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function');
  if (!functions.some(({ name }) => name === '_start' || name === '_initialize')) {
    return "it is no program: it exports neither '_start' nor '_initialize'";
  }
  const unknown = WebAssembly.Module.imports(module).find(
    (wanted) => wanted.module !== PREVIEW1 || !NAMES.has(wanted.name),
  );
  return unknown
    ? `it imports '${unknown.module}.${unknown.name}', which WASI preview1 does not have`
    : undefined;
}

/** The streams of the host. */
function devices({ terminals }: PageJob, write: Write): Record<keyof typeof terminals, Device> {
  const output = (to: 'stdout' | 'stderr'): Device => ({
    // The guest's own memory does not travel.
    write: (bytes) => write(to, bytes.slice()),
    terminal: terminals[to],
  });
  const stdin: Device = {
    read(buffer) {
      const bytes = ask(`stdin?length=${Math.min(buffer.length, 1 << 20)}`);
      buffer.set(bytes);
      return bytes.length;
    },
    poll: (_, ms) => Number(new TextDecoder().decode(ask(`ready?ms=${ms}`))),
    terminal: terminals.stdin,
  };
  return { stdin, stdout: output('stdout'), stderr: output('stderr') };
}

type Entry = () => void;

/** JavaScript Promise Integration, of which TypeScript does not know yet. */
const { promising } = WebAssembly as unknown as {
  promising(entry: Entry): () => Promise<void>;
};

/** Runs a module that is fit; its exit code. */
export async function runModule(
  module: WebAssembly.Module,
  job: PageJob,
  filesystem: Filesystem,
  write: Write,
): Promise<number> {
  const jspi = filesystem.waits !== undefined;
  const streams = devices(job, write);
  const wasi = filesystem.preview1({ args: job.argv, env: job.env, ...streams, jspi });
  try {
    const imports = { [PREVIEW1]: wasi.wasiImport } as unknown as WebAssembly.Imports;
    const instance = await WebAssembly.instantiate(module, imports);
    const { memory, _start, _initialize } = instance.exports;
    if (memory) {
      wasi.attach(instance);
    }
    const entry = (_start ?? _initialize) as Entry;
    await (jspi ? promising(entry) : entry)();
    if (!_start) {
      say("the program is a reactor: it is initialised, and has no '_start' to run");
    }
    return 0;
  } catch (error) {
    if (error instanceof Exit) {
      // The part of it that a shell gets.
      return error.code & 0xff;
    }
    if (error instanceof WebAssembly.LinkError) {
      say(`cannot run '${job.name}': it is not a program for WASI preview1: ${error.message}`);
      return NOT_RUNNABLE;
    }
    say(`the program trapped: ${describe(error)}`);
    return TRAPPED;
  } finally {
    wasi.close();
  }
}
