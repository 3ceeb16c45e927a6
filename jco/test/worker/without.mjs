// A component that is linked directly, and not given the classes of streams that know files.

import { error, poll, streams } from '@bytecodealliance/preview2-shim/io';

import { ok, run, same } from './checks.mjs';
import { RESULT, withGuest } from './guest.mjs';

run({
  'a component without our streams is told so': () =>
    withGuest(
      async (guest, root) => {
        const { ok: file } = guest.ask('descriptor.open-at', root, 0, ...guest.put('file'), 1, 3);
        same(guest.ask('descriptor.write', file, ...guest.put('text'), 0n), { ok: 4n });
        for (const [name, ...args] of [
          ['descriptor.read-via-stream', file, 0n],
          ['descriptor.write-via-stream', file, 0n],
          ['descriptor.append-via-stream', file],
        ]) {
          const { trap } = guest.call(name, ...args, RESULT);
          ok(trap instanceof TypeError && trap.message.includes('io: fs.io'), String(trap));
        }
        same(guest.ask('descriptor.stat', file).ok.size, 4n);
      },
      { io: { error, poll, streams } },
    ),
});
