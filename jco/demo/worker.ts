// Runs one program: its files are in a volume in OPFS, `/tmp` is in memory. While it waits for
// input, the page can look at its files.

import { type Device, Filesystem, NotRunnable, execute } from 'wasi-opfs';

import { obey } from './acts.js';
import { INTERRUPTED, MOUNTS, NOT_RUNNABLE, TRAPPED } from './messages.js';
import type { Asked, Needed, Order, Told, Typed } from './messages.js';

/** What a program may print; more would only fill the page's memory. */
const PRINTS = 4e6;

function tell(message: Told): void {
  postMessage(message);
}

/** What was typed and not yet read, line by line; as in every terminal, an end ends one read. */
class Input implements Device {
  readonly terminal = true;
  readonly #lines: Typed[] = [];
  #arrived = Promise.withResolvers<void>();

  type(bytes: Typed): void {
    this.#lines.push(bytes);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  async read(buffer: Uint8Array): Promise<number> {
    while (this.#lines.length === 0) {
      tell({ type: 'reading' });
      await this.#arrived.promise;
    }
    const line = this.#lines.shift()!;
    const taken = line.subarray(0, buffer.length);
    buffer.set(taken);
    if (taken.length < line.length) {
      this.#lines.unshift(line.subarray(taken.length));
    }
    return taken.length;
  }

  async poll(want: 'read' | 'write', ms: number): Promise<number> {
    if (want === 'read' && this.#lines.length === 0 && ms > 0) {
      tell({ type: 'reading' });
      const late = new Promise((resolve) => setTimeout(resolve, ms));
      await Promise.race([this.#arrived.promise, late]);
    }
    // An end can be read, too.
    return Math.max(this.#lines[0]?.length ?? 0, Math.min(this.#lines.length, 1));
  }
}

/** What a program prints goes to a terminal: `ls` makes columns and colours for it. */
class Output implements Device {
  static #printed = 0;
  readonly terminal = true;
  readonly #error: boolean;

  constructor(error: boolean) {
    this.#error = error;
  }

  write(bytes: Uint8Array): void {
    Output.#printed += bytes.length;
    if (Output.#printed > PRINTS) {
      tell({ type: 'failed', exitCode: INTERRUPTED, why: 'stopped: it printed more than 4 MB' });
      throw 'pipe';
    }
    tell({ type: 'output', error: this.#error, bytes: bytes.slice() });
  }
}

const input = new Input();

/** Puts files where the page may write, and the program may not. */
function supply(filesystem: Filesystem, files: readonly Needed[]): void {
  for (const { path, bytes } of files) {
    filesystem.mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    filesystem.writeFileSync(path, bytes);
  }
}

function run({ program, argv, environment }: Order, filesystem: Filesystem): Promise<number> {
  return execute(filesystem, program, {
    args: argv,
    env: environment,
    stdin: input,
    stdout: new Output(false),
    stderr: new Output(true),
    progress: (type) => tell({ type }),
  });
}

/** The files, as soon as they are there; and whether it is over with them. */
const held = Promise.withResolvers<Filesystem>();
let over = false;

async function carryOut(order: Order): Promise<void> {
  const start = performance.now();
  const filesystem = await Filesystem.open({ mounts: MOUNTS });
  let exitCode;
  try {
    supply(filesystem, order.files);
    held.resolve(filesystem);
    exitCode = await run(order, filesystem);
  } finally {
    over = true;
    filesystem.close();
  }
  tell({ type: 'ended', exitCode, ms: performance.now() - start });
}

addEventListener('message', ({ data }: MessageEvent<Order | Asked | Typed>) => {
  if (data instanceof Uint8Array) {
    input.type(data);
  } else if (data.type === 'asked') {
    // If it is over, somebody else is asked.
    void held.promise.then((files) => over || tell(obey(data, files)));
  } else {
    carryOut(data).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      const exitCode = error instanceof NotRunnable ? NOT_RUNNABLE : TRAPPED;
      tell({ type: 'failed', exitCode, why });
    });
  }
});
