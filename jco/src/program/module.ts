// A preview1 module, run: it is given its calls directly.

import type { Device } from '../device.js';
import type { Filesystem } from '../host.js';
import { Exit, NAMES } from '../wasi-import.js';
import { NotRunnable, Trapped } from './ended.js';

const PREVIEW1 = 'wasi_snapshot_preview1';

/** What a program is given, beside files. */
export interface Given {
  /** The first is its own name. */
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  stdin: Device;
  stdout: Device;
  stderr: Device;
}

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

type Entry = () => void;

/** JavaScript Promise Integration, of which TypeScript does not know yet. */
const { promising } = WebAssembly as unknown as {
  promising(entry: Entry): () => Promise<void>;
};

/** What is said of a reactor that was run. */
export const REACTOR = "the program is a reactor: it is initialised, and has no '_start' to run";

/**
 * Runs a module that is fit, suspended where it waits or not; its exit code.
 * @param note is told what is odd about it
 */
export async function runModule(
  module: WebAssembly.Module,
  filesystem: Filesystem,
  given: Given,
  suspends: boolean,
  note: (text: string) => void,
): Promise<number> {
  const wasi = filesystem.preview1({ ...given, jspi: suspends });
  try {
    const imports = { [PREVIEW1]: wasi.wasiImport } as unknown as WebAssembly.Imports;
    const instance = await WebAssembly.instantiate(module, imports);
    const { memory, _start, _initialize } = instance.exports;
    if (memory) {
      wasi.attach(instance);
    }
    const entry = (_start ?? _initialize) as Entry;
    await (suspends ? promising(entry) : entry)();
    if (!_start) {
      note(REACTOR);
    }
    return 0;
  } catch (error) {
    if (error instanceof Exit) {
      // The part of it that a shell gets.
      return error.code & 0xff;
    }
    if (error instanceof WebAssembly.LinkError) {
      throw new NotRunnable(`it is not a program for WASI preview1: ${error.message}`);
    }
    throw new Trapped(error);
  } finally {
    wasi.close();
  }
}
