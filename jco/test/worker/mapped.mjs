// Runs a program that was transpiled with --map, as it stands in a page's bundle.

import { _setArgs, _setEnv, _setStderr, _setStdout } from '@bytecodealliance/preview2-shim/cli';
import { setDefaultMounts } from 'wasi-opfs';

addEventListener('message', async ({ data: { args, mounts, env = {} } }) => {
  let [stdout, stderr] = ['', ''];
  try {
    if (mounts) {
      setDefaultMounts(mounts);
    }
    _setEnv(env);
    _setArgs(['tool', ...args]);
    _setStdout({ write: (bytes) => void (stdout += new TextDecoder().decode(bytes)) });
    // The shim's own throws when a program lets go of it.
    _setStderr({ write: (bytes) => void (stderr += new TextDecoder().decode(bytes)) });
    const { run } = await import('./component/tool.js');
    await run.run();
    postMessage({ stdout });
  } catch (error) {
    if (error?.exitError) {
      postMessage({ stdout, stderr, code: error.code });
      return;
    }
    postMessage({ error: String(error?.stack ?? JSON.stringify(error)) });
  }
});
