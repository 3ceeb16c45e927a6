// The package's entry `wasi-opfs/ninep`: the same with a larger core, which serves files to
// virtual machines. A page imports from one of the two: each has a core of its own.

import { setNinep } from './host.js';
import { Ninep } from './ninep.js';

setNinep(Ninep.make);

export * from './index.js';
export { Ninep, ninepThrough } from './ninep.js';
