// A worker that opens a volume and runs guests on it. What a guest says is brought to the
// test at once, by requests that block: what has arrived cannot be lost with the browser.

import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { Filesystem } from 'wasi-opfs';

/** Tells the test one line, and returns when it has it. */
function tell(line) {
  const request = new XMLHttpRequest();
  request.open('GET', `/line?${encodeURIComponent(line)}`, false);
  request.send();
}

/** Calls `line` with each line of what is written. */
function lines(line) {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const [...whole] = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = whole.pop();
    whole.forEach(line);
  };
}

let fs;

/** What is done where the guest pauses: part of what keeps a volume in order. */
const INTERLUDES = [
  () => {
    fs.syncSync({ flush: false });
    return true;
  },
  (number) => {
    tell(`compacting ${number}`);
    fs.compactSync('/', 200_000);
    return true;
  },
  () => false,
];

const orders = {
  async open({ mount, waitMs }) {
    tell('opening 0');
    const start = performance.now();
    fs = await Filesystem.open({ mounts: { '/': mount }, waitMs });
    return performance.now() - start;
  },

  usage: () => fs.usageSync('/'),

  /** Makes the volume as small as it goes; its size. */
  compact() {
    for (let steps = 0; steps < 1000; steps += 1) {
      const { done, size } = fs.compactSync('/', 1 << 20);
      if (done) {
        return size;
      }
    }
    throw new Error('a compaction has no end');
  },

  /** Writes a file of OPFS beside the volume, and removes it: how many bytes it could have. */
  async beside({ count }) {
    const top = await navigator.storage.getDirectory();
    const piece = new Uint8Array(1 << 18);
    let done = 0;
    let handle;
    try {
      const file = await top.getFileHandle('beside', { create: true });
      handle = await file.createSyncAccessHandle();
      for (let now = 1; done < count && now > 0; done += now) {
        now = handle.write(piece.subarray(0, Math.min(piece.length, count - done)), { at: done });
      }
    } catch (error) {
      // Firefox answers with a count of 0 instead.
      if (error.name !== 'QuotaExceededError') {
        throw error;
      }
    } finally {
      handle?.close();
      await top.removeEntry('beside').catch(() => undefined);
    }
    return done;
  },

  /** Runs a guest on `work`; what it said, or why it stopped. */
  async run({ program, args, told }) {
    const { instantiate } = await import(program.url);
    const modules = new Map();
    for (const name of program.modules) {
      const url = new URL(name, new URL(program.url, location));
      modules.set(name, await WebAssembly.compileStreaming(fetch(url)));
    }
    const said = [];
    const say = lines((line) => {
      said.push(line);
      const [word, number] = line.split(' ');
      if (told && word !== 'paused') {
        tell(line);
      } else if (told && INTERLUDES[number % INTERLUDES.length](number)) {
        tell(`stored ${number}`);
      }
    });
    let stderr = '';
    const shim = new WASIShim({
      filesystem: {
        types: fs.wasi.types,
        // The guest's `work` is all of the volume.
        preopens: {
          getDirectories: () => fs.wasi.preopens.getDirectories().map(([root]) => [root, 'work']),
        },
      },
      arguments: ['guest', ...args],
      stdout: { write: say },
      stderr: { write: (bytes) => void (stderr += new TextDecoder().decode(bytes)) },
    });
    const instance = await instantiate((name) => modules.get(name), shim.getImportObject());
    try {
      await instance.run.run();
    } catch (error) {
      throw new Error(`the guest failed (${error?.message ?? error})\n${stderr}`);
    } finally {
      fs.release();
    }
    return said;
  },

  close: () => fs.close(),
};

addEventListener('message', async ({ data: { order, argument } }) => {
  try {
    postMessage({ answer: await orders[order](argument) });
  } catch (error) {
    postMessage({ error: error?.stack ?? String(error) });
  }
});
