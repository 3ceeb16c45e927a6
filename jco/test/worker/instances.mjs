// Runs a program several times on one file system, and counts what it leaves.

import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { Filesystem } from 'wasi-opfs';

addEventListener('message', async ({ data: { url, modules, mounts, runs, io = true } }) => {
  try {
    const { instantiate } = await import(url);
    const compiled = new Map();
    for (const name of modules) {
      const bytes = await (await fetch(new URL(name, new URL(url, location)))).arrayBuffer();
      compiled.set(name, await WebAssembly.compile(bytes));
    }
    const filesystem = await Filesystem.open({ mounts });
    const counts = [filesystem.resources];
    let stdout = '';
    for (let left = runs; left > 0; left -= 1) {
      const shim = new WASIShim({
        filesystem: filesystem.wasi,
        ...(io ? { io: filesystem.io } : {}),
        arguments: ['tool', 'count', '/n'],
        stdout: { write: (bytes) => void (stdout += new TextDecoder().decode(bytes)) },
      });
      const instance = await instantiate((name) => compiled.get(name), shim.getImportObject());
      await instance.run.run();
      counts.push(filesystem.resources);
    }
    filesystem.release();
    counts.push(filesystem.resources);
    filesystem.close();
    postMessage({ stdout, counts });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
});
