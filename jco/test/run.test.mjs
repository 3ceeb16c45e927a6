import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { batch, command, scratch, start, tool } from './support.mjs';

const profiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith('wasi-opfs-profile-'));

test('files outlive a run if the profile does', async (t) => {
  const profile = join(scratch(t), 'profile');
  const args = ['run', tool(), '--mount', '/=volume:app', '--profile', profile, '--', 'count', '/n'];
  for (const wanted of ['1\n', '2\n']) {
    const { code, stdout, stderr } = await command(args);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: wanted, stderr: '' });
  }
});

test('Firefox runs programs as Chromium does', async (t) => {
  const directory = scratch(t);
  const place = ['--browser', 'firefox', '--profile', join(directory, 'profile')];
  const counts = (program) =>
    ['memory', 'volume:app', 'tree:app'].map((mount) => ({ program, args: ['count', '/n'], mounts: { '/': mount } }));
  const jobs = [
    ...counts(tool()),
    ...counts(tool('wasm32-wasip1')),
    { name: 'panics', program: tool(), args: ['panic'] },
    { name: 'spins', program: tool(), args: ['write-and-spin', '/f', 'x'], mounts: { '/': 'memory' }, timeout_ms: 300 },
  ];
  const results = await batch(t, jobs, ...place);
  const ends = results.map(({ exit_code, stdout }) => `${exit_code} ${stdout.trim()}`);
  assert.deepEqual(ends, ['0 1', '0 1', '0 1', '0 1', '0 2', '0 2', '134 ', '124 spinning']);
  assert.match(results[6].stderr, /the program trapped: RuntimeError.*unreachable[^]*^ {4}at \S+$/m);
  const args = ['--mount', '/=volume:app', ...place];
  const { code, stdout, stderr } = await command(['run', tool(), ...args, '--', 'count', '/n']);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '3\n', stderr: '' });
  assert.equal((await command(['cat', ...args, '/n'])).stdout, '3');
  // A temporary profile is taken away again.
  const input = 'hello';
  const echo = await command(['run', tool(), '--browser', 'firefox', '--', 'cat'], { input });
  assert.deepEqual([echo.code, echo.stdout], [0, input]);
  assert.deepEqual(profiles(), []);
});

test('stdin, stdout and stderr are the program\'s', async () => {
  const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
  const { code, bytes, stderr } = await command(['run', tool(), '--', 'cat'], { input });
  assert.equal(code, 0, stderr);
  assert.ok(bytes.equals(input));
  assert.equal(stderr, '');
});

test('a program that does not read leaves stdin alone', async () => {
  const child = start(['run', tool(), '--', 'args']);
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
});

for (const target of ['wasm32-wasip1', 'wasm32-wasip2']) {
  test(`a batch runs every job, however the others end, for ${target}`, (t) => runBatch(t, target));
}

async function runBatch(t, target) {
  const program = tool(target);
  const job = (name, args, others = {}) => ({ name, program, args, ...others });
  const memory = { mounts: { '/': 'memory' } };
  const here = { mounts: { '.': 'memory' } };
  const tree = { mounts: { '.': 'tree:there' } };
  const volume = { mounts: { '.': 'volume:there' } };
  const results = await batch(t, [
    job('args', ['args', 'ä', '']),
    job('env', ['env'], { env: { A: 'b=c', Ü: 'ß' } }),
    job('dot in memory', ['count', 'n'], here),
    job('dot in a tree', ['count', 'n'], tree),
    job('dot in the same tree', ['count', './n'], tree),
    job('dot in a volume', ['count', 'n'], volume),
    job('dot in the same volume', ['count', './n'], volume),
    job('the same memory twice', ['write', '/a/f', 'x'], {
      mounts: { '/a': 'memory:m', '/b': 'memory:m:ro' },
    }),
    job('nothing mounted', ['count', '/n']),
    job('fails', ['exit', '3']),
    job('panics', ['panic']),
    job('spins', ['write-and-spin', '/f', 'x'], { ...memory, timeout_ms: 300 }),
    job('sleeps', ['sleep', '60']),
    job('sleeps with jspi', ['sleep', '60'], tree),
    { name: 'missing', program: 'nowhere.wasm' },
    { name: 'not a program', program: join(import.meta.dirname, 'run.test.mjs') },
    '{"name": "not a job", "programm": ""}',
    '{',
    job('a tree that cannot be', ['args'], { mounts: { '/': 'tree:a/../b' } }),
  ]);
  const by = Object.fromEntries(results.map((result) => [result.name, result]));
  const stdout = (name, code, text) => {
    assert.deepEqual([by[name].exit_code, by[name].stdout], [code, text], by[name].stderr);
  };
  const stderr = (name, code, text) => {
    assert.equal(by[name].exit_code, code, JSON.stringify(by[name]));
    assert.match(by[name].stderr, text);
  };
  assert.deepEqual(results.map(({ name }) => name).slice(-3), ['not a job', 'line 18', 'a tree that cannot be']);
  stdout('args', 0, `["${program.split('/').at(-1)}", "args", "ä", ""]\n`);
  stdout('env', 0, 'A=b=c\nÜ=ß\n');
  stdout('dot in memory', 0, '1\n');
  stdout('dot in a tree', 0, '1\n');
  stdout('dot in the same tree', 0, '2\n');
  stdout('dot in a volume', 0, '1\n');
  stdout('dot in the same volume', 0, '2\n');
  stdout('the same memory twice', 0, '');
  stderr('nothing mounted', 1, /NotFound|Uncategorized|No such|not find/i);
  // A component can say but whether it failed.
  stderr('fails', target === 'wasm32-wasip1' ? 3 : 1, /^$/);
  stderr('panics', 134, /as was asked[^]*the program trapped: RuntimeError.*unreachable/);
  stdout('spins', 124, 'spinning\n');
  stderr('spins', 124, /ended after 300 ms/);
  assert.ok(by.spins.ms >= 300);
  for (const name of ['sleeps', 'sleeps with jspi']) {
    assert.ok(by[name].exit_code === 0 && Number(by[name].stdout) >= 60, JSON.stringify(by[name]));
  }
  stderr('missing', 127, /nowhere\.wasm/);
  stderr('not a program', 126, /neither WebAssembly nor its text/);
  stderr('not a job', 125, /'programm' is not known/);
  stderr('line 18', 125, /line 18 of the batch is no job/);
  stderr('a tree that cannot be', 125, /'a\/..\/b' is no OPFS directory/);
  assert.deepEqual(profiles(), []);
}

for (const kind of ['memory', 'volume:copied', 'tree:copied']) {
  const rich = !kind.startsWith('tree');
  test(`directories are copied into ${kind} and out of it`, async (t) => {
    const directory = scratch(t);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    mkdirSync(join(from, 'sub/empty'), { recursive: true });
    writeFileSync(join(from, 'text'), 'hello');
    writeFileSync(join(from, 'sub/nothing'), '');
    writeFileSync(join(from, 'sub/big'), Buffer.alloc(9_000_001, 'wasi'));
    writeFileSync(join(from, 'a name? with #%&=+ü'), 'odd');
    utimesSync(join(from, 'text'), 1_000_000_000, 1_000_000_000);
    if (rich) {
      symlinkSync('../text', join(from, 'sub/link'));
    }
    const { code, stdout, stderr } = await command([
      'run',
      tool(),
      '--mount',
      `/data=${kind}:ro`,
      '--import',
      `${from}=/data/in/it`,
      '--export',
      `/data/in=${to}`,
      '--',
      'ls',
      '/data/in/it',
    ]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'a name? with #%&=+ü sub text\n', stderr: '' });
    for (const name of ['text', 'sub/nothing', 'sub/big', 'a name? with #%&=+ü']) {
      assert.ok(readFileSync(join(to, 'it', name)).equals(readFileSync(join(from, name))), name);
    }
    assert.ok(statSync(join(to, 'it/sub/empty')).isDirectory());
    if (rich) {
      assert.equal(readFileSync(join(to, 'it/sub/link'), 'utf8'), 'hello');
      assert.equal(statSync(join(to, 'it/text')).mtimeMs, 1_000_000_000_000);
    }
  });
}

test('copies see the mounts that lie inside others', async (t) => {
  const directory = scratch(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  mkdirSync(join(from, 'd/sub'), { recursive: true });
  writeFileSync(join(from, 'top'), '1');
  writeFileSync(join(from, 'd/one'), '2');
  writeFileSync(join(from, 'd/sub/two'), '3');
  const mounts = ['--mount', '/=memory', '--mount', '/d=memory'];
  const copies = ['--import', `${from}=/`, '--export', `/=${to}`, '--timeout', '4000000000'];
  const args = ['run', tool(), ...mounts, ...copies, '--', 'ls', '/d'];
  const { code, stdout, stderr } = await command(args);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'one sub\n', stderr: '' });
  for (const name of ['top', 'd/one', 'd/sub/two']) {
    assert.ok(readFileSync(join(to, name)).equals(readFileSync(join(from, name))), name);
  }
});

test('what stands in the way of a run is said', async (t) => {
  const nowhere = join(scratch(t), 'nowhere');
  const trace = await command(['run', tool(), `--trace=${nowhere}/trace`, '--', 'args']);
  assert.equal(trace.code, 125);
  assert.match(trace.stderr, /cannot write the trace to '.*nowhere\/trace'/);
  const env = { ...process.env, CHROME: '/bin/false' };
  const browser = await command(['run', tool(), '--', 'args'], { env });
  assert.equal(browser.code, 125);
  assert.match(browser.stderr, /\/bin\/false/);
});

test('what a tree cannot hold is not imported in silence', async (t) => {
  const from = scratch(t);
  symlinkSync('elsewhere', join(from, 'link'));
  const args = ['run', tool(), '--mount', '/=tree:x', '--import', `${from}=/`, '--', 'args'];
  const { code, stderr } = await command(args);
  assert.equal(code, 125);
  assert.match(stderr, /cannot import 'link' to '\/': cannot make the link .*not supported here/);
});

for (const kind of ['volume', 'tree']) {
  test(`what a program left in a ${kind} when its time was over is copied out`, async (t) => {
    const to = join(scratch(t), 'to');
    const mounts = ['--mount', `/t=${kind}:left`, '--mount', '/m=memory'];
    const exports = ['--export', `/t=${to}`, '--export', `/m=${to}`, '--timeout', '500'];
    const args = ['run', tool(), ...mounts, ...exports, '--', 'write-and-spin', '/t/f', 'kept'];
    const { code, stdout, stderr } = await command(args);
    assert.deepEqual({ code, stdout }, { code: 124, stdout: 'spinning\n' });
    assert.match(stderr, /ended after 500 ms\n.*cannot export '\/m'/);
    assert.equal(readFileSync(join(to, 'f'), 'utf8'), 'kept');
  });
}

for (const [target, open, missing, write] of [
  ['wasm32-wasip1', 'path_open', 'noent', 'fd_write'],
  ['wasm32-wasip2', 'descriptor.open-at', 'no-entry', 'output-stream.write'],
]) {
  test(`a trace has a line for each call, for ${target}`, async (t) => {
    const file = join(scratch(t), 'trace');
    const lines = () => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    // Of a mount that does not wait, and of one that does.
    for (const mount of ['/=memory', '/=tree:t']) {
      const args = ['run', tool(target), '--mount', mount, `--trace=${file}`, '--', 'count', '/n'];
      assert.equal((await command(args)).code, 0);
      const calls = lines().map(({ call, path, answer }) => [call, path, answer].join(' '));
      assert.ok(calls.includes(`${open} n ${missing}`), calls.join('\n'));
      assert.ok(calls.includes(`${open} n ok`));
      const written = lines().find(({ call }) => call === write);
      assert.deepEqual([written.length ?? written.result, written.answer, typeof written.us], [1, 'ok', 'number']);
    }
    const job = { name: 'a "job"', program: tool(target), args: ['count', '/n'], mounts: { '/': 'memory' } };
    const [result] = await batch(t, [job], `--trace=${file}`);
    assert.equal(result.exit_code, 0);
    assert.equal(lines()[0].job, 'a "job"');
  });
}

test('an interrupted run takes its browser and its profile with it', async () => {
  const before = profiles();
  const child = start(['run', tool(), '--mount', '/=memory', '--', 'write-and-spin', '/f', 'x']);
  await once(child.stdout, 'data');
  assert.equal(profiles().length, before.length + 1);
  child.kill('SIGINT');
  const [code] = await once(child, 'close');
  assert.equal(code, 130);
  assert.deepEqual(profiles(), before);
});

test('a reader that has gone ends the run', async () => {
  const child = start(['run', tool(), '--', 'lines', '100000000']);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  assert.equal(code, 141);
});

test('a missing browser is said, with what to do', async () => {
  const env = { ...process.env, CHROME: '/nowhere/chromium' };
  const { code, stderr } = await command(['run', tool(), '--', 'args'], { env });
  assert.equal(code, 125);
  assert.match(stderr, /\/nowhere\/chromium did not start/);
  assert.ok(!existsSync('/nowhere'));
});
