// The worker that looks after the programs' files while none runs. It holds the volume only
// while it does something: then a program may have it, here or in another tab.

import { Filesystem } from 'wasi-opfs';

import { obey } from './acts.js';
import { type Asked, type KeptAnswer, VOLUME } from './messages.js';

async function answer(asked: Asked): Promise<KeptAnswer> {
  const files = await Filesystem.open({ mounts: { '/': VOLUME } });
  try {
    return obey(asked, files);
  } finally {
    files.close();
  }
}

/** One after the other. */
let last: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  last = last.then(async () => {
    try {
      postMessage(await answer(data));
    } catch (error) {
      const { message } = error as Error;
      postMessage({ type: 'kept', id: data.id, error: message } satisfies KeptAnswer);
    }
  });
});
