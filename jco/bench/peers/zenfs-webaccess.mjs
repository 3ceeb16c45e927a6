// ZenFS over the handles of OPFS.

import { WebAccess } from '@zenfs/dom';

import { on } from './zenfs.mjs';

const backend = async () => {
  const storage = await navigator.storage.getDirectory();
  const handle = await storage.getDirectoryHandle('zenfs', { create: true });
  return { backend: WebAccess, handle };
};

export const peer = on(backend, {
  // Each small write copies the whole file, and after some dozens nothing is heard any more.
  without: ['random-write'],
  stored: () => {},
});
