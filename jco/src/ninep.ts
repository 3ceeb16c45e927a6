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

/**
 * Takes one whole message. Its bytes may lie in the core's memory: they are there until this
 * returns, so that whoever wants them for longer copies them.
 */
export type NinepReply = (message: Uint8Array<ArrayBuffer>) => void;

/** What v86 takes as `filesystem.handle9p`. */
export type NinepHandle = (request: Uint8Array, reply: NinepReply) => void;

// Answers that are no length of a reply.
const LATER = -1;
const CLOSED = -3;

/** What each message begins with: its length, its type and its tag. */
const HEADER = 7;
const TAG = 5;

/** A reply has the tag of its request. */
function tagOf(message: Uint8Array): number {
  return message[TAG]! | (message[TAG + 1]! << 8);
}

/** What is said of requests that nobody serves any more: `Rlerror`, with `EIO`. */
function failure(tag: number): Uint8Array<ArrayBuffer> {
  const length = HEADER + 4;
  return Uint8Array.of(length, 0, 0, 0, 7, tag & 0xff, tag >> 8, 5, 0, 0, 0);
}

const NO_MESSAGE = 'that is no message of 9P2000.L: hand over one whole message';

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
    const { uid, gid } = owner ?? {};
    if (owner !== undefined && (uid === undefined || gid === undefined)) {
      throw new TypeError("'owner' has two numbers: { uid, gid }");
    }
    for (const [name, value] of Object.entries({ uid, gid, msize, fids, outstanding })) {
      if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
        throw new TypeError(`'${name}' is a whole number, and not below 0`);
      }
    }
    const late: NinepReply = (message) => {
      // Somebody is being answered, and is not to wait for this; it may be who asks for it.
      queueMicrotask(() => this.#take(tagOf(message))?.(message));
    };
    this.#number = core.p9Open(filesystem, uid, gid, msize, fids, outstanding, late, trace);
  }

  /** @internal What `Filesystem.ninep` answers. */
  static make(filesystem: number, options: NinepOptions, trace?: TraceListener): Ninep {
    return new Ninep(filesystem, options, trace);
  }

  /**
   * Does what a message asks, and hands the answer to `reply`: before this returns, unless a
   * mount waits, or the machine waits for a lock. To be given to v86 as it is. When the
   * connection is closed, or its files are, everything is answered with the error EIO.
   */
  readonly handle: NinepHandle = (request, reply) => {
    if (!this.#handled(request, reply)) {
      throw new TypeError(NO_MESSAGE);
    }
  };

  /** Whether it was a message. */
  #handled(request: Uint8Array, reply: NinepReply): boolean {
    const { length } = request;
    const wanted = core.p9Request(this.#number, length);
    if (wanted === CLOSED) {
      if (length >= HEADER) {
        reply(failure(tagOf(request)));
      }
      return length >= HEADER;
    }
    bytes().set(
      wanted < length ? request.subarray(0, wanted) : request,
      core.p9RequestAt(this.#number),
    );
    const replied = core.p9Handle(this.#number, length);
    if (replied >= 0) {
      const start = core.p9ReplyAt(this.#number);
      // Not copied: half a MiB of new memory for each message keeps an engine busy with that.
      reply(bytes().subarray(start, start + replied) as Uint8Array<ArrayBuffer>);
    } else if (replied === LATER) {
      this.#late.set(tagOf(request), reply);
    }
    return replied >= LATER;
  }

  /** Who takes the reply with this tag; nobody after that. */
  #take(tag: number): NinepReply | undefined {
    const reply = this.#late.get(tag);
    this.#late.delete(tag);
    return reply;
  }

  /**
   * Answers what comes through a port, for a machine in another worker, or in the page: there,
   * `ninepThrough` has the other end. A connection is one machine's, and has one port.
   */
  serve(port: MessagePort): void {
    if (this.#port) {
      throw new Error("the connection has a port; make another with 'ninep'");
    }
    this.#port = port;
    const reply: NinepReply = (message) => {
      const copy = message.slice();
      port.postMessage(copy, [copy.buffer]);
    };
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      // What is no message has nobody who waits for an answer.
      if (data instanceof Uint8Array) {
        this.#handled(data, reply);
      }
    };
  }

  /** Closes what the machine has open: what it asks from now on, and waits for, fails. */
  close(): void {
    core.p9Close(this.#number);
    for (const tag of [...this.#late.keys()]) {
      this.#take(tag)?.(failure(tag));
    }
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
    if (request.length < HEADER) {
      throw new TypeError(NO_MESSAGE);
    }
    waiting.set(tagOf(request), reply);
    port.postMessage(request);
  };
}
