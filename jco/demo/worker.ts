// Runs one program: its files are in a volume in OPFS, `/tmp` is in memory.

import { type Device, Filesystem } from 'wasi-opfs';

import { INTERRUPTED, MOUNTS, type Order, TRAPPED, type Told, type Typed } from './messages.js';

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

async function run({ module, files, argv, environment }: Order): Promise<number> {
  const filesystem = await Filesystem.open({ mounts: MOUNTS });
  try {
    for (const { path, bytes } of files) {
      filesystem.mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
      filesystem.writeFileSync(path, bytes);
    }
    const wasi = filesystem.preview1({
      args: argv,
      env: environment,
      stdin: input,
      stdout: new Output(false),
      stderr: new Output(true),
      jspi: true,
    });
    const imports = { wasi_snapshot_preview1: wasi.wasiImport };
    return await wasi.startAsync(await WebAssembly.instantiate(module, imports));
  } finally {
    filesystem.close();
  }
}

async function obey(order: Order): Promise<void> {
  const start = performance.now();
  const exitCode = await run(order);
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
