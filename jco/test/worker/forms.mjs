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
  'random calls have the same answers in both forms': async () => {
    const seen = new Map();
    for (let each = seed ?? 1; each <= (seed ?? seeds); each += 1) {
      await compared(each, seen);
    }
    if (seed === undefined) {
      // They get far enough to find differences.
      const never = LINKED.filter(({ name }) => !seen.get(name)?.has('ok'));
      same(never.map(({ name }) => name), [], 'never succeeded');
    }
  },
}));

/** Answers of which both forms have their own: when it was, and which file system it is. */
function comparable(name, result) {
  if (name.startsWith('descriptor.metadata-hash') && result.ok) {
    return { ok: 'some' };
  }
  if (name.startsWith('descriptor.stat') && result.ok) {
    return { ok: { ...result.ok, times: result.ok.times.map((time) => time && time[0] < 9999n ? time : time !== null) } };
  }
  return result;
}

async function compared(seed, seen) {
  const random = new Random(seed);
  const forms = ['hybrid', 'classes'];
  const systems = await Promise.all(forms.map(() => empty('memory', { '/other': 'memory' })));
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
      const after = 'failed' in result ? [guest.ask('error.to-debug-string', result.failed), guest.ask('filesystem-error-code', result.failed)] : [];
      return [result.trap ? { trap: true } : comparable(name, result), ...after, systems[guests.indexOf(guest)].resources];
    });
    same(one, other, what);
    const [result] = one;
    const outcomes = seen.get(name) ?? new Set();
    seen.set(name, outcomes.add(Object.keys(result)[0]));
    if (result.trap) {
      // A guest ends there.
      systems.forEach((fs) => fs.release());
      same(systems.map(({ resources }) => resources), [0, 0], what);
      guests = await Promise.all(forms.map(start));
      handles = fresh(guests);
    } else {
      keep(handles, name, args, result);
    }
  }
  for (const kind of Object.keys(DROPS)) {
    for (const handle of handles[kind]) {
      guests.forEach((guest) => ok(!guest.call(DROPS[kind], handle).trap, `${DROPS[kind]} ${handle}`));
    }
  }
  same(systems.map(({ resources }) => resources), [0, 0], `seed ${seed}`);
  same(Object.values(guests[0].handles()), [0, 0, 0, 0, 0], `seed ${seed}`);
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
  const [roots, others] = guests.map((guest) => guest.ask('get-directories').map(([handle]) => handle));
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

const CHOICES = CALLS.filter(({ from, name }) => !from.startsWith('wasi:cli') && name !== 'poll' && name !== 'get-directories' && name !== 'pollable.block');
/** How many more of what makes something, or seldom succeeds. */
const MORE = {
  'descriptor.open-at': 8,
  'descriptor.write': 3,
  'descriptor.symlink-at': 2,
  'descriptor.link-at': 5,
  'output-stream.check-write': 3,
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
        return [this.below(3), this.pick([0n, 7n, -1n, 1n << 40n]), this.pick([0, 5, 999_999_999, 1_000_000_000, -1])];
      case 'N':
        return [this.pick([0n, 1n, 5n, 4096n, 65_536n, 65_537n, 1n << 20n, -1n, (1n << 63n) - 1n, BigInt(this.below(9999))])];
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
