// Runs the behaviour suite of the backends in a dedicated worker of a real
// Chromium: `node contract.mjs FOLDER [TEXT]`, where FOLDER holds the suite as
// wasm-bindgen made it for the web (one .js, one .wasm), and TEXT picks the cases
// that contain it. The browser is $CHROME, or a Chromium on the PATH.

import { readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { start } from '../dist/run/engines.js';

const CASE_MS = 60_000;
/** What a case of the kind `full` finds free. */
const LITTLE = 24 * 1024 * 1024;
const TYPES = { js: 'text/javascript', wasm: 'application/wasm', html: 'text/html' };

const [folder, text = ''] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node contract.mjs FOLDER [TEXT]');
  process.exit(2);
}

/** Serves the suite and an empty page, on a secure origin. */
async function serve() {
  const files = await readdir(folder, { recursive: true });
  const [module, wasm] = ['.js', '.wasm'].map((end) => files.find((name) => !name.includes('/') && name.endsWith(end)));
  if (module === undefined || wasm === undefined) {
    throw new Error(`${folder} holds no suite; make it with wasm-bindgen, target web`);
  }
  const worker = `
    const suite = import('/${module}').then(async (suite) => {
      await suite.default({ module_or_path: '/${wasm}' });
      return suite;
    });
    // A panic is thrown in a task of its own.
    const failed = ({ message, reason }) => postMessage({ error: String(message ?? reason) });
    addEventListener('error', failed);
    addEventListener('unhandledrejection', failed);
    onmessage = async ({ data: [name, ...args] }) => {
      try {
        postMessage({ answer: await (await suite)[name](...args) });
      } catch (error) {
        postMessage({ error: String(error) });
      }
    };`;
  const server = createServer(async ({ url }, response) => {
    const name = new URL(url, 'http://host').pathname.slice(1);
    const type = TYPES[name.split('.').pop()] ?? TYPES.html;
    let body = '<!doctype html><title>suite</title>';
    if (name === 'suite-worker.js') body = worker;
    else if (files.includes(name)) body = await readFile(join(folder, name));
    response.writeHead(200, { 'content-type': type }).end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

/** Calls an export in the page's worker, which is made if there is none. */
function call(page, ms, ...message) {
  return page.evaluate(
    ([ms, message]) =>
      new Promise((settle) => {
        globalThis.worker ??= new Worker('/suite-worker.js', { type: 'module' });
        const finish = (result, keep) => {
          clearTimeout(timer);
          if (!keep) {
            // What is left of a failed case must not meet the next one.
            globalThis.worker.terminate();
            globalThis.worker = undefined;
          }
          settle(result);
        };
        const timer = setTimeout(() => finish({ error: `no answer after ${ms} ms` }), ms);
        globalThis.worker.onmessage = ({ data }) => finish(data, 'answer' in data);
        globalThis.worker.onerror = ({ message }) => finish({ error: String(message) });
        globalThis.worker.postMessage(message);
      }),
    [ms, message],
  );
}

/** What went wrong in a case, if anything did. */
async function run(page, name, ...args) {
  const { answer, error } = await call(page, CASE_MS, name, ...args);
  return error ?? answer;
}

async function limitSpace(page, bytes) {
  const session = await page.createCDPSession();
  const { origin } = new URL(page.url());
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: bytes });
}

/** A directory's rename whose worker ends in the middle. */
async function killed(page) {
  for (let attempt = 0; ; attempt++) {
    const prepared = await run(page, 'killedRename', 'prepare');
    if (prepared !== undefined) return prepared;
    // The middle comes sooner or later, by the machine: from 20 ms to a second.
    await call(page, 20 * 1.4 ** attempt, 'killedRename', 'rename');
    const answer = await run(page, 'killedRename', 'check');
    const missed = answer?.includes('killed in the middle');
    if (!missed || attempt === 12) return answer;
    const removed = await run(page, 'killedRename', 'remove');
    if (removed !== undefined) return removed;
  }
}

async function main(page) {
  const { answer: cases, error } = await call(page, CASE_MS, 'testCases');
  if (cases === undefined) throw new Error(`the suite does not load: ${error}`);
  const picked = cases.filter((name) => name.includes(text));
  let [passed, failed] = [0, 0];
  const count = (name, failure) => {
    if (failure === undefined) passed += 1;
    else {
      failed += 1;
      console.log(`FAILED ${name}: ${failure}`);
    }
  };
  let limited = false;
  for (const name of picked) {
    const [kind, what] = name.split(' ');
    if (kind === 'full' && !limited) {
      const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage);
      await limitSpace(page, used + LITTLE);
      limited = true;
    }
    count(name, await run(page, 'runTestCase', kind, what));
  }
  if (limited) await limitSpace(page, undefined);
  const last = 'opfs a_killed_rename_of_a_directory_loses_no_file';
  if (last.includes(text)) count(last, await killed(page));
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0;
}

const server = await serve();
let browser;
try {
  browser = await start('chromium');
  const page = await browser.open(`http://127.0.0.1:${server.address().port}/`);
  process.exitCode = (await main(page)) ? 0 : 1;
} finally {
  await browser?.close();
  server.close();
  server.closeAllConnections();
}
