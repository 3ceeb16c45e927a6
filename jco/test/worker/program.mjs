// Programs that a page, or a worker, runs by one call: components and modules alike.

import { RunError, run as start } from 'wasi-opfs';

import { ok, run as serve, results, same } from './checks.mjs';

/** Collects what a program prints. */
class Printed {
  #decoder = new TextDecoder();
  text = '';
  write = (bytes) => {
    this.text += this.#decoder.decode(bytes, { stream: true });
  };
}

let count = 0;

/** Mounts of a volume of their own. */
const tag = Math.random().toString(36).slice(2);
const fresh = () => ({ '/': `volume:program-${tag}-${(count += 1)}` });

/** What a promise is rejected with. */
const refused = (promise) =>
  promise.then(
    (answer) => {
      throw new Error(`answered ${JSON.stringify(answer)}`);
    },
    (error) => error,
  );

/** Runs `tool` of a kind; its exit code and what it printed. */
async function tool(kind, args, options = {}) {
  const printed = new Printed();
  const { program = `tool-${kind}.wasm`, ...others } = options;
  const given = { args: ['tool', ...args], mounts: { '/': 'memory' }, ...others };
  const { exitCode } = await start(program, {
    stdout: printed.write,
    stderr: printed.write,
    ...given,
  });
  return { exitCode, text: printed.text };
}

/** The same for both kinds. */
export const checks = (kind) => ({
  async 'files stay from one run to the next'() {
    const mounts = fresh();
    for (const text of ['1\n', '2\n', '3\n']) {
      same(await tool(kind, ['count', '/n'], { mounts }), { exitCode: 0, text });
    }
  },
  async 'arguments, environment, exit code'() {
    same((await tool(kind, ['args', 'a b', 'ü'])).text, '["tool", "args", "a b", "ü"]\n');
    const env = { ONE: '1', ZWEI: 'zwei' };
    same((await tool(kind, ['env'], { env })).text, 'ONE=1\nZWEI=zwei\n');
    for (const exitCode of [0, 1, 7, 255]) {
      // Components of this version say success or failure alone.
      const told = kind === 'module' ? exitCode : Math.min(exitCode, 1);
      same((await tool(kind, ['exit', String(exitCode)])).exitCode, told);
    }
  },
  async 'a trap is an error that says where'() {
    const printed = new Printed();
    const error = await refused(tool(kind, ['panic'], { stderr: printed.write }));
    ok(error instanceof RunError && error.reason === 'trapped', String(error));
    ok(/trapped: RuntimeError: .*unreachable/.test(error.message), error.message);
    ok(printed.text.includes('as was asked'), printed.text);
  },
  async 'input as text, as bytes, and none'() {
    same((await tool(kind, ['cat'], { stdin: 'text\n' })).text, 'text\n');
    const bytes = new Uint8Array(300_000).fill(97);
    same((await tool(kind, ['cat'], { stdin: bytes })).text.length, 300_000);
    same(await tool(kind, ['cat']), { exitCode: 0, text: '' });
  },
  async 'a stream of input is waited for, and answered as it comes'() {
    const stdin = new TransformStream();
    const writer = stdin.writable.getWriter();
    const encoder = new TextEncoder();
    const heard = [];
    const stdout = async (bytes) => {
      heard.push(new TextDecoder().decode(bytes));
      if (heard.join('') === '> one\n') {
        await new Promise((resolve) => setTimeout(resolve, 100));
        // A piece of nothing is no end.
        await writer.write(new Uint8Array());
        await writer.write(encoder.encode('two\nthree\n'));
        await writer.close();
      }
    };
    setTimeout(() => writer.write(encoder.encode('one\n')), 100);
    await start(`tool-${kind}.wasm`, {
      args: ['tool', 'echo'],
      mounts: { '/': 'memory' },
      stdin: stdin.readable,
      stdout,
    });
    same(heard.join(''), '> one\n> two\n> three\n');
    ok(!stdin.readable.locked, 'the stream is not let go');
  },
  async 'a stream keeps what the program did not want'() {
    let pulled = 0;
    const stdin = new ReadableStream(
      { pull: (controller) => controller.enqueue(Uint8Array.of((pulled += 1))) },
      { highWaterMark: 0 },
    );
    same((await tool(kind, ['args'], { stdin })).exitCode, 0);
    same(pulled, 0);
    const { value } = await stdin.getReader().read();
    same(value, Uint8Array.of(1));
  },
  async 'who sits in front of a terminal is known'() {
    same((await tool(kind, ['terminal'])).text, 'false false\n');
    const pieces = ['a\n', ''].map((text) => new TextEncoder().encode(text));
    const stdin = () =>
      new ReadableStream({
        start: (controller) => pieces.forEach((piece) => controller.enqueue(piece)),
      });
    const terminal = await tool(kind, ['terminal'], { terminal: true, stdin: stdin() });
    same(terminal.text, 'true true\n');
    // The piece of no bytes ends it; the stream goes on.
    same((await tool(kind, ['echo'], { terminal: true, stdin: stdin() })).text, '> a\n');
  },
  async 'much output arrives whole, in streams and functions'() {
    const lines = Array.from({ length: 30_000 }, (_, line) => `${line}\n`).join('');
    const { text } = await tool(kind, ['lines', '30000']);
    ok(text === lines, `${text.length} of ${lines.length} characters`);
    const printed = new Printed();
    const stream = new WritableStream({ write: printed.write });
    await tool(kind, ['lines', '1000'], { stdout: stream, stderr: stream });
    same(printed.text, lines.slice(0, printed.text.length));
    ok(!stream.locked, 'the stream is not let go');
  },
  async 'a program that prints on and on waits for who takes it'() {
    let come = 0;
    const worker = () => {
      const made = new Worker('worker.js', { type: 'module' });
      made.addEventListener('message', ({ data }) => {
        come += data.type === 'output' ? data.bytes.length : 0;
      });
      return made;
    };
    const stop = new AbortController();
    const never = () => new Promise(() => undefined);
    const options = { worker, stdout: never, signal: stop.signal };
    const ended = refused(tool(kind, ['flood'], options));
    // Until nothing more comes. It may take a while to begin.
    let before;
    for (let round = 0; round < 40 && (come === 0 || come !== before); round += 1) {
      before = come;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    ok(come > 1 << 20 && come <= (1 << 20) + 256 * 1024, `${come} bytes`);
    stop.abort('enough');
    same(await ended, 'enough');
  },
  async 'what a receiver throws ends the program, and is thrown'() {
    const error = await refused(
      tool(kind, ['flood'], {
        stdout() {
          throw new RangeError('no more');
        },
      }),
    );
    ok(error instanceof RangeError && error.message === 'no more', String(error));
  },
  async 'an endless program is ended, and its volume is free'() {
    for (const act of ['sync-and-spin', 'write-and-spin']) {
      const mounts = fresh();
      const stop = new AbortController();
      const reason = new Error('too long');
      const stdout = () => stop.abort(reason);
      const options = { mounts, stdout, signal: stop.signal };
      const error = await refused(tool(kind, [act, '/f', 'kept'], options));
      ok(error === reason, String(error));
      same((await tool(kind, ['cat', '/f'], { mounts })).text, 'kept', act);
    }
  },
  async 'a signal may be given at any time'() {
    const aborted = AbortSignal.abort('before');
    same(await refused(tool(kind, ['args'], { signal: aborted })), 'before');
    for (const step of ['fetching', 'transpiling', 'running']) {
      const stop = new AbortController();
      const progress = (now) => now === step && stop.abort(step);
      const options = { signal: stop.signal, progress, cache: false };
      if (step !== 'transpiling' || kind === 'component') {
        same(await refused(tool(kind, ['args'], options)), step);
      }
    }
    const late = new AbortController();
    const { exitCode } = await tool(kind, ['args'], { signal: late.signal });
    late.abort('after');
    same(exitCode, 0);
  },
  async 'time passes while a program sleeps'() {
    const { text } = await tool(kind, ['sleep', '60']);
    ok(Number(text) >= 60 && Number(text) < 2000, text);
  },
  async 'a tree is a mount like others'() {
    const mounts = { '/': 'tree:program', '/fast': 'memory' };
    await tool(kind, ['write', '/f', 'in a tree'], { mounts });
    same((await tool(kind, ['cat', '/f'], { mounts })).text, 'in a tree');
    await tool(kind, ['write', '/fast/f', 'x'], { mounts });
  },
  async 'a program comes in many ways'() {
    const url = new URL(`tool-${kind}.wasm`, location.href);
    const bytes = await (await fetch(url)).arrayBuffer();
    const within = new Uint8Array(bytes.byteLength + 20);
    within.set(new Uint8Array(bytes), 10);
    const all = [url, fetch(url), bytes, new Blob([bytes]), within.subarray(10, -10)];
    all.push(...(kind === 'module' ? [WebAssembly.compile(bytes)] : []));
    for (const program of all) {
      const { text } = await tool(kind, ['args'], { program: await program });
      same(text, '["tool", "args"]\n');
    }
    same(bytes.byteLength > 0, true);
  },
  async 'a volume that is in use is said'() {
    const mounts = fresh();
    const stop = new AbortController();
    const on = Promise.withResolvers();
    const options = { mounts, signal: stop.signal, stdout: on.resolve };
    const first = refused(tool(kind, ['write-and-spin', '/f', 'x'], options));
    await on.promise;
    const error = await refused(tool(kind, ['args'], { mounts, waitMs: 50 }));
    ok(error instanceof RunError && error.reason === 'files', String(error));
    ok(/in use by 'tool'/.test(error.message), error.message);
    stop.abort();
    await first;
  },
});

/** What cannot be run, and why. */
export const refusals = {
  async 'what is no program is told why'() {
    const bytes = (...list) => Uint8Array.from(list);
    const magic = [0, 0x61, 0x73, 0x6d];
    const whole = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
    const cut = async (name, part) => {
      const all = await whole(name);
      return all.slice(0, all.length * part);
    };
    const rows = [
      [bytes(), /it is empty/],
      [new TextEncoder().encode('<!doctype html>'), /it is no WebAssembly/],
      [bytes(...magic), /cut off/],
      [bytes(...magic, 9, 9, 9, 9), /another version/],
      [bytes(...magic, 1, 0, 0, 0), /neither '_start' nor '_initialize'/],
      [bytes(...magic, 0x0d, 0, 1, 0), /does not export wasi:cli\/run/],
      [await cut('tool-module.wasm', 0.5), /does not compile.*CompileError/s],
      [await cut('tool-component.wasm', 0.5), /no component that jco can transpile/],
      ['missing.wasm', /'http.*missing.wasm' could not be fetched: 404/],
      ['http://[', /could not be fetched/],
    ];
    for (const [program, says] of rows) {
      const error = await refused(tool('', [], { program }));
      ok(error instanceof RunError && error.reason === 'not-runnable', `${says}: ${error}`);
      ok(says.test(error.message), `${says}: ${error.message}`);
    }
  },
  async 'what makes no sense is refused'() {
    const rows = [
      [{ program: 7 }, /a program is bytes/],
      [{ stdin: 7 }, /stdin is a string, a Uint8Array, or a ReadableStream of Uint8Arrays/],
      [{ stdout: {} }, /stdout is a function, or a WritableStream/],
      [{ mounts: undefined }, /which mounts/],
      [{ mounts: { '/': 'nothing:x' } }, /no kind of mount 'nothing' \(for '\/'\)/],
      [{ mounts: { '/': 'bogus' } }, /no kind of mount 'bogus' \(for '\/'\)/],
      [{ mounts: { '/': 'memory', '/a': 5 } }, /the mount for '\/a' is none/],
      [{ mounts: { '/a': null } }, /the mount for '\/a' is none/],
      [{ mounts: { '/': { kind: 'volume', name: 5 } } }, /the mount for '\/' is none/],
      [{ mounts: { '/': 'volume:wasi-opfs-programs' } }, /no guest may have it/],
      [{ mounts: { '/': 'volume:wasi-opfs-programs:ro' } }, /no guest may have it/],
      [{ mounts: { '/': 'tree:wasi-opfs-programs.volume' } }, /no guest may have it/],
      [{ mounts: { '/': 'tree:wasi-opfs-programs.volume/a' } }, /no guest may have it/],
      [{ mounts: { '/': { kind: 'tree', name: 'wasi-opfs-programs.volume' } } }, /no guest may/],
      [{ args: 'tool' }, /'args' is an array of strings/],
      [{ env: { 'A=B': '' } }, /'A=B' is no name/],
      [{ env: { A: 'a\0b' } }, /the value of 'A' has a NUL/],
      [{ signal: 5 }, /signal is an AbortSignal/],
      [{ progress: 5 }, /progress is a function/],
      [{ worker: 5 }, /worker is a function/],
      [{ worker: () => 5 }, /worker is a function that makes a Worker/],
    ];
    for (const [options, says] of rows) {
      const error = await refused(tool('module', ['args'], options));
      ok(error instanceof TypeError && says.test(error.message), `${says}: ${error}`);
    }
    const error = await refused(start('tool-module.wasm'));
    ok(error instanceof TypeError && /which mounts/.test(error.message), `${error}`);
  },
  async 'a stream is let go of if another is none'() {
    const stdout = new WritableStream();
    await refused(tool('module', ['args'], { stdout, stderr: 5 }));
    ok(!stdout.locked, 'it is locked');
  },
  async 'a worker that is another script says so'() {
    const url = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    const other = url("onmessage = () => (postMessage(null), postMessage('mine'))");
    const rows = [
      [() => new Worker('none.js', { type: 'module' }), /worker of the program failed/],
      [() => new Worker(other), /not answered for 10 seconds.*'wasi-opfs\/worker'/],
    ];
    for (const [worker, says] of rows) {
      const error = await refused(tool('module', ['args'], { worker }));
      ok(error instanceof RunError && error.reason === 'worker', String(error));
      ok(says.test(error.message), `${says}: ${error.message}`);
    }
  },
};

/** All, where this is imported. */
export async function all(kinds) {
  const found = [];
  for (const kind of kinds) {
    for (const { name, ...more } of await results(checks(kind))) {
      found.push({ name: `${kind}: ${name}`, ...more });
    }
  }
  return [...found, ...(await results(refusals))];
}

/** One run of a component, for tests of what is kept of it. */
export const once = (options) => tool('component', ['args'], options);

/** What is told of a component that cannot be transpiled. */
export async function untold() {
  const { reason, message } = await refused(tool('component', ['args'], { cache: false }));
  return { reason, message };
}

if (typeof document === 'undefined') {
  serve(checks);
}
