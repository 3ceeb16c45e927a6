// A program of bytes, run in this worker on mounts that are open: a module as it is, a
// component transpiled before, or found among those that were.

import { type Device, type Input, type Output, consoleLines, input, output } from '../device.js';
import { argumentsOf, environmentOf } from '../given.js';
import type { Filesystem } from '../host.js';
import * as cache from './cache.js';
import type { Transpiled } from './component.js';
import { NotRunnable } from './ended.js';
import { kindOf } from './kind.js';
import { type Given, runModule, unfit } from './module.js';
import { type Files, SCRIPT, reason, recipe, transpile } from './transpile.js';

/** What a program comes as: its bytes, or a module that is compiled. */
export type Program = BufferSource | WebAssembly.Module;

/** What is done at the moment: a component that is new is transpiled before it runs. */
export type Step = 'transpiling' | 'running';

export interface ExecuteOptions {
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
  /** Keep no transpiled form, and look for none. */
  cache?: boolean;
  /** Is told what is done. */
  progress?: (step: Step) => void;
}

/** Whether this engine suspends guests (JSPI). */
const SUSPENDS = 'Suspending' in WebAssembly;

/** What components are transpiled to here. */
const FORM = { suspends: SUSPENDS, classes: false };

/**
 * Runs a component for WASI 0.2, or a preview1 module, on mounts that are open in this worker,
 * and answers its exit code. Where the engine can suspend it (JSPI), it is while it waits.
 *
 * What is no program, or traps, is an error.
 */
export async function execute(
  filesystem: Filesystem,
  program: Program,
  options: ExecuteOptions = {},
): Promise<number> {
  const lines = [console.log, console.error].map((write) => consoleLines(write));
  const given: Given = {
    args: argumentsOf(options.args ?? []),
    env: environmentOf(options.env ?? {}),
    stdin: able(input(options.stdin ?? '')),
    stdout: stored(able(output('stdout', options.stdout ?? lines[0]!)), filesystem),
    stderr: stored(able(output('stderr', options.stderr ?? lines[1]!)), filesystem),
  };
  try {
    const run = await prepare(program, options);
    options.progress?.('running');
    return await alone(filesystem, () => run(filesystem, given));
  } finally {
    lines.forEach((line) => line.end());
  }
}

/** How many programs run on which mounts. */
const running = new WeakMap<Filesystem, number>();

/** Lets go of what programs held when the last of them has ended: jco drops nothing. */
async function alone<T>(filesystem: Filesystem, run: () => Promise<T>): Promise<T> {
  const count = (change: number): number => {
    const now = (running.get(filesystem) ?? 0) + change;
    running.set(filesystem, now);
    return now;
  };
  count(1);
  try {
    return await run();
  } finally {
    if (count(-1) === 0) {
      filesystem.release();
    }
  }
}

/** A device that is used as this engine can. */
function able(device: Device): Device {
  if (SUSPENDS) {
    return device;
  }
  const now = <T>(answer: T | Promise<T>): T => {
    if (answer instanceof Promise) {
      throw new Error(
        'a device of the program waits, for which it has to be suspended, and this engine has ' +
          'no JavaScript Promise Integration: take one that has (Chromium 137, Firefox 153), ' +
          'or give devices that do not wait, as stdin of a string',
      );
    }
    return answer;
  };
  return {
    ...(device.read ? { read: (buffer) => now(device.read!(buffer)) } : {}),
    ...(device.write ? { write: (bytes) => now(device.write!(bytes)) } : {}),
    ...(device.poll ? { poll: (want, ms) => now(device.poll!(want, ms)) } : {}),
    terminal: device.terminal ?? false,
  };
}

/** How long a program that only prints may leave its files unwritten, in milliseconds. */
const WRITE_OUT_MS = 500;

/** A device before which, now and then, what the program wrote to files is handed over. */
function stored(device: Device, filesystem: Filesystem): Device {
  let written = -Infinity;
  return {
    terminal: device.terminal ?? false,
    ...(device.poll ? { poll: (want, ms) => device.poll!(want, ms) } : {}),
    write(bytes) {
      if (performance.now() - written > WRITE_OUT_MS) {
        written = performance.now();
        writeOut(filesystem);
      }
      return device.write!(bytes);
    },
  };
}

type Run = (filesystem: Filesystem, given: Given) => Promise<number>;

async function prepare(program: Program, options: ExecuteOptions): Promise<Run> {
  if (program instanceof WebAssembly.Module) {
    return ofModule(program);
  }
  const bytes = bytesOf(program);
  if (kindOf(bytes) === 'component') {
    return ofComponent(bytes, options);
  }
  const module = await WebAssembly.compile(bytes).catch((error: unknown) => {
    throw new NotRunnable('it does not compile; is it whole, and can this engine do it?', error);
  });
  return ofModule(module);
}

function bytesOf(program: BufferSource): Uint8Array<ArrayBuffer> {
  const given =
    program instanceof ArrayBuffer
      ? new Uint8Array(program)
      : ArrayBuffer.isView(program) &&
        new Uint8Array(program.buffer, program.byteOffset, program.byteLength);
  if (!given) {
    throw new TypeError('a program is an ArrayBuffer, a view of one, or a WebAssembly.Module');
  }
  // Neither a digest nor a module is made of memory that threads share.
  return given.buffer instanceof ArrayBuffer
    ? (given as Uint8Array<ArrayBuffer>)
    : new Uint8Array(given);
}

function ofModule(module: WebAssembly.Module): Run {
  const why = unfit(module);
  if (why !== undefined) {
    throw new NotRunnable(why);
  }
  return (filesystem, given) =>
    runModule(module, filesystem, given, SUSPENDS, (text) =>
      given.stderr.write!(new TextEncoder().encode(`${text}\n`)),
    );
}

async function ofComponent(
  bytes: Uint8Array<ArrayBuffer>,
  { cache: keep = true, progress }: ExecuteOptions,
): Promise<Run> {
  const key = await cache.keyOf(bytes, recipe(FORM));
  let files = keep ? await cache.load(key) : undefined;
  if (!files) {
    progress?.('transpiling');
    files = await transpiled(bytes);
    if (keep) {
      await cache.store(key, files);
    }
  }
  const names = [...files.keys()].filter((name) => name !== SCRIPT);
  const compiled = names.map((name) => WebAssembly.compile(files.get(name)!));
  const modules = await Promise.all(compiled).catch((error: unknown) => {
    throw new NotRunnable('one of its modules does not compile here', error);
  });
  const component = await imported(files.get(SCRIPT)!);
  const byName = new Map(names.map((name, index) => [name, modules[index]!]));
  const { runComponent } = await import('./component.js');
  const { sleep, suspend } = await import('./clocks.js');
  return (filesystem, given) =>
    runComponent(component, byName, filesystem, given, SUSPENDS, (ms) => {
      writeOut(filesystem);
      return SUSPENDS ? suspend(ms) : sleep(ms);
    });
}

/** Hands what the program has written to the browser: it may be ended at any time. */
function writeOut(filesystem: Filesystem): void {
  try {
    filesystem.syncSync({ flush: false });
  } catch {
    // The next change on files is told.
  }
}

/** Transpiles a component; the megabytes that does it are loaded when they are needed. */
async function transpiled(bytes: Uint8Array<ArrayBuffer>): Promise<Files> {
  const generate = await transpiler().catch((error: unknown) => {
    throw new NotRunnable(
      "the transpiler could not be loaded: it has to be served beside the worker's script, " +
        'with its two modules of WebAssembly',
      error,
    );
  });
  try {
    return transpile(generate, bytes, FORM);
  } catch (error) {
    throw new NotRunnable(`it is no component that jco can transpile: ${reason(error)}`);
  }
}

async function transpiler(): Promise<typeof import('./transpiler/bindgen.js').generate> {
  const { $init, generate } = await import('./transpiler/bindgen.js');
  await $init;
  return generate;
}

async function imported(script: Uint8Array<ArrayBuffer>): Promise<Transpiled> {
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as never;
  } catch (error) {
    throw new NotRunnable(
      "its transpiled form could not be imported: a Content-Security-Policy of the worker's " +
        "script has to allow it, by 'script-src blob:'",
      error,
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}
