// File systems for guests and for the page itself, as a page asks for them.

/// <reference lib="esnext.disposable" preserve="true" />

import { type MountFd, mountFd } from './browser-wasi-shim.js';
import * as core from './core/wasi_opfs.js';
import { Descriptor } from './descriptor.js';
import { give, io, types as plainTypes, waitingTypes } from './fast/index.js';
import { asyncImports } from './jspi.js';
import { type CoreSource, loadCore } from './load.js';
import { type Mounts, PROGRAMS, checkMounts, parseMount } from './mount.js';
import type { Ninep, NinepOptions } from './ninep.js';
import { Files } from './page.js';
import { Preview1, type Preview1Options } from './preview1.js';
import { filesystemErrorCode } from './streams.js';
import { type TraceListener, traced } from './trace.js';
import type * as preopens from './wit/interfaces/wasi-filesystem-preopens.js';
import type * as types from './wit/interfaces/wasi-filesystem-types.js';

export interface FilesystemOptions {
  mounts: Mounts;
  /** Is told of each call of a guest; costs nothing if left out. */
  trace?: TraceListener;
  /** The core's code, if it is not to come from the package's own JavaScript. */
  wasm?: CoreSource | Promise<CoreSource>;
  /** Refuse mounts that wait: the guests are transpiled without JSPI. */
  sync?: boolean;
  /** How long to wait for a volume that another worker has open: 5000 ms if left out. */
  waitMs?: number;
  /**
   * How much of what changes in volumes is gathered before the browser is given it;
   * `each-write`: nothing is. A volume that is open already stays as it is.
   */
  gather?: GatherOptions | 'each-write';
  /**
   * Bytes of files that a volume keeps in memory so as not to read them again. If left out,
   * what pays in this engine: 8 MiB of small files, or 64 MiB where reads are dear.
   */
  cacheBytes?: number;
}

export interface GatherOptions {
  /** Bytes of data and of the volume's own records: 1 MiB if left out. */
  bytes?: number;
  /** For how long, in milliseconds: 500 if left out. */
  ms?: number;
}

/** How long it is waited for, in milliseconds: about as long as a program takes to transpile. */
const PROGRAMS_WAIT_MS = 500;

/** Opens the volume of transpiled programs, for whoever keeps them; never for a guest. */
export function openPrograms(): Promise<Filesystem> {
  return Filesystem.make({ mounts: { '/': `volume:${PROGRAMS}` }, waitMs: PROGRAMS_WAIT_MS });
}

/** For how long changes are gathered, if guests leave the time to look at the clock. */
const GATHER_MS = 500;

/** What jco's `WASIShim` takes as `filesystem`, and what a guest imports. */
export interface WasiFilesystem {
  readonly types: typeof types;
  readonly preopens: typeof preopens;
}

/** What jco's `WASIShim` takes as `io`. */
export type WasiIo = typeof io;

let ninep: typeof Ninep.make | undefined;

/** @internal Says how connections are made, where the core can. */
export function setNinep(make: typeof Ninep.make): void {
  ninep = make;
}

/** One tree of mounts, and the guests' view of it. */
export class Filesystem extends Files {
  /** To be handed to `new WASIShim({ filesystem })`, or imported by a guest. */
  readonly wasi: WasiFilesystem;
  readonly #io: WasiIo;
  readonly #trace: TraceListener | undefined;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  /** Guest names of the mounts. */
  readonly #mounts: readonly string[];

  private constructor(
    number: number,
    mounts: readonly string[],
    ms: number,
    trace: TraceListener | undefined,
  ) {
    super(number);
    this.#mounts = mounts;
    // A timer that is due at once would leave no time for anything else.
    const pause = Math.max(ms, 1) || GATHER_MS;
    this.#timer = core.hasVolumes(number) ? setInterval(writeOut, pause, number) : undefined;
    // In Node, no file system keeps a process alive; in a browser it is but a number.
    this.#timer?.unref?.();
    const classes = this.waits === undefined ? plainTypes : waitingTypes;
    const view = {
      types: { ...classes, filesystemErrorCode },
      preopens: {
        getDirectories: (): [Descriptor, string][] => {
          const pair = ([root, guest]: [number, string]): [Descriptor, string] => [
            new Descriptor(root),
            guest,
          ];
          return core.getDirectories(number).map(pair);
        },
      },
    } satisfies WasiFilesystem;
    [this.wasi, this.#io] = trace ? traced(view, io, trace) : [view, io];
    this.#trace = trace;
  }

  /** Opens mounts; what cannot be opened is an error that says why. */
  static async open(options: FilesystemOptions): Promise<Filesystem> {
    checkMounts(options?.mounts);
    return Filesystem.make(options);
  }

  /** @internal */
  static async make(options: FilesystemOptions): Promise<Filesystem> {
    await loadCore(options.wasm);
    const mounts = Object.entries(options.mounts).map(([guest, mount]) => {
      const { kind, name, readOnly } = parseMount(mount);
      return [guest, kind, name, readOnly];
    });
    const { sync = false, waitMs = 5000, gather = {}, cacheBytes } = options;
    const { bytes, ms = GATHER_MS } = gather === 'each-write' ? { bytes: 0, ms: 0 } : gather;
    const number = await core.openFilesystem(mounts, sync, waitMs, bytes, ms, cacheBytes);
    const pause = gather === 'each-write' ? GATHER_MS : ms;
    return new Filesystem(number, Object.keys(options.mounts), pause, options.trace);
  }

  /**
   * `wasi:io` to go with `wasi`, for `new WASIShim({ filesystem, io })`: with these classes, and
   * transpiled with jco's `--import-bindings hybrid`, a component's calls on streams are linked
   * directly, too. The shim's own streams go on working.
   */
  get io(): WasiIo {
    give();
    return this.#io;
  }

  /** The guest name of a mount that waits: guests have to be transpiled with JSPI. */
  get waits(): string | undefined {
    return core.waitingMount(this.number);
  }

  /** What jco has to be told as `asyncImports`: nothing if no mount waits. */
  get asyncImports(): readonly string[] {
    return this.waits === undefined ? [] : asyncImports;
  }

  /** A guest that is a plain preview1 module: what it imports, and how it is run. */
  preview1(options: Preview1Options = {}): Preview1 {
    return Preview1.make(this.number, options, this.#trace);
  }

  /**
   * A connection for a virtual machine that mounts these mounts by 9P2000.L: give its `handle`
   * to v86, or a port to `serve`. The core of `wasi-opfs/ninep` has it; others throw.
   */
  ninep(options: NinepOptions = {}): Ninep {
    if (!ninep) {
      throw new Error("this core serves no 9P: import Filesystem from 'wasi-opfs/ninep'");
    }
    return ninep(this.number, options, this.#trace);
  }

  /**
   * The mount with the name `guest` as an entry of the descriptors that
   * `@bjorn3/browser_wasi_shim` 0.4 is given: in the place of its `PreopenDirectory`. A guest
   * that moves a file from here to a directory of the shim's is not told that it stays here:
   * give it mounts alone, or nothing to move to.
   */
  preopen(guest: string): MountFd {
    return mountFd(this.number, guest, this.#mounts);
  }

  /** How many descriptors and streams guests hold. */
  get resources(): number {
    return core.resourceCount(this.number);
  }

  /**
   * Lets go of all that guests hold, for jco drops nothing when a guest ends, and writes
   * what they left to be written.
   */
  release(): void {
    core.releaseResources(this.number);
  }

  /** Syncs and lets go of the mounts, and of all that is held of them. */
  close(): void {
    clearInterval(this.#timer);
    core.closeFilesystem(this.number);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Writes what is gathered. What cannot be written is kept: the next sync tells why. */
function writeOut(number: number): void {
  try {
    core.writeOut(number);
  } catch {
    // The next change that needs the room is told, too.
  }
}
