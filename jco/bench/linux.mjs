// What is served to virtual machines, measured in a worker: single messages of 9P2000.L, and
// a Linux in v86 that mounts a volume, beside one that mounts v86's own file system in memory.

import { Filesystem } from '../dist/with-ninep.js';

import { Machine } from '../demo/linux/machine.js';
import { Client, message } from '../test/worker/p9-client.mjs';
import { wipe } from './storage.mjs';

const post = (line) => postMessage(line);

/** How often what is short is measured; medians count. */
const RUNS = 5;

/** Microseconds of one call of many. */
function each(count, call) {
  const start = performance.now();
  for (let index = 0; index < count; index++) call(index);
  return ((performance.now() - start) * 1000) / count;
}

/** Single messages, from the call of `handle` to the reply. */
async function messages({ tiny }) {
  const fs = await Filesystem.open({ mounts: { '/': 'volume:messages' } });
  const { handle } = fs.ninep();
  const client = new Client(handle);
  await client.begin();
  await client.ask('mkdir', 0, 'directory', 0o755, 0);
  await client.ask('walk', 0, 1, ['directory']);
  await client.ask('lcreate', 1, 'file', 2, 0o644, 0);
  await client.ask('write', 1, 0, new Uint8Array(65_536).fill(7));
  await client.ask('walk', 0, 2, ['directory']);
  const asked = {
    '9P getattr': message('getattr', 1, 1, 0x7ff),
    '9P walk to a file': message('walk', 1, 2, 3, ['file']),
    '9P walk to none': message('walk', 1, 2, 3, ['none']),
    '9P read 4 KiB': message('read', 1, 1, 8192, 4096),
    '9P read 60 KiB': message('read', 1, 1, 0, 61_440),
    '9P write 4 KiB': message('write', 1, 1, 8192, new Uint8Array(4096).fill(9)),
    '9P write 60 KiB': message('write', 1, 1, 0, new Uint8Array(61_440).fill(9)),
  };
  const clunk = message('clunk', 1, 3);
  let type;
  const reply = (bytes) => (type = bytes[4]);
  // The engine compiles what is called often, and is to have done so.
  for (let round = 0; round < (tiny ? 1 : 5000); round++) {
    Object.values(asked).forEach((request) => handle(request, reply));
    handle(clunk, reply);
  }
  for (const [phase, request] of Object.entries(asked)) {
    const known = phase === '9P walk to a file';
    for (let run = 0; run < RUNS; run++) {
      const us = each(tiny ? 50 : 4000, () => {
        handle(request, reply);
        if (known) handle(clunk, () => {});
      });
      post({ table: 'calls', phase: known ? `${phase}, and clunk` : phase, us, stored: true });
    }
    if (type !== request[4] + 1 && phase !== '9P walk to none') {
      throw new Error(`${phase} was answered with ${type}`);
    }
  }
  fs.close();
}

const MIB = 1 << 20;
const fetched = async (name) => (await fetch(`/linux/${name}`)).arrayBuffer();

/** A Linux whose shell is asked. */
class Shell {
  #machine;
  #text = '';
  #heard = () => {};

  /** Boots it: a machine that is saved cannot go on with another server. */
  static async boot(handle9p) {
    const names = ['v86.wasm', 'bios.bin', 'vgabios.bin', 'vmlinuz', 'initramfs'];
    const [emulator, bios, video, kernel, files] = await Promise.all(names.map(fetched));
    const shell = new Shell();
    shell.#machine = new Machine({ emulator, bios, video }, handle9p, { kernel, files });
    const decoder = new TextDecoder();
    shell.#machine.onOutput((bytes) => {
      shell.#text += decoder.decode(bytes, { stream: true });
      shell.#heard();
    });
    await shell.#machine.booted;
    const start = { msize: 65_536, aname: '/', columns: 200, rows: 50 };
    await shell.#machine.start(start);
    // Nothing is to stand between what commands print.
    await shell.run('stty -echo; PS1=');
    return shell;
  }

  /** Runs a command, and answers what it printed and how long it took, in milliseconds. */
  async run(command) {
    this.#text = '';
    const start = performance.now();
    const ended = new Promise((resolve) => {
      this.#heard = () => {
        const found = /<(\d+)>\r?\n/.exec(this.#text);
        if (found) resolve(found);
      };
    });
    this.#machine.type(new TextEncoder().encode(`${command}; echo "<$?>"\n`));
    const found = await ended;
    const ms = performance.now() - start;
    const printed = this.#text.slice(0, found.index);
    if (found[1] !== '0') throw new Error(`'${command}' ended with ${found[1]}: ${printed}`);
    return { ms, printed };
  }

  async mount(msize) {
    const options = `trans=virtio,version=9p2000.L,cache=none,msize=${msize}`;
    await this.run(`cd /; umount /mnt; mount -t 9p -o ${options} host9p /mnt`);
  }
}

/** Tells how long the longest message took; those that flush are not counted. */
class Longest {
  ms = 0;
  #handle;
  #flushes = new Set([50]);

  constructor(handle) {
    this.#handle = handle;
  }

  handle = (request, reply) => {
    const start = performance.now();
    this.#handle(request, reply);
    const ms = performance.now() - start;
    if (ms > this.ms && !this.#flushes.has(request[4])) this.ms = ms;
  };
}

/**
 * A Linux on a volume and one on what v86 itself serves: in turn, and now the one first, now the
 * other, since an engine is not as fast at all times.
 */
async function machines({ tiny }) {
  // Whoever waits is to know that it goes on.
  const beat = setInterval(() => post({ table: 'linux', at: 'Linux in v86' }), 20_000);
  const fs = await Filesystem.open({ mounts: { '/': 'volume:machine' } });
  const longest = new Longest(fs.ninep().handle);
  const peers = [
    { peer: 'volume', ours: true, shell: await Shell.boot(longest.handle) },
    { peer: "v86's own, in memory", ours: false, shell: await Shell.boot() },
  ];
  const each = async (run, act) => {
    for (const one of run % 2 ? peers.toReversed() : peers) await act(one);
  };
  const line = ({ peer, ours }, phase, ms, more) =>
    post({ table: 'linux', peer, phase, ms, stored: ours, ...more });

  const mib = tiny ? 1 : 16;
  const dd = `dd bs=1M count=${mib} 2> /dev/null`;
  for (const msize of [8192, 65_536, 512_000]) {
    await each(0, async ({ shell }) => {
      await shell.mount(msize);
      // Once, so that what the emulator compiles is compiled.
      await shell.run(`${dd} if=/dev/zero of=/mnt/warm; ${dd} if=/mnt/warm of=/dev/null`);
      await shell.run('rm /mnt/warm');
    });
    for (let run = 0; run < (tiny ? 1 : RUNS); run++) {
      await each(run, async (one) => {
        const { shell, ours } = one;
        const written = await shell.run(`${dd} if=/dev/zero of=/mnt/file`);
        const flushed = ours ? await shell.run('sync /mnt/file') : undefined;
        line(one, `dd write ${mib} MiB, msize ${msize}`, written.ms, { flush_ms: flushed?.ms });
        const read = await shell.run(`${dd} if=/mnt/file of=/dev/null`);
        line(one, `dd read ${mib} MiB, msize ${msize}`, read.ms);
        const { printed } = await shell.run('stat -c %s /mnt/file; rm /mnt/file');
        if (Number(printed) !== mib * MIB) throw new Error(`the file has ${printed} bytes`);
      });
    }
  }

  const files = tiny ? 40 : 2000;
  await each(0, async ({ shell }) => {
    await shell.mount(65_536);
    await shell.run(`export HOME=/tmp; pack /tmp/t ${files}`);
  });
  for (let run = 0; run < (tiny ? 1 : 2); run++) {
    await each(run, async (one) => {
      /** Runs what makes all files; how long that took, and the longest message. */
      const fill = async (what, command) => {
        longest.ms = 0;
        line(one, `${what}, ${files} files`, (await one.shell.run(command)).ms);
        if (one.ours) line(one, `longest message of ${what}, but flushes`, longest.ms);
      };
      await trees(one.shell, files, fill, (what, ms) => line(one, `${what}, ${files} files`, ms));
    });
  }
  clearInterval(beat);
  fs.close();
}

/** Makes two trees of files, looks at them, and removes them. */
async function trees(shell, files, fill, line) {
  await fill('git clone', 'git clone -q --no-local /tmp/t/repository /mnt/clone');
  await shell.run('mkdir /mnt/tree');
  await fill('tar x', 'cd /mnt/tree && tar xof /tmp/t/packed.tar');
  const looked = await shell.run('find . -type f -size +0 | wc -l');
  line('find', looked.ms);
  const cloned = await shell.run('cd ../clone && git ls-files -m -o | wc -l; ls */* | wc -l');
  const [changed, there] = cloned.printed.trim().split(/\s+/).map(Number);
  if (Number(looked.printed) !== files || changed !== 0 || there !== files) {
    throw new Error(`${looked.printed} files were unpacked, ${cloned.printed} cloned`);
  }
  line('rm -r', (await shell.run('cd / && rm -r /mnt/tree')).ms);
  await shell.run('rm -r /mnt/clone');
}

const parts = { messages, machines };

addEventListener('message', async ({ data }) => {
  try {
    await wipe();
    await parts[data.part](data);
    await wipe();
    post({ done: true });
  } catch (error) {
    post({ error: String(error?.stack ?? error) });
  }
});
