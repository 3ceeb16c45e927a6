// The programs' files, as the page sees them: asked of the worker that looks after them.

import type { Asked, Kept, KeptAnswer } from './messages.js';

export type { Entry } from './messages.js';

const keeper = new Worker('keeper.js', { type: 'module', name: 'the list of files' });
const waiting = new Map<number, PromiseWithResolvers<unknown>>();
let asked = 0;

keeper.addEventListener('message', ({ data }: MessageEvent<KeptAnswer>) => {
  const answer = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error === undefined) {
    answer?.resolve(data.answer);
  } else {
    answer?.reject(new Error(data.error));
  }
});
keeper.addEventListener('error', ({ message }) => {
  for (const answer of waiting.values()) {
    answer.reject(new Error(message || 'no worker started'));
  }
  waiting.clear();
});

function ask<Act extends keyof Kept>(act: Act, path = ''): Promise<Kept[Act]> {
  const answer = Promise.withResolvers<Kept[Act]>();
  const id = (asked += 1);
  waiting.set(id, answer as PromiseWithResolvers<unknown>);
  keeper.postMessage({ id, act, path } satisfies Asked);
  return answer.promise;
}

/** Everything, each directory before what is in it. */
export const list = (): Promise<Kept['list']> => ask('list');

/** A file's content as it is now; nothing if there is no such file. */
export async function read(path: string): Promise<File | undefined> {
  const found = await ask('read', path);
  const name = path.slice(path.lastIndexOf('/') + 1);
  return found && new File([found.bytes], name, { lastModified: found.modified });
}

export const remove = (path: string): Promise<void> => ask('remove', path);

export const removeAll = (): Promise<void> => ask('removeAll');
