// Random calls of a component, whose answers are the same in both forms of what it imports.

import { CALLS } from './calls.mjs';
import { ok, run, same, shown } from './checks.mjs';
import { Guest, empty } from './guest.mjs';

/** The functions that are linked directly, and have a result that may be an error. */
const LINKED = CALLS.filter(
  ({ name, kinds }) =>
    /^(descriptor|directory-entry-stream|input-stream|output-stream)\./.test(name) &&
    kinds.endsWith('r'),
);

run(({ seeds, seed }) => ({
  'both stand on the same files': async () => {
    const fs = await empty();
    const guests = await Promise.all(['hybrid', 'classes'].map((form) => Guest.start(form, fs)));
    const [one, other] = guests.map((guest) => ({
      guest,
      root: guest.ask('get-directories')[0][0],
    }));
    const open = ({ guest, root }, name) =>
      guest.ask('descriptor.open-at', root, 0, ...guest.put(name), 1, 3).ok;
    const calls = ({ root, file }, path) => [
      ['descriptor.stat', file],
      ['descriptor.stat', root],
      ['descriptor.stat-at', root, 1, ...path],
      ['descriptor.metadata-hash', file],
      ['descriptor.metadata-hash-at', root, 0, ...path],
      ['descriptor.get-type', root],
      ['descriptor.get-flags', file],
      ['descriptor.get-flags', root],
      ['descriptor.read', file, 100n, 2n],
      ['descriptor.readlink-at', root, ...path],
      ['descriptor.is-same-object', file, root],
      ['descriptor.is-same-object', file, file],
      ['descriptor.advise', file, -1n, 5n, 3],
    ];
    const answers = (on) => {
      const path = on.guest.put('file');
      return calls(on, path).map((call) =>
        call[0].endsWith('object') ? on.guest.call(...call) : on.guest.ask(...call),
      );
    };
    [one.file, other.file] = [open(one, 'file'), open(other, 'file')];
    const write = ({ guest, file }, text, offset) => {
      const answer = guest.ask('descriptor.write', file, ...guest.put(text), offset);
      same(answer, { ok: BigInt(text.length) });
      // So that no read is noted in the file's times.
      const future = guest.ask('descriptor.set-times', file, 2, 1n << 32n, 0, 0, 0n, 0);
      same(future, { ok: null });
    };
    write(one, 'from the one', 0n);
    same(answers(one), answers(other));
    write(other, 'and from the other', 3n);
    same(answers(other), answers(one));
    const [symlink, target] = [other.guest.put('link'), other.guest.put('file', 5000)];
    other.guest.ask('descriptor.symlink-at', other.root, ...target, ...symlink);
    const link = one.guest.put('link');
    same(one.guest.ask('descriptor.readlink-at', one.root, ...link), { ok: 'file' });
    for (const { guest, file, root } of [one, other]) {
      guest.call('drop-descriptor', file);
      guest.call('drop-descriptor', root);
    }
    same(fs.resources, 0);
    fs.close();
  },

  'both tell a tracer the same': async () => {
    for (let each = 1; each <= 4; each += 1) {
      await compared(each, new Map(), true);
    }
  },

  'calls with any numbers do no harm': async () => {
    const fs = await empty();
    const outcomes = new Set();
    for (let each = seed ?? 1; each <= (seed ?? seeds); each += 1) {
      await hostile(fs, each, outcomes);
      await fs.writeFile('/good', `text ${each}`);
      same(new TextDecoder().decode(await fs.readFile('/good')), `text ${each}`);
      fs.release();
      same(fs.resources, 0);
    }
    fs.close();
    ok(outcomes.size > (seed === undefined ? 6 : 0), [...outcomes].join('; '));
  },

  'random calls have the same answers in both forms': async () => {
    const seen = new Map();
    for (let each = seed ?? 1; each <= (seed ?? seeds); each += 1) {
      await compared(each, seen);
    }
    if (seed === undefined) {
      // They get far enough to find differences.
      const never = LINKED.filter(({ name }) => !seen.get(name)?.has('ok'));
      same(
        never.map(({ name }) => name),
        [],
        'never succeeded',
      );
    }
  },
}));

/** Answers of which both forms have their own: when it was, and which file system it is. */
function comparable(name, result) {
  if (name.startsWith('descriptor.metadata-hash') && result.ok) {
    return { ok: 'some' };
  }
  if (name.startsWith('descriptor.stat') && result.ok) {
    return {
      ok: {
        ...result.ok,
        times: result.ok.times.map((time) => (time && time[0] < 9999n ? time : time !== null)),
      },
    };
  }
  return result;
}

/** Why a guest ends. */
const ENDS = new RegExp(
  '^(unknown handle index \\d+|a pointer (is not aligned|leads out of the memory)|' +
    'a text is not UTF-8|a case is none)$',
);

/** A guest that passes any numbers at all, and whose `realloc` is no better. */
async function hostile(fs, seed, outcomes) {
  const random = new Random(seed);
  const guest = await Guest.start('hybrid', fs, { stdout: { write() {} } });
  const handles = fresh([guest]);
  const calls = LINKED.filter(({ name }) => !name.includes('splice'));
  for (let step = 0; step < 600; step += 1) {
    for (let at = 4096; at < 4112; at += 1) {
      guest.view.setUint8(at, random.pick([97, 98, 99, 46, 47, 47, 0, 255]));
    }
    const { name, kinds } = random.pick(calls);
    const result = random.below(3) === 0 ? random.number() : 512;
    const good = [...kinds.slice(0, -1)].flatMap((kind) => random.argument(kind, handles));
    const args = good.map((argument) =>
      argument === undefined || random.below(12) === 0 ? random.number(argument) : argument,
    );
    guest.core.mode.value = random.pick([0, 0, 0, 1, 2, 4]);
    guest.core.place.value = random.number();
    const { trap } = guest.call(name, ...args, result);
    const what = `seed ${seed}, step ${step}: ${name} ${shown(args)} at ${result}`;
    if (trap) {
      ok(ENDS.test(trap.message), `${what}: ${trap.stack}`);
      outcomes.add(trap.message.replace(/\d+/, 'N'));
    } else if (MAKES[name] && result === 512) {
      const made = guest.result(name, result);
      outcomes.add(Object.keys(made)[0]);
      if (made.ok) {
        handles[MAKES[name]].push(made.ok);
      }
    } else {
      outcomes.add('answered');
    }
  }
}

/** What is told of a call, without the numbers that both file systems have of their own. */
function apart({ us, descriptor, result, ...event }) {
  ok(us >= 0 && (result === undefined || result >= 0), event.call);
  return { ...event, on: typeof descriptor };
}

/** Has a guest of each form make the same random calls, and compares what comes of each. */
async function compared(seed, seen, traced = false) {
  const random = new Random(seed);
  const forms = ['hybrid', 'classes'];
  const told = [[], []];
  const opened = forms.map((_, index) =>
    empty('memory', {
      mounts: { '/other': 'memory' },
      trace: traced ? (event) => void told[index].push(apart(event)) : undefined,
    }),
  );
  const systems = await Promise.all(opened);
  const start = (form, index) => Guest.start(form, systems[index], { stdout: { write() {} } });
  let guests = await Promise.all(forms.map(start));
  let handles = fresh(guests);
  for (let step = 0; step < 400; step += 1) {
    const { name, kinds } = random.pick(CHOICES);
    // Of handles that are none jco makes objects in the place of a trap.
    if ([...kinds].some((kind) => handles[kind]?.length === 0)) {
      continue;
    }
    const args = [...kinds.replace(/r$/, '')].flatMap((kind) => random.argument(kind, handles));
    const texts = random.texts();
    const [mode, place] = random.below(8) === 0 ? [1, 0] : [0, 0];
    const what = `seed ${seed}, step ${step}: ${name} ${shown(args)}`;
    const [one, other] = guests.map((guest) => {
      for (const [at, text] of texts) {
        guest.put(text, at);
      }
      guest.core.mode.value = mode;
      guest.core.place.value = place;
      const asked = kinds.endsWith('r') ? guest.ask(name, ...args) : guest.call(name, ...args);
      const result = Object(asked) === asked ? asked : { answer: asked };
      const after =
        'failed' in result
          ? [
              guest.ask('error.to-debug-string', result.failed),
              guest.ask('filesystem-error-code', result.failed),
            ]
          : [];
      return [
        result.trap ? { trap: true } : comparable(name, result),
        ...after,
        systems[guests.indexOf(guest)].resources,
      ];
    });
    same(one, other, what);
    const [result] = one;
    const outcomes = seen.get(name) ?? new Set();
    seen.set(name, outcomes.add(Object.keys(result)[0]));
    if (result.trap) {
      // A guest ends there.
      systems.forEach((fs) => fs.release());
      same(
        systems.map(({ resources }) => resources),
        [0, 0],
        what,
      );
      guests = await Promise.all(forms.map(start));
      handles = fresh(guests);
    } else {
      keep(handles, name, args, result);
    }
  }
  for (const kind of Object.keys(DROPS)) {
    for (const handle of handles[kind]) {
      guests.forEach((guest) =>
        ok(!guest.call(DROPS[kind], handle).trap, `${DROPS[kind]} ${handle}`),
      );
    }
  }
  same(
    systems.map(({ resources }) => resources),
    [0, 0],
    `seed ${seed}`,
  );
  same(told[0], told[1], `seed ${seed}`);
  ok(!traced || told[0].length > 20, `${told[0].length} calls told`);
  same(Object.values(guests[0].handles()), traced ? [] : [0, 0, 0, 0, 0], `seed ${seed}`);
  systems.forEach((fs) => fs.close());
}

const DROPS = {
  d: 'drop-descriptor',
  e: 'drop-directory-entry-stream',
  i: 'drop-input-stream',
  o: 'drop-output-stream',
  x: 'drop-error',
  p: 'drop-pollable',
};

/** What a guest begins with. */
function fresh(guests) {
  const all = guests.map((guest) => guest.ask('get-directories').map(([handle]) => handle));
  const [roots, others = roots] = all;
  same(roots, others);
  return { d: [...roots], e: [], i: [], o: [], x: [], p: [] };
}

const MAKES = {
  'descriptor.open-at': 'd',
  'descriptor.read-directory': 'e',
  'descriptor.read-via-stream': 'i',
  'descriptor.write-via-stream': 'o',
  'descriptor.append-via-stream': 'o',
};

/** Remembers the handles that there are. */
function keep(handles, name, args, result) {
  const made = MAKES[name];
  if (made && 'ok' in result) {
    handles[made].push(result.ok);
  }
  if ('failed' in result) {
    handles.x.push(result.failed);
  }
  if (name.endsWith('.subscribe')) {
    handles.p.push(result.answer);
  }
  const dropped = Object.keys(DROPS).find((kind) => DROPS[kind] === name);
  if (dropped) {
    handles[dropped] = handles[dropped].filter((handle) => handle !== args[0]);
  }
}

const CHOICES = CALLS.filter(
  ({ from, name }) =>
    !from.startsWith('wasi:cli') &&
    name !== 'poll' &&
    name !== 'get-directories' &&
    name !== 'pollable.block',
);
/** How many more of what makes something, or seldom succeeds. */
const MORE = {
  'descriptor.open-at': 8,
  'descriptor.write': 3,
  'descriptor.symlink-at': 2,
  'descriptor.link-at': 5,
  'descriptor.rename-at': 2,
  'descriptor.readlink-at': 2,
  'output-stream.check-write': 3,
  'output-stream.splice': 2,
  'output-stream.blocking-splice': 2,
};
for (const { name } of [...CHOICES]) {
  const call = CHOICES.find((call) => call.name === name);
  const more = MORE[name] ?? 0;
  CHOICES.push(...Array.from({ length: more }, () => call));
}

/** Numbers from a seed, and arguments of them. */
class Random {
  #state;

  constructor(seed) {
    this.#state = seed;
  }

  below(bound) {
    // A linear congruential generator: a test needs no better one.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  pick(values) {
    return values[this.below(values.length)];
  }

  /** One with a sign, as WebAssembly hands it on; of 64 bits in the place of such. */
  number(like = 0) {
    const edges = [0, 1, 65_535, 131_071, 131_072, 2 ** 31, -8, -1];
    const number =
      (this.below(2) === 0 ? this.pick(edges) : this.below(this.pick([16, 4200, 140_000]))) | 0;
    return typeof like === 'bigint' ? BigInt(number) : number;
  }

  /** What is at the places of paths and of bytes. */
  texts() {
    const part = () => this.pick(['a', 'b', 'c', 'd', '.', '..', '', 'long'.repeat(70), 'e']);
    const path = () => (this.below(3) === 0 ? `${part()}/${part()}` : part());
    this.paths = [4096, 6144].map((at) => [at, path()]);
    return this.paths;
  }

  argument(kind, handles) {
    if (kind in handles) {
      return [this.pick(handles[kind])];
    }
    switch (kind) {
      case 'P': {
        const length = this.below(60) === 0 ? this.pick([0, 300, 5000, -1]) : this.below(4);
        return [this.below(60) === 0 ? -1 : this.pick([4096, 6144]), length];
      }
      case 'B':
        // Of bytes outside of the memory jco takes what is inside.
        return [4096, this.pick([0, 1, 5, 4096, 4097, 60_000])];
      case 'T':
        return [
          this.below(3),
          this.pick([0n, 7n, -1n, 1n << 40n]),
          this.pick([0, 5, 999_999_999, 1_000_000_000, -1]),
        ];
      case 'N':
        return [
          this.pick([
            0n,
            1n,
            5n,
            4096n,
            65_536n,
            65_537n,
            1n << 20n,
            -1n,
            (1n << 63n) - 1n,
            BigInt(this.below(9999)),
          ]),
        ];
      case 'f':
        return [this.below(2)];
      case 'O':
        return [this.pick([0, 0, 1, 1, 2, 3, 5, 8, 9, this.below(16)])];
      case 'F':
        return [this.pick([0, 1, 2, 3, 3, 3, 32, 33, 35, this.below(64)])];
      default:
        return [this.below(6)];
    }
  }
}
