// What the tests in real browsers share: guests that are built, a page at an address that
// stays the same, and browsers that come and go on one profile.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';

import { build } from 'esbuild';

import { prepare } from '../../dist/run/program.js';
import { start } from '../../dist/run/engines.js';

const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** How long anything may take that a test waits for. */
const PATIENCE_MS = 60_000;

/** `promise`, or an error that says what did not come. */
export async function within(what, promise, ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Builds a guest program, and makes it ready for a browser. */
async function guest(name) {
  const root = join(import.meta.dirname, '../../..');
  const cargo = process.env.CARGO ?? 'cargo';
  const flags = ['--target', 'wasm32-wasip2', '--profile', 'guest'];
  const environment = { ...process.env, CARGO_TARGET_DIR: join(root, 'target') };
  execFileSync(cargo, ['build', '--quiet', '-p', 'guest-tests', '--bin', name, ...flags], {
    cwd: root,
    env: environment,
    stdio: 'inherit',
  });
  const how = { waits: false, adapter: false };
  return prepare(join(root, 'target/wasm32-wasip2/guest', `${name}.wasm`), how);
}

/** One server and one profile for a test, on which `engine` is started again and again. */
export class Stage {
  /** Is called with each line that a guest brought. */
  heard = () => {};
  #folder = mkdtempSync(join(tmpdir(), 'wasi-opfs-engines-'));
  #programs = new Map();
  #modules;
  #browser;
  #server = createServer((request, response) => this.#serve(request, response));

  /** `modules`: preview1 programs that are built already, by name. */
  static async open(t, engine, programs, modules = {}) {
    const stage = new Stage();
    stage.engine = engine;
    stage.#modules = modules;
    t.after(() => stage.#close());
    for (const name of programs) {
      stage.#programs.set(name, await guest(name));
    }
    await build({
      entryPoints: [join(import.meta.dirname, 'worker.mjs')],
      outdir: join(stage.#folder, 'www'),
      bundle: true,
      format: 'esm',
      external: ['/programs/*'],
      logLevel: 'warning',
    });
    await new Promise((resolve) => stage.#server.listen(0, '127.0.0.1', resolve));
    return stage;
  }

  /** A guest as the worker takes it. */
  program(name) {
    const { id, files } = this.#programs.get(name);
    const modules = [...files.keys()].filter((name) => name.endsWith('.wasm'));
    return { url: `/programs/${id}/component.js`, modules };
  }

  /** A page with a worker in it; the engine is started on the profile unless it runs. */
  async start(options = {}) {
    const profile = join(this.#folder, 'profile');
    this.#browser ??= await within('the browser', start(this.engine, { profile, ...options }));
    const browser = this.#browser;
    const { port } = this.#server.address();
    const page = await within('the page', browser.open(`http://127.0.0.1:${port}/`, console.error));
    /** What the worker answers to an order. */
    const tell = (order, argument) =>
      page.evaluate(
        ([order, argument]) =>
          new Promise((resolve, reject) => {
            const worker = (globalThis.worker ??= new Worker('/worker.js', { type: 'module' }));
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = ({ message }) => reject(new Error(message));
            worker.postMessage({ order, argument });
          }),
        [order, argument],
      );
    const ask = async (order, argument) => {
      const { answer, error } = await within(order, tell(order, argument));
      if (error !== undefined) {
        throw Object.assign(new Error(error.message), error);
      }
      return answer;
    };
    return { page, ask };
  }

  /** Kills the browser, at once; returns when nothing is left of it. */
  async kill() {
    const browser = this.#browser;
    this.#browser = undefined;
    await browser?.kill();
  }

  async stop() {
    await within('the end of the browser', this.#browser.close());
    this.#browser = undefined;
  }

  #serve(request, response) {
    const { pathname, search } = new URL(request.url, 'http://host');
    if (pathname === '/line') {
      // The answer goes first: who kills now, kills what is free to go on.
      response.end();
      this.heard(decodeURIComponent(search.slice(1)));
      return;
    }
    const [, top, id, name] = pathname.split('/');
    const program = [...this.#programs.values()].find((program) => program.id === id);
    const file =
      top === 'modules'
        ? this.#modules[id]
        : top === 'programs' && program
          ? program.files.get(name)
          : join(this.#folder, 'www', basename(pathname));
    const type = TYPES[extname(file ?? '')];
    if (type && existsSync(file)) {
      response.writeHead(200, { 'content-type': type }).end(readFileSync(file));
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    }
  }

  async #close() {
    await this.kill();
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
