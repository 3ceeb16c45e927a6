// On the file system of jco's shim with its adapter for OPFS: all is in memory while the guest
// runs, and the whole tree is written when it has returned.

import { shim } from './shim.mjs';
import { peer } from '../../peers/preview2-shim.mjs';

export const host = {
  ...shim('js', () => ({ filesystem: peer.filesystem() })),
  open: peer.open,
  async close() {
    // What it has begun to write.
    await peer.stored();
    await peer.close();
  },
  storedAtExit: peer.stored,
};
