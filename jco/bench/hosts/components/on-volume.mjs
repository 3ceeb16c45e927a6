// A component on a volume of this project.

import { Filesystem } from '../../../dist/index.js';
import { shim } from './shim.mjs';

let fs;

/** `given`: what of the file system the shim is given. */
export function onVolume(how, given) {
  const host = shim(how, () => given(fs));
  return {
    ...host,
    async open() {
      fs = await Filesystem.open({ mounts: { '/': 'volume:bench' } });
    },
    async close() {
      await fs.close();
    },
    handles: () => [...host.handles(), fs.resources],
    async run(program, options) {
      const before = fs.resources;
      try {
        return await host.run(program, options);
      } finally {
        fs.release();
        if (fs.resources !== before) throw new Error('a guest has left descriptors behind');
      }
    },
    stored: () => fs.syncSync({ flush: false }),
    flush: () => fs.syncSync(),
  };
}
