// A peer's worker: takes one request, and posts what it found, phase by phase.

import { FULL, PHASES, TINY, WARM, Work, plan } from './phases.mjs';
import { raw, warm, wipe } from './storage.mjs';

/** Until when a phase may go on; what it did by then counts for all of it. */
const BUDGET_MS = 4000;
/** A fast peer is not asked for the time after every call. */
const CALLS_BETWEEN_LOOKS = 32;

const isPromise = (answer) => typeof answer?.then === 'function';

/** Calls a phase's step as often as it wants, or until the time is over. */
async function repeat({ count, step }, budget) {
  const deadline = performance.now() + budget;
  for (let number = 0; number < count; number++) {
    const answer = step(number);
    const waits = isPromise(answer);
    if (waits) {
      await answer;
    }
    const looks = waits || number % CALLS_BETWEEN_LOOKS === 0;
    if (looks && performance.now() > deadline) {
      return number + 1;
    }
  }
  return count;
}

/** Runs one phase; milliseconds. */
async function measure(peer, name, work, budget) {
  const { writes, prepare, hidden } = PHASES[name];
  if (writes && budget) {
    const { handle, remove } = await raw('warm');
    warm(handle, writes(work.counts));
    await remove();
  }
  await peer.stored?.();
  const phase = await prepare(work);
  // What must be whole is not cut.
  const limit = hidden || !budget ? Infinity : budget;
  const begun = performance.now();
  const done = await repeat(phase, limit);
  await phase.close?.();
  const returned = performance.now();
  await peer.stored?.();
  const stored = performance.now();
  await peer.flush?.();
  const flushed = performance.now();
  try {
    await phase.check(done);
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
  await peer.stored?.();
  const scale = (phase.of ?? phase.count) / done;
  return {
    ms: (stored - begun) * scale,
    calls_ms: (returned - begun) * scale,
    flush_ms: peer.flush && scale === 1 ? flushed - stored : null,
    cut: scale !== 1,
  };
}

/** Lets the engine compile what the phases call, then begins anew. */
async function warmCode(peer, names) {
  const slow = peer.waits || peer.slow;
  for (let round = 0; round < (slow ? 1 : 10); round++) {
    const work = new Work(peer, `/warm${round}`, slow ? TINY : WARM);
    await peer.mkdir(work.top);
    for (const name of names) {
      await measure(peer, name, work, 0);
    }
  }
  await peer.close();
  await peer.forget?.();
  await wipe();
  await peer.open();
}

async function runPhases(peer, { phases, tiny }, post) {
  const names = plan(peer, phases);
  await peer.open();
  if (!tiny) {
    await warmCode(peer, names);
  }
  const work = new Work(peer, '/work', tiny ? TINY : FULL);
  await peer.mkdir(work.top);
  for (const name of names) {
    post({ at: name });
    const found = await measure(peer, name, work, tiny ? 0 : BUDGET_MS);
    if (phases.includes(name) && !PHASES[name].hidden) {
      post({ phase: name, stored: peer.stored !== undefined, ...found });
    }
  }
  await peer.close();
}

/** Serves requests with this peer, and with the parts that it can be asked for. */
export function serve(peer, parts = {}) {
  onmessage = async ({ data: request }) => {
    const post = (found) => postMessage(found);
    try {
      if (!request.keep) {
        await wipe();
      }
      if (request.part) {
        post({ found: await parts[request.part](request, post) });
      } else {
        await runPhases(peer, request, post);
      }
      post({ done: true });
    } catch (error) {
      const stack = String(error?.stack ?? '');
      post({ error: stack.includes(error.message) ? stack : `${error}\n${stack}` });
    }
  };
}
