// Runs jobs in one browser, which is started for the first of them.

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';

import { parseMount } from '../mount.js';
import { type Browser, launch } from './chromium.js';
import type { Job } from './options.js';
import { NotStarted, prepare } from './program.js';
import { NO_FILES, type PageJob } from './protocol.js';
import { type JobEnd, Server } from './server.js';

declare global {
  /** The page's own: runs a job, and answers with its exit code. */
  var runJob: (job: PageJob) => Promise<number>;
}

/** How a job ended. */
export interface Outcome {
  exitCode: number;
  /** What there is to say beside what the program said itself. */
  message?: string | undefined;
}

export class Runner {
  readonly #profile: string | undefined;
  readonly #server = new Server();
  #browser: Promise<Browser> | undefined;
  #closed = false;

  constructor(profile: string | undefined) {
    this.#profile = profile;
  }

  /** Runs a job to its end, whatever that is. */
  async run(job: Job, trace: boolean, end: Pick<JobEnd, 'read' | 'write'>): Promise<Outcome> {
    try {
      return { exitCode: await this.#run(job, trace, end) };
    } catch (error) {
      if (this.#closed) {
        // Nobody asks any more, and how it failed is of no interest.
        return new Promise(() => undefined);
      }
      const exitCode = error instanceof NotStarted ? error.exitCode : NO_FILES;
      return { exitCode, message: (error as Error).message };
    }
  }

  async #run(job: Job, trace: boolean, end: Pick<JobEnd, 'read' | 'write'>): Promise<number> {
    for (const directory of Object.values(job.imports)) {
      if (!(await stat(directory).catch(() => undefined))?.isDirectory()) {
        throw new Error(`cannot import '${directory}': it is not a directory`);
      }
    }
    const waits = Object.values(job.mounts).some((mount) => parseMount(mount).kind === 'tree');
    this.#browser ??= this.#start();
    // The browser takes as long to start as a program to be made ready.
    const [program, browser] = await Promise.allSettled([
      prepare(job.program, waits),
      this.#browser,
    ]);
    if (program.status === 'rejected') {
      throw program.reason;
    }
    if (browser.status === 'rejected') {
      throw browser.reason;
    }
    const path = this.#server.addJob({ imports: job.imports, exports: job.exports, ...end });
    const order: PageJob = {
      path,
      program: this.#server.addProgram(program.value.id, program.value.directory),
      modules: program.value.modules,
      argv: [basename(job.program), ...job.args],
      env: job.env,
      mounts: job.mounts,
      imports: Object.keys(job.imports),
      exports: Object.keys(job.exports),
      trace,
      timeoutMs: job.timeoutMs,
    };
    try {
      return await browser.value.page.evaluate((order) => globalThis.runJob(order), order);
    } finally {
      this.#server.removeJob(path);
    }
  }

  async #start(): Promise<Browser> {
    const port = await this.#server.listen();
    return launch(port, this.#server.base, this.#profile);
  }

  /** Takes the browser down, and its profile if it was a temporary one. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#server.close();
    await (await this.#browser?.catch(() => undefined))?.close();
  }
}
