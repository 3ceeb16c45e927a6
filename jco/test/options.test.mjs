import assert from 'node:assert/strict';
import test from 'node:test';

import { batchName, parseBatchLine, parseCommand } from '../dist/run/options.js';
import { place } from '../dist/run/place.js';

const run = (...args) => parseCommand(['run', ...args]).run;
const job = (...args) => run(...args).work.job;

test('a whole command line is taken apart', () => {
  const { work, ...others } = run(
    'some/p.wasm',
    '--adapter',
    '--classes',
    '--mount',
    '/=tree:app:ro',
    '--mount=.=memory',
    '--env',
    'A=b=c',
    '--env',
    'EMPTY=',
    '--import',
    'a=b=/',
    '--export',
    '.=out=1',
    '--browser',
    'firefox',
    '--profile',
    'dir',
    '--timeout',
    '50',
    '--trace=file',
    '--',
    '-l',
    '--mount',
    '--',
  );
  assert.deepEqual(work.job, {
    name: 'p.wasm',
    program: 'some/p.wasm',
    adapter: true,
    classes: true,
    args: ['-l', '--mount', '--'],
    env: { A: 'b=c', EMPTY: '' },
    mounts: { '/': 'tree:app:ro', '.': 'memory' },
    imports: { '/': 'a=b' },
    exports: { '.': 'out=1' },
    timeoutMs: 50,
  });
  assert.deepEqual(others, { engine: 'firefox', profile: 'dir', trace: 'file', timeoutMs: 50 });
});

test('a trace without a file goes to stderr', () => {
  assert.equal(run('p.wasm', '--trace').trace, '-');
  assert.deepEqual(job('--trace', 'p.wasm').program, 'p.wasm');
  assert.equal(run('p.wasm').trace, undefined);
});

test('what is wrong is said', () => {
  for (const [args, message] of [
    [[], /which program/],
    [['p.wasm', 'x'], /'x' is too much/],
    [['p.wasm', '--mounts', '/=memory'], /--mounts/],
    [['p.wasm', '--mount', 'memory'], /GUEST=KIND:NAME/],
    [['p.wasm', '--mount', '=memory'], /GUEST=KIND:NAME/],
    [['p.wasm', '--mount', '/='], /GUEST=KIND:NAME/],
    [['p.wasm', '--mount', '/=tree'], /no mount/],
    [['p.wasm', '--mount', '/=tree:'], /no mount/],
    [['p.wasm', '--mount', '/=volume'], /no mount/],
    [['p.wasm', '--mount', '/=volume:'], /no mount/],
    [['p.wasm', '--mount', '/=disk:x'], /no mount/],
    [['p.wasm', '--mount', '/=dir:x'], /native runner/],
    [['p.wasm', '--mount', '/=memory', '--mount', '/=tree:x'], /twice/],
    [['p.wasm', '--env', '=x'], /NAME=VALUE/],
    [['p.wasm', '--import', 'x=/y'], /no mount holds '\/y'/],
    [['p.wasm', '--export', '/y=x'], /no mount holds '\/y'/],
    [['p.wasm', '--browser', 'safari'], /chromium or firefox, not 'safari'/],
    [['p.wasm', '--timeout', 'soon'], /milliseconds/],
    [['p.wasm', '--timeout', '-1'], /timeout/],
    [['p.wasm', '--timeout', '0'], /milliseconds/],
    [['p.wasm', '--batch', 'f'], /from its file alone/],
    [['--adapter', '--batch', 'f'], /from its file alone/],
    [['--batch', 'f', '--', 'x'], /from its file alone/],
  ]) {
    assert.throws(() => run(...args), message, args.join(' '));
  }
  assert.throws(() => parseCommand(['walk']), /no command 'walk'/);
});

test('help is there', () => {
  for (const args of [[], ['--help'], ['-h'], ['help'], ['run', '--help'], ['run', '-h']]) {
    assert.match(parseCommand(args).help, /--mount GUEST=KIND/);
  }
});

const task = (...args) => parseCommand(args).task;

test('what is done without a program is taken apart', () => {
  const place = { engine: 'chromium', profile: 'dir' };
  const inDir = (...args) => task(...args, '--profile', 'dir');
  for (const verb of ['info', 'check', 'compact']) {
    const wanted = { verb, volume: 'app', json: false, repair: false };
    assert.deepEqual(inDir('volume', verb, 'app'), { task: wanted, ...place });
    assert.deepEqual(inDir('volume', verb, '--json', 'app').task, { ...wanted, json: true });
  }
  assert.equal(inDir('volume', 'check', 'app', '--repair').task.repair, true);
  const mounts = { '/a': 'volume:app', '/b': 'tree:t' };
  const given = ['--mount', '/a=volume:app', '--mount=/b=tree:t'];
  const listed = { verb: 'ls', mounts, path: '/a', long: false, recursive: false, json: false };
  assert.deepEqual(inDir('ls', ...given), { task: listed, ...place });
  assert.equal(inDir('ls', ...given, '--browser', 'firefox').engine, 'firefox');
  const long = { ...listed, path: '/x', long: true, recursive: true };
  assert.deepEqual(inDir('ls', ...given, '-lR', '/x').task, long);
  const paths = ['/a/f', '/b/g'];
  assert.deepEqual(inDir('cat', ...given, ...paths).task, { verb: 'cat', mounts, paths });
  const copied = { mounts, path: '/a', host: 'here', json: true };
  assert.deepEqual(inDir('import', ...given, 'here', '/a', '--json').task, {
    verb: 'import',
    ...copied,
  });
  assert.deepEqual(inDir('export', ...given, '/a', 'here', '--json').task, {
    verb: 'export',
    ...copied,
  });
});

test('what is wrong without a program is said', () => {
  const mount = ['--mount', '/=volume:app'];
  const profile = ['--profile', 'dir'];
  for (const [args, message] of [
    [['volume', 'make', 'app'], /no command 'volume make'; try 'wasi-opfs volume --help'/],
    [['volume', 'info', 'app'], /volume info in which profile\? add --profile DIR/],
    [['volume', 'info', ...profile], /volume info needs NAME/],
    [['volume', 'info', 'app', 'x', ...profile], /'x' is too much; .*volume info --help/],
    [['volume', 'info', 'app', '--repair', ...profile], /--repair.*volume info --help/],
    [['volume', 'compact', 'app', '--repair', ...profile], /--repair/],
    [['ls', ...profile], /ls of which mount\? add one/],
    [['ls', ...mount], /ls in which profile/],
    [['ls', ...mount, ...profile, '--browser', 'x'], /chromium or firefox, not 'x'/],
    [['ls', ...mount, ...profile, '/a', '/b'], /'\/b' is too much/],
    [['ls', ...mount, ...profile, '-l', '--json'], /not both/],
    [['ls', '--mount', '/=dir:x', ...profile], /native runner/],
    [['ls', '--mount', 'x', ...profile], /GUEST=KIND:NAME/],
    [['cat', ...mount, ...profile], /which files/],
    [['cat', ...mount, ...profile, '-l', '/a'], /-l/],
    [['import', ...mount, ...profile, 'a'], /import needs PATH/],
    [['export', ...mount, ...profile], /export needs PATH/],
    [['export', ...mount, ...profile, '/a', 'b', 'c'], /'c' is too much/],
  ]) {
    assert.throws(() => parseCommand(args), message, args.join(' '));
  }
});

test('each command has a help of its own', () => {
  const help = (...args) => parseCommand([...args, '--help']).help;
  for (const verb of ['info', 'check', 'compact']) {
    assert.match(help('volume', verb), new RegExp(`^Usage: wasi-opfs volume ${verb} NAME`, 'm'));
  }
  for (const verb of ['ls', 'cat', 'import', 'export']) {
    assert.match(help(verb), new RegExp(`^Usage: wasi-opfs ${verb} .*--mount GUEST=KIND:NAME`, 'm'));
    assert.match(parseCommand([]).help, new RegExp(`\\b${verb}\\b`));
  }
  assert.match(help('volume'), /volume compact NAME/);
  assert.equal(parseCommand(['volume']).help, help('volume'));
  const helps = ['run', 'volume', 'ls', 'cat', 'import', 'export'].map((verb) => help(verb));
  for (const line of helps.flatMap((text) => text.split('\n'))) {
    assert.ok(line.length <= 90, line);
  }
});

test('a line of a batch is a job', () => {
  assert.deepEqual(parseBatchLine('{"program": "d/p.wasm"}', 3), {
    name: 'line 3',
    program: 'd/p.wasm',
    adapter: false,
    classes: false,
    args: [],
    env: {},
    mounts: {},
    imports: {},
    exports: {},
    timeoutMs: undefined,
  });
  const whole = {
    name: 'n',
    program: 'p',
    adapter: true,
    classes: true,
    args: ['a'],
    env: { A: '1' },
    mounts: { '.': 'memory' },
    imports: { './x': 'dir' },
    exports: { '.': 'out' },
  };
  const line = JSON.stringify({ ...whole, timeout_ms: 7 });
  assert.deepEqual(parseBatchLine(line, 1), { ...whole, timeoutMs: 7 });
});

test('a line of a batch that is no job says why', () => {
  for (const [line, message] of [
    ['{', /line 7/],
    ['[]', /not an object/],
    ['{}', /'program'/],
    ['{"program": 1}', /'program'/],
    ['{"program": "p", "arg": []}', /'arg' is not known/],
    ['{"program": "p", "args": "x"}', /'args'/],
    ['{"program": "p", "adapter": 1}', /'adapter'/],
    ['{"program": "p", "classes": "no"}', /'classes'/],
    ['{"program": "p", "env": {"A": 1}}', /'env'/],
    ['{"program": "p", "mounts": {"/": "disk:x"}}', /no mount/],
    ['{"program": "p", "timeout_ms": -1}', /milliseconds/],
  ]) {
    assert.throws(() => parseBatchLine(line, 7), message, line);
  }
  assert.equal(batchName('{"name": "n", "program": 1}', 1), 'n');
});

test('the innermost mount holds a path', () => {
  const mounts = ['/', '.', '/a/b', 'data'];
  for (const [path, mount, names] of [
    ['/', '/', []],
    ['/a', '/', ['a']],
    ['/a/b', '/a/b', []],
    ['/a/b/', '/a/b', []],
    ['/a/bc', '/', ['a', 'bc']],
    ['/a/b/c/d', '/a/b', ['c', 'd']],
    ['.', '.', []],
    ['./x', '.', ['x']],
    ['data/x', 'data', ['x']],
    ['other', '.', ['other']],
  ]) {
    assert.deepEqual(place(mounts, path), { mount, names }, path);
  }
  assert.equal(place(['/a'], '/b'), undefined);
  assert.equal(place(['.'], '/b'), undefined);
});
