// A PC in JavaScript that runs Linux: v86, and what the page has to know of it. In a worker
// of its own it starts from a state that was saved; to save it, it is booted.

import { V86, type V86Options } from 'v86';

/** In bytes: v86 puts the initial files at 64 MiB. */
const MEMORY = 128 << 20;

/** What the kernel is told; most of it saves time. */
const COMMAND_LINE = [
  'console=ttyS0 quiet',
  'tsc=reliable mitigations=off random.trust_cpu=on nowatchdog edd=off cryptomgr.notests',
  'initcall_blacklist=isapnp_init,pnpbios_init,init_kprobe_trace,load_system_certificate_list',
].join(' ');

/** What a machine is made of. */
export interface Pieces {
  /** The emulator's own WebAssembly. */
  emulator: BufferSource;
  bios: ArrayBuffer;
  video: ArrayBuffer;
}

/** What it starts from: what it boots, or the state in which it was saved. */
export type From = { kernel: ArrayBuffer; files: ArrayBuffer } | { state: ArrayBuffer };

export interface Start {
  msize: number;
  aname: string;
  columns: number;
  rows: number;
}

export type Handle9p = NonNullable<NonNullable<V86Options['filesystem']>['handle9p']>;

/** What v86 has, and its types do not. */
interface Inside {
  bus: {
    send(event: 'virtio-console0-input-bytes', bytes: Uint8Array): void;
    send(event: 'virtio-console0-resize', size: [columns: number, rows: number]): void;
  };
  v86: {
    cpu: { devices: { virtio_console: { virtio: { queues: { has_request(): boolean }[] } } } };
  };
}

/** So many bytes the console takes at once. */
const CHUNK = 512;

/** How long it is until the console takes more, in milliseconds. */
const PAUSE = 5;

export class Machine {
  readonly #vm: V86;
  /** When it is where it could be saved. */
  readonly booted: Promise<void>;
  /** What Linux has not taken yet. */
  readonly #typed: number[] = [];
  #later: ReturnType<typeof setTimeout> | undefined;
  /** What came through the serial line since its last line's end. */
  #serial = '';
  readonly #expecting = new Set<{ text: string; met: (line: string) => void }>();

  /** Starts it; without a `handle9p` it has v86's own file system, in memory. */
  constructor({ emulator, bios, video }: Pieces, handle9p: Handle9p | undefined, from: From) {
    const start: Partial<V86Options> =
      'state' in from
        ? { initial_state: { buffer: from.state } }
        : {
            bzimage: { buffer: from.kernel },
            initrd: { buffer: from.files },
            cmdline: COMMAND_LINE,
          };
    this.#vm = new V86({
      wasm_fn: async (imports) => {
        return (await WebAssembly.instantiate(emulator, imports)).instance.exports;
      },
      memory_size: MEMORY,
      vga_memory_size: 1 << 20,
      bios: { buffer: bios },
      vga_bios: { buffer: video },
      ...start,
      filesystem: handle9p ? { handle9p } : {},
      virtio_console: { type: 'none' },
      disable_keyboard: true,
      disable_mouse: true,
      disable_speaker: true,
      autostart: true,
    });
    const started = new Promise<void>((resolve) => {
      this.#vm.add_listener('emulator-started', resolve);
    });
    this.booted = 'state' in from ? started : this.#line('ready').then(() => {});
    this.#vm.add_listener('serial0-output-byte', (byte) => this.#hear(String.fromCharCode(byte)));
  }

  #hear(char: string): void {
    this.#serial += char;
    if (char !== '\n') {
      return;
    }
    const line = this.#serial.trim();
    this.#serial = '';
    for (const expected of this.#expecting) {
      if (line.startsWith(expected.text)) {
        this.#expecting.delete(expected);
        expected.met(line);
      }
    }
  }

  /** Waits for a line of the serial line's that begins so. */
  #line(text: string): Promise<string> {
    return new Promise((met) => this.#expecting.add({ text, met }));
  }

  /**
   * Goes on from where it could be saved: it is told the time, mounts the directory `aname` of
   * what is served, with messages of so many bytes, and has a shell on a console of this size.
   */
  async start({ msize, aname, columns, rows }: Start): Promise<void> {
    const mounted = this.#line('mounted');
    const seconds = Math.round(Date.now() / 1000);
    const options = `msize=${msize},aname=${aname}`;
    this.#vm.serial0_send(`${seconds} ${options} columns ${columns} rows ${rows}\n`);
    const line = await mounted;
    if (line !== 'mounted 0') {
      throw new Error(`Linux could not mount the files: '${line}'`);
    }
  }

  /** Is told what the console shows. */
  onOutput(listener: (bytes: Uint8Array) => void): void {
    this.#vm.add_listener('virtio-console0-output-bytes', listener);
  }

  type(bytes: Uint8Array): void {
    this.#typed.push(...bytes);
    this.#hand();
  }

  /** Hands over what was typed, as far as Linux takes it: v86 drops all else. */
  #hand(): void {
    clearTimeout(this.#later);
    const { bus, v86 } = this.#inside;
    const queue = v86.cpu.devices.virtio_console.virtio.queues[0];
    while (this.#typed.length > 0 && queue?.has_request()) {
      const bytes = Uint8Array.from(this.#typed.splice(0, CHUNK));
      bus.send('virtio-console0-input-bytes', bytes);
    }
    if (this.#typed.length > 0) {
      this.#later = setTimeout(() => this.#hand(), PAUSE);
    }
  }

  resize(columns: number, rows: number): void {
    this.#inside.bus.send('virtio-console0-resize', [columns, rows]);
  }

  get #inside(): Inside {
    return this.#vm as unknown as Inside;
  }

  /** Stops it, and answers its state. */
  async saved(): Promise<ArrayBuffer> {
    await this.#vm.stop();
    return this.#vm.save_state();
  }
}
