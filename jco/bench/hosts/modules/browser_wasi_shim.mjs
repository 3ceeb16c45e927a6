// @bjorn3/browser_wasi_shim, with its file system in memory.

import {
  ConsoleStdout,
  Directory,
  File,
  OpenFile,
  PreopenDirectory,
  WASI,
} from '@bjorn3/browser_wasi_shim';

import { compiled } from '../../load.mjs';

let top;

export const host = {
  tables: { phases: 'guests', calls: 'calls' },
  load: compiled,
  async open() {
    top = new PreopenDirectory('/', new Map());
  },
  async close() {
    top = undefined;
  },
  /** Makes a file, and the directories that it is in. */
  put(path, bytes) {
    const names = path.split('/').filter(Boolean);
    const last = names.pop();
    let directory = top.dir;
    for (const name of names) {
      if (!directory.contents.has(name)) {
        const made = new Directory(new Map());
        made.parent = directory;
        directory.contents.set(name, made);
      }
      directory = directory.contents.get(name);
    }
    directory.contents.set(last, new File(bytes));
  },
  /** Runs a command; the exit code. */
  async run(module, { args, env = {}, out, err }) {
    const fds = [new OpenFile(new File([])), new ConsoleStdout(out), new ConsoleStdout(err), top];
    const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
    // It writes a line to the console for each file that is opened, unless told not to.
    const wasi = new WASI(args, variables, fds, { debug: false });
    const { wasiImport } = wasi;
    const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasiImport });
    return wasi.start(instance);
  },
};
