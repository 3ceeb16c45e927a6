// The functions of `wasi_snapshot_preview1` for one guest. A small module between the guest and
// the core puts the guest's number in front, and calls JavaScript only where the core answers
// with something else than an error number: a guest is suspended only where it has to wait.

import * as core from './core/wasi_opfs.js';
import { loadedCore } from './load.js';

/** Thrown through a guest that has called `proc_exit`. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;

  constructor(code: number) {
    super(`the program exited with code ${code}`);
    this.code = code;
  }
}

/** The functions by their names. */
export type WasiImport = Record<string, (...args: never[]) => unknown>;

/** All functions but `proc_exit`, with what they take: `i` is 32 bits, `I` 64. */
const FUNCTIONS = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'iIi',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'iiiIi',
  fd_prestat_get: 'ii',
  fd_prestat_dir_name: 'iii',
  fd_pwrite: 'iiiIi',
  fd_read: 'iiii',
  fd_readdir: 'iiiIi',
  fd_renumber: 'ii',
  fd_seek: 'iIii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiiIIi',
  path_link: 'iiiiiii',
  path_open: 'iiiiiIIii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
};

// What the core answers if it is no error number.
const FAULT = -1;
const THROWN = -2;
const PROMISE = -3;

/** An error number, 0 for success; or a promise of one, for a guest that is suspended. */
type Answer = number | Promise<number>;

function other(guest: number, answered: number): Answer {
  switch (answered) {
    case FAULT:
      throw new WebAssembly.RuntimeError(
        "a pointer leads outside of the guest's memory, or the guest is closed",
      );
    case THROWN:
      throw core.p1Left(guest);
    case PROMISE:
      return (core.p1Left(guest) as Promise<number>).then((later) =>
        later < 0 ? other(guest, later) : later,
      );
    default:
      throw new Error(`the core answered ${answered}`);
  }
}

type Suspending = new (wait: (answered: number) => Answer) => (answered: number) => number;

/** All functions, for the guest with the number `guest`. */
export function wasiImport(guest: number, suspends: boolean): WasiImport {
  const answer = (answered: number): Answer => other(guest, answered);
  const { Suspending } = WebAssembly as unknown as { Suspending: Suspending };
  const { exports } = new WebAssembly.Instance((between ??= new WebAssembly.Module(encode())), {
    core: loadedCore() as unknown as WebAssembly.ModuleImports,
    guest: { number: guest, other: suspends ? new Suspending(answer) : answer },
  });
  return {
    ...(exports as WasiImport),
    proc_exit: (code: number): never => {
      throw new Exit(code >>> 0);
    },
  };
}

let between: WebAssembly.Module | undefined;

// The binary format of WebAssembly, as far as it is needed.

const I32 = 0x7f;
const I64 = 0x7e;

/** The module between: for each function `f` of the core, `f(...)` is `core.f(number, ...)`. */
function encode(): Uint8Array<ArrayBuffer> {
  const functions = Object.entries(FUNCTIONS);
  const count = functions.length;
  const other = count;
  const type = (taken: string): number[] => [
    0x60,
    ...vector([...taken].map((one) => [one === 'i' ? I32 : I64])),
    ...vector([[I32]]),
  ];
  const types = functions.flatMap(([, taken]) => [type(taken), type(`i${taken}`)]);
  const imports = functions.map(([name], at) => {
    return [...text('core'), ...text(name), 0, ...leb128(2 * at + 1)];
  });
  imports.push([...text('guest'), ...text('other'), 0, ...leb128(2 * count)]);
  imports.push([...text('guest'), ...text('number'), 3, I32, 0]);
  const bodies = functions.map(([, taken], at) => {
    const parameters = [...taken].flatMap((_, index) => [0x20, ...leb128(index)]);
    const answered = leb128(taken.length);
    const code = [
      ...vector([[1, I32]]),
      // global.get number, local.get of each parameter, call core.f, local.set answered
      ...[0x23, 0, ...parameters, 0x10, ...leb128(at), 0x21, ...answered],
      // if answered < 0 then other(answered) else answered
      ...[0x20, ...answered, 0x41, 0, 0x48, 0x04, I32, 0x20, ...answered, 0x10, ...leb128(other)],
      ...[0x05, 0x20, ...answered, 0x0b, 0x0b],
    ];
    return [...leb128(code.length), ...code];
  });
  const exported = functions.map(([name], at) => [...text(name), 0, ...leb128(count + 1 + at)]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [...types, type('i')]),
    ...section(2, imports),
    ...section(3, functions.map((_, at) => leb128(2 * at))),
    ...section(7, exported),
    ...section(10, bodies),
  ]);
}

function section(id: number, items: number[][]): number[] {
  const bytes = vector(items);
  return [id, ...leb128(bytes.length), ...bytes];
}

function vector(items: number[][]): number[] {
  return [...leb128(items.length), ...items.flat()];
}

function text(name: string): number[] {
  return vector([...new TextEncoder().encode(name)].map((byte) => [byte]));
}

function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >>> 7)];
}
