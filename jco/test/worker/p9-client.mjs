// A client of 9P2000.L, as much of it as tests and measurements need: what it sends is put
// together from numbers and texts, what comes is taken apart in the same way.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const NO_TAG = 0xffff;
export const NO_FID = 0xffff_ffff;

/** Requests: their numbers, and what is in them. `s` is a text, `d` data with their length. */
const REQUESTS = {
  statfs: [8, '4'],
  lopen: [12, '44'],
  lcreate: [14, '4s444'],
  getattr: [24, '48'],
  readdir: [40, '484'],
  fsync: [50, '44'],
  lock: [52, '414884s'],
  mkdir: [72, '4s44'],
  renameat: [74, '4s4s'],
  unlinkat: [76, '4s4'],
  version: [100, '4s'],
  attach: [104, '44ss4'],
  flush: [108, '2'],
  walk: [110, '44n'],
  read: [116, '484'],
  write: [118, '48d'],
  clunk: [120, '4'],
};

/** A whole message. */
export function message(name, tag, ...values) {
  const [number, fields] = REQUESTS[name];
  const bytes = new Uint8Array(1024 + values.reduce((sum, { length = 0 }) => sum + 3 * length, 0));
  const view = new DataView(bytes.buffer);
  let at = 7;
  const text = (value) => {
    const { written } = encoder.encodeInto(value, bytes.subarray(at + 2));
    view.setUint16(at, written, true);
    at += 2 + written;
  };
  const put = {
    1: (value) => view.setUint8(at++, value),
    2: (value) => (view.setUint16(at, value, true), (at += 2)),
    4: (value) => (view.setUint32(at, value, true), (at += 4)),
    8: (value) => (view.setBigUint64(at, BigInt(value), true), (at += 8)),
    s: text,
    d: (value) => (put[4](value.length), bytes.set(value, at), (at += value.length)),
    n: (names) => (put[2](names.length), names.forEach(text)),
  };
  [...fields].forEach((field, index) => put[field](values[index]));
  view.setUint32(0, at, true);
  view.setUint8(4, number);
  view.setUint16(5, tag, true);
  return bytes.subarray(0, at);
}

/** What came: a number for what it is, its tag, and the rest. */
export class Reply {
  constructor(bytes) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.type = bytes[4];
    this.tag = this.view.getUint16(5, true);
    this.bytes = bytes;
    if (this.view.getUint32(0, true) !== bytes.length) {
      throw new Error('a reply does not say how long it is');
    }
  }

  /** The number of its error; nothing if it is none. */
  get errno() {
    return this.type === 7 ? this.view.getUint32(7, true) : undefined;
  }

  /** Its data, as a text. */
  get text() {
    const length = this.view.getUint32(7, true);
    return decoder.decode(this.bytes.subarray(11, 11 + length));
  }
}

/** A connection on what v86 would be given. */
export class Client {
  #handle;
  #tag = 0;

  constructor(handle) {
    this.#handle = handle;
  }

  /** Asks; the reply, or a promise of it where it does not come at once. */
  ask(name, ...values) {
    const tag = name === 'version' ? NO_TAG : (this.#tag = (this.#tag + 1) % NO_TAG);
    return this.send(message(name, tag, ...values));
  }

  send(request) {
    let replied;
    let later;
    this.#handle(request, (bytes) => {
      replied = new Reply(bytes.slice());
      later?.(replied);
    });
    return replied ?? new Promise((resolve) => (later = resolve));
  }

  /** Begins: as a kernel does, and with the root as fid 0. */
  async begin(msize = 65_536, export_ = '') {
    const agreed = await this.ask('version', msize, '9P2000.L');
    await this.ask('attach', 0, NO_FID, 'root', export_, 0);
    return agreed.view.getUint32(7, true);
  }
}
