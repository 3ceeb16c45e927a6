// What an embedder puts behind a descriptor of a preview1 guest, as the core asks for it.

import { isErrorCode } from './exchange.js';
import type { ErrorCode } from './wit/interfaces/wasi-filesystem-types.js';

/**
 * Something that is read, written, or both. What is thrown with the name of an error code, as
 * a string or as its `code`, the guest is told; everything else ends the guest, and is thrown
 * by `start`. Promises are for guests with `jspi`.
 */
export interface Device {
  /**
   * Fills `buffer` from its start with what there is, and answers how many bytes that is,
   * waiting for at least one; 0 is the end. The buffer is memory of the guest's: it is not to
   * be kept.
   */
  read?(buffer: Uint8Array): number | Promise<number>;
  /**
   * Takes some of `bytes`, and answers how many; all if it answers nothing. They are memory of
   * the guest's: copy what is kept.
   */
  write?(bytes: Uint8Array): number | void | Promise<number | void>;
  /**
   * How many bytes can be read, or written, at once: 0 if none can even after `ms`
   * milliseconds, for which it may wait. Without it, there always are some.
   */
  poll?(want: 'read' | 'write', ms: number): number | Promise<number>;
  /** Somebody sits in front of it: guests make columns, colours and prompts for them. */
  terminal?: boolean;
}

/** What may stand for a device. */
export type Input = Device | Uint8Array | string;
export type Output = Device | ((bytes: Uint8Array) => void);

/** The device of an input. */
export function input(given: Input): Device {
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    if (typeof (given as Device | null)?.read !== 'function') {
      throw new TypeError("stdin is a string, a Uint8Array, or an object with a 'read'");
    }
    return given;
  }
  let rest = typeof given === 'string' ? new TextEncoder().encode(given) : given;
  return {
    read(buffer) {
      const bytes = rest.subarray(0, buffer.length);
      buffer.set(bytes);
      rest = rest.subarray(bytes.length);
      return bytes.length;
    },
  };
}

/** The device of an output, by the name of its option. */
export function output(name: string, given: Output): Device {
  if (typeof given === 'function') {
    return { write: (bytes) => void given(bytes) };
  }
  if (typeof (given as Device | null)?.write !== 'function') {
    throw new TypeError(`${name} is a function, or an object with a 'write'`);
  }
  return given;
}

/** A device that writes lines. */
export interface Lines extends Device {
  /** Writes the one that is begun, and will have no end. */
  end(): void;
}

/** A device that writes lines to the console. */
export function consoleLines(write: (line: string) => void): Lines {
  const decoder = new TextDecoder();
  let begun = '';
  return {
    write(bytes) {
      // A decoder does not take memory that threads share.
      const lines = (begun + decoder.decode(bytes.slice(), { stream: true })).split('\n');
      begun = lines.pop()!;
      for (const line of lines) {
        write(line);
      }
    },
    end() {
      if (begun !== '') {
        write(begun);
        begun = '';
      }
    },
  };
}

/** What the core is given of a device. */
export interface CoreDevice {
  read(buffer: Uint8Array): unknown;
  write(bytes: Uint8Array): unknown;
  ready(write: boolean, ms: number): unknown;
  terminal: boolean;
  code(thrown: unknown): string | undefined;
}

/** Hands on to the embedder's object, whose methods may be changed at any time. */
export function coreDevice(device: Device): CoreDevice {
  const bad: ErrorCode = 'bad-descriptor';
  return {
    read: (buffer) => (device.read ? device.read(buffer) : refuse(bad)),
    write: (bytes) => (device.write ? device.write(bytes) : refuse(bad)),
    ready: (write, ms) => (device.poll ? device.poll(write ? 'write' : 'read', ms) : 1),
    terminal: device.terminal ?? false,
    code: codeOf,
  };
}

/** The code that something thrown carries for the guest; any other text is none. */
export function codeOf(thrown: unknown): ErrorCode | undefined {
  const code = typeof thrown === 'string' ? thrown : (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' && isErrorCode(code) ? code : undefined;
}

/** A device whose answers are checked as the core does it, for guests that it does not serve. */
export function checked(device: Device): Required<Device> {
  const { read, write, ready, terminal } = coreDevice(device);
  return {
    read: (buffer) => counted(read(buffer), buffer.length),
    write: (bytes) => counted(write(bytes), bytes.length, bytes.length),
    poll: (want, ms) => counted(ready(want === 'write', ms), Infinity),
    terminal,
  };
}

/** A number from 0 to `most`, rounded down, answered at once or later; `nothing` for nothing. */
function counted(answer: unknown, most: number, nothing?: number): number | Promise<number> {
  if (answer instanceof Promise) {
    return answer.then((late) => counted(late, most, nothing));
  }
  const count = answer === undefined ? nothing : answer;
  if (typeof count !== 'number' || !(count >= 0 && Math.floor(count) <= most)) {
    throw new TypeError(
      "a device answered with what is no number from 0 to the buffer's length; give how many bytes",
    );
  }
  return Math.floor(count);
}

function refuse(code: ErrorCode): never {
  throw code;
}
