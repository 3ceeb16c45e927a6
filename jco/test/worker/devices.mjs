// Programs on devices of a worker's own: what those answer and throw, the same for both kinds.

import { Filesystem, NotRunnable, Trapped, execute } from 'wasi-opfs';

import { ok, run as serve, same } from './checks.mjs';

const opened = Filesystem.open({ mounts: { '/': 'memory' } });

/** Runs `tool` of a kind: its exit code, what it printed, and what was thrown. */
async function tool(kind, args, options = {}) {
  const program = await (await fetch(`tool-${kind}.wasm`)).arrayBuffer();
  let text = '';
  const write = (bytes) => void (text += new TextDecoder().decode(bytes.slice()));
  const given = { args: ['tool', ...args], stdout: write, stderr: write, ...options };
  const ended = await execute(await opened, program, given).then(
    (exitCode) => ({ exitCode }),
    (error) => ({ error }),
  );
  return { ...ended, text };
}

const WRONG = "what is no number from 0 to the buffer's length; give how many bytes";

/** Answers at once, and later where guests can be suspended. */
const later = (call) => async () => call();
const ways = [(call) => call, ...('Suspending' in WebAssembly ? [later] : [])];

const throws = (thrown) => () => {
  throw thrown;
};

export const checks = (kind) => ({
  async 'what a device answers is checked'() {
    const answers = [-1, 1e9, '3', NaN, null, -100000, 10n, {}];
    const rows = [...answers, undefined].map((answer) => ['stdin', { read: () => answer }]);
    rows.push(...answers.map((answer) => ['stdout', { write: () => answer }]));
    for (const [name, { read, write }] of rows) {
      for (const way of ways) {
        const device = read ? { read: way(read) } : { write: way(write) };
        const args = read ? ['cat'] : ['args'];
        const { error } = await tool(kind, args, { [name]: device });
        const what = `${name} ${String((read ?? write)())}: ${error}`;
        ok(error instanceof Trapped && error.message.includes(WRONG), what);
      }
    }
  },
  async 'what a device answers is rounded down'() {
    let left = 3;
    const read = (buffer) => (buffer.fill(97), (left -= 1) > 0 ? 2.5 : 0.5);
    same((await tool(kind, ['cat'], { stdin: { read } })).text, 'aaaa');
  },
  async 'what a device throws with a WASI code reaches the program'() {
    const error = (code) => Object.assign(new Error('no more'), { code });
    for (const named of [(code) => code, (code) => ({ code }), error]) {
      for (const way of ways) {
        const read = way(throws(named('pipe')));
        const { exitCode, text, error } = await tool(kind, ['cat'], { stdin: { read } });
        same(exitCode, 1, `${error}`);
        ok(text.includes('Error: Os'), text);
        const write = way(throws(named('insufficient-space')));
        const full = await tool(kind, ['cat'], { stdin: 'x\n', stdout: { write } });
        same(full.exitCode, 1, `${full.error}`);
        ok(full.text.includes('Error: Os'), full.text);
        const gone = way(throws(named('pipe')));
        const closed = await tool(kind, ['cat'], { stdin: 'x\n', stdout: { write: gone } });
        ok(/Broken pipe/.test(closed.text), closed.text);
      }
    }
  },
  async 'anything else that a device throws ends the program'() {
    const range = new RangeError('as was asked');
    const payload = Object.assign(new Error('its own'), { payload: { tag: 'closed' } });
    for (const [thrown, says] of [
      ['bogus', 'the program trapped: bogus'],
      [{ code: 'bogus' }, 'the program trapped: [object Object]'],
      [{ tag: 'closed' }, 'the program trapped: [object Object]'],
      [undefined, 'the program trapped: null'],
      [null, 'the program trapped: null'],
      [7, 'the program trapped: 7'],
      [range, 'the program trapped: RangeError: as was asked'],
      [payload, 'the program trapped: Error: its own'],
    ]) {
      for (const way of ways) {
        const device = { read: way(throws(thrown)), write: way(throws(thrown)) };
        for (const [name, args] of [['stdin', ['cat']], ['stdout', ['args']]]) {
          const { error } = await tool(kind, args, { [name]: device });
          ok(error instanceof Trapped, `${name} ${says}: ${error}`);
          same(error.message.split('\n')[0], says, name);
          same(error.cause === (thrown ?? null), true, `${name} ${says}`);
        }
      }
    }
  },
  async 'arguments and environment are checked before anything is started'() {
    const rows = [
      [{ args: 'tool' }, /'args' is an array of strings/],
      [{ args: ['tool', 7] }, /number 1 is none/],
      [{ args: ['tool', 'a\0b'] }, /number 1 has a NUL/],
      [{ env: 'A=1' }, /'env' is an object of strings/],
      [{ env: ['A'] }, /'env' is an object of strings/],
      [{ env: { A: 1 } }, /the value of 'A' is no string/],
      [{ env: { A: 'a\0b' } }, /the value of 'A' has a NUL/],
      [{ env: { '': 'x' } }, /'' is no name/],
      [{ env: { 'A=B': 'x' } }, /'A=B' is no name/],
      [{ env: { 'A\0': 'x' } }, /'A\\0' is no name/],
    ];
    for (const [options, says] of rows) {
      const progress = () => {
        throw new Error('it was started');
      };
      const { error } = await tool(kind, ['args'], { ...options, progress });
      ok(error instanceof TypeError && says.test(error.message), `${says}: ${error}`);
    }
  },
});

/** What is said where the transpiler is not: what else was thrown, and heard of by nobody. */
const without = {
  async 'the transpiler that is not there is told of'() {
    const unheard = [];
    addEventListener('unhandledrejection', (event) => {
      event.preventDefault();
      unheard.push(String(event.reason));
    });
    const { error } = await tool('component', ['args'], { cache: false });
    ok(error instanceof NotRunnable, `${error}`);
    ok(/^the transpiler could not be loaded: .* two modules/.test(error.message), error.message);
    await new Promise((resolve) => setTimeout(resolve, 200));
    same(unheard, []);
  },
};

serve((kind) => (kind === 'without' ? without : checks(kind)));
