// A job's program: given the streams of the host, and its end put into words and exit codes.

import type { Device } from '../../device.js';
import type { Filesystem } from '../../host.js';
import { sleep } from '../../program/clocks.js';
import { type Transpiled, runComponent } from '../../program/component.js';
import { NotRunnable, Trapped } from '../../program/ended.js';
import { type Given, runModule } from '../../program/module.js';
import { SCRIPT } from '../../program/transpile.js';
import { type Modules, NOT_RUNNABLE, type PageJob, TRAPPED } from '../protocol.js';
import { type Write, ask, beforeAsking, say } from './host.js';

function given({ argv, env, terminals }: PageJob, write: Write): Given {
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
  return { args: argv, env, stdin, stdout: output('stdout'), stderr: output('stderr') };
}

/** Runs a job's program; its exit code. */
export async function runProgram(
  modules: Modules,
  job: PageJob,
  filesystem: Filesystem,
  write: Write,
): Promise<number> {
  const to = given(job, write);
  try {
    if (job.kind === 'module') {
      const [, module] = modules[0]!;
      return await runModule(module, filesystem, to, filesystem.waits !== undefined, say);
    }
    const component = (await import(`${job.program}${SCRIPT}`)) as Transpiled;
    const pause = (ms: number): void => (beforeAsking(), sleep(ms));
    return await runComponent(component, new Map(modules), filesystem, to, false, pause);
  } catch (error) {
    if (error instanceof NotRunnable) {
      say(job.kind === 'module' ? `cannot run '${job.name}': ${error.message}` : error.message);
      return NOT_RUNNABLE;
    }
    if (error instanceof Trapped) {
      say(error.message);
      return TRAPPED;
    }
    throw error;
  }
}
