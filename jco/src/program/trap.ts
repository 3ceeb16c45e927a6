// How a program that was ended by a trap is told of.

/** How many of the innermost functions are named. */
const FRAMES = 8;

/** What happened, and in a program where. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const frames = error.stack?.split('\n').filter((line) => line.includes('wasm-function')) ?? [];
  const names = frames.slice(0, FRAMES).map((line) => `    at ${functionOf(line)}`);
  return [`${error.name}: ${error.message}`, ...names].join('\n');
}

/** What a line of a stack names: `at NAME (URL)` in Chromium, `NAME@URL` in Firefox. */
function functionOf(line: string): string {
  const name = line.replace(/^\s*at /, '').replace(/(\s*\(.*\)|@\w+:\/\/.*)$/, '');
  const [index = ''] = /wasm-function\[\d+\]/.exec(line) ?? [];
  // One that has no name is where it is.
  return name === '' || name.includes(index) ? index : name;
}
