// A worker that opens a volume and runs guests on it. What a guest says is brought to the
// test at once, by requests that block: what has arrived cannot be lost with the browser.

import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { Filesystem, checkVolume } from 'wasi-opfs';

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

/** Writes a file of OPFS, as large as it may be up to `count` bytes; how many it has. */
async function put(name, count) {
  const top = await navigator.storage.getDirectory();
  const file = await top.getFileHandle(name, { create: true });
  const piece = new Uint8Array(1 << 18);
  let done = 0;
  let handle;
  try {
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
  }
  return done;
}

/** The directory that is a guest's `work`. */
function guestsOwn() {
  const [[root]] = fs.wasi.preopens.getDirectories();
  return root.openAt({}, 'guest', { directory: true }, { read: true, mutateDirectory: true });
}

/** What the page's door keeps beside the guest's files: one line for each time. */
const PAGE = '/page';

/** What is done where the guest pauses, and what is said of it. */
const INTERLUDES = [
  () => {
    fs.syncSync({ flush: false });
    return 'stored';
  },
  (number) => {
    tell(`compacting ${number}`);
    fs.compactSync('/', 200_000);
    return 'stored';
  },
  (number) => {
    const file = fs.openSync(PAGE, { create: true, append: true });
    file.writeSync(new TextEncoder().encode(`${number}\n`));
    file.closeSync();
    fs.chmodSync(PAGE, number % 512);
    fs.utimesSync(PAGE, number, number);
    return 'paged';
  },
];

const orders = {
  check: ({ name, waitMs }) => checkVolume(name, { waitMs }),

  async open({ name, waitMs }) {
    tell('opening 0');
    const start = performance.now();
    fs = await Filesystem.open({ mounts: { '/': `volume:${name}` }, waitMs });
    const took = performance.now() - start;
    fs.mkdirSync('/guest', { recursive: true });
    return took;
  },

  /** What the page's door finds of its own: the numbers, and what was set at the last one. */
  page() {
    if (!fs.readdirSync('/').some(({ name }) => `/${name}` === PAGE)) {
      return undefined;
    }
    const text = new TextDecoder().decode(fs.readFileSync(PAGE));
    const { mode, mtimeMs } = fs.statSync(PAGE);
    return { text, mode, mtimeMs };
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
    const done = await put('beside', count);
    await (await navigator.storage.getDirectory()).removeEntry('beside');
    return done;
  },

  /** Writes files of OPFS until the engine refuses more; how many there are. */
  async occupy({ size }) {
    for (let number = 0; ; number += 1) {
      if ((await put(`other ${number}`, size)) < size) {
        return number + 1;
      }
    }
  },

  async vacate({ files }) {
    const top = await navigator.storage.getDirectory();
    for (let number = 0; number < files; number += 1) {
      await top.removeEntry(`other ${number}`);
    }
  },

  /**
   * Runs a guest on `work`; what it said, or why it stopped. One line in `every` is told to
   * the test meanwhile; nothing without it.
   */
  async run({ program, args, every }) {
    const { instantiate } = await import(program.url);
    const modules = new Map();
    for (const name of program.modules) {
      const url = new URL(name, new URL(program.url, location));
      modules.set(name, await WebAssembly.compileStreaming(fetch(url)));
    }
    const said = [];
    const note = (line) => {
      said.push(line);
      if (every && said.length % every === 0) {
        tell(line);
      }
    };
    const say = lines((line) => {
      const [word, number] = line.split(' ');
      const interlude = INTERLUDES[number % INTERLUDES.length];
      note(word === 'paused' ? `${interlude(number)} ${number}` : line);
    });
    let stderr = '';
    const shim = new WASIShim({
      filesystem: {
        types: fs.wasi.types,
        preopens: {
          getDirectories: () => [[guestsOwn(), 'work']],
        },
      },
      io: fs.io,
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

  /** Runs a preview1 program on `/`; what it said, all of which is told to the test meanwhile. */
  async start({ module, args }) {
    const said = [];
    let stderr = '';
    const wasi = fs.preview1({
      args: ['guest', ...args],
      stdout: lines((line) => {
        said.push(line);
        tell(line);
      }),
      stderr: (bytes) => void (stderr += new TextDecoder().decode(bytes)),
    });
    const { instance } = await WebAssembly.instantiateStreaming(fetch(`/modules/${module}`), {
      wasi_snapshot_preview1: wasi.wasiImport,
    });
    const code = wasi.start(instance);
    if (code !== 0) {
      throw new Error(`the guest ended with ${code}\n${stderr}`);
    }
    return said;
  },

  close: () => fs.close(),
};

addEventListener('message', async ({ data: { order, argument } }) => {
  try {
    postMessage({ answer: await orders[order](argument) });
  } catch (error) {
    const { message = String(error), stack = '', code } = error ?? {};
    postMessage({ error: { message, stack, code } });
  }
});
