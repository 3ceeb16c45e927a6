// What a component imports, as its own bytes say it, and whether that is WASI 0.2: jco looks at
// names without their versions, and would give a program of another WASI what it does not expect.

/** All interfaces of WASI 0.2 that a program is given here. */
const INTERFACES: Record<string, readonly string[]> = {
  cli: [
    ...['environment', 'exit', 'stdin', 'stdout', 'stderr', 'terminal-input', 'terminal-output'],
    ...['terminal-stdin', 'terminal-stdout', 'terminal-stderr'],
  ],
  clocks: ['monotonic-clock', 'wall-clock'],
  filesystem: ['preopens', 'types'],
  http: ['incoming-handler', 'outgoing-handler', 'types'],
  io: ['error', 'poll', 'streams'],
  random: ['insecure', 'insecure-seed', 'random'],
  sockets: [
    ...['instance-network', 'ip-name-lookup', 'network', 'tcp', 'tcp-create-socket', 'udp'],
    'udp-create-socket',
  ],
};

/** The first import of a component that is not of WASI 0.2, or nothing. */
export function foreignImport(component: Uint8Array): string | undefined {
  return imports(component).find((name) => {
    const [, of, one] = /^wasi:([a-z]+)\/([a-z-]+)@0\.2\.\d+$/.exec(name) ?? [];
    return of === undefined || !INTERFACES[of]?.includes(one!);
  });
}

const HEADER = 8;
/** The section of a component that lists its imports. */
const IMPORTS = 10;

/** The names of a component's imports; as far as they can be read, if they cannot. */
function imports(component: Uint8Array): string[] {
  const names: string[] = [];
  const bytes = new Bytes(component, HEADER);
  try {
    while (!bytes.done) {
      const section = bytes.byte();
      const body = bytes.take(bytes.number());
      if (section === IMPORTS) {
        const list = new Bytes(body);
        for (let count = list.number(); count > 0; count -= 1) {
          names.push(list.name());
          list.description();
        }
      }
    }
  } catch (error) {
    // Whoever transpiles it says what is wrong with it.
    if (!(error instanceof RangeError)) {
      throw error;
    }
  }
  return names;
}

/** The binary format of components, as far as it is needed. */
class Bytes {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const [byte] = this.take(1);
    return byte!;
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) {
      throw new RangeError('a component ends too early');
    }
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  /** Unsigned, of at most 32 bits. */
  number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        return value;
      }
    }
    throw new RangeError('a number is too long');
  }

  name(): string {
    if (this.byte() > 1) {
      throw new RangeError('a name of a later kind');
    }
    return new TextDecoder().decode(this.take(this.number()));
  }

  /** Skips what is imported under a name. */
  description(): void {
    const [MODULE, VALUE, TYPE] = [0, 2, 3];
    const kind = this.byte();
    if (kind === VALUE) {
      throw new RangeError('values are not of WASI 0.2');
    }
    // A type that is only known to be a resource has no number.
    const numbered = kind === MODULE || kind === TYPE ? this.byte() : undefined;
    if (kind !== TYPE || numbered === 0) {
      this.number();
    }
  }
}
