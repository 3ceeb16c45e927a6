// From a preview1 module to a component.

import { readFile } from 'node:fs/promises';

const PREVIEW1 = 'wasi_snapshot_preview1';

// What the adapter does not use, because not every host has it: the exit code itself,
// not only whether it is one of success.
const EXIT = 'wasi:cli/exit@0.2.12';
const EXIT_WIT = `
package wasi-opfs:exit;
package wasi:cli@0.2.12 {
  interface exit {
    exit: func(status: result);
    exit-with-code: func(status-code: u8);
  }
}
world program {
  import wasi:cli/exit@0.2.12;
}`;

/** Wraps a module in the adapter. */
export async function toComponent(module: Uint8Array): Promise<Uint8Array> {
  const { componentEmbed, componentNew } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  const adapter = await readFile(new URL('preview1-adapter.wasm', import.meta.url));
  const renamed = withExitCode(module);
  const binary = renamed
    ? await componentEmbed({ binary: renamed, witSource: EXIT_WIT })
    : module;
  return componentNew(binary, [[PREVIEW1, adapter]]);
}

/** Has a module call `exit-with-code` for `proc_exit`: both take a number. */
function withExitCode(module: Uint8Array): Uint8Array | undefined {
  const imports = importSection(module);
  if (!imports) {
    return undefined;
  }
  const payload = Buffer.from(module.buffer, module.byteOffset + imports.start, imports.length);
  const old = Buffer.concat([name(PREVIEW1), name('proc_exit')]);
  const at = payload.indexOf(old);
  if (at < 0) {
    return undefined;
  }
  const renamed = [name(EXIT), name('exit-with-code')];
  const contents = [payload.subarray(0, at), ...renamed, payload.subarray(at + old.length)];
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([
    module.subarray(0, imports.lengthAt),
    leb128(length),
    ...contents,
    module.subarray(imports.start + imports.length),
  ]);
}

const HEADER = 8;
const IMPORTS = 2;

function importSection(
  module: Uint8Array,
): { lengthAt: number; start: number; length: number } | undefined {
  for (let at = HEADER; at < module.length; ) {
    const [length, start] = readLeb128(module, at + 1);
    if (module[at] === IMPORTS) {
      return { lengthAt: at + 1, start, length };
    }
    at = start + length;
  }
  return undefined;
}

function name(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([leb128(bytes.length), bytes]);
}

function leb128(value: number): Buffer {
  const bytes = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) {
    bytes.push((rest & 0x7f) | 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

/** A number, and where what follows it begins. */
function readLeb128(bytes: Uint8Array, start: number): [number, number] {
  let value = 0;
  for (let at = start, shift = 0; at < bytes.length; at += 1, shift += 7) {
    value += (bytes[at]! & 0x7f) * 2 ** shift;
    if (bytes[at]! < 0x80) {
      return [value, at + 1];
    }
  }
  throw new Error('the module ends too early');
}
