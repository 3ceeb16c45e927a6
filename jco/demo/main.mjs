// node main.mjs [--port N] [--headless [--screenshot FILE]] NAME=PROGRAM.wasm ...
// `cargo xtask demo` builds the programs and calls this.

import { parseArgs } from 'node:util';

import { serve } from './serve.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    headless: { type: 'boolean', default: false },
    port: { type: 'string', default: '0' },
    screenshot: { type: 'string' },
  },
});

const programs = Object.fromEntries(positionals.map((given) => given.split(/=(.*)/s, 2)));
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
    await drive(server.port, values.screenshot);
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
