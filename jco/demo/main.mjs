// node main.mjs [--port N] [--headless [--screenshot FILE]] [--files NAME=FOLDER]...
//     NAME=PROGRAM.wasm...
// `cargo xtask demo` makes or fetches the programs and calls this; a folder is what a program
// needs at the root of its files.

import { parseArgs } from 'node:util';

import { serve } from './serve.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', multiple: true, default: [] },
    headless: { type: 'boolean', default: false },
    port: { type: 'string', default: '0' },
    screenshot: { type: 'string' },
  },
});

const pair = (given) => given.split(/=(.*)/s, 2);
const files = new Map(values.files.map(pair));
const programs = positionals
  .map(pair)
  .map(([id, program]) => ({ id, program, files: files.get(id) }));
const server = await serve(programs, Number(values.port)).catch((error) => {
  const taken = `port ${values.port} is in use; give another with --port`;
  const other = `the page cannot be served: ${error.message}`;
  console.error(error.code === 'EADDRINUSE' ? taken : other);
  process.exit(1);
});

if (values.headless) {
  const { drive } = await import('./drive.mjs');
  let code = 0;
  try {
    await drive('chromium', server, values.screenshot);
    await drive('firefox', server);
  } catch (error) {
    console.error(`✗ ${error.message}`);
    code = 1;
  }
  server.close();
  process.exit(code);
}

const stop = () => {
  server.close();
  process.exit(0);
};
process.on('SIGINT', stop).on('SIGTERM', stop);
// Whoever started this holds the other end of its input.
process.stdin.on('end', stop).on('error', stop).resume();
console.log(`The demo is at http://localhost:${server.port}/  (Ctrl+C ends it)`);
