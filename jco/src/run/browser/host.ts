// What a worker says to its host: through its page, or by a request that it waits for.

import type { Output, WorkerMessage } from '../protocol.js';

const encoder = new TextEncoder();

/** How much output may be under way to the host. */
const UNDER_WAY = 8 * 1024 * 1024;

/** Where the server serves this worker's job. */
let path = '';
/** Has done what is to be done before the host, or the time, is waited for. */
export let beforeAsking = (): void => undefined;
let written = 0;
let arrived = 0;

/** How a program's output, and its trace, are written. */
export type Write = (to: Output, bytes: Uint8Array) => void;

/** Says where the host is, and what is to be done before it is waited for. */
export function connect(to: string, before = beforeAsking): void {
  path = to;
  beforeAsking = before;
}

export function tell(message: WorkerMessage): void {
  postMessage(message);
}

export function output(to: Output, bytes: Uint8Array): void {
  tell({ type: 'output', to, bytes });
  written += bytes.length;
  if (written - arrived > UNDER_WAY) {
    ask(`arrived?bytes=${written}`);
    arrived = written;
  }
}

export function say(text: string): void {
  output('stderr', encoder.encode(`wasi-opfs: ${text}\n`));
}

/** Asks the host and waits: a worker may. */
export function ask(what: string): Uint8Array {
  beforeAsking();
  const request = new XMLHttpRequest();
  request.open('GET', `${path}${what}`, false);
  request.responseType = 'arraybuffer';
  request.send();
  if (request.status !== 200) {
    throw new Error(`the host does not answer to '${what}'`);
  }
  return new Uint8Array(request.response as ArrayBuffer);
}
