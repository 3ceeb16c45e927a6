// Runs jobs in one browser, which is started for the first of them.

import { stat } from 'node:fs/promises';
import { basename, sep } from 'node:path';

import type { Page } from 'puppeteer-core';

import { parseMount } from '../mount.js';
import { type Browser, type Engine, ORIGIN, start } from './engines.js';
import type { Job } from './options.js';
import { NotStarted, prepare } from './program.js';
import {
  NO_FILES,
  type PageJob,
  type Task,
  type TaskOrder,
  failedCode,
} from './protocol.js';
import { type JobEnd, Server, type Streams } from './server.js';

declare global {
  /** The page's own: runs a job, and answers with its exit code. */
  var runJob: (job: PageJob) => Promise<number>;
  /** The same for a task. */
  var runTask: (order: TaskOrder) => Promise<number>;
}

/** How a job ended. */
export interface Outcome {
  exitCode: number;
  /** What there is to say beside what the program said itself. */
  message?: string | undefined;
}

/** Which browser is started, and on which profile: without one, on a temporary one. */
export interface Place {
  engine: Engine;
  profile: string | undefined;
}

export class Runner {
  readonly #place: Place;
  readonly #server = new Server();
  #browser: Promise<Browser> | undefined;
  #page: Promise<Page> | undefined;
  #closed = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Runs a job to its end, whatever that is. */
  async run(job: Job, trace: boolean, end: Streams): Promise<Outcome> {
    return this.#outcome(this.#run(job, trace, end), NO_FILES);
  }

  /** Does a task, as far as it can be done. */
  async tend(task: Task, end: Streams): Promise<Outcome> {
    return this.#outcome(this.#tend(task, end), failedCode(task));
  }

  async #outcome(done: Promise<number>, failed: number): Promise<Outcome> {
    try {
      return { exitCode: await done };
    } catch (error) {
      if (this.#closed) {
        // Nobody asks any more, and how it failed is of no interest.
        return new Promise(() => undefined);
      }
      const exitCode = error instanceof NotStarted ? error.exitCode : failed;
      return { exitCode, message: (error as Error).message };
    }
  }

  async #run(job: Job, trace: boolean, end: Streams): Promise<number> {
    for (const directory of Object.values(job.imports)) {
      if (!(await isDirectory(directory))) {
        throw new Error(`cannot import '${directory}': it is not a directory`);
      }
    }
    const waits = Object.values(job.mounts).some((mount) => parseMount(mount).kind === 'tree');
    this.#page ??= this.#start();
    // The browser takes as long to start as a program to be made ready.
    const { adapter, classes } = job;
    const preparing = prepare(job.program, { waits, adapter, classes });
    const [program, page] = await Promise.allSettled([preparing, this.#page]);
    if (program.status === 'rejected') {
      throw program.reason;
    }
    if (page.status === 'rejected') {
      throw page.reason;
    }
    const path = this.#server.addJob({ imports: job.imports, exports: job.exports, ...end });
    const order: PageJob = {
      path,
      name: job.program,
      kind: program.value.kind,
      program: this.#server.addProgram(program.value.id, program.value.files),
      modules: [...program.value.files.keys()].filter((name) => name.endsWith('.wasm')),
      argv: [basename(job.program), ...job.args],
      env: job.env,
      mounts: job.mounts,
      imports: Object.keys(job.imports),
      exports: Object.keys(job.exports),
      terminals: end.terminals,
      trace,
      timeoutMs: job.timeoutMs,
    };
    try {
      return await page.value.evaluate((order) => globalThis.runJob(order), order);
    } finally {
      this.#server.removeJob(path);
    }
  }

  async #tend(task: Task, end: Streams): Promise<number> {
    await this.#checkProfile(task);
    const copied = await copiedBy(task);
    this.#page ??= this.#start();
    const page = await this.#page;
    const { imports = {}, exports = {}, file = {} } = copied;
    const path = this.#server.addJob({ imports, exports, ...end });
    try {
      return await page.evaluate((order) => globalThis.runTask(order), { path, task, file });
    } finally {
      this.#server.removeJob(path);
    }
  }

  /** A profile that is not there would be made, with nothing in it. */
  async #checkProfile({ verb }: Task): Promise<void> {
    const profile = this.#place.profile ?? '';
    if (verb !== 'import' && !(await isDirectory(profile))) {
      throw new Error(
        `cannot open the profile '${profile}': it is not a directory; give the one of ` +
          `'run --profile'`,
      );
    }
  }

  async #start(): Promise<Page> {
    const { engine, profile } = this.#place;
    const port = await this.#server.listen();
    this.#browser = start(engine, { profile, port, ownSignals: true });
    return (await this.#browser).open(`${ORIGIN}${this.#server.base}`);
  }

  /** Takes the browser down, and its profile if it was a temporary one. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#server.close();
    await (await this.#browser?.catch(() => undefined))?.close();
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** What of this machine a task copies, for the server and for the page. */
async function copiedBy(
  task: Task,
): Promise<Partial<Pick<JobEnd, 'imports' | 'exports'>> & Pick<TaskOrder, 'file'>> {
  switch (task.verb) {
    case 'import': {
      const { host, path } = task;
      const found = await stat(host).catch((error: Error) => {
        throw new Error(`cannot import '${host}': ${error.message}; check the path`);
      });
      if (!found.isDirectory() && !found.isFile()) {
        throw new Error(`cannot import '${host}': it is neither a directory nor a file`);
      }
      const file = { name: basename(host), modified: found.mtimeMs };
      return { imports: { [path]: host }, ...(found.isFile() ? { file } : {}) };
    }
    case 'export': {
      const { host, path } = task;
      const into = host.endsWith('/') || host.endsWith(sep) || (await isDirectory(host));
      return { exports: { [path]: host }, file: { into } };
    }
    default:
      return {};
  }
}
