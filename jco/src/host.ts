// File systems for guests, as a page asks for them.

/// <reference lib="esnext.disposable" preserve="true" />

import * as core from './core/wasi_opfs.js';
import { Descriptor, DirectoryEntryStream } from './descriptor.js';
import { asyncImports } from './jspi.js';
import { type CoreSource, loadCore } from './load.js';
import { type Mounts, parseMount } from './mount.js';
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
}

/** What jco's `WASIShim` takes as `filesystem`, and what a guest imports. */
export interface WasiFilesystem {
  readonly types: typeof types;
  readonly preopens: typeof preopens;
}

type MaybeAsync<F> = F extends (...args: infer A) => infer R
  ? (...args: A) => MaybeAsyncAnswer<R> | Promise<MaybeAsyncAnswer<R>>
  : F;
type MaybeAsyncAnswer<R> = R extends types.Descriptor ? AsyncDescriptor : R;

/** A descriptor for the page itself: await what its methods answer. */
export type AsyncDescriptor = {
  [K in Exclude<keyof types.Descriptor, 'linkAt' | 'renameAt' | 'isSameObject'>]: MaybeAsync<
    types.Descriptor[K]
  >;
} & Disposable;

/** One tree of mounts, and the guests' view of it. */
export class Filesystem {
  /** To be handed to `new WASIShim({ filesystem })`, or imported by a guest. */
  readonly wasi: WasiFilesystem;
  readonly #number: number;

  private constructor(number: number, trace: TraceListener | undefined) {
    this.#number = number;
    const view = {
      types: { Descriptor, DirectoryEntryStream, filesystemErrorCode },
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
    this.wasi = trace ? traced(view, trace) : view;
  }

  /** Opens mounts; what cannot be opened is an error that says why. */
  static async open(options: FilesystemOptions): Promise<Filesystem> {
    await loadCore(options.wasm);
    const mounts = Object.entries(options.mounts).map(([guest, mount]) => {
      const { kind, name, readOnly } = parseMount(mount);
      return [guest, kind, name, readOnly];
    });
    const number = await core.openFilesystem(mounts, options.sync ?? false);
    return new Filesystem(number, options.trace);
  }

  /** The guest name of a mount that waits: guests have to be transpiled with JSPI. */
  get waits(): string | undefined {
    return core.waitingMount(this.#number);
  }

  /** What jco has to be told as `asyncImports`: nothing if no mount waits. */
  get asyncImports(): readonly string[] {
    return this.waits === undefined ? [] : asyncImports;
  }

  /** How many descriptors and streams guests hold. */
  get resources(): number {
    return core.resourceCount(this.#number);
  }

  /** Lets go of all that guests hold: jco drops nothing when a guest ends. */
  release(): void {
    core.releaseResources(this.#number);
  }

  /**
   * The top of one mount for the page itself: it may write where guests may not, and
   * sees nothing of the mounts inside.
   */
  async root(guest: string): Promise<AsyncDescriptor> {
    return new Descriptor(await core.openRoot(this.#number, guest)) as unknown as AsyncDescriptor;
  }

  /** Lets go of the mounts, and of all that guests hold. */
  close(): void {
    core.closeFilesystem(this.#number);
  }
}
