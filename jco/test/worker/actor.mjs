// A worker that does what it is told, as often as it is told: a function in text.

import { Filesystem, checkVolume, volumeInfo } from 'wasi-opfs';

/** What stays from one order to the next. */
const state = {};

addEventListener('message', async ({ data: { order, argument } }) => {
  try {
    const act = (0, eval)(`(${order})`);
    postMessage({ answer: await act({ Filesystem, checkVolume, volumeInfo, state }, argument) });
  } catch (error) {
    postMessage({ error: { message: error?.message ?? String(error), code: error?.code } });
  }
});
