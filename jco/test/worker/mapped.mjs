// Runs a program that was transpiled with --map, as it stands in a page's bundle.

import { _setArgs, _setStdout } from '@bytecodealliance/preview2-shim/cli';
import { setDefaultMounts } from 'wasi-opfs';

addEventListener('message', async ({ data: { args, mounts } }) => {
  try {
    if (mounts) {
      setDefaultMounts(mounts);
    }
    let stdout = '';
    _setArgs(['tool', ...args]);
    _setStdout({ write: (bytes) => void (stdout += new TextDecoder().decode(bytes)) });
    const { run } = await import('./component/tool.js');
    await run.run();
    postMessage({ stdout });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
});
