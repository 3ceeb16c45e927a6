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

/** A class like `Plain` of which `methods` are linked so that they suspend the component. */
export function suspending<C extends abstract new (...args: never[]) => object>(
  Plain: C,
  methods: readonly string[],
): C {
  const plain = Plain.prototype as Record<string, Linked>;
  const Suspending = class extends (Plain as unknown as new () => object) {
    // What the core makes is an instance of the plain one.
    static override [Symbol.hasInstance](value: unknown): boolean {
      return value instanceof Plain;
    }
  };
  for (const method of methods) {
    const { [LOWER]: lowering } = plain[method]!;
    const value: Linked = function (this: object, ...args: never[]): unknown {
      return plain[method]!.apply(this, args);
    };
    value[LOWER] = (linkage) => suspend(lowering!(linkage));
    Object.defineProperty(Suspending.prototype, method, { value, writable: true });
  }
  return Suspending as unknown as C;
}

type Linked = ((...args: never[]) => unknown) & { [LOWER]?: Lowering };

function suspend(linked: (...args: never[]) => unknown): (...args: never[]) => unknown {
  const { Suspending } = WebAssembly as unknown as {
    Suspending?: new (linked: (...args: never[]) => unknown) => (...args: never[]) => unknown;
  };
  if (!Suspending) {
    throw new Error('a mount waits, and this engine has no JSPI; mount a volume there');
  }
  return new Suspending(linked);
}
