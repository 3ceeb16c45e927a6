// A component whose core module exports what it imports: all of `wasi:filesystem` and of what
// goes with it can so be called as a guest calls it, with any numbers.

import { readFile } from 'node:fs/promises';

import {
  componentEmbed,
  componentNew,
  parse,
  print,
} from '@bytecodealliance/jco-transpile/wasm-tools';

import { CALLS, flat } from '../worker/calls.mjs';

const WIT = new URL('../../../wit/deps/', import.meta.url);

/** Declares the second resource of `wasi:filesystem/types` first. */
function reordered(text) {
  const entries = text.match(
    /^ {2}@since[^\n]*\n {2}resource directory-entry-stream \{.*?^ {2}\}\n/ms,
  )[0];
  return text
    .replace(entries, '')
    .replace(/^ {2}@since[^\n]*\n {2}resource descriptor \{/m, `${entries}$&`);
}

/** What the component imports: packages of ../wit in one text, and a world. */
async function world(entriesFirst) {
  const packages = ['io', 'clocks', 'random', 'sockets', 'filesystem', 'cli'].map(async (name) => {
    const text = await readFile(new URL(`${name}.wit`, WIT), 'utf8');
    const ordered = entriesFirst && name === 'filesystem' ? reordered(text) : text;
    return ordered.replace(/^package ([^;]+);$/m, 'package $1 {').concat('}\n');
  });
  const interfaces = new Set(CALLS.map(({ from }) => from));
  const imports = [...interfaces].map((name) => `  import ${name};\n`).join('');
  return `package test:linked;\n${(await Promise.all(packages)).join('')}
world linked {\n${imports}  export run: func();\n}\n`;
}

/**
 * The core module, with a memory of `pages`. Its `realloc` counts how often it is called and
 * keeps the last length; `mode` has it grow the memory first (1), answer \`place\` (2), trap (3),
 * or call \`get-type\` and drop a descriptor first (4).
 */
const MODULE = (pages, calls) => `(module
${calls.map(imported).join('\n')}
  (memory (export "memory") ${pages})
  (global $mode (export "mode") (mut i32) (i32.const 0))
  (global $place (export "place") (mut i32) (i32.const 0))
  (global $next (export "next") (mut i32) (i32.const 65536))
  (global $count (export "count") (mut i32) (i32.const 0))
  (global $last (export "last") (mut i32) (i32.const 0))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "run"))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.set $last (local.get 3))
    (if (i32.eq (global.get $mode) (i32.const 1))
      (then (return (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))))
    (if (i32.eq (global.get $mode) (i32.const 2)) (then (return (global.get $place))))
    (if (i32.eq (global.get $mode) (i32.const 3)) (then unreachable))
    (if (i32.eq (global.get $mode) (i32.const 4))
      (then
        (call $descriptor.get-type (global.get $place) (i32.const 512))
        (call $drop-descriptor (global.get $place))))
    (global.get $next)
    (global.set $next
      (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8)))
  )
${CALLS.map(({ name }) => `  (export "${name}" (func $${name}))`).join('\n')}
)`;

function imported(call) {
  const { parameters, results } = flat(call);
  const types = (keyword, list) => (list.length ? ` (${keyword} ${list.join(' ')})` : '');
  const signature = `${types('param', parameters)}${types('result', results)}`;
  return `  (import "${call.from}" "${call.imported}" (func $${call.name}${signature}))`;
}

/** The component, with a memory of `pages`, or with its resources in another order. */
export async function linked({ pages = 2, entriesFirst = false } = {}) {
  const isEntries = ({ imported }) => imported.includes('directory-entry-stream');
  const calls = entriesFirst
    ? CALLS.toSorted((one, other) => isEntries(other) - isEntries(one))
    : CALLS;
  const binary = await componentEmbed({
    binary: await parse(MODULE(pages, calls)),
    witSource: await world(entriesFirst),
  });
  return componentNew(binary);
}

/** A component that holds it twice, each with a memory and handles of its own. */
export async function composed() {
  const text = await print(await linked());
  const imports = text.slice(text.indexOf('\n'), text.indexOf('(core module'));
  const names = [...imports.matchAll(/\(import "([^"]+)" \(instance/g)].map(([, name]) => name);
  const given = names.map((name, index) => `(with "${name}" (instance ${index}))`).join(' ');
  return parse(`(component ${imports}
  ${text.replace('(component', '(component $inner')}
  (instance $one (instantiate $inner ${given}))
  (instance $two (instantiate $inner ${given}))
  (export "one" (func $one "run"))
  (export "two" (func $two "run")))`);
}
