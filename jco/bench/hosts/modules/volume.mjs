// A volume of this project, through the door for preview1 programs.

import { Filesystem } from '../../../dist/index.js';
import { compiled } from '../../load.mjs';

let fs;

export const host = {
  tables: { phases: 'guests', calls: 'calls' },
  load: compiled,
  async open() {
    fs = await Filesystem.open({ mounts: { '/': 'volume:bench' } });
  },
  async close() {
    await fs.close();
  },
  /** Makes a file, and the directories that it is in. */
  put(path, bytes) {
    fs.mkdirSync(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true });
    fs.writeFileSync(path, bytes);
  },
  /** Runs a command; the exit code. */
  async run(module, { args, env, out, err }) {
    const wasi = fs.preview1({ args, env, stdout: out, stderr: err });
    const { wasiImport } = wasi;
    const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasiImport });
    try {
      return wasi.start(instance);
    } finally {
      wasi.close();
    }
  },
  handles: () => [fs.resources],
  stored: () => fs.syncSync({ flush: false }),
  flush: () => fs.syncSync(),
};
