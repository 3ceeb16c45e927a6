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
} as const;

type Functions = typeof FUNCTIONS;

/** What a function takes, as `FUNCTIONS` says it. */
type Taken<S extends string> = S extends `i${infer Rest}`
  ? [number, ...Taken<Rest>]
  : S extends `I${infer Rest}`
    ? [bigint, ...Taken<Rest>]
    : [];

/** The functions by their names. Each answers with an error number, 0 for success. */
export type WasiImport = {
  [Name in keyof Functions]: (...args: Taken<Functions[Name]>) => number;
} & { proc_exit: (code: number) => never };


/** The names of all functions. */
export const NAMES: ReadonlySet<string> = new Set([...Object.keys(FUNCTIONS), 'proc_exit']);

// What the core answers if it is no error number.
const FAULT = -1;
const THROWN = -2;
const PROMISE = -3;
const CLOSED = -4;
const UNATTACHED = -5;

/** Is told that a call begins; answers who is told what the core answered in the end. */
export type Begin = (
  call: string,
  args: readonly unknown[],
) => ((answered: number) => void) | undefined;

/** Throws what there is to throw; returns if the guest has to wait. */
function raise(guest: number, answered: number): void {
  switch (answered) {
    case THROWN:
      throw core.p1Left(guest);
    case FAULT:
      throw new WebAssembly.RuntimeError("a pointer leads outside of the guest's memory");
    case CLOSED:
      throw new WebAssembly.RuntimeError(
        "the guest is closed, or its file system is; make another with 'preview1'",
      );
    case UNATTACHED:
      throw new WebAssembly.RuntimeError(
        'the guest has no memory yet: start, initialize or attach its instance first',
      );
  }
}

type Suspending = new (wait: () => Promise<number>) => () => number;
type Calls = Record<string, (...args: unknown[]) => number>;

/** All functions, for the guest with the number `guest`, which is suspended or never waits. */
export function wasiImport(guest: number, suspends: boolean, begin?: Begin): WasiImport {
  let ended: ReturnType<Begin>;
  const wait = async (): Promise<number> => {
    const end = ended;
    let answered = THROWN;
    try {
      answered = (await core.p1Left(guest)) as number;
    } finally {
      end?.(answered);
    }
    raise(guest, answered);
    return answered;
  };
  const calls = loadedCore() as unknown as Calls;
  const told = (name: string) => (number: unknown, ...args: unknown[]) => {
    ended = begin?.(name, args);
    const answered = calls[name]!(number, ...args);
    if (answered !== PROMISE) {
      ended?.(answered);
    }
    return answered;
  };
  const { Suspending } = WebAssembly as unknown as { Suspending: Suspending };
  between ??= new WebAssembly.Module(encode());
  const { exports } = new WebAssembly.Instance(between, {
    core: begin
      ? Object.fromEntries(Object.keys(FUNCTIONS).map((name) => [name, told(name)]))
      : calls,
    guest: {
      number: guest,
      raise: (answered: number) => raise(guest, answered),
      wait: suspends ? new Suspending(wait) : wait,
    },
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

/**
 * The module between: each function hands on what it takes, the guest's number in front; what
 * the core answers it answers, unless that is no error number.
 */
function encode(): Uint8Array<ArrayBuffer> {
  const functions = Object.entries(FUNCTIONS);
  const count = functions.length;
  const [raise, wait] = [count, count + 1];
  const type = (taken: string, answers = true): number[] => [
    0x60,
    ...vector([...taken].map((one) => [one === 'i' ? I32 : I64])),
    ...vector(answers ? [[I32]] : []),
  ];
  const types = functions.flatMap(([, taken]) => [type(taken), type(`i${taken}`)]);
  types.push(type('i', false), type(''));
  const imported = (module: string, name: string, index: number): number[] => [
    ...text(module),
    ...text(name),
    0,
    ...leb128(index),
  ];
  const imports = functions.map(([name], at) => imported('core', name, 2 * at + 1));
  imports.push(imported('guest', 'raise', 2 * count), imported('guest', 'wait', 2 * count + 1));
  imports.push([...text('guest'), ...text('number'), 3, I32, 0]);
  const bodies = functions.map(([, taken], at) => {
    const parameters = [...taken].flatMap((_, index) => [0x20, ...leb128(index)]);
    const answered = leb128(taken.length);
    const code = [
      ...[1, 1, I32],
      // answered = core(number, parameters)
      ...[0x23, 0, ...parameters, 0x10, ...leb128(at), 0x22, ...answered],
      // answered < 0 ? (raise(answered), wait()) : answered
      ...[0x41, 0, 0x48, 0x04, I32, 0x20, ...answered, 0x10, ...leb128(raise)],
      ...[0x10, ...leb128(wait), 0x05, 0x20, ...answered, 0x0b, 0x0b],
    ];
    return [...leb128(code.length), ...code];
  });
  const exported = functions.map(([name], at) => [...text(name), 0, ...leb128(count + 2 + at)]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
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
