// How components are transpiled, here and in the browser's runner: one list of options, and
// what they are known by in caches.

import type { generate } from '@bytecodealliance/jco-transpile/component';

import { asyncImports } from '../jspi.js';
import { foreignImport } from '../versions.js';

/** The version of `@bytecodealliance/jco-transpile` that makes it. */
export const TRANSPILER = '0.15.0';

/** Changes with whatever this file does to a program. */
const RECIPE = 8;

/** What a component is transpiled to. */
export interface Form {
  /** It can be suspended where it waits, by JSPI. */
  suspends: boolean;
  /** Its imports are called as classes alone, without the fast form. */
  classes: boolean;
}

/** What a transpiled component was made by, for the key of a cache. */
export function recipe({ suspends, classes }: Form): string {
  const words = [RECIPE, TRANSPILER, suspends ? 'jspi' : 'sync', classes ? 'js' : 'hybrid'];
  return `${words.join(' ')}\n`;
}

/** Names and contents: `component.js`, and core modules that end in `.wasm`. */
export type Files = Map<string, Uint8Array<ArrayBuffer>>;

/** The file that is imported. */
export const SCRIPT = 'component.js';

/** What waits for input, for output, and for time. */
const WAITING = [
  'wasi:io/poll#[method]pollable.block',
  'wasi:io/poll#poll',
  ...['input-stream.blocking-read', 'input-stream.blocking-skip', 'input-stream.read']
    .concat('input-stream.skip', 'output-stream.blocking-flush')
    .concat('output-stream.blocking-write-and-flush')
    .map((method) => `wasi:io/streams#[method]${method}`),
];

/** Transpiles a component by jco's `generate`; what is no command is an error. */
export function transpile(
  make: typeof generate,
  bytes: Uint8Array,
  { suspends, classes }: Form,
): Files {
  const foreign = foreignImport(bytes);
  if (foreign !== undefined) {
    throw new Error(`it is not a program for WASI 0.2: it imports '${foreign}'`);
  }
  const asynchronous = {
    tag: 'jspi' as const,
    val: { imports: [...asyncImports, ...WAITING], exports: ['wasi:cli/run#run'] },
  };
  const { files, exports } = make(bytes, {
    name: 'component',
    instantiation: { tag: 'async' },
    importBindings: { tag: classes ? 'js' : 'hybrid' },
    ...(suspends ? { asyncMode: asynchronous } : {}),
    base64Cutoff: 0,
    noComponentErrorWrapping: true,
    noNodejsCompat: true,
    noTypescript: true,
  });
  if (!exports.some(([name]) => name.startsWith('wasi:cli/run@0.2.'))) {
    throw new Error('it is not a program for WASI 0.2: it does not export wasi:cli/run');
  }
  return new Map(
    files.map(([name, contents]) => [
      name,
      (name === SCRIPT ? mended(contents) : contents) as Uint8Array<ArrayBuffer>,
    ]),
  );
}

/** A name may begin with a byte order mark: jco's decoder would swallow it. */
function mended(script: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(script);
  const kept = "new TextDecoder('utf-8', { ignoreBOM: true })";
  return new TextEncoder().encode(text.replaceAll('new TextDecoder()', kept));
}

/** Why jco, or this file, refused a component. */
export function reason(error: unknown): string {
  const { payload, message } = Object(error) as { payload?: unknown; message?: unknown };
  return String(payload ?? message ?? error).trim();
}
