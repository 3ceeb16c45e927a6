// Programs as the page has them: fetched and compiled when they are first asked for, each
// run in a worker of its own.

import * as files from './files.js';
import { INTERRUPTED, TRAPPED } from './messages.js';
import type { Needed, Order, Told, Typed } from './messages.js';

/** Something that the server has; the name changes with the content, so browsers keep it. */
interface Served {
  url: string;
  bytes: number;
}

/** What the server says of a program. */
interface Offer {
  id: string;
  module: Served;
  files: readonly (Served & { path: string })[];
}

/** A program that is ready to run. */
export type Loaded = Pick<Order, 'program' | 'files'>;

/** The programs that the server has. */
export class Shelf {
  readonly #offers: ReadonlyMap<string, Offer>;
  readonly #loaded = new Map<string, Loaded>();

  private constructor(offers: readonly Offer[]) {
    this.#offers = new Map(offers.map((offer) => [offer.id, offer]));
  }

  static async look(): Promise<Shelf> {
    return new Shelf((await (await fetched('programs.json')).json()) as Offer[]);
  }

  /** A program, if it is ready. */
  get(id: string): Loaded | undefined {
    return this.#loaded.get(id);
  }

  /** How many bytes a program is, with all that it needs. */
  size(id: string): number {
    const { module, files } = this.#offer(id);
    return [module, ...files].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Fetches and compiles a program; `progress` goes from 0 to 1. */
  async load(id: string, progress: (part: number) => void): Promise<void> {
    const { module, files } = this.#offer(id);
    const total = this.size(id);
    let come = 0;
    const counted = async ({ url }: Served): Promise<Response> => {
      const { body, headers } = await fetched(url);
      const count = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          come += chunk.length;
          progress(come / total);
          controller.enqueue(chunk);
        },
      });
      return new Response(body!.pipeThrough(count), { headers });
    };
    const needed = files.map(async (file): Promise<Needed> => {
      return { path: file.path, bytes: await (await counted(file)).bytes() };
    });
    const compiled = WebAssembly.compileStreaming(counted(module));
    this.#loaded.set(id, { program: await compiled, files: await Promise.all(needed) });
  }

  /** Puts a program there that somebody brought. */
  put(id: string, program: ArrayBuffer): void {
    this.#loaded.set(id, { program, files: [] });
  }

  #offer(id: string): Offer {
    const offer = this.#offers.get(id);
    if (!offer) {
      throw new Error(`the server has no program '${id}'`);
    }
    return offer;
  }
}

/** What comes from there, or an error that says why not. */
export async function fetched(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(`${url}: ${response.status} ${response.statusText}`);
  }
  return response;
}

/** What a run has to say to the page. */
export interface Listener {
  output(bytes: Uint8Array, error: boolean): void;
  reading(): void;
  transpiling(): void;
  running(): void;
}

/** How a run ended: `failure` says why it did not end by itself. */
export interface End {
  exitCode: number;
  ms: number;
  failure?: string;
}

/** A program that runs. */
export class Guest {
  readonly #worker: Worker;
  readonly #start = performance.now();
  readonly #end = Promise.withResolvers<End>();
  #over = false;

  constructor(order: Order, listener: Listener) {
    // Its name says in other tabs who has the files.
    this.#worker = new Worker('worker.js', { type: 'module', name: order.argv[0] ?? '' });
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => {
      switch (data.type) {
        case 'output':
          listener.output(data.bytes, data.error);
          break;
        case 'reading':
        case 'transpiling':
        case 'running':
          listener[data.type]();
          break;
        case 'ended':
          this.#finish({ exitCode: data.exitCode, ms: data.ms });
          break;
        case 'failed':
          this.#fail(data.exitCode, data.why);
          break;
        case 'kept':
          break;
      }
    };
    this.#worker.onerror = (event) => this.#fail(TRAPPED, event.message || 'no worker started');
    this.#worker.postMessage(order);
    files.lend(this.#worker);
  }

  get end(): Promise<End> {
    return this.#end.promise;
  }

  /** Hands it what was typed; no bytes are an end. */
  type(bytes: Typed): void {
    this.#worker.postMessage(bytes);
  }

  stop(): void {
    this.#fail(INTERRUPTED, 'stopped');
  }

  #fail(exitCode: number, failure: string): void {
    this.#finish({ exitCode, ms: performance.now() - this.#start, failure });
  }

  #finish(end: End): void {
    if (!this.#over) {
      this.#over = true;
      this.#worker.terminate();
      files.takeBack();
      this.#end.resolve(end);
    }
  }
}
