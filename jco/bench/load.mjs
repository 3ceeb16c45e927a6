// Programs as a worker loads them: once each, for the engine remembers with a module what it
// has compiled.

const modules = new Map();

function fetched(url) {
  if (!modules.has(url)) {
    modules.set(url, WebAssembly.compileStreaming(fetch(url)));
  }
  return modules.get(url);
}

/** A preview1 module. */
export const compiled = (name) => fetched(`/guests/${name}.wasm`);

/**
 * A component that jco has transpiled, its imports bound in one of its ways: what instantiates
 * it, and what gives its core modules. All of these are compiled before.
 */
export async function transpiled(how, name) {
  const folder = `/components/${how}/${name}`;
  const { instantiate } = await import(`${folder}/component.js`);
  const cores = await (await fetch(`${folder}/cores.json`)).json();
  await Promise.all(cores.map((core) => fetched(`${folder}/${core}`)));
  return { instantiate, core: (core) => fetched(`${folder}/${core}`) };
}

/** What is set in the first half of an entry of jco's tables that is free. */
const FREE = 1 << 30;

/** How many handles the component holds that was instantiated last, by jco's own tables. */
export function held() {
  // An entry is a pair; the first pair of a table is its head.
  const live = (table) => table.filter((scope, at) => at > 1 && at % 2 === 0 && !(scope & FREE));
  return globalThis.handleTables.reduce((sum, table) => sum + live(table).length, 0);
}
