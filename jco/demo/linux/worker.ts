// Linux and WebAssembly programs in one worker, on one volume that is open once. Linux asks
// by 9P2000.L, in the middle of its own work; a program runs between two of its turns.

import { type Device, Filesystem } from 'wasi-opfs/ninep';

import { obey } from '../acts.js';
import { type Needed, TRAPPED } from '../messages.js';
import { Machine } from './machine.js';
import { FILES, MOUNTS } from './messages.js';
import type { FromWorker, Offer, Program, Served, ToWorker } from './messages.js';

/** The longest message, in bytes: longer ones than 512,000 virtio does not send. */
const MSIZE = 262_144;

/** What a program may print; more would only fill the page's memory. */
const PRINTS = 4e6;

function tell(message: FromWorker): void {
  postMessage(message);
}

/** Fetches, and says how far it is; what is packed is unpacked. */
async function fetchAll(all: readonly Served[]): Promise<ArrayBuffer[]> {
  const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  let come = 0;
  const counted = async ({ url }: Served): Promise<ArrayBuffer> => {
    // As the page has it, which is above.
    const response = await fetch(`../${url}`);
    if (!response.ok) {
      throw new Error(`${url}: ${response.status} ${response.statusText}`);
    }
    const count = new TransformStream<BufferSource, BufferSource>({
      transform(chunk, controller) {
        come += chunk.byteLength;
        tell({ type: 'loading', part: come / total });
        controller.enqueue(chunk);
      },
    });
    const stream = response.body!.pipeThrough(count);
    const packed = url.endsWith('.gz');
    return new Response(
      packed ? stream.pipeThrough(new DecompressionStream('gzip')) : stream,
    ).arrayBuffer();
  };
  return Promise.all(all.map(counted));
}

interface Running {
  files: Filesystem;
  machine: Machine;
}

/** Opens the files and starts Linux. */
async function start(offer: Offer, columns: number, rows: number): Promise<Running> {
  const files = await Filesystem.open({ mounts: MOUNTS });
  opened.resolve(files);
  const { emulator, bios, video, kernel, files: initial, state } = offer;
  // A saved machine has what it booted from in its memory.
  const others = state ? [state] : [kernel, initial];
  const [code, firmware, graphics, ...rest] = await fetchAll([emulator, bios, video, ...others]);
  const begin = performance.now();
  tell({ type: 'booting' });
  const pieces = { emulator: code!, bios: firmware!, video: graphics! };
  const { handle } = files.ninep();
  const machine = state
    ? new Machine(pieces, handle, { state: rest[0]! })
    : new Machine(pieces, handle, { kernel: rest[0]!, files: rest[1]! });
  machine.onOutput((bytes) => tell({ type: 'console', bytes }));
  await machine.booted;
  await machine.start({ msize: MSIZE, aname: FILES, columns, rows });
  tell({ type: 'up', ms: performance.now() - begin });
  return { files, machine };
}

/** What a program prints goes to a terminal. */
function output(error: boolean): Device {
  let printed = 0;
  return {
    terminal: true,
    write(bytes) {
      printed += bytes.length;
      if (printed > PRINTS) {
        throw new Error('stopped: it printed more than 4 MB');
      }
      tell({ type: 'output', error, bytes: bytes.slice() });
    },
  };
}

/** What programs need is there already. */
const supplied = new Set<string>();

/** Puts files where the page may write, and programs may not. */
function supply(files: Filesystem, needed: readonly Needed[]): void {
  for (const { path, bytes } of needed) {
    if (!supplied.has(path)) {
      files.mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
      files.writeFileSync(path, bytes);
      supplied.add(path);
    }
  }
}

/** Runs a program to its end; Linux stands still as long. */
function run(program: Program, files: Filesystem): void {
  const { module, files: needed, argv, environment, stdin } = program;
  const begin = performance.now();
  const end = (exitCode: number, failure?: string): void =>
    tell({ type: 'ended', exitCode, ms: performance.now() - begin, failure });
  try {
    supply(files, needed);
    const wasi = files.preview1({
      args: argv,
      env: environment,
      stdin,
      stdout: output(false),
      stderr: output(true),
    });
    const imports = { wasi_snapshot_preview1: wasi.wasiImport };
    end(wasi.start(new WebAssembly.Instance(module, imports)));
  } catch (error) {
    end(TRAPPED, error instanceof Error ? error.message : String(error));
  }
}

/** Whoever waits for something that will not be: why has been said. */
const ignored = (): void => {};

/** The files as soon as they are open, Linux as soon as it is up. */
const opened = Promise.withResolvers<Filesystem>();
const up = Promise.withResolvers<Running>();

function unable(error: unknown): void {
  tell({ type: 'unable', why: error instanceof Error ? error.message : String(error) });
  opened.reject(error);
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'start':
      up.resolve(start(data.offer, data.columns, data.rows));
      up.promise.catch(unable);
      break;
    case 'asked':
      opened.promise.then(
        (files) => tell(obey(data, files, FILES)),
        (error: Error) => tell({ type: 'kept', id: data.id, error: error.message }),
      );
      break;
    case 'program':
      opened.promise.then((files) => run(data, files), ignored);
      break;
    default:
      up.promise.then(({ machine }) => {
        if (data.type === 'typed') machine.type(data.bytes);
        else machine.resize(data.columns, data.rows);
      }, ignored);
  }
});
