// What the tests share: programs built from source, the command line, and pages in
// a real Chromium.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { ORIGIN, start as startBrowser } from '../dist/run/engines.js';

// Whatever other browsers run on this machine, the temporary profiles found here are ours.
process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'wasi-opfs-test-'));
process.once('exit', () => rmSync(process.env.TMPDIR, { recursive: true, force: true }));

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Builds programs/tool.rs, unless it is there already. */
export const tool = (target = 'wasm32-wasip2') => program('tool', target);

/** Builds a program of programs/. */
export function program(name, target) {
  const source = here(`programs/${name}.rs`);
  const version = execFileSync('rustc', ['--version']);
  const hash = createHash('sha256').update(readFileSync(source)).update(version).update(target);
  const directory = here('../node_modules/.cache/wasi-opfs-test');
  const file = join(directory, `${name}-${hash.digest('hex').slice(0, 16)}.wasm`);
  if (!existsSync(file)) {
    mkdirSync(directory, { recursive: true });
    const unfinished = `${file}.${process.pid}`;
    const flags = ['--edition', '2024', '--target', target, '-C', 'opt-level=s', '-C', 'strip=debuginfo'];
    execFileSync('rustc', [...flags, '-o', unfinished, source], { stdio: 'inherit' });
    renameSync(unfinished, file);
  }
  return file;
}

/** A directory that is gone when the test is over. */
export function scratch(t, parent = tmpdir()) {
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'wasi-opfs-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

export const COMMAND = here('../bin/wasi-opfs.mjs');

/** Starts the command line. */
export function start(args, options = {}) {
  return spawn(process.execPath, [COMMAND, ...args], { stdio: 'pipe', ...options });
}

/** Runs the command line to its end. */
export async function command(args, { input = '', ...options } = {}) {
  const child = start(args, options);
  child.stdin.on('error', () => {}).end(input);
  const [stdout, stderr, code] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    new Promise((resolve) => child.on('close', resolve)),
  ]);
  return { code, bytes: stdout, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Runs jobs of the command line; their results. */
export async function batch(t, jobs, ...options) {
  const file = join(scratch(t), 'batch');
  const lines = jobs.map((job) => (typeof job === 'string' ? job : JSON.stringify(job)));
  writeFileSync(file, `${lines.join('\n')}\n\n`);
  const { code, stdout, stderr } = await command(['run', '--batch', file, ...options]);
  assert.equal(code, 0, stderr);
  const results = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(results.length, jobs.length);
  return results;
}

const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };

/**
 * Has the checks of worker/NAME.mjs made in a worker of Chromium, beside files by their names,
 * and tells of each as a test of its own. There are more than `least`.
 */
export async function checkInWorker(t, name, { message, files = {}, least = 0 } = {}) {
  const directory = scratch(t);
  await build({
    entryPoints: [here(`worker/${name}.mjs`)],
    outdir: directory,
    bundle: true,
    format: 'esm',
  });
  for (const [file, contents] of Object.entries(files)) {
    writeFileSync(join(directory, file), contents);
  }
  const { worker, close } = await openPage(directory);
  t.after(close);
  const results = await worker(`${name}.js`, message);
  assert.ok(results.length > least);
  for (const { name, failure } of results) {
    await t.test(name, () => assert.equal(failure, undefined));
  }
}

/**
 * A page of an engine that serves `directory`, and runs its modules as workers: what they post
 * is the answer. `requests` are the paths that were asked for.
 */
export async function openPage(directory, engine = 'chromium') {
  const requests = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://host');
    requests.push(pathname);
    const file = join(directory, pathname);
    const type = TYPES[extname(file)];
    if (type && existsSync(file)) {
      response.writeHead(200, { 'content-type': type }).end(readFileSync(file));
    } else if (type) {
      response.writeHead(404).end();
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await startBrowser(engine, { port: server.address().port });
  const page = await browser.open(`${ORIGIN}/`);
  return {
    page,
    requests,
    worker: (module, message) =>
      page.evaluate(
        ([module, message]) =>
          new Promise((resolve, reject) => {
            const worker = new Worker(module, { type: 'module' });
            worker.onmessage = ({ data }) => {
              resolve(data);
              worker.terminate();
            };
            worker.onerror = (event) => reject(new Error(event.message));
            worker.postMessage(message);
          }),
        [module, message],
      ),
    close: async () => {
      await browser.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
