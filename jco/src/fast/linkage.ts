// How a component is linked to functions: what jco hands over for each import, and where it
// looks for them.

import { LOWER } from '../convert.js';
import type { HandleTable } from './handles.js';

/** What jco hands over for one import of one component. */
export interface Linkage {
  memory: WebAssembly.Memory;
  /** Where a result has a list or a text. */
  realloc: (old: number, oldLength: number, align: number, length: number) => number;
  resourceTables: HandleTable[];
}

/** Makes the function that is linked. */
export type Lowering = (linkage: Linkage) => (...args: never[]) => unknown;

/** Gives the methods of a class their fast form. */
export function lower(prototype: object, lowerings: Record<string, Lowering>): void {
  const methods = prototype as Record<string, { [LOWER]?: Lowering }>;
  for (const [method, lowering] of Object.entries(lowerings)) {
    methods[method]![LOWER] = lowering;
  }
}

type Linked = (...args: never[]) => unknown;

type Method = Linked & { [LOWER]?: Lowering };

/** Whether methods of a class have a fast form. */
export function isLowered(prototype: object): boolean {
  return Object.values(Object.getOwnPropertyDescriptors(prototype)).some(
    ({ value }) => (value as Method | undefined)?.[LOWER] !== undefined,
  );
}

/** A class like `Plain` of which `link` changes how `methods` are linked. */
export function relinked<C extends abstract new (...args: never[]) => object>(
  Plain: C,
  methods: readonly string[],
  link: (linked: Linked, method: string) => Linked,
): C {
  const plain = Plain.prototype as Record<string, Method>;
  const Relinked = class extends (Plain as unknown as new () => object) {
    // What the core makes is an instance of the plain one.
    static override [Symbol.hasInstance](value: unknown): boolean {
      return value instanceof Plain;
    }
  };
  for (const method of methods) {
    const { [LOWER]: lowering } = plain[method]!;
    const value: Method = function (this: object, ...args: never[]): unknown {
      return plain[method]!.apply(this, args);
    };
    value[LOWER] = (linkage) => link(lowering!(linkage), method);
    Object.defineProperty(Relinked.prototype, method, { value, writable: true });
  }
  return Relinked as unknown as C;
}

/** How functions are linked that suspend the component at each call. */
export function suspending(linked: Linked): Linked {
  const { Suspending } = WebAssembly as unknown as {
    Suspending?: new (linked: Linked) => Linked;
  };
  if (!Suspending) {
    throw new Error('a mount waits, and this engine has no JSPI; mount a volume there');
  }
  return new Suspending(linked);
}
