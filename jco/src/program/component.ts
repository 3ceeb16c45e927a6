// A transpiled component, run: its imports from the shim, its standard streams from devices.

import * as wasi from '@bytecodealliance/preview2-shim';
import { createCli } from '@bytecodealliance/preview2-shim/cli';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';

import { type Device, checked } from '../device.js';
import type { Filesystem } from '../host.js';
import { type Pause, waiting } from './clocks.js';
import { NotRunnable, Trapped } from './ended.js';
import type { Given } from './module.js';
import { Outlet, inlet } from './streams.js';
import { type Waits, suspended } from './suspend.js';

/** What a transpiled component exports. */
export type Instantiate = (
  module: (name: string) => WebAssembly.Module | undefined,
  imports: Record<string, unknown>,
) => Promise<Record<string, { run(): unknown }>>;

/** What `import` makes of a transpiled component. */
export interface Transpiled {
  instantiate: Instantiate;
}

/** Runs a component, suspended where it waits or not; its exit code. */
export async function runComponent(
  { instantiate }: Transpiled,
  modules: ReadonlyMap<string, WebAssembly.Module>,
  filesystem: Filesystem,
  given: Given,
  suspends: boolean,
  pause: Pause,
): Promise<number> {
  const { clocks, poll, ready } = waiting(pause);
  const { streams, answer } = suspends ? suspended(filesystem.io.streams) : plain(filesystem);
  const outlet = (device: Device): Outlet => new Outlet(checked(device), ready, answer);
  const [stdout, stderr] = [outlet(given.stdout), outlet(given.stderr)];
  const cli = createCli({
    arguments: [...given.args],
    environment: { ...given.env },
    stdin: inlet(checked(given.stdin), ready, answer),
    stdout: stdout.handler,
    stderr: stderr.handler,
  });
  const shim = new WASIShim({
    cli: { ...cli, ...terminals(given), environment: { ...cli.environment, initialCwd: none } },
    clocks,
    filesystem: filesystem.wasi,
    io: { ...filesystem.io, poll: { ...filesystem.io.poll, poll }, streams },
  } as unknown as ConstructorParameters<typeof WASIShim>[0]);
  let instance;
  try {
    const imports = shim.getImportObject() as unknown as Record<string, unknown>;
    instance = await instantiate((name) => modules.get(name), imports);
  } catch (error) {
    throw new NotRunnable('the program could not be instantiated', error);
  }
  const run = Object.entries(instance).find(([name]) => name.startsWith('wasi:cli/run@0.2.'))?.[1];
  if (!run) {
    throw new NotRunnable('it is not a program for WASI 0.2: it does not export wasi:cli/run');
  }
  try {
    await run.run();
    return 0;
  } catch (error) {
    // `run` answered with its error, which carries nothing.
    if (error === undefined) {
      return 1;
    }
    // What the shim's `exit` throws.
    const { exitError, code } = Object(error) as { exitError?: boolean; code?: number };
    if (exitError) {
      return code ?? 1;
    }
    throw new Trapped(error);
  } finally {
    await stdout.end();
    await stderr.end();
  }
}

const none = (): undefined => undefined;

/** The streams of a guest whose devices never answer with a promise. */
const plain = ({ io }: Filesystem): Waits => ({ streams: io.streams, answer: (call) => call() });

/** Who sits in front of which stream. */
function terminals({ stdin, stdout, stderr }: Given): Record<string, unknown> {
  const { terminalInput, terminalOutput } = wasi.cli as unknown as {
    terminalInput: { TerminalInput: new () => unknown };
    terminalOutput: { TerminalOutput: new () => unknown };
  };
  const output = ({ terminal }: { terminal?: boolean }): unknown =>
    terminal ? new terminalOutput.TerminalOutput() : undefined;
  return {
    terminalStdin: {
      getTerminalStdin: () => (stdin.terminal ? new terminalInput.TerminalInput() : undefined),
    },
    terminalStdout: { getTerminalStdout: () => output(stdout) },
    terminalStderr: { getTerminalStderr: () => output(stderr) },
  };
}
