// On a volume, through the classes of this project's interfaces.

import { onVolume } from './on-volume.mjs';

export const host = onVolume('js', (fs) => ({ filesystem: fs.wasi }));
