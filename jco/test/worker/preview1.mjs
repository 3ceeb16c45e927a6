// Plain preview1 guests, as a page or a script for Node runs them: the door's own interface,
// devices, and entries for browser_wasi_shim. The same checks are made in a worker and in
// Node, which bring a program's module each in its way.

import { File, OpenFile, WASI } from '@bjorn3/browser_wasi_shim';
import { Filesystem } from 'wasi-opfs';

import { ok, run as start, same, thrown } from './checks.mjs';

/** Collects what a guest prints. */
class Printed {
  #decoder = new TextDecoder();
  text = '';
  write = (bytes) => {
    this.text += this.#decoder.decode(bytes.slice(), { stream: true });
  };
}

/** The checks, on mounts of the given kind: `memory`, `volume:NAME`, `tree:NAME`. */
export function checks(load, kind) {
  const waits = kind.startsWith('tree');
  let count = 0;
  const opened = async (use, mounts) => {
    const name = kind.includes(':') ? `${kind}-${(count += 1)}` : kind;
    const fs = await Filesystem.open({ mounts: mounts ?? { '/': name } });
    try {
      await use(fs);
    } finally {
      fs.close();
    }
  };

  /** Runs a program to its end; its exit code and what it printed. */
  async function run(fs, program, args, options = {}) {
    const printed = new Printed();
    const given = { args: [program, ...args], stdout: printed.write, stderr: printed.write };
    const wasi = fs.preview1({ ...given, jspi: waits, ...options });
    options.override?.(wasi);
    const imports = { wasi_snapshot_preview1: wasi.wasiImport };
    const instance = await WebAssembly.instantiate(await load(program), imports);
    const code = waits || options.jspi ? await wasi.startAsync(instance) : wasi.start(instance);
    return { code, text: printed.text };
  }

  /** Runs a program with browser_wasi_shim, on one directory. */
  async function shimmed(directory, program, args) {
    const printed = new Printed();
    const stdout = new OpenFile(new File([]));
    stdout.fd_write = (bytes) => (printed.write(bytes), { ret: 0, nwritten: bytes.length });
    const fds = [new OpenFile(new File([])), stdout, stdout, directory];
    const wasi = new WASI([program, ...args], [], fds, { debug: false });
    // It does not say how many events there were.
    const { poll_oneoff: plain } = wasi.wasiImport;
    wasi.wasiImport.poll_oneoff = (from, into, count, told) => {
      new DataView(wasi.inst.exports.memory.buffer).setUint32(told, 1, true);
      return plain(from, into, count);
    };
    const imports = { wasi_snapshot_preview1: wasi.wasiImport };
    const code = wasi.start(await WebAssembly.instantiate(await load(program), imports));
    return { code, text: printed.text };
  }

  return {
    'arguments, environment and input come as they are': () =>
      opened(async (fs) => {
        same(await run(fs, 'tool', ['args', 'a b', 'ü', '']), {
          code: 0,
          text: '["tool", "args", "a b", "ü", ""]\n',
        });
        const env = { A: '1', B: 'two words' };
        same((await run(fs, 'tool', ['env'], { env })).text, 'A=1\nB=two words\n');
        same((await run(fs, 'tool', ['cat'], { stdin: 'typed\n' })).text, 'typed\n');
        const stdin = new Uint8Array(200_000).fill(65);
        same((await run(fs, 'tool', ['cat'], { stdin })).text.length, 200_000);
        same(await run(fs, 'tool', ['cat']), { code: 0, text: '' });
      }),

    'a program ends with its code': () =>
      opened(async (fs) => {
        same((await run(fs, 'tool', ['exit', '42'])).code, 42);
        same((await run(fs, 'tool', ['cat', '/missing'])).code, 1);
        let trapped;
        await run(fs, 'tool', ['panic']).catch((error) => (trapped = error));
        ok(trapped instanceof WebAssembly.RuntimeError, `${trapped}`);
      }),

    'files stay when the file system is opened again': async () => {
      if (!kind.includes(':')) return;
      const mounts = { '/': `${kind}-kept` };
      for (const text of ['1\n', '2\n', '3\n']) {
        const use = async (fs) => same((await run(fs, 'tool', ['count', '/n'])).text, text);
        await opened(use, mounts);
      }
    },

    'what it wrote the page reads, and the reverse': () =>
      opened(async (fs) => {
        await run(fs, 'tool', ['write', '/a', 'from the guest']);
        same(new TextDecoder().decode(await fs.readFile('/a')), 'from the guest');
        await fs.writeFile('/b', 'from the page');
        same((await run(fs, 'tool', ['cat', '/b'])).text, 'from the page');
        same((await run(fs, 'tool', ['ls', '/'])).text, 'a b\n');
      }),

    'it sleeps for as long as it wants': () =>
      opened(async (fs) => {
        const start = performance.now();
        const { text } = await run(fs, 'tool', ['sleep', '40']);
        ok(Number(text) >= 40 && performance.now() - start >= 39, text);
      }),

    'functions can be overridden one by one': () =>
      opened(async (fs) => {
        const seen = [];
        const override = ({ wasiImport }) => {
          const { fd_prestat_get: plain } = wasiImport;
          wasiImport.fd_prestat_get = (fd, into) => {
            seen.push(fd);
            return plain(fd, into);
          };
        };
        await run(fs, 'tool', ['ls', '/'], { override });
        same(seen, [3, 4]);
      }),

    'a device of the embedder is read, written and told of': () =>
      opened(async (fs) => {
        const pieces = ['one', ' ', 'two'];
        const stdin = {
          read(buffer) {
            const { written } = new TextEncoder().encodeInto(pieces.shift() ?? '', buffer);
            return written;
          },
        };
        same((await run(fs, 'tool', ['cat'], { stdin })).text, 'one two');
        const few = { text: '', write: (bytes) => ((few.text += String.fromCharCode(bytes[0])), 1) };
        await run(fs, 'tool', ['cat'], { stdin: 'one by one', stdout: few });
        same(few.text, 'one by one');
        const full = { write: () => { throw 'insufficient-space'; } };
        const { text, code } = await run(fs, 'tool', ['cat'], { stdin: 'x\n', stdout: full });
        ok(code !== 0 && text.includes('No space left'), text);
        const broken = { read: () => { throw new RangeError('as was asked'); } };
        let error;
        await run(fs, 'tool', ['cat'], { stdin: broken }).catch((thrown) => (error = thrown));
        same([error?.constructor === RangeError, error?.message], [true, 'as was asked']);
        for (const answer of ['many', undefined, -1, 2 ** 40]) {
          error = undefined;
          const stdin = { read: () => answer };
          await run(fs, 'tool', ['cat'], { stdin }).catch((thrown) => (error = thrown));
          ok(error?.message.includes('no number'), `${answer}: ${error?.message}`);
        }
      }),

    'a device that answers later needs jspi': () =>
      opened(async (fs) => {
        const slow = (pieces) => ({
          async read(buffer) {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return new TextEncoder().encodeInto(pieces.shift(), buffer).written;
          },
        });
        if (!waits) {
          let error;
          const without = run(fs, 'tool', ['cat'], { stdin: slow(['']) });
          await without.catch((thrown) => (error = thrown));
          ok(error?.message.includes('jspi'), `${error}`);
        }
        if ('Suspending' in WebAssembly) {
          const stdin = slow(['slow', 'ly', '']);
          same((await run(fs, 'tool', ['cat'], { stdin, jspi: true })).text, 'slowly');
        } else {
          const error = thrown(() => fs.preview1({ jspi: true }));
          ok(error.message.includes('JavaScript Promise Integration'), error.message);
        }
      }),

    'with jspi, nothing else runs until a guest has to wait': () =>
      opened(async (fs) => {
        if (waits || !('Suspending' in WebAssembly)) return;
        fs.writeFileSync('/file', 'read\n');
        let turned = false;
        const stdout = (bytes) => same(turned, bytes[0] === 'w'.charCodeAt(0));
        const text = new TextEncoder().encode('waited');
        const stdin = {
          read: async (buffer) => (turned ? 0 : (buffer.set(text), text.length)),
        };
        for (const args of [['cat', '/file'], ['cat']]) {
          turned = false;
          const wasi = fs.preview1({ args: ['tool', ...args], stdin, stdout, jspi: true });
          const imports = { wasi_snapshot_preview1: wasi.wasiImport };
          const instance = await WebAssembly.instantiate(await load('tool'), imports);
          queueMicrotask(() => (turned = true));
          same(await wasi.startAsync(instance), 0);
          ok(turned);
        }
      }),

    'what cannot be run says why': () =>
      opened(async (fs) => {
        const empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
        const wasi = fs.preview1({ jspi: waits });
        const started = wasi.startAsync(new WebAssembly.Instance(empty));
        const none = await started.catch((error) => error);
        ok(none.message.includes("no '_start'"), none.message);
        const memory = thrown(() => wasi.initialize(new WebAssembly.Instance(empty)));
        ok(memory.message.includes("no 'memory'"), memory.message);
        wasi.close();
        ok(thrown(() => wasi.wasiImport.sched_yield()) instanceof WebAssembly.RuntimeError);
        const nul = thrown(() => fs.preview1({ args: ['a\0b'], jspi: waits }));
        ok(nul.message.includes('NUL'), nul.message);
        const taken = thrown(() => fs.preview1({ fds: { 3: {} }, jspi: waits }));
        ok(taken.message.includes('descriptor 3'), taken.message);
        if (waits) {
          const error = thrown(() => fs.preview1());
          ok(error.message.includes("'/' waits"), error.message);
        }
      }),

    'a guest that is used wrongly says why': () =>
      opened(async (fs) => {
        const module = await load('tool');
        const instance = async (wasi) =>
          WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
        const says = (call, words) => {
          const { message } = thrown(call);
          ok(message.includes(words), message);
        };
        const quiet = { args: ['tool', 'args'], stdout: () => {}, jspi: waits };
        const wasi = fs.preview1(quiet);
        const [one, other] = [await instance(wasi), await instance(wasi)];
        wasi.attach(one);
        says(() => wasi.attach(other), 'has an instance');
        says(() => wasi.attach({ instance: one, module }), "give 'instance'");
        await wasi.startAsync(one);
        says(() => wasi.attach(one), 'is closed');
        const memory = new WebAssembly.Memory({ initial: 1 });
        const given = fs.preview1({ ...quiet, memory });
        const own = await instance(given);
        says(() => given.attach(own), "leave the option 'memory' out");
        says(() => given.wasiImport.sched_yield(), 'no memory yet');
        given.close();
        says(() => given.wasiImport.sched_yield(), 'the guest is closed');
        says(() => fs.preview1({ ...quiet, args: ['a', 5] }), 'array of strings');
        says(() => fs.preview1({ ...quiet, env: { 'A=B': 'c' } }), "'A=B'");
        says(() => fs.preview1({ ...quiet, stdin: 5 }), 'stdin is');
        says(() => fs.preview1({ ...quiet, stdout: {} }), 'stdout is');
        says(() => fs.preview1({ ...quiet, fds: { 7: null } }), "'7'");
      }),

    'the console shows the last line, too': () =>
      opened(async (fs) => {
        const lines = [];
        const { log } = console;
        console.log = (line) => void lines.push(line);
        try {
          await run(fs, 'tool', ['cat'], { stdin: 'one\nno end', stdout: undefined });
        } finally {
          console.log = log;
        }
        same(lines, ['one', 'no end']);
      }),

    'a directory is kept for a virtual machine': async () => {
      if (waits) return;
      const name = kind.includes(':') ? `${kind}-machine` : kind;
      await opened(
        async (fs) => {
          for (const visit of ['first', 'again']) {
            same(await run(fs, 'emulator', [visit]), { code: 0, text: 'as it should be\n' });
          }
        },
        { '/mnt/share': name },
      );
    },

    'browser_wasi_shim takes a mount': async () => {
      if (waits) return;
      const name = kind.includes(':') ? `${kind}-shim` : kind;
      await opened(
        async (fs) => {
          for (const visit of ['first', 'again']) {
            same(await shimmed(fs.preopen('/mnt/share'), 'emulator', [visit, 'plain']), {
              code: 0,
              text: 'as it should be\n',
            });
          }
          same(await shimmed(fs.preopen('/mnt/share'), 'tool', ['ls', '/mnt/share']), {
            code: 0,
            text: 'kept twin\n',
          });
          const mount = fs.preopen('/mnt/share');
          for (const path of ['.', './', 'kept/.', 'kept/..', '']) {
            same(mount.path_unlink(path), { ret: 10, inode_obj: null }, path);
          }
          const error = thrown(() => fs.preopen('/elsewhere'));
          ok(error.message.includes("'/mnt/share'"), error.message);
        },
        { '/mnt/share': name },
      );
    },
  };
}

if (typeof WorkerGlobalScope !== 'undefined') {
  const load = (name) => WebAssembly.compileStreaming(fetch(`${name}.wasm`));
  start((kind) => checks(load, kind));
}
