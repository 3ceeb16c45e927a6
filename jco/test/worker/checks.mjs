// Runs checks in a worker, and posts what became of each.

/** What `value` is, as text that tells bigints, bytes and thrown things apart. */
export function shown(value) {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner === 'bigint') return `${inner}n`;
    if (inner === undefined) return 'undefined';
    if (inner instanceof Uint8Array) return `bytes ${[...inner].join(' ')}`;
    return inner;
  });
}

export function same(actual, expected, what = '') {
  if (shown(actual) !== shown(expected)) {
    throw new Error(`${what}: ${shown(actual)}, not ${shown(expected)}`);
  }
}

export function ok(condition, what) {
  if (!condition) {
    throw new Error(what);
  }
}

/** What `call` throws; nothing thrown is a failure. */
export function thrown(call) {
  try {
    const answer = call();
    throw new Error(`answered ${shown(answer)}`);
  } catch (error) {
    return error;
  }
}

/** Makes checks; what became of each. */
export async function results(checks) {
  const results = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      results.push({ name });
    } catch (error) {
      // Not every engine has the message in the stack.
      const failure =
        error instanceof Error ? `${error}\n${error.stack}` : `thrown: ${shown(error)}`;
      results.push({ name, failure });
    }
  }
  return results;
}

/** Makes checks, or those that a function makes of the message. */
export function run(checks) {
  addEventListener('message', async ({ data }) => {
    postMessage(await results(typeof checks === 'function' ? checks(data) : checks));
  });
}
