import test from 'node:test';

import { checkInWorker } from './support.mjs';

for (const door of ['door', 'page']) {
  test(`the checks of worker/${door}.mjs`, (t) => checkInWorker(t, door));
}
