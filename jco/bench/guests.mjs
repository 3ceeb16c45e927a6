// What is measured from inside guests: the programs of guest-tests/bench time themselves,
// and say between two phases, on a line of their output, what comes next.

import { ensure } from './content.mjs';
import { raw, warm, wipe } from './storage.mjs';

const MEBIBYTE = 1 << 20;

/** Takes a program's output apart; `line` is given what each line's JSON says. */
function lines(line) {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    rest += decoder.decode(bytes, { stream: true });
    const whole = rest.split('\n');
    rest = whole.pop();
    whole.forEach((text) => line(JSON.parse(text)));
  };
}

/**
 * Runs one of the programs that say what they do. What they say of themselves goes to `line`;
 * between their first and their last word, they have let go of all that they opened.
 */
async function run(host, name, args, line) {
  const decoder = new TextDecoder();
  let complaints = '';
  const err = (bytes) => void (complaints += decoder.decode(bytes, { stream: true }));
  const handles = [];
  const heard = (said) => {
    if (said.handles) handles.push(host.handles?.().join());
    else line(said);
  };
  const program = { args: [name, ...args], out: lines(heard), err };
  const code = await host.run(await host.load(name), program);
  ensure(code === 0, `${name} ended with ${code}: ${complaints}`);
  const [first, last] = handles;
  ensure(handles.length === 2 && first === last, `${name} holds ${last} handles, not ${first}`);
}

const time = (call) => {
  const begun = performance.now();
  call?.();
  return performance.now() - begun;
};

/**
 * Follows what a program says of its phases. A phase ends when its changes are stored: what
 * this takes is added to what the program measured.
 */
function follow(host, handle, post) {
  return (said) => {
    const table = host.tables.phases;
    if (said.at) {
      if (said.writes) warm(handle, said.writes);
      host.stored?.();
      post({ table, at: said.at });
    } else {
      const stored = time(host.stored);
      const flush_ms = host.flush ? time(host.flush) : null;
      const { phase, cut } = said;
      const found = { table, phase, ms: said.ms + stored, cut };
      post({ ...found, flush_ms, stored: host.stored !== undefined });
    }
  };
}

/** The phases, and then the file system opened again, where there is something to open. */
async function phases(host, { tiny }, post) {
  if (!tiny) {
    await run(host, 'phases', ['/', 'warm'], () => {});
    await host.close();
    await wipe();
    await host.open();
  }
  const { handle, remove } = await raw('warm');
  await run(host, 'phases', tiny ? ['/', 'tiny'] : ['/'], follow(host, handle, post));
  await remove();
  const table = host.tables.phases;
  const wait = async (phase, act) => {
    const begun = performance.now();
    await act();
    post({ table, phase, ms: performance.now() - begun, stored: true });
  };
  if (host.storedAtExit) await wait('until all is stored', host.storedAtExit);
  if (host.stored ?? host.storedAtExit) {
    await host.close();
    await wait('remount', host.open);
  }
}

/** How many count, after as many that do not. */
const ROUNDS = 20;

/** Microseconds of a call on an access handle itself, all over one mebibyte. */
function rawCall(call, length) {
  const bytes = new Uint8Array(length);
  const each = MEBIBYTE / length;
  const rounds = Array.from({ length: 2 * ROUNDS }, () =>
    time(() => {
      for (let number = 0; number < each; number++) call(bytes, { at: number * length });
    }),
  );
  const counted = Float64Array.from(rounds.slice(ROUNDS)).sort();
  return (counted[ROUNDS >> 1] * 1000) / each;
}

/** What single calls cost that the program `name` makes. */
async function timed(host, name, { tiny }, post) {
  const line = ({ call, us }) => post({ table: host.tables.calls, phase: call, us });
  await run(host, name, [tiny ? '2' : '40'], line);
}

/** Calls of preview1; beside some of them, the same by hand, once for all hosts. */
async function calls(host, request, post) {
  await timed(host, 'calls', request, post);
  if (!host.stored) return;
  const { handle, remove } = await raw('calls');
  const [read, write] = [handle.read.bind(handle), handle.write.bind(handle)];
  for (const [name, call] of [
    ['fd_pwrite', write],
    ['fd_pread', read],
  ]) {
    for (const kibibytes of [4, 64]) {
      const us = rawCall(call, kibibytes << 10);
      post({ table: 'calls', phase: `${name} ${kibibytes} KiB`, peer: 'raw-handle', us });
    }
  }
  await remove();
}

/** The same bytes by one access handle in calls of 1 MiB: what the storage itself costs. */
function byHand(handle, mebibytes) {
  const bytes = new Uint8Array(MEBIBYTE);
  return time(() => {
    for (let number = 0; number < mebibytes; number++) {
      handle.write(bytes, { at: number * MEBIBYTE });
    }
    handle.flush();
  });
}

/** One large file, flush included. */
async function sustained(host, { tiny }, post) {
  const mebibytes = tiny ? 4 : 256;
  const { handle, remove } = await raw('warm');
  const line = ({ at, phase, writes, ms }) => {
    if (at) warm(handle, writes);
    else post({ table: 'guests', phase, ms, stored: true });
  };
  warm(handle, mebibytes * MEBIBYTE);
  const beside = { table: 'guests', phase: 'sustained', peer: 'raw-handle' };
  post({ ...beside, ms: byHand(handle, mebibytes), stored: true });
  handle.truncate(0);
  await run(host, 'sustained', ['/sustained', String(mebibytes)], line);
  await remove();
}

/** How often each is run before it counts, so that the engine has compiled it, and then. */
const RUNS = { before: 3, counted: 5 };

/** All files of a folder of the server's: their paths and bytes. */
async function folder(name) {
  const all = await (await fetch(`/folders/${name}`)).arrayBuffer();
  const [length] = new Uint32Array(all, 0, 1);
  const listed = JSON.parse(new TextDecoder().decode(new Uint8Array(all, 4, length)));
  let at = 4 + length;
  return listed.map(({ path, size }) => {
    at += size;
    return { path, bytes: new Uint8Array(all, at - size, size) };
  });
}

/**
 * A program from its instantiation to its exit. Its files are there before; what stores them
 * is opened again for each run, and remembers nothing of the one before.
 */
async function program(host, { name, module, files, args, env, tiny }, post) {
  const compiledModule = await host.load(module);
  for (const { path, bytes } of await folder(files)) host.put(path, bytes);
  host.flush?.();
  for (let run = tiny ? 0 : -RUNS.before; run < (tiny ? 1 : RUNS.counted); run++) {
    if (host.stored) {
      await host.close();
      await host.open();
    }
    let [printed, complaints] = [0, ''];
    const out = (bytes) => void (printed += bytes.length);
    const err = (bytes) => void (complaints += new TextDecoder().decode(bytes));
    const begun = performance.now();
    const code = await host.run(compiledModule, { args: [name, ...args], env, out, err });
    const ms = performance.now() - begun;
    ensure(code === 0, `${name} ended with ${code}: ${complaints}`);
    const found = { table: 'guests', ms, printed, stored: host.stored !== undefined };
    if (run === -RUNS.before) post({ ...found, phase: `${name}, first run` });
    else if (run >= 0) post({ ...found, phase: name });
  }
}

/** What a worker with this host can be asked for. */
export function guests(host) {
  const on = (part) => async (request, post) => {
    await host.open();
    await part(host, request, post);
    await host.close();
  };
  return {
    phases: on(phases),
    calls: on(calls),
    component_calls: on((host, request, post) => timed(host, 'component_calls', request, post)),
    sustained: on(sustained),
    program: on(program),
  };
}
