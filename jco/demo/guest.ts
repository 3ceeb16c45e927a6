// Programs as the page has them: fetched and compiled once, each run in a worker of
// its own.

import { INTERRUPTED, type Order, TRAPPED, type Told, type Typed } from './messages.js';

/** What the server says of a program. */
interface Served {
  id: string;
  url: string;
  modules: { name: string; bytes: number }[];
}

/** A program that is ready to run. */
export interface Loaded {
  url: string;
  modules: ReadonlyMap<string, WebAssembly.Module>;
}

/** Fetches and compiles all programs; `progress` goes from 0 to 1. */
export async function load(progress: (part: number) => void): Promise<Map<string, Loaded>> {
  const served = (await (await fetched('programs.json')).json()) as Served[];
  const total = served.flatMap(({ modules }) => modules).reduce((sum, { bytes }) => sum + bytes, 0);
  let come = 0;
  const count = () =>
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        come += chunk.length;
        progress(come / total);
        controller.enqueue(chunk);
      },
    });
  const compile = async (url: string): Promise<WebAssembly.Module> => {
    const { body, headers } = await fetched(url);
    return WebAssembly.compileStreaming(new Response(body!.pipeThrough(count()), { headers }));
  };
  const loaded = served.map(async ({ id, url, modules }): Promise<[string, Loaded]> => {
    const compiled = modules.map(
      async ({ name }) => [name, await compile(new URL(name, absolute(url)).href)] as const,
    );
    return [id, { url: absolute(url), modules: new Map(await Promise.all(compiled)) }];
  });
  return new Map(await Promise.all(loaded));
}

function absolute(url: string): string {
  return new URL(url, document.baseURI).href;
}

async function fetched(url: string): Promise<Response> {
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

  constructor(order: Order, listener: Listener) {
    // Its name says in other tabs who has the files.
    this.#worker = new Worker('worker.js', { type: 'module', name: order.argv[0] ?? '' });
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => {
      switch (data.type) {
        case 'output':
          listener.output(data.bytes, data.error);
          break;
        case 'reading':
          listener.reading();
          break;
        case 'ended':
          this.#finish({ exitCode: data.exitCode, ms: data.ms });
          break;
        case 'failed':
          this.#fail(data.exitCode, data.why);
          break;
      }
    };
    this.#worker.onerror = (event) => this.#fail(TRAPPED, event.message || 'no worker started');
    this.#worker.postMessage(order);
  }

  get end(): Promise<End> {
    return this.#end.promise;
  }

  /** Hands it what was typed; no bytes are its end. */
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
    this.#worker.terminate();
    this.#end.resolve(end);
  }
}
