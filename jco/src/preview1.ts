// Plain preview1 programs: what they import, and how they are run.

import * as core from './core/wasi_opfs.js';
import type { Device, Input, Lines, Output } from './device.js';
import { consoleLines, coreDevice, input, output } from './device.js';
import { argumentsOf, environmentOf } from './given.js';
import type { TraceListener } from './trace.js';
import { Exit, type WasiImport, wasiImport } from './wasi-import.js';
import { begins } from './wasi-trace.js';

export interface Preview1Options {
  /** The arguments; the first is the program's own name. */
  args?: readonly string[];
  /** The environment. */
  env?: Readonly<Record<string, string>>;
  /** Standard input: at its end if left out. */
  stdin?: Input;
  /** Standard output: the console if left out. */
  stdout?: Output;
  /** Standard error: the console if left out. */
  stderr?: Output;
  /** More devices, by their descriptors: above those of the mounts, which begin at 3. */
  fds?: Readonly<Record<number, Device>>;
  /**
   * Suspend the guest where it has to wait, by JavaScript Promise Integration: for mounts that
   * wait, and devices that answer with promises. It is run by `startAsync` then.
   */
  jspi?: boolean;
  /** The guest's memory, if it imports it. */
  memory?: WebAssembly.Memory;
}

/** What a program exports. */
interface Exports {
  memory?: WebAssembly.Memory;
  _start?: () => void;
  _initialize?: () => void;
}

type Promising = (call: () => void) => () => Promise<void>;

/** JavaScript Promise Integration, of which TypeScript does not know yet. */
const jspi = WebAssembly as unknown as { Suspending?: unknown; promising?: Promising };

/** One guest: what it imports, and what it has open. */
export class Preview1 {
  /**
   * What the guest imports as `wasi_snapshot_preview1`. Functions can be replaced one by one,
   * until the guest is instantiated.
   */
  readonly wasiImport: WasiImport;
  readonly #filesystem: number;
  readonly #number: number;
  readonly #jspi: boolean;
  /** Lines of the console that may have no end. */
  readonly #lines: Lines[] = [];
  #memory: WebAssembly.Memory | undefined;
  #instance: WebAssembly.Instance | undefined;
  #state: 'new' | 'started' | 'closed' = 'new';

  private constructor(
    filesystem: number,
    options: Preview1Options,
    trace: TraceListener | undefined,
  ) {
    const { args = [], env = {}, jspi: suspends = false, memory, fds = {} } = options;
    if (suspends && !jspi.Suspending) {
      throw new Error(
        'this engine has no JavaScript Promise Integration: take one that has (Chromium 137), ' +
          "or leave 'jspi' out, with mounts and devices that do not wait",
      );
    }
    const words = argumentsOf(args);
    const variables = Object.entries(environmentOf(env)).map((pair) => pair.join('='));
    this.#filesystem = filesystem;
    this.#number = core.p1Open(filesystem, words, variables, suspends);
    this.#jspi = suspends;
    this.#memory = memory;
    try {
      this.#device(0, input(options.stdin ?? ''), true, false);
      const lines = (write: (line: string) => void): Device => {
        const device = consoleLines(write);
        this.#lines.push(device);
        return device;
      };
      this.#device(1, output('stdout', options.stdout ?? lines(console.log)), false, true);
      this.#device(2, output('stderr', options.stderr ?? lines(console.error)), false, true);
      for (const [fd, device] of Object.entries(fds)) {
        if (!/^\d+$/.test(fd) || typeof device !== 'object' || device === null) {
          throw new TypeError(`fds: give '${fd}' as a number, and an object for it`);
        }
        this.#device(Number(fd), device, device.read !== undefined, device.write !== undefined);
      }
    } catch (error) {
      this.close();
      throw error;
    }
    const begin = trace && begins(trace, () => this.#memory);
    this.wasiImport = wasiImport(this.#number, suspends, begin);
  }

  /** @internal What `Filesystem.preview1` answers. */
  static make(filesystem: number, options: Preview1Options, trace?: TraceListener): Preview1 {
    return new Preview1(filesystem, options, trace);
  }

  #device(fd: number, device: Device, reads: boolean, writes: boolean): void {
    core.p1Device(this.#number, fd, coreDevice(device), reads, writes);
  }

  /**
   * Runs a program to its end, and answers its exit code. What traps it is thrown. Whatever
   * happens, what it has open is closed, and what it wrote is handed to the browser.
   */
  start(instance: WebAssembly.Instance): number {
    if (this.#jspi) {
      throw new Error("a guest with 'jspi' is run by startAsync");
    }
    const start = this.#entry(instance);
    try {
      start();
      return 0;
    } catch (error) {
      return exitCode(error);
    } finally {
      this.#end();
    }
  }

  /** The same; the guest is suspended where it waits, if it has `jspi`. */
  async startAsync(instance: WebAssembly.Instance): Promise<number> {
    const start = this.#entry(instance);
    try {
      await (this.#jspi ? jspi.promising!(start) : start)();
      return 0;
    } catch (error) {
      return exitCode(error);
    } finally {
      this.#end();
    }
  }

  /** Closes what the guest has open, and hands over what it wrote. */
  #end(): void {
    this.close();
    try {
      core.writeOut(this.#filesystem);
    } catch {
      // It is kept, and the next change or sync is told.
    }
  }

  #entry(instance: WebAssembly.Instance): () => void {
    const { _start } = exportsOf(instance);
    if (typeof _start !== 'function') {
      throw new TypeError(
        "the module has no '_start': it is no program; initialize it, and call what it exports",
      );
    }
    if (this.#state === 'started') {
      throw new Error("the guest runs already; make another with 'preview1'");
    }
    this.attach(instance);
    this.#state = 'started';
    return _start;
  }

  /** Readies a reactor: a module that is called again and again. It keeps what it has open. */
  initialize(instance: WebAssembly.Instance): void {
    const { _start, _initialize } = exportsOf(instance);
    if (_start) {
      throw new TypeError("the module has a '_start': it is a program; start it");
    }
    this.attach(instance);
    _initialize?.();
  }

  /** Lets calls reach the guest's memory: for whoever runs a guest in another way. */
  attach(instance: WebAssembly.Instance): void {
    const { memory: exported } = exportsOf(instance);
    if (this.#state === 'closed') {
      throw new Error("the guest is closed; make another with 'preview1'");
    }
    if (this.#instance === instance) {
      return;
    }
    if (this.#instance) {
      throw new Error("the guest has an instance; make another with 'preview1' for this one");
    }
    if (this.#memory && exported && exported !== this.#memory) {
      throw new TypeError("the module has a memory of its own: leave the option 'memory' out");
    }
    const memory = this.#memory ?? exported;
    if (!(memory instanceof WebAssembly.Memory)) {
      throw new TypeError("the module exports no 'memory': give the one it imports as an option");
    }
    core.p1Attach(this.#number, memory);
    this.#memory = memory;
    this.#instance = instance;
  }

  /** Closes what the guest has open. Calls that it makes afterwards trap. */
  close(): void {
    this.#state = 'closed';
    core.p1Close(this.#number);
    for (const lines of this.#lines) {
      lines.end();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function exitCode(error: unknown): number {
  if (error instanceof Exit) {
    return error.code;
  }
  throw error;
}

function exportsOf(instance: WebAssembly.Instance): Exports {
  const exports = instance?.exports as Exports | undefined;
  if (!exports) {
    throw new TypeError(
      "that is no instance of a module; of what 'instantiate' answers, give 'instance'",
    );
  }
  return exports;
}
