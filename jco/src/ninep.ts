// Files for virtual machines: messages of 9P2000.L, as v86 hands them over, or as they come
// through a port from another worker. What they ask is the core's.

import * as core from './core-p9/wasi_opfs.js';
import { loadedCore } from './load.js';
import type { TraceListener } from './trace.js';

export interface NinepOptions {
  /**
   * Whose all files are, as the machine sees it: nobody else can be given one. If left out,
   * they are whose the machine says, which is kept, or root's.
   */
  owner?: { uid: number; gid: number };
  /** How much one connection may take. */
  limits?: NinepLimits;
}

export interface NinepLimits {
  /** Bytes of the longest message, 4096 to 67,108,864: 1 MiB if left out. */
  msize?: number;
  /** Files and directories that the machine holds at once: 262,144 if left out. */
  fids?: number;
  /** Requests that wait for their answers: 1024 if left out. */
  outstanding?: number;
}

/** Takes one whole message. */
export type NinepReply = (message: Uint8Array<ArrayBuffer>) => void;

/** What v86 takes as `filesystem.handle9p`. */
export type NinepHandle = (request: Uint8Array, reply: NinepReply) => void;

// Answers that are no length of a reply.
const LATER = -1;
const CLOSED = -3;

/** Where the tag of a message is; a reply has that of its request. */
const TAG = 5;

function tagOf(message: Uint8Array): number {
  return message[TAG]! | (message[TAG + 1]! << 8);
}

/** The core's memory, as it is now. */
let memory = new Uint8Array();

function bytes(): Uint8Array {
  const { buffer } = loadedCore().memory;
  return memory.buffer === buffer ? memory : (memory = new Uint8Array(buffer));
}

/** One connection, with what its machine has open. */
export class Ninep {
  readonly #number: number;
  /** Who takes the replies that come late, by their tags. */
  readonly #late = new Map<number, NinepReply>();
  #port: MessagePort | undefined;

  private constructor(filesystem: number, options: NinepOptions, trace?: TraceListener) {
    const { owner, limits: { msize, fids, outstanding } = {} } = options;
    for (const [name, value] of Object.entries({ ...owner, msize, fids, outstanding })) {
      if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
        throw new TypeError(`'${name}' is a whole number from 0 to ${2 ** 32 - 1}`);
      }
    }
    const { uid, gid } = owner ?? {};
    const late: NinepReply = (message) => {
      const reply = this.#late.get(tagOf(message));
      this.#late.delete(tagOf(message));
      // Somebody else is being answered, and is not to wait for this.
      queueMicrotask(() => reply?.(message));
    };
    this.#number = core.p9Open(filesystem, uid, gid, msize, fids, outstanding, late, trace);
  }

  /** @internal What `Filesystem.ninep` answers. */
  static make(filesystem: number, options: NinepOptions, trace?: TraceListener): Ninep {
    return new Ninep(filesystem, options, trace);
  }

  /**
   * Does what a message asks, and hands the answer to `reply`: before this returns, unless a
   * mount waits, or the machine waits for a lock. To be given to v86 as it is.
   */
  readonly handle: NinepHandle = (request, reply) => {
    const { length } = request;
    const wanted = core.p9Request(this.#number, length);
    if (wanted === CLOSED) {
      throw new Error("the connection is closed; make another with 'ninep'");
    }
    bytes().set(
      wanted < length ? request.subarray(0, wanted) : request,
      core.p9RequestAt(this.#number),
    );
    const replied = core.p9Handle(this.#number, length);
    if (replied >= 0) {
      const start = core.p9ReplyAt(this.#number);
      reply(bytes().slice(start, start + replied) as Uint8Array<ArrayBuffer>);
    } else if (replied === LATER) {
      this.#late.set(tagOf(request), reply);
    } else {
      throw new TypeError('that is no message of 9P2000.L: hand over one whole message');
    }
  };

  /**
   * Answers what comes through a port, for a machine in another worker, or in the page: there,
   * `ninepThrough` has the other end. A connection is one machine's, and has one port.
   */
  serve(port: MessagePort): void {
    if (this.#port) {
      throw new Error("the connection has a port; make another with 'ninep'");
    }
    this.#port = port;
    const reply: NinepReply = (message) => port.postMessage(message, [message.buffer]);
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array) {
        this.handle(data, reply);
      }
    };
  }

  /** Closes what the machine has open, and the port. */
  close(): void {
    core.p9Close(this.#number);
    this.#late.clear();
    this.#port?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What v86 takes as `filesystem.handle9p`, for files that whoever has the other end serves. */
export function ninepThrough(port: MessagePort): NinepHandle {
  const waiting = new Map<number, NinepReply>();
  port.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) => {
    const reply = waiting.get(tagOf(data));
    waiting.delete(tagOf(data));
    reply?.(data);
  };
  return (request, reply) => {
    waiting.set(tagOf(request), reply);
    port.postMessage(request);
  };
}
