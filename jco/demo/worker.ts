// Runs one program: its files are in a volume in OPFS, `/tmp` is in memory.

import { Filesystem } from 'wasi-opfs';
import * as cli from '@bytecodealliance/preview2-shim/cli';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';

import { INTERRUPTED, MOUNTS, type Order, TRAPPED, type Told, type Typed } from './messages.js';

/** What a program may print; more would only fill the page's memory. */
const PRINTS = 4e6;

function tell(message: Told): void {
  postMessage(message);
}

/** What was typed and not yet read. */
class Input {
  readonly #waiting: Typed[] = [];
  #ended = false;
  #arrived: (() => void) | undefined;

  type(bytes: Typed): void {
    if (bytes.length === 0) {
      this.#ended = true;
    } else {
      this.#waiting.push(bytes);
    }
    this.#arrived?.();
  }

  async read(length: number): Promise<Uint8Array> {
    while (this.#waiting.length === 0 && !this.#ended) {
      tell({ type: 'reading' });
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
    const bytes = this.#waiting.shift();
    if (!bytes) {
      throw { tag: 'closed' };
    }
    if (bytes.length > length) {
      this.#waiting.unshift(bytes.subarray(length));
    }
    return bytes.subarray(0, length);
  }
}

const input = new Input();

/** What a program imports. */
function imports(order: Order, filesystem: Filesystem): Record<string, unknown> {
  let printed = 0;
  const print = (error: boolean) => (bytes: Uint8Array) => {
    printed += bytes.length;
    if (printed > PRINTS) {
      tell({ type: 'failed', exitCode: INTERRUPTED, why: 'stopped: it printed more than 4 MB' });
      throw { tag: 'closed' };
    }
    tell({ type: 'output', error, bytes: bytes.slice() });
  };
  const own = cli.createCli({
    arguments: [...order.argv],
    environment: order.environment,
    stdin: { blockingRead: (length: bigint) => input.read(Number(length)) as never },
    stdout: { write: print(false) },
    stderr: { write: print(true) },
  });
  // What a program prints goes to a terminal: `ls` makes columns and colours for it.
  const terminal = new (cli.terminalOutput.TerminalOutput as unknown as new () => object)();
  const terminals = {
    terminalStdout: { getTerminalStdout: () => terminal },
    terminalStderr: { getTerminalStderr: () => terminal },
  };
  const given = { cli: { ...own, ...terminals }, filesystem: filesystem.wasi };
  const shim = new WASIShim(given as never);
  return shim.getImportObject() as unknown as Record<string, unknown>;
}

/** What jco makes of a program. */
interface Transpiled {
  instantiate(
    module: (name: string) => WebAssembly.Module | undefined,
    imports: Record<string, unknown>,
  ): Promise<{ run: { run(): Promise<void> } }>;
}

async function run(order: Order, filesystem: Filesystem): Promise<number> {
  const { instantiate } = (await import(order.url)) as Transpiled;
  const component = await instantiate(
    (name) => order.modules.get(name),
    imports(order, filesystem),
  );
  try {
    await component.run.run();
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
    throw error;
  }
}

async function obey(order: Order): Promise<void> {
  const start = performance.now();
  const filesystem = await Filesystem.open({ mounts: MOUNTS });
  let exitCode;
  try {
    exitCode = await run(order, filesystem);
  } finally {
    filesystem.close();
  }
  tell({ type: 'ended', exitCode, ms: performance.now() - start });
}

let ordered = false;

addEventListener('message', ({ data }: MessageEvent<Order | Typed>) => {
  if (ordered) {
    input.type(data as Typed);
    return;
  }
  ordered = true;
  obey(data as Order).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    tell({ type: 'failed', exitCode: TRAPPED, why });
  });
});
