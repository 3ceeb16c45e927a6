// The programs' files, as the page sees them: asked of the program that runs, which has the
// volume then, or of the worker that looks after them.

import type { Asked, Kept, KeptAnswer, Told } from './messages.js';

export type { Entry } from './messages.js';

interface Waiting extends PromiseWithResolvers<unknown> {
  asked: Asked;
}

const keeper = new Worker('keeper.js', { type: 'module', name: 'the list of files' });
const waiting = new Map<number, Waiting>();
let holder = keeper;
let asked = 0;

function hear({ data }: MessageEvent<KeptAnswer | Told>): void {
  const answer = data.type === 'kept' ? waiting.get(data.id) : undefined;
  if (data.type !== 'kept' || !answer) {
    return;
  }
  waiting.delete(data.id);
  if (data.error === undefined) {
    answer.resolve(data.answer);
  } else {
    answer.reject(new Error(data.error));
  }
}

keeper.addEventListener('message', hear);
keeper.addEventListener('error', ({ message }) => {
  for (const answer of waiting.values()) {
    answer.reject(new Error(message || 'no worker started'));
  }
  waiting.clear();
});

/** Has a program's worker be asked: it answers whenever the program waits. */
export function lend(program: Worker): void {
  holder = program;
  program.addEventListener('message', hear);
}

/** The program is gone; what it did not answer, the keeper does. */
export function takeBack(): void {
  holder = keeper;
  for (const { asked } of waiting.values()) {
    keeper.postMessage(asked);
  }
}

function ask<Act extends keyof Kept>(act: Act, path = ''): Promise<Kept[Act]> {
  const answer = Promise.withResolvers<Kept[Act]>();
  const message: Asked = { type: 'asked', id: (asked += 1), act, path };
  waiting.set(asked, { ...(answer as PromiseWithResolvers<unknown>), asked: message });
  holder.postMessage(message);
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
