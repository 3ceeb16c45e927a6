// From a program's file to what a worker can run: a preview1 module as it is, of a component
// JavaScript and core modules, kept in a cache by what they were made from.

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

import { asyncImports } from '../jspi.js';
import { foreignImport } from '../versions.js';
import { toComponent } from './preview1.js';
import { type Kind, MISSING, NOT_RUNNABLE } from './protocol.js';

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

/** Changes with whatever this file does to a program. */
const RECIPE = 7;

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

const manifest = createRequire(import.meta.url)('../../package.json') as {
  dependencies: Record<string, string>;
};

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
  // Pinned exactly, so this is the version.
  const transpiler = manifest.dependencies['@bytecodealliance/jco-transpile'];
  const recipe = `${RECIPE} ${transpiler} ${JSON.stringify(how)}\n`;
  const id = createHash('sha256').update(recipe).update(bytes).digest('hex');
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

const MAGIC = Buffer.from('\0asm');
const MODULE = Buffer.from([1, 0, 0, 0]);

function isModule(bytes: Uint8Array): boolean {
  return MAGIC.equals(bytes.subarray(0, 4)) && MODULE.equals(bytes.subarray(4, 8));
}

type Files = Record<string, string | Uint8Array>;

/** The files of a program: text is read, and a preview1 module is wrapped if it has to be. */
async function make(bytes: Uint8Array, how: How): Promise<Files> {
  if (!MAGIC.equals(bytes.subarray(0, 4))) {
    const { parse } = await import('@bytecodealliance/jco-transpile/wasm-tools');
    const binary = await parse(Buffer.from(bytes).toString()).catch(() => {
      throw new Error('it is neither WebAssembly nor its text format');
    });
    return make(binary, how);
  }
  if (!isModule(bytes)) {
    return transpile(bytes, how);
  }
  if (!how.adapter) {
    return { [MODULE_FILE]: bytes };
  }
  const component = await toComponent(bytes).catch((error: unknown) => {
    throw new Error(
      `the module does not fit WASI preview1; compile it for WASI (${reason(error)})`,
    );
  });
  return transpile(component, how);
}

async function transpile(bytes: Uint8Array, { waits, classes }: How): Promise<Files> {
  const foreign = foreignImport(bytes);
  if (foreign !== undefined) {
    throw new Error(`it is not a program for WASI 0.2: it imports '${foreign}'`);
  }
  const { transpileBytes } = await import('@bytecodealliance/jco-transpile');
  const asynchronous = {
    asyncMode: 'jspi' as const,
    asyncImports: [...asyncImports],
    asyncExports: ['wasi:cli/run#run'],
  };
  const made = await transpileBytes(bytes, {
    name: 'component',
    instantiation: 'async',
    base64Cutoff: 0,
    emitTypescriptDeclarations: false,
    nodejsCompat: false,
    importBindings: classes ? 'js' : 'hybrid',
    ...(waits ? asynchronous : {}),
  });
  if (!made.exports.some(([name]) => name.startsWith('wasi:cli/run@0.2.'))) {
    throw new Error('it is not a program for WASI 0.2: it does not export wasi:cli/run');
  }
  const files: Files = {};
  for (const [name, contents] of Object.entries(made.files)) {
    files[name] = name.endsWith('.js') ? mended(contents) : contents;
  }
  return files;
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

/** A name may begin with a byte order mark: jco's decoder would swallow it. */
function mended(script: Uint8Array): string {
  const text = new TextDecoder().decode(script);
  return text.replaceAll('new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })");
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

function reason(error: unknown): string {
  const { payload, message } = error as { payload?: unknown; message?: unknown };
  return String(payload ?? message ?? error).trim();
}
