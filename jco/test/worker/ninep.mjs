// Connections of 9P2000.L, as v86 and whoever has a port use them. The same checks are made
// in a worker and in Node; what is asked and answered is tested natively.

import { Filesystem, ninepThrough } from 'wasi-opfs/ninep';

import { ok, run as start, same, thrown } from './checks.mjs';
import { Client, message } from './p9-client.mjs';

const bytes = (text) => new TextEncoder().encode(text);
const ENOENT = 2;
const EMSGSIZE = 90;

/** The checks, on mounts of the given kind: `memory`, `volume:NAME`, `tree:NAME`. */
export function checks(kind) {
  const waits = kind.startsWith('tree');
  let count = 0;
  const opened = async (use, options = {}) => {
    const name = kind.includes(':') ? `${kind}-${(count += 1)}` : kind;
    const fs = await Filesystem.open({ mounts: { '/': name }, ...options });
    try {
      await use(fs);
    } finally {
      fs.close();
    }
  };

  return {
    'what one side writes, the other reads': () =>
      opened(async (fs) => {
        const client = new Client(fs.ninep().handle);
        same(await client.begin(8192), 8192);
        await client.ask('walk', 0, 1, []);
        same((await client.ask('lcreate', 1, 'letter', 2, 0o644, 0)).type, 15);
        same((await client.ask('write', 1, 0, bytes('a letter'))).type, 119);
        same(new TextDecoder().decode(await fs.readFile('/letter')), 'a letter');
        await fs.writeFile('/letter', 'an answer');
        same((await client.ask('read', 1, 3, 100)).text, 'answer');
        await client.ask('clunk', 1);
        await fs.rm('/letter');
        same((await client.ask('walk', 0, 1, ['letter'])).errno, ENOENT);
      }),

    'replies come before the call returns, where nothing waits': () =>
      opened(async (fs) => {
        const client = new Client(fs.ninep().handle);
        await client.begin();
        const reply = client.ask('walk', 0, 1, ['none']);
        same(reply instanceof Promise, waits);
        same((await reply).errno, ENOENT);
      }),

    'a data message of every length is whole': () =>
      opened(async (fs) => {
        const client = new Client(fs.ninep().handle);
        const msize = await client.begin(1 << 20);
        same(msize, 1 << 20);
        await client.ask('lcreate', 0, 'data', 2, 0o644, 0);
        for (const length of [0, 1, 63, 64, 65, 4096, 70_000, msize - 24]) {
          const data = new Uint8Array(length).map((_, index) => index * 7 + length);
          const written = await client.ask('write', 0, 0, data);
          same(written.view.getUint32(7, true), length);
          const read = await client.ask('read', 0, 0, length);
          const same_ = read.bytes.subarray(11).every((byte, index) => byte === data[index]);
          ok(read.bytes.length === length + 11 && same_, `${length} bytes`);
        }
      }),

    'directories are exported by their paths': () =>
      opened(async (fs) => {
        await fs.mkdir('/inner/most', { recursive: true });
        const client = new Client(fs.ninep().handle);
        await client.begin(8192, '/inner');
        same((await client.ask('walk', 0, 1, ['most'])).type, 111);
        const other = new Client(fs.ninep().handle);
        await other.ask('version', 8192, '9P2000.L');
        same((await other.ask('attach', 0, 0xffff_ffff, '', '/none', 0)).errno, ENOENT);
      }),

    'on a machine of 32 bits, too, files have numbers of their own': () =>
      opened(async (fs) => {
        const client = new Client(fs.ninep().handle);
        await client.begin();
        // Places of files that are gone are used again.
        for (let index = 0; index < 120; index += 1) {
          await fs.writeFile(`/${index}`, '');
          if (index % 3 !== 0) await fs.rm(`/${index}`);
        }
        const found = [];
        for (let index = 0; index < 120; index += 3) {
          const { view } = await client.ask('walk', 0, 1, [`${index}`]);
          // As v9fs does it, where an inode's number has 32 bits.
          const number = view.getBigUint64(7 + 2 + 5, true) + 2n;
          found.push(Number(BigInt.asUintN(32, number ^ (number >> 32n))));
          await client.ask('clunk', 1);
        }
        ok(!found.includes(0), 'readdir would leave it out');
        same(new Set(found).size, 40);
      }),

    'files are whose the option says': () =>
      opened(async (fs) => {
        await fs.writeFile('/mine', '');
        const client = new Client(fs.ninep({ owner: { uid: 1000, gid: 100 } }).handle);
        await client.begin();
        await client.ask('walk', 0, 1, ['mine']);
        const { view } = await client.ask('getattr', 1, 0x7ff);
        // Behind the mask, the qid and the mode.
        const owner = 7 + 8 + 13 + 4;
        same([view.getUint32(owner, true), view.getUint32(owner + 4, true)], [1000, 100]);
      }),

    'limits hold': () =>
      opened(async (fs) => {
        const client = new Client(fs.ninep({ limits: { msize: 4096, fids: 2 } }).handle);
        same(await client.begin(65_536), 4096);
        same((await client.ask('walk', 0, 1, [])).type, 111);
        ok((await client.ask('walk', 0, 2, [])).errno > 0, 'a fid too many');
        const long = await client.ask('write', 0, 0, new Uint8Array(5000));
        same(long.errno, EMSGSIZE);
        same((await client.ask('getattr', 0, 0x7ff)).type, 25);
        for (const limits of [{ msize: 4095 }, { msize: 2 ** 27 }, { fids: -1 }, { fids: 1.5 }]) {
          const error = thrown(() => fs.ninep({ limits }));
          ok(/'(msize|fids)'/.test(error.message), error.message);
        }
        ok(/'uid'/.test(thrown(() => fs.ninep({ owner: { uid: '0', gid: 0 } })).message), 'uid');
        for (const owner of [5, [3, 4], '1:2', { uid: 1 }, { gid: 1 }, null]) {
          ok(/'owner' has/.test(thrown(() => fs.ninep({ owner })).message), String(owner));
        }
      }),

    'what is no message is refused, and the next is answered': () =>
      opened(async (fs) => {
        const client = new Client(fs.ninep().handle);
        await client.begin();
        for (const wrong of [[], [1], [7, 0, 0, 0, 24, 1], [6, 0, 0, 0, 24, 1, 0]]) {
          const error = thrown(() => client.send(Uint8Array.from(wrong)));
          ok(/no message/.test(error.message), error.message);
        }
        // A type that there is not, and a message that says another length than it has.
        ok((await client.send(Uint8Array.of(7, 0, 0, 0, 99, 1, 0))).errno > 0, 'a type');
        ok((await client.send(Uint8Array.of(11, 0, 0, 0, 24, 1, 0))).errno > 0, 'a length');
        same((await client.ask('getattr', 0, 0x7ff)).type, 25);
      }),

    'a lock is granted when another lets go of it': () =>
      opened(async (fs) => {
        await fs.writeFile('/locked', '');
        const [one, other] = [fs.ninep(), fs.ninep()];
        const lock = async ({ handle }, process) => {
          const client = new Client(handle);
          await client.begin();
          await client.ask('walk', 0, 1, ['locked']);
          await client.ask('lopen', 1, 2);
          // For writing, and waiting for it.
          return client.ask('lock', 1, 1, 1, 0, 0, process, 'test');
        };
        same((await lock(one, 1)).view.getUint8(7), 0);
        const waiting = lock(other, 2);
        const soon = new Promise((resolve) => setTimeout(resolve, 20, 'soon'));
        same(await Promise.race([waiting, soon]), 'soon');
        // Whoever goes lets go.
        one.close();
        same((await waiting).view.getUint8(7), 0);
      }),

    'a flush is answered, and ends the wait for a lock': () =>
      opened(async (fs) => {
        await fs.writeFile('/locked', '');
        const { port1, port2 } = new MessageChannel();
        const [one, other] = [fs.ninep(), fs.ninep()];
        other.serve(port1);
        for (const handle of [other.handle, ninepThrough(port2)]) {
          const [owner, client] = [new Client(one.handle), new Client(handle)];
          for (const each of [owner, client]) {
            await each.begin();
            await each.ask('walk', 0, 1, ['locked']);
            await each.ask('lopen', 1, 2);
          }
          const lock = (of, kind, block) => of.ask('lock', 1, kind, block, 0, 0, 1, 'test');
          const flush = (tag) => client.send(message('flush', 8, tag));
          // Nothing has this tag, this has it itself, and this was answered long ago.
          for (const tag of [77, 8, 1]) {
            same((await flush(tag)).type, 109);
          }
          same((await lock(owner, 1, 0)).view.getUint8(7), 0);
          let granted = false;
          const waiting = client.send(message('lock', 9, 1, 1, 1, 0, 0, 1, 'test'));
          void waiting.then(() => (granted = true));
          same((await flush(9)).type, 109);
          await lock(owner, 2, 0);
          // It is not the flushed one that has it now.
          same((await lock(owner, 1, 0)).view.getUint8(7), 0);
          ok(!granted, 'what was flushed is answered');
          await lock(owner, 2, 0);
        }
        one.close();
        other.close();
        port2.close();
      }),

    'a port serves as well': () =>
      opened(async (fs) => {
        const { port1, port2 } = new MessageChannel();
        const connection = fs.ninep();
        connection.serve(port1);
        ok(/has a port/.test(thrown(() => connection.serve(port1)).message), 'another port');
        const client = new Client(ninepThrough(port2));
        await client.begin();
        await client.ask('lcreate', 0, 'sent', 2, 0o644, 0);
        const asked = ['one', 'two', 'six'].map((text, index) =>
          client.ask('write', 0, 3 * index, bytes(text)),
        );
        same((await Promise.all(asked)).map(({ type }) => type), [119, 119, 119]);
        same((await client.ask('read', 0, 0, 100)).text, 'onetwosix');
        // What is no message is nobody's, and is passed over.
        for (const wrong of [new Uint8Array(5), new Uint8Array(20), 'text', null]) {
          port2.postMessage(wrong);
        }
        ok(/no message/.test(thrown(() => client.send(new Uint8Array(5))).message), 'short');
        same((await client.ask('read', 0, 3, 3)).text, 'two');
        connection.close();
        port2.close();
      }),

    'each request is told to whoever traces': async () => {
      const events = [];
      await opened(
        async (fs) => {
          const client = new Client(fs.ninep().handle);
          await client.begin();
          await client.ask('lcreate', 0, 'told', 2, 0o644, 0);
          await client.ask('write', 0, 5, bytes('four'));
          await client.ask('walk', 0, 1, ['none']);
        },
        { trace: (event) => events.push(event) },
      );
      const calls = events.filter(({ call }) => call.startsWith('T'));
      same(
        calls.map(({ call }) => call),
        ['Tversion', 'Tattach', 'Tlcreate', 'Twrite', 'Twalk'],
      );
      const { us, ...write } = calls[3];
      same(write, { call: 'Twrite', descriptor: 0, offset: 5n, length: 4n, answer: 'ok', result: 4 });
      ok(us >= 0, 'how long it took');
    },

    'what is closed fails, and so does what waits for it': () =>
      opened(async (fs) => {
        const EIO = 5;
        await fs.writeFile('/locked', '');
        const { port1, port2 } = new MessageChannel();
        const [connection, served] = [fs.ninep(), fs.ninep()];
        served.serve(port1);
        const handles = [connection.handle, ninepThrough(port2)];
        const clients = handles.map((handle) => new Client(handle));
        for (const client of clients) {
          await client.begin();
          await client.ask('walk', 0, 1, ['locked']);
          await client.ask('lopen', 1, 2);
        }
        const [owner, waits] = clients;
        await owner.ask('lock', 1, 1, 1, 0, 0, 1, 'test');
        const waiting = waits.ask('lock', 1, 1, 1, 0, 0, 2, 'test');
        same((await waits.ask('getattr', 0, 0x7ff)).type, 25);
        served.close();
        same((await waiting).errno, EIO);
        connection.close();
        connection.close();
        for (const client of clients) {
          same((await client.ask('getattr', 0, 0x7ff)).errno, EIO);
          same((await client.ask('version', 8192, '9P2000.L')).errno, EIO);
        }
        port2.close();
        const left = new Client(fs.ninep().handle);
        await left.begin();
        fs.close();
        same((await left.ask('getattr', 0, 0x7ff)).errno, EIO);
        ok(/no message/.test(thrown(() => left.send(new Uint8Array(3))).message), 'no message');
        ok(/closed/.test(thrown(() => fs.ninep()).message), 'no more connections');
      }),
  };
}

if (typeof WorkerGlobalScope !== 'undefined') {
  start(checks);
}
