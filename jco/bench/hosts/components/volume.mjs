// On a volume, jco linking the guest to this project's core functions themselves.

import { onVolume } from './on-volume.mjs';

export const host = onVolume('hybrid', (fs) => ({ filesystem: fs.wasi, io: fs.io }));
