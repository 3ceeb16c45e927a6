import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { bits, byBytes, humanBytes, printable, timestamp } from '../dist/run/browser/show.js';
import { command, scratch } from './support.mjs';

/** Directories, and commands on the volume `app` of a profile. */
function stage(t) {
  const directory = scratch(t);
  const profile = join(directory, 'profile');
  const at = (name) => join(directory, name);
  const volume = (verb, ...others) => command(['volume', verb, 'app', ...others, '--profile', profile]);
  const files = (verb, ...others) =>
    command([verb, '--mount', '/=volume:app', '--profile', profile, ...others]);
  return { at, profile, volume, files };
}

/** What a command wrote, which has gone well. */
async function ok(answer) {
  const { code, stdout, stderr } = await answer;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, stdout);
  return stdout;
}

/** The error of a command that failed with `wanted`. */
async function failed(answer, wanted, message) {
  const { code, stdout, stderr } = await answer;
  assert.deepEqual({ code, stdout }, { code: wanted, stdout: '' }, stderr);
  assert.match(stderr, message);
}

/** The files of a profile's OPFS that have so many bytes. */
function opfs(profile, size) {
  const names = readdirSync(profile, { recursive: true });
  const paths = names.filter((name) => name.includes('File System')).map((name) => join(profile, name));
  return paths.filter((path) => statSync(path).isFile() && statSync(path).size === size);
}

/** Overwrites the first bytes of a file. */
function damage(path, count) {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(count, 7), 0, count, 0);
  closeSync(file);
}

test('sizes, names and times read as natively', () => {
  const sizes = [0, 1023, 1024, 5251072, 3 * 2 ** 30, 2 ** 53].map(humanBytes);
  assert.deepEqual(sizes, ['0 B', '1023 B', '1.00 KiB', '5.01 MiB', '3.00 GiB', '8.00 PiB']);
  assert.equal(printable('a \u001b[1mü\n\u0085'), 'a \\u{1b}[1mü\\n\\u{85}');
  assert.deepEqual([bits(0o750), bits(0o7604)], ['rwxr-x---', 'rw----r--']);
  const names = ['b', '\u{1f600}', '\uffee', 'a', 'ab', ''];
  const byBuffer = [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  assert.deepEqual([...names].sort(byBytes), byBuffer);
  for (const [ms, wanted] of [
    [0, '1970-01-01T00:00:00Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [1.5, '1970-01-01T00:00:00.0015Z'],
    [1764103774895.9956, '2025-11-25T20:49:34.895996Z'],
    [undefined, null],
    [1e18, null],
    [1e15, null],
  ]) {
    assert.equal(timestamp(ms), wanted);
  }
});

test('files go in, are listed and read, and come out', async (t) => {
  const { at, files, profile } = stage(t);
  const from = at('from');
  mkdirSync(join(from, 'd/sub'), { recursive: true });
  const big = Buffer.from(Array.from({ length: 5_000_000 }, (_, index) => (index * 7) % 251));
  writeFileSync(join(from, 'a'), 'one\n');
  writeFileSync(join(from, 'd/big'), big);
  writeFileSync(join(from, 'd/\u001b'), '');
  symlinkSync('a', join(from, 'link'));
  utimesSync(join(from, 'a'), 7, 1_700_000_000.25);
  const copied = { files: 3, directories: 2, links: 1, bytes: 5_000_004 };
  assert.deepEqual(JSON.parse(await ok(files('import', '--json', from, '/in'))), copied);

  assert.equal(await ok(files('ls')), 'in\n');
  const all = 'a\nd\nd/\\u{1b}\nd/big\nd/sub\nlink\n';
  assert.equal(await ok(files('ls', '-R', '/in')), all);
  const [first, , link] = (await ok(files('ls', '-l', '/in'))).split('\n');
  assert.match(first, /^-rw.{7} +1 +0 +0 +4 2023-11-14 22:13:20 a$/);
  assert.match(link, /^lrwxrwxrwx .* link -> a$/);
  const lines = (await ok(files('ls', '--json', '/in'))).trim().split('\n').map((line) => JSON.parse(line));
  const seen = lines.map(({ path, kind, links, target }) => [path, kind, links, target]);
  assert.deepEqual(seen, [
    ['a', 'file', 1, undefined],
    ['d', 'directory', 3, undefined],
    ['link', 'symlink', 1, 'a'],
  ]);
  assert.deepEqual([lines[0].size, lines[0].modified], [4, '2023-11-14T22:13:20.25Z']);
  assert.match(lines[0].mode, /^0[0-7]{3}$/);
  assert.equal(await ok(files('ls', '/in/link')), '/in/link\n');

  const { code, bytes, stderr } = await files('cat', '/in/link', '/in/d', '/none', '/in/d/big');
  assert.equal(code, 1);
  assert.ok(bytes.equals(Buffer.concat([Buffer.from('one\n'), big])));
  assert.match(stderr, /cannot read '\/in\/d': it is a directory; give the path of a file\n/);
  assert.match(stderr, /'\/none': no such file or directory; .*'wasi-opfs ls' shows what is there/);

  assert.deepEqual(JSON.parse(await ok(files('export', '--json', '/in', at('out')))), copied);
  assert.ok(readFileSync(join(at('out'), 'd/big')).equals(big));
  assert.equal(readlinkSync(join(at('out'), 'link')), 'a');
  assert.equal(statSync(join(at('out'), 'a')).mtimeMs, 1_700_000_000_250);
  assert.ok(statSync(join(at('out'), 'd/sub')).isDirectory());
});

test('a single file goes into a directory, or gets a new name', async (t) => {
  const { at, files, profile } = stage(t);
  mkdirSync(at('out'));
  writeFileSync(at('new'), 'one\n');
  for (const to of ['/x/named', '/x/', '/x']) {
    const counts = JSON.parse(await ok(files('import', '--json', at('new'), to)));
    assert.deepEqual(counts, { files: 1, directories: 0, links: 0, bytes: 4 });
  }
  assert.equal(await ok(files('ls', '/x')), 'named\nnew\n');
  assert.equal(await ok(files('cat', '/x/named', '/x/new')), 'one\n'.repeat(2));
  for (const [to, found] of [['copy', 'copy'], ['made/', 'made/new'], ['out', 'out/new']]) {
    assert.equal(await ok(files('export', '/x/new', at(to))), '');
    assert.equal(readFileSync(at(found), 'utf8'), 'one\n');
  }
  await failed(files('export', '/none', at('none')), 1, /'\/none': no such file or directory/);
  await failed(files('export', '/x', at('new')), 1, /cannot export '\/x': EEXIST.*see to it/);
  await failed(files('import', at('none'), '/x'), 1, /cannot import '.*none': ENOENT.*check the path/);
  const elsewhere = ['--mount', '/m=volume:app', '--profile', profile];
  await failed(command(['ls', ...elsewhere, '/y']), 1, /cannot ls '\/y': no mount has it; there are '\/m'/);
});

test('a volume in a profile is shown, checked, repaired and made smaller', async (t) => {
  const { at, files, profile, volume } = stage(t);
  writeFileSync(at('large'), Buffer.alloc(6_000_000, 5));
  writeFileSync(at('small'), 'x');
  await ok(files('import', at('large'), '/f'));
  await ok(files('import', at('small'), '/g'));
  const info = JSON.parse(await ok(volume('info', '--json')));
  assert.deepEqual([info.file, info.version, info.objects], ['app.volume', 1, 3]);
  assert.match(info.id, /^[0-9a-f]{32}$/);
  assert.equal(info.size, info.live + info.dead + info.free + info.reserved);
  assert.ok(info.live >= 6_000_000);
  assert.equal(info.areas.length, 2);
  const shown = await ok(volume('info'));
  assert.match(shown, /^volume {7}app\nidentity {5}[0-9a-f]{32}\nformat {7}1\n/);
  assert.ok(shown.includes(`\nsize         ${humanBytes(info.size)} (${info.size} bytes)\n  live `), shown);
  assert.match(shown, /^log area {5}\S+ MiB at 8\.00 KiB$/m);

  // Truncated, so that there is something to give back.
  await ok(files('import', at('small'), '/f'));
  assert.match(await ok(volume('check')), /^clean: 2 files, 1 directories, 0 others; /);
  const done = JSON.parse(await ok(volume('compact', '--json')));
  assert.ok(done.after < done.before && done.after < info.size - 5_000_000, JSON.stringify(done));
  assert.equal(JSON.parse(await ok(volume('info', '--json'))).size, done.after);
  const again = await ok(volume('compact'));
  assert.match(again, /^'app' takes (\d\.\d\d MiB) instead of \1; 0 B were moved\n$/);
  assert.equal(await ok(files('cat', '/f', '/g')), 'xx');

  const { size } = JSON.parse(await ok(volume('info', '--json')));
  const [file, ...others] = opfs(profile, size);
  assert.ok(file !== undefined && others.length === 0, 'the file of the volume');
  const check = async (wanted, ...options) => {
    const { code, stdout, stderr } = await volume('check', '--json', ...options);
    assert.deepEqual({ code, stderr }, { code: wanted, stderr: '' }, stdout);
    return JSON.parse(stdout);
  };
  const clean = await check(0);
  assert.deepEqual([clean.state, clean.worst, clean.findings, clean.files], ['clean', null, [], 2]);
  damage(file, 8192);
  const unopened = /'app': .*'wasi-opfs volume check' tells what is wrong/;
  await failed(volume('info'), 1, unopened);
  await failed(volume('compact'), 1, unopened);
  await failed(files('ls'), 1, unopened);
  const damaged = await check(4);
  assert.equal(damaged.state, 'damaged');
  assert.ok(damaged.findings.every(({ repaired }) => repaired === false));
  const repaired = await check(1, '--repair');
  assert.equal(repaired.state, 'repaired');
  assert.ok(repaired.findings.some(({ severity, repaired }) => severity !== 'note' && repaired));
  assert.equal((await check(0)).state, 'clean');
  assert.equal(await ok(files('cat', '/f', '/g')), 'xx');
  damage(file, size);
  await failed(volume('check'), 8, /cannot check 'app': .*no volume/);
});

test('what is not there is not made', async (t) => {
  const { at, profile, volume, files } = stage(t);
  for (const [verb, code] of [['info', 1], ['check', 8], ['compact', 1]]) {
    await failed(volume(verb), code, /cannot open the profile '.*': it is not a directory; give/);
  }
  assert.ok(!existsSync(profile));
  mkdirSync(profile);
  const none = /cannot open the volume 'app': this profile has none at all; check --profile/;
  await failed(volume('check'), 8, none);
  await failed(files('ls'), 1, none);
  writeFileSync(at('f'), 'x');
  const other = ['--profile', profile, '--mount', '/=volume:other', '--mount', '/t=tree:top/sub'];
  await ok(command(['import', ...other, at('f'), '/']));
  const found = /cannot open the volume 'app': this profile has none of that name, but 'other'/;
  await failed(volume('info'), 1, found);
  await failed(volume('compact'), 1, found);
  await failed(files('export', '/', at('out')), 1, found);
  assert.ok(!existsSync(at('out')));
  const tree = ['ls', '--profile', profile, '--mount'];
  await failed(command([...tree, '/=tree:no']), 1, /the tree 'no': this profile has none of that name, but 'top'/);
  assert.equal(await ok(command([...tree, '/=tree:top'])), 'sub\n');
  const env = { ...process.env, CHROME: '/bin/false' };
  const check = ['volume', 'check', 'other', '--profile', profile];
  await failed(command(check, { env }), 8, /\/bin\/false did not start/);
});
