// Streams that are not ours, and such that meet ours: as both forms of what a component
// imports hand them on.

import {
  error as shimError,
  inputStreamCreate,
  ioErrorCreate,
  outputStreamCreate,
} from '@bytecodealliance/preview2-shim/io';

import { ok, run, same, shown } from './checks.mjs';
import { RESULT, withGuest } from './guest.mjs';

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);

/** Makes a check in both forms, and insists that they answer the same. */
const inBoth = (check) => async () => {
  const answers = [];
  for (const form of ['hybrid', 'classes']) {
    const answer = [];
    await check((...told) => answer.push(...told), form);
    answers.push(answer);
  }
  answers[0].forEach((answer, index) => same(answer, answers[1][index], `what was told ${index}`));
  same(answers[0].length, answers[1].length);
};

/** A command line whose streams are of somebody's own making. */
const cli = ({ stdin, stdout }) => ({
  stdin: { getStdin: stdin },
  stdout: { getStdout: stdout },
  stderr: { getStderr: stdout },
});

/** A file with contents, and both streams of it. */
function file(guest, root, contents) {
  const { ok: file } = guest.ask('descriptor.open-at', root, 0, ...guest.put('file'), 1, 3);
  guest.ask('descriptor.write', file, ...guest.put(contents), 0n);
  const input = guest.ask('descriptor.read-via-stream', file, 0n).ok;
  const output = guest.ask('descriptor.append-via-stream', file).ok;
  return { file, input, output };
}

const whole = (guest, file) => decode(guest.ask('descriptor.read', file, 1000n, 0n).ok[0]);

run({
  'devices are read and written': inBoth(async (tell, form) => {
    const written = [];
    const asked = [];
    const stdin = { blockingRead: (length) => (asked.push(length), encode('typed')) };
    const stdout = {
      write: (bytes) => void written.push(decode(bytes)),
      flush: () => void written.push('!'),
    };
    await withGuest(
      async (guest) => {
        const before = guest.handles();
        const input = guest.call('get-stdin').answer;
        const output = guest.call('get-stdout').answer;
        const errors = guest.call('get-stderr').answer;
        tell(guest.ask('input-stream.blocking-read', input, 5n), guest.core.count.value);
        tell(guest.ask('input-stream.read', input, -1n).trap);
        tell(guest.ask('input-stream.read', input, 1n << 40n));
        tell(
          guest.ask('input-stream.skip', input, 5n),
          guest.ask('input-stream.blocking-skip', input, 5n),
        );
        tell(guest.ask('output-stream.check-write', output));
        tell(guest.ask('output-stream.write', output, ...guest.put('printed')));
        tell(guest.ask('output-stream.write', output, ...guest.put('')));
        tell(
          guest.ask('output-stream.flush', output),
          guest.ask('output-stream.blocking-flush', output),
        );
        tell(guest.ask('output-stream.blocking-write-and-flush', output, ...guest.put('more')));
        tell(guest.ask('output-stream.blocking-write-and-flush', output, 0, 4097).trap);
        tell(guest.ask('output-stream.check-write', output));
        tell(guest.ask('output-stream.write-zeroes', output, 3n));
        tell(guest.ask('output-stream.blocking-write-zeroes-and-flush', output, 4n));
        tell(
          guest.ask('output-stream.write', errors, ...guest.put('no permit')).trap ?? 'permitted',
        );
        tell(guest.call('drop-input-stream', input), guest.call('drop-output-stream', output));
        guest.call('drop-output-stream', errors);
        same(guest.handles(), before);
      },
      { form, stdin, stdout, stderr: stdout },
    );
    tell(written, asked);
    ok(written.includes('printed') && written.includes('more'), shown(written));
  }),

  'what devices throw': inBoth(async (tell, form) => {
    const broken = ioErrorCreate('the paper is out');
    const thrown = [
      { tag: 'closed' },
      { payload: { tag: 'closed' } },
      { tag: 'last-operation-failed', val: broken },
      Object.assign(new Error(), { payload: { tag: 'last-operation-failed', val: broken } }),
      new Error('of nobody'),
      'closed',
      null,
      { tag: 'other' },
    ];
    let next;
    const fail = () => {
      throw next;
    };
    await withGuest(
      async (guest) => {
        const input = guest.call('get-stdin').answer;
        const output = guest.call('get-stdout').answer;
        const before = guest.handles();
        for (next of thrown) {
          for (const call of [
            ['input-stream.blocking-read', input, 1n],
            ['input-stream.skip', input, 1n],
            ['output-stream.check-write', output],
            ['output-stream.blocking-write-and-flush', output, ...guest.put('x')],
            ['output-stream.flush', output],
          ]) {
            const answer = guest.ask(...call);
            tell(`${call[0]} ${shown(next)} ${answer.trap ? 'trap' : Object.keys(answer)}`);
            if (answer.failed) {
              tell(guest.ask('error.to-debug-string', answer.failed));
              tell(guest.ask('filesystem-error-code', answer.failed));
              tell(guest.call('drop-error', answer.failed));
            }
          }
        }
        same(guest.handles(), before);
      },
      {
        form,
        cli: cli({
          stdin: () => inputStreamCreate({ blockingRead: fail }),
          stdout: () =>
            outputStreamCreate({
              write: fail,
              checkWrite: fail,
              flush: fail,
              blockingWriteAndFlush: fail,
            }),
        }),
      },
    );
  }),

  'a failure of a file keeps its code where somebody else passes it on': inBoth(
    async (tell, form) => {
      let passed;
      const stdin = { blockingRead: (length) => passed.read(length) };
      await withGuest(
        async (guest, root, fs) => {
          const [[top]] = fs.wasi.preopens.getDirectories();
          const unreadable = top.openAt({}, 'written', { create: true }, { write: true });
          passed = unreadable.readViaStream(0n);
          const answer = guest.ask(
            'input-stream.blocking-read',
            guest.call('get-stdin').answer,
            1n,
          );
          tell(Object.keys(answer));
          tell(guest.ask('error.to-debug-string', answer.failed));
          tell(guest.ask('filesystem-error-code', answer.failed));
          same(guest.ask('filesystem-error-code', answer.failed), 3);
        },
        { form, stdin },
      );
    },
  ),

  'a promise in the place of an answer is told of': async () => {
    const later = async () => encode('late');
    await withGuest(
      async (guest) => {
        const input = guest.call('get-stdin').answer;
        const { trap } = guest.call('input-stream.blocking-read', input, 1n, RESULT);
        ok(trap instanceof TypeError && trap.message.includes('promise'), String(trap));
      },
      { stdin: { blockingRead: later } },
    );
  },

  'splices go from files to devices, and back': inBoth(async (tell, form) => {
    let written = '';
    const stdin = { blockingRead: () => encode('typed') };
    const stdout = { write: (bytes) => void (written += decode(bytes)) };
    await withGuest(
      async (guest, root) => {
        const ours = file(guest, root, 'contents');
        const input = guest.call('get-stdin').answer;
        const output = guest.call('get-stdout').answer;
        tell(guest.ask('output-stream.splice', output, ours.input, 3n));
        tell(guest.ask('output-stream.blocking-splice', output, ours.input, 100n));
        tell(guest.ask('output-stream.blocking-splice', output, ours.input, 100n));
        tell(guest.ask('output-stream.blocking-splice', ours.output, input, 5n));
        tell(guest.ask('output-stream.splice', ours.output, input, 5n));
        const again = guest.ask('descriptor.read-via-stream', ours.file, 0n).ok;
        tell(guest.ask('output-stream.splice', ours.output, again, 4n));
        tell(whole(guest, ours.file));
        same(whole(guest, ours.file), 'contentstypedtypedcont');
      },
      { form, stdin, stdout },
    );
    same(written, 'contents');
  }),

  'streams of files and devices are ready': inBoth(async (tell, form) => {
    await withGuest(
      async (guest, root) => {
        const ours = file(guest, root, 'contents');
        const all = [
          guest.call('input-stream.subscribe', ours.input),
          guest.call('output-stream.subscribe', ours.output),
          guest.call('input-stream.subscribe', guest.call('get-stdin').answer),
          guest.call('output-stream.subscribe', guest.call('get-stdout').answer),
        ].map(({ answer }) => answer);
        tell(all.map((pollable) => guest.call('pollable.ready', pollable)));
        // The shim's `poll` answers with a promise, for which a guest has to be suspended.
        tell(all.map((pollable) => guest.call('pollable.block', pollable).trap));
        tell(all.map((pollable) => guest.call('drop-pollable', pollable)));
        tell(guest.ask('input-stream.read', ours.input, 8n));
      },
      { form },
    );
  }),

  'many come and go': inBoth(async (tell, form) => {
    let made = 0;
    const stdin = () => {
      const number = (made += 1);
      return inputStreamCreate({ blockingRead: () => encode(String(number)) });
    };
    const stdout = () => outputStreamCreate({ write() {} });
    await withGuest(
      async (guest, root) => {
        const before = guest.handles();
        const ours = file(guest, root, 'contents');
        const held = [];
        for (let round = 0; round < 3000; round += 1) {
          held.push([guest.call('get-stdin').answer, round + 1]);
          if (held.length > 50) {
            const [[handle, number]] = held.splice(round % 50, 1);
            same(decode(guest.ask('input-stream.blocking-read', handle, 9n).ok), String(number));
            guest.call('drop-input-stream', handle);
          }
        }
        for (const [handle, number] of held) {
          same(decode(guest.ask('input-stream.read', handle, 9n).ok), String(number));
          guest.call('drop-input-stream', handle);
        }
        tell(guest.ask('input-stream.read', ours.input, 3n));
        guest.call('drop-input-stream', ours.input);
        guest.call('drop-output-stream', ours.output);
        guest.call('drop-descriptor', ours.file);
        same(guest.handles(), before);
      },
      { form, cli: cli({ stdin, stdout }) },
    );
  }),

  'a device that is taken twice': inBoth(async (tell, form) => {
    let written = '';
    const stdout = { write: (bytes) => void (written += decode(bytes)) };
    await withGuest(
      async (guest, root) => {
        const ours = file(guest, root, 'contents');
        const [one, other] = [0, 0].map(() => guest.call('get-stdout').answer);
        ok(one !== other, 'handles of their own');
        tell(guest.ask('output-stream.check-write', other));
        tell(guest.ask('output-stream.write', one, ...guest.put('text')));
        tell(guest.call('drop-output-stream', one));
        // As the shim has it, that closed the other, too.
        tell(guest.ask('output-stream.check-write', other));
        tell(guest.ask('output-stream.write', other, ...guest.put('text')));
        tell(guest.ask('output-stream.splice', other, ours.input, 5n));
        tell(guest.call('output-stream.subscribe', other));
        tell(guest.call('drop-output-stream', other));
      },
      { form, stdout },
    );
    same(written, 'text');
  }),

  'a device may call the guest, and let its memory grow': inBoth(async (tell, form) => {
    const guests = [];
    let depth = 0;
    const stdout = {
      write: (bytes) => {
        const [guest, output] = guests;
        tell(decode(bytes));
        guest.core.grow(1);
        if (depth < 3) {
          depth += 1;
          tell(guest.ask('output-stream.check-write', output));
          tell(guest.ask('output-stream.write', output, ...guest.put(`deeper ${depth}`)));
        }
      },
    };
    await withGuest(
      async (guest) => {
        const output = guest.call('get-stdout').answer;
        guests.push(guest, output);
        tell(guest.ask('output-stream.check-write', output));
        tell(guest.ask('output-stream.write', output, ...guest.put('first')));
      },
      { form, stdout },
    );
    same(depth, 3);
  }),

  'an error of the shim is one of ours': () =>
    withGuest((guest, root, fs) => {
      ok(ioErrorCreate('x') instanceof fs.io.error.Error, 'as the class that is imported');
      ok(ioErrorCreate('x') instanceof shimError.Error, 'as the own one');
      ok(!({} instanceof fs.io.error.Error), 'another object');
      for (const value of [undefined, null, 1, 'x', {}, Object.create(null)]) {
        ok(!(value instanceof fs.io.streams.InputStream), shown(value));
        ok(!(value instanceof fs.io.streams.OutputStream), shown(value));
      }
    }),
});
