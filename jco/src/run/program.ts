// From a program's file to what a worker can run: a preview1 module as it is, of a component
// JavaScript and core modules, kept in a cache by what they were made from.

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

import { type Kind, isBinary, isModule } from '../program/kind.js';
import { type Form, reason, recipe, transpile } from '../program/transpile.js';
import { toComponent } from './preview1.js';
import { MISSING, NOT_RUNNABLE } from './protocol.js';

/** Why a program was not started. */
export class NotStarted extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A program that is ready to be instantiated. */
export interface Program {
  /** What it was made from, as one word. */
  id: string;
  kind: Kind;
  /** Names and paths: its core modules, and of a component `component.js` to import. */
  files: Map<string, string>;
}

/** How many programs the cache keeps. */
const CACHED_PROGRAMS = 500;

/** Where programs are kept: the user's cache, or what is there for everybody. */
async function cacheDirectory(): Promise<string> {
  const own = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const directory = join(own, 'wasi-opfs', 'programs');
  try {
    await mkdir(directory, { recursive: true });
    return directory;
  } catch {
    const shared = join(tmpdir(), `wasi-opfs-${userInfo().uid}`, 'programs');
    await mkdir(shared, { recursive: true, mode: 0o700 });
    return shared;
  }
}

/** How a program is made ready. */
interface How {
  /** For a mount that waits. */
  waits: boolean;
  /** A preview1 module as a component. */
  adapter: boolean;
  /** A component's imports as classes alone. */
  classes: boolean;
}

/** Makes `file` ready. */
export async function prepare(file: string, how: How): Promise<Program> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new NotStarted(MISSING, `cannot read the program '${file}': ${error.message}`);
  });
  const made = `${recipe(formOf(how))}${how.adapter}\n`;
  const id = createHash('sha256').update(made).update(bytes).digest('hex');
  if (isModule(bytes) && !how.adapter) {
    return { id, kind: 'module', files: new Map([[MODULE_FILE, file]]) };
  }
  const directory = join(await cacheDirectory(), id);
  if (await stat(directory).catch(() => undefined)) {
    // For the cache, which forgets what was not used for longest.
    await utimes(directory, new Date(), new Date()).catch(() => undefined);
  } else {
    try {
      await store(directory, await make(bytes, how));
    } catch (error) {
      throw new NotStarted(NOT_RUNNABLE, `cannot run '${file}': ${reason(error)}`);
    }
  }
  const names = await readdir(directory);
  const files = new Map(names.map((name) => [name, join(directory, name)]));
  return { id, kind: files.has(MODULE_FILE) ? 'module' : 'component', files };
}

const MODULE_FILE = 'module.wasm';

type Files = Record<string, string | Uint8Array>;

/** The files of a program: text is read, and a preview1 module is wrapped if it has to be. */
async function make(bytes: Uint8Array, how: How): Promise<Files> {
  if (!isBinary(bytes)) {
    const { parse } = await import('@bytecodealliance/jco-transpile/wasm-tools');
    const binary = await parse(Buffer.from(bytes).toString()).catch(() => {
      throw new Error('it is neither WebAssembly nor its text format');
    });
    return make(binary, how);
  }
  if (!isModule(bytes)) {
    return transpiled(bytes, how);
  }
  if (!how.adapter) {
    return { [MODULE_FILE]: bytes };
  }
  const component = await toComponent(bytes).catch((error: unknown) => {
    throw new Error(
      `the module does not fit WASI preview1; compile it for WASI (${reason(error)})`,
    );
  });
  return transpiled(component, how);
}

/** What is transpiled to. */
function formOf({ waits, classes }: How): Form {
  return { suspends: waits, classes };
}

async function transpiled(bytes: Uint8Array, how: How): Promise<Files> {
  const { $init, generate } = await import('@bytecodealliance/jco-transpile/component');
  await $init;
  return Object.fromEntries(transpile(generate, bytes, formOf(how)));
}

/** Makes `directory`, with all that is to be in it. */
async function store(directory: string, files: Files): Promise<void> {
  const unfinished = `${directory}.${randomUUID()}`;
  await mkdir(unfinished, { recursive: true });
  for (const [name, contents] of Object.entries(files)) {
    await writeFile(join(unfinished, name), contents);
  }
  // Somebody else may have been quicker with the same.
  await rename(unfinished, directory).catch(() => rm(unfinished, { recursive: true }));
  await forget(dirname(directory));
}

/** Keeps the cache from growing for ever. */
async function forget(cache: string): Promise<void> {
  const names = await readdir(cache);
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(cache, name);
      return { path, used: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  aged.sort((one, other) => other.used - one.used);
  for (const { path } of aged.slice(CACHED_PROGRAMS)) {
    await rm(path, { recursive: true, force: true });
  }
}
