// A component in the hands of jco's shim: what all hosts of components share.

import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';

import { held, transpiled } from '../../load.mjs';

/**
 * `how` jco binds the imports, and what the shim is `given` for this guest: its files, at
 * least.
 */
export const shim = (how, given) => ({
  tables: { phases: 'components', calls: 'component-calls' },
  load: (name) => transpiled(how, name),
  handles: () => [held()],
  /** Runs a command; the exit code. */
  async run({ instantiate, core }, { args, env = {}, out, err }) {
    const shim = new WASIShim({
      ...given(),
      arguments: args,
      environment: env,
      stdout: { write: out },
      stderr: { write: err },
    });
    const { run } = await instantiate(core, shim.getImportObject());
    try {
      run.run();
      return 0;
    } catch (error) {
      // `run` answered with its error, which carries nothing.
      if (error === undefined) return 1;
      if (error.exitError) return error.code;
      throw error;
    }
  },
});
