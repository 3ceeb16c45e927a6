// The page's own door: one transcript of verbs, on every kind of mount, in both forms.

import { Filesystem } from 'wasi-opfs';

import { ok, run, same, shown, thrown } from './checks.mjs';

const text = (bytes) => new TextDecoder().decode(bytes);
const names = (entries) => entries.map(({ name, kind }) => `${kind} ${name}`).sort();

/** Verb, arguments, answer; a string behind `!` is the code of an error. */
const TRANSCRIPT = [
  ['readdir', ['/'], []],
  ['writeFile', ['/a', 'hello']],
  ['readFile', ['/a'], 'hello'],
  ['writeFile', ['/a', new Uint8Array([104, 105])]],
  ['readFile', ['/a'], 'hi'],
  ['writeFile', ['/a', ' there', { append: true }]],
  ['readFile', ['/a'], 'hi there'],
  ['writeFile', ['/a', 'x', { exclusive: true }], '!exist'],
  ['writeFile', ['/b', '', { exclusive: true }]],
  ['readFile', ['/b'], ''],
  ['readFile', ['/missing'], '!no-entry'],
  ['readFile', ['/'], '!is-directory'],
  ['readFile', ['a'], '!no-entry'],
  ['readFile', [''], '!no-entry'],
  ['readFile', ['/a/'], '!not-directory'],
  ['readFile', ['/../a'], '!not-permitted'],
  ['readFile', ['//.//a'], 'hi there'],
  ['readFile', ['/\ud800'], '!illegal-byte-sequence'],
  ['readFile', ['/nul\0'], '!invalid'],
  ['readFile', [`/${'x'.repeat(256)}`], '!name-too-long'],
  ['mkdir', ['/d']],
  ['mkdir', ['/d'], '!exist'],
  ['mkdir', ['/d', { recursive: true }]],
  ['mkdir', ['/d/e/f', {}], '!no-entry'],
  ['mkdir', ['/d/e/f', { recursive: true }]],
  ['mkdir', ['/a/x', { recursive: true }], '!not-directory'],
  ['mkdir', ['/a', { recursive: true }], '!exist'],
  ['mkdir', ['/', { recursive: true }]],
  ['writeFile', ['/d/e/f/ü', 'deep']],
  ['readdir', ['/'], ['directory d', 'file a', 'file b']],
  ['readdir', ['/d/e/f/'], ['file ü']],
  ['readdir', ['/a'], '!not-directory'],
  ['readdir', ['/missing'], '!no-entry'],
  ['rm', ['/d'], '!is-directory'],
  ['rmdir', ['/d'], '!not-empty'],
  ['rmdir', ['/a'], '!not-directory'],
  ['rename', ['/a', '/d/a']],
  ['rename', ['/a', '/b'], '!no-entry'],
  ['rename', ['/d', '/d/e/g'], '!invalid'],
  ['rename', ['/b', '/d'], '!is-directory'],
  ['rename', ['/d/a', '/b']],
  ['readFile', ['/b'], 'hi there'],
  ['truncate', ['/b', 2]],
  ['readFile', ['/b'], 'hi'],
  ['truncate', ['/b', 4]],
  ['readFile', ['/b'], 'hi\0\0'],
  ['truncate', ['/b', -1], '!invalid'],
  ['truncate', ['/b', 1.5], '!invalid'],
  ['truncate', ['/d'], '!is-directory'],
  ['rm', ['/'], '!is-directory'],
  ['rm', ['/missing'], '!no-entry'],
  ['rm', ['/missing', { force: true }]],
  ['rm', ['/d/', { recursive: true }]],
  ['rm', ['/b']],
  ['readdir', ['/'], []],
  ['sync', [], undefined],
  ['sync', [{ flush: false }], undefined],
];

/** What a tree of OPFS cannot hold. */
const RICH = [
  ['writeFile', ['/f', 'x', { mode: 0o640 }]],
  ['symlink', ['f', '/l']],
  ['symlink', ['/f', '/absolute'], '!not-permitted'],
  ['readlink', ['/l'], 'f'],
  ['readlink', ['/f'], '!invalid'],
  ['readFile', ['/l'], 'x'],
  ['link', ['/f', '/g']],
  ['link', ['/f', '/g'], '!exist'],
  ['writeFile', ['/g', 'y', { append: true }]],
  ['readFile', ['/f'], 'xy'],
  ['chmod', ['/f', 0o7600]],
  ['utimes', ['/f', 1000.5, new Date(-1500)]],
  ['utimes', ['/f', NaN, 1], '!invalid'],
  ['utimes', ['/f', 1, 1e300], '!overflow'],
  ['readdir', ['/'], ['file f', 'file g', 'symlink l']],
  ['mkdir', ['/deep/er', { recursive: true }]],
  ['symlink', ['../f', '/deep/er/up']],
  ['rm', ['/deep', { recursive: true }]],
  ['readFile', ['/f'], 'xy'],
];

async function step(fs, sync, [verb, args, expected]) {
  let answer;
  try {
    answer = sync ? fs[`${verb}Sync`](...args) : await fs[verb](...args);
  } catch (error) {
    ok(error instanceof Error && error.code !== undefined, String(error?.stack ?? error));
    ok(error.message.includes('cannot') || verb === 'readFile', error.message);
    answer = `!${error.code}`;
  }
  if (answer instanceof Uint8Array) answer = text(answer);
  if (Array.isArray(answer)) answer = names(answer);
  same(answer, expected, `${sync ? 'sync ' : ''}${verb} ${shown(args)}`);
}

const transcript = (mount, sync, steps) => async () => {
  const fs = await Filesystem.open({ mounts: { '/': mount } });
  for (const one of steps) {
    await step(fs, sync, one);
  }
  fs.close();
};

async function withMemory(check) {
  const fs = await Filesystem.open({ mounts: { '/': 'memory' } });
  try {
    await check(fs);
  } finally {
    fs.close();
  }
}

run({
  'a volume, at once': transcript('volume:page-sync', true, [...TRANSCRIPT, ...RICH]),
  'a volume, with promises': transcript('volume:page-async', false, [...TRANSCRIPT, ...RICH]),
  'memory, at once': transcript('memory', true, [...TRANSCRIPT, ...RICH]),
  'a tree, with promises': transcript('tree:page', false, [
    ...TRANSCRIPT,
    ['symlink', ['f', '/l'], '!unsupported'],
    ['writeFile', ['/f', '']],
    ['link', ['/f', '/g'], '!unsupported'],
    ['chmod', ['/f', 0o600], '!unsupported'],
    ['utimes', ['/f', 1, 2], '!unsupported'],
  ]),

  'nothing is begun at once on a mount that waits, and other mounts go on': async () => {
    const fs = await Filesystem.open({
      mounts: { '/': 'tree:page-mixed', '/v': 'volume:page-mixed', '/v/t': 'tree:page-inner' },
    });
    await fs.writeFile('/f', '');
    for (const [verb, ...args] of [
      ['readFile', '/f'],
      ['writeFile', '/new', 'x'],
      ['writeFile', '/v/t/new', 'x'],
      ['mkdir', '/new'],
      ['mkdir', '/v/t/new'],
      ['rm', '/f'],
      ['rename', '/f', '/new'],
      ['rename', '/v', '/v/t/new'],
      ['open', '/new', { create: true }],
      ['stat', '/f'],
      ['readdir', '/v/t'],
    ]) {
      const error = thrown(() => fs[`${verb}Sync`](...args));
      same(error.code, 'unsupported', `${verb} ${shown(args)}`);
      ok(error.message.includes('promise'), error.message);
    }
    fs.writeFileSync('/v/f', 'fast');
    same(text(await fs.readFile('/v/f')), 'fast');
    // What was refused was not done later either.
    await new Promise((resolve) => setTimeout(resolve, 100));
    same(names(await fs.readdir('/')), ['directory v', 'file f']);
    same(await fs.readdir('/v/t'), []);
    // What is open is read and written at once.
    const file = await fs.open('/f', { write: true });
    same(file.writeSync(new Uint8Array([1, 2])), 2);
    same(file.readSync(new Uint8Array(9), 1), 1);
    same(thrown(() => file.statSync()).code, 'unsupported');
    same((await file.stat()).size, 2);
    await file.sync();
    file.closeSync();
    for (const path of ['/f', '/v/f']) {
      await fs.rm(path);
    }
    fs.close();
  },

  'what is known of an object is told': () =>
    withMemory((fs) => {
      const before = Date.now();
      fs.writeFileSync('/f', new Uint8Array(5000), { mode: 0o640 });
      const { ino, atimeMs, ctimeMs, mtimeMs, birthtimeMs, ...stats } = fs.statSync('/f');
      const owned = { uid: 0, gid: 0 };
      const wanted = { kind: 'file', size: 5000, allocated: 8192, mode: 0o640, nlink: 1, ...owned };
      same(stats, wanted);
      ok(typeof ino === 'bigint', 'a bigint');
      for (const time of [atimeMs, ctimeMs, mtimeMs, birthtimeMs]) {
        ok(time >= before && time <= Date.now(), String(time));
      }
      fs.writeFileSync('/f', '', { mode: 0o777 });
      same(fs.statSync('/f').mode, 0o640, 'only a new file gets a mode');
      fs.utimesSync('/f', 1000.5, new Date(-1500));
      same([fs.statSync('/f').atimeMs, fs.statSync('/f').mtimeMs], [1000.5, -1500]);
      fs.symlinkSync('f', '/l');
      same([fs.statSync('/l').kind, fs.lstatSync('/l').kind], ['file', 'symlink']);
      same(fs.statSync('/').kind, 'directory');
    }),

  'a file that is open is read, written, cut and closed': () =>
    withMemory(async (fs) => {
      const file = fs.openSync('/f', { create: true, exclusive: true, mode: 0o600 });
      same(file.writeSync(new TextEncoder().encode('hello'), 2), 5);
      const into = new Uint8Array(4);
      same([file.readSync(into, 3), text(into)], [4, 'ello']);
      same(file.readSync(into, 7), 0);
      for (const at of [-1, 1.5, NaN, Infinity, 2 ** 60]) {
        same(thrown(() => file.readSync(into, at)).code, 'invalid', String(at));
        same(thrown(() => file.writeSync(into, at)).code, 'invalid', String(at));
      }
      ok(thrown(() => file.writeSync('text')) instanceof TypeError, 'no text');
      fs.renameSync('/f', '/g');
      file.truncateSync(3);
      same([file.statSync().size, fs.statSync('/g').size], [3, 3]);
      fs.rmSync('/g');
      same(file.statSync().nlink, 0);
      file.syncSync();
      file.closeSync();
      file.closeSync();
      same(thrown(() => file.readSync(into)).code, 'bad-descriptor');
      const reader = fs.openSync('/g', { create: true });
      reader.closeSync();
      const only = fs.openSync('/g');
      same(thrown(() => only.writeSync(into)).code, 'bad-descriptor');
      const log = await fs.open('/g', { append: true });
      await log.write(into, 99);
      fs.writeFileSync('/g', 'x', { append: true });
      await log.write(into);
      same((await log.stat()).size, 9);
      same(thrown(() => fs.openSync('/missing')).code, 'no-entry');
      same(thrown(() => fs.openSync('/g', { create: true, exclusive: true })).code, 'exist');
      same(fs.openSync('/').statSync().kind, 'directory');
      fs.close();
      same(thrown(() => log.readSync(into)).code, 'bad-descriptor');
      same(thrown(() => fs.statSync('/')).code, 'bad-descriptor');
    }),

  'large files go in and out whole': () =>
    withMemory((fs) => {
      const bytes = Uint8Array.from({ length: 40_000_001 }, (_, index) => index % 251);
      fs.writeFileSync('/big', bytes);
      const back = fs.readFileSync('/big');
      ok(back.length === bytes.length && back.every((byte, at) => byte === bytes[at]), 'the same');
      fs.truncateSync('/big', 2 ** 33);
      same(thrown(() => fs.readFileSync('/big')).code, 'file-too-large');
      same(fs.statSync('/big').size, 2 ** 33);
    }),

  'a directory of many entries is listed and removed': () =>
    withMemory((fs) => {
      fs.mkdirSync('/many');
      for (let index = 0; index < 3000; index += 1) {
        fs.writeFileSync(`/many/${index}`, '');
      }
      same(fs.readdirSync('/many').length, 3000);
      fs.mkdirSync(`/many/${'d/'.repeat(1000)}`, { recursive: true });
      fs.rmSync('/many', { recursive: true });
      same(fs.readdirSync('/'), []);
    }),

  'a page sees what its guests see, and may write where they may not': async () => {
    const fs = await Filesystem.open({
      mounts: { '/': 'memory:a:ro', '/in': 'memory:b', '.': 'memory:c', data: 'memory:b' },
    }).catch((error) => error);
    same(fs.code, 'no-entry', 'no place for a mount on what nobody may write');
    const two = await Filesystem.open({
      mounts: { '/': 'memory:a', '/in': 'memory:b:ro', '.': 'memory:c', data: 'memory:b' },
    });
    two.writeFileSync('/in/f', 'shared');
    same(text(two.readFileSync('data/f')), 'shared');
    same(names(two.readdirSync('.')), ['directory data']);
    same(names(two.readdirSync('/')), ['directory in']);
    same(thrown(() => two.rmSync('/in', { recursive: true })).code, 'busy');
    same(text(two.readFileSync('/in/f')), 'shared', 'what cannot go is not emptied');
    same(thrown(() => two.renameSync('/in/f', '/f')).code, 'cross-device');
    const [, guest] = two.wasi.preopens.getDirectories().map(([root]) => root);
    same(thrown(() => guest.unlinkFileAt('f')), 'not-permitted');
    two.close();
  },

  'a volume says how it is used, and gives back what is free': async () => {
    const mounts = { '/': 'volume:page-used', '/t': 'tree:page-used' };
    const fs = await Filesystem.open({ mounts });
    for (let index = 0; index < 64; index += 1) {
      fs.writeFileSync(`/${index}`, new Uint8Array(256 * 1024));
    }
    same(fs.usageSync('/').objects, 66);
    await fs.sync();
    const full = fs.usageSync('/');
    same(full.live + full.dead + full.free + full.reserved, full.size);
    same([full.live, full.gathered], [16 * 1024 * 1024, 0]);
    for (let index = 0; index < 60; index += 1) {
      fs.rmSync(`/${index}`);
    }
    let step;
    do {
      step = fs.compactSync('/', 1 << 20);
    } while (!step.done);
    same(fs.usageSync('/').size, step.size);
    ok(step.size < full.size / 2, `${step.size} of ${full.size}`);
    same(thrown(() => fs.usageSync('/t')).code, 'unsupported');
    same(thrown(() => fs.compactSync('/nowhere', 1)).code, 'no-entry');
    fs.close();
  },

  'arguments that are none are refused': () =>
    withMemory((fs) => {
      for (const path of [undefined, null, 1, {}, new Uint8Array(1)]) {
        ok(thrown(() => fs.statSync(path)) instanceof TypeError, shown(path));
      }
      ok(thrown(() => fs.writeFileSync('/f', [1])) instanceof TypeError, 'data');
    }),

  'an error says what, why and what next': () =>
    withMemory((fs) => {
      const { message } = thrown(() => fs.renameSync('/a', '/b'));
      same(
        message,
        "cannot rename '/a' ('/b'): no such file or directory; " +
          'check the path, or create what is missing',
      );
    }),
});
