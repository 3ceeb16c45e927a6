// A component as a job's program: transpiled by jco, and given its imports by the shim.

import { createCli } from '@bytecodealliance/preview2-shim/cli';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';

import type { Filesystem } from '../../host.js';
import { type Modules, NOT_RUNNABLE, type PageJob, TRAPPED } from '../protocol.js';
import { clocks, poll } from './clocks.js';
import { type Write, ask, say } from './host.js';
import { describe } from './trap.js';

function imports(job: PageJob, filesystem: Filesystem, write: Write): Record<string, unknown> {
  const cli = createCli({
    arguments: job.argv,
    environment: job.env,
    stdin: {
      blockingRead: (length) => {
        const bytes = ask(`stdin?length=${Math.min(Number(length), 1 << 20)}`);
        if (bytes.length === 0) {
          throw { tag: 'closed' };
        }
        return bytes;
      },
    },
    stdout: { write: (bytes) => write('stdout', bytes) },
    stderr: { write: (bytes) => write('stderr', bytes) },
  });
  const environment = { ...cli.environment, initialCwd: () => undefined };
  const shim = new WASIShim({
    cli: { ...cli, environment },
    clocks,
    filesystem: filesystem.wasi,
    io: { ...filesystem.io, poll },
  });
  return shim.getImportObject() as unknown as Record<string, unknown>;
}

/** Runs a component; its exit code. */
export async function runComponent(
  modules: Modules,
  job: PageJob,
  filesystem: Filesystem,
  write: Write,
): Promise<number> {
  const byName = new Map(modules);
  const { instantiate } = (await import(`${job.program}component.js`)) as {
    instantiate: (
      module: (name: string) => WebAssembly.Module | undefined,
      imports: Record<string, unknown>,
    ) => Promise<{ run: { run(): unknown } }>;
  };
  let instance;
  try {
    instance = await instantiate((name) => byName.get(name), imports(job, filesystem, write));
  } catch (error) {
    say(`the program could not be instantiated: ${describe(error)}`);
    return NOT_RUNNABLE;
  }
  try {
    await instance.run.run();
    return 0;
  } catch (error) {
    // `run` answered with its error, which carries nothing.
    if (error === undefined) {
      return 1;
    }
    // What the shim's `exit` throws.
    const { exitError, code } = error as { exitError?: boolean; code?: number };
    if (exitError) {
      return code ?? 1;
    }
    say(`the program trapped: ${describe(error)}`);
    return TRAPPED;
  }
}
