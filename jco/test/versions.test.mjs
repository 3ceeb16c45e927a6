// Programs of any 0.2 run, others are told why they do not.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { batch, scratch } from './support.mjs';
import { versions } from './versions.mjs';

const LACKS = 'symlinks,hard-links,set-times,times,backslash,atomic-rename-dir';

test('a program ends with its exit code, and before 0.2.12 with 0 or 1', async (t) => {
  const jobs = versions().flatMap(([name, program]) =>
    ['volume', 'tree'].map((kind) => ({
      program,
      args: ['7'],
      env: { LACKS: kind === 'tree' ? LACKS : '' },
      mounts: { work: `${kind}:${name}` },
    })),
  );
  const results = await batch(t, jobs);
  assert.deepEqual(
    results.map(({ exit_code, stdout, stderr }) => [exit_code, stdout, stderr]),
    [1, 1, 7, 7].map((code) => [code, 'said\n', '']),
  );
});

/** A component that imports a function `now` from somewhere, and calls it. */
const component = (from, run) => `(component
  (import "${from}" (instance $host (export "now" (func (result u64)))))
  (core func $now (canon lower (func $host "now")))
  (core module $program
    (import "" "now" (func $now (result i64)))
    (func (export "run") (result i32) (drop (call $now)) (i32.const 0)))
  (core instance $core (instantiate $program (with "" (instance (export "now" (func $now))))))
  (func $run (result (result)) (canon lift (core func $core "run")))
  (instance $exported (export "run" (func $run)))
  (export "${run}" (instance $exported)))`;

test('a program of another WASI, or of none, is told why it is not run', async (t) => {
  const directory = scratch(t);
  const clock = 'wasi:clocks/monotonic-clock';
  const imports = (name) => `it imports '${name}'`;
  // [what it imports, what it exports, why it is not run]
  const rows = [
    [`${clock}@0.2.0`, 'wasi:cli/run@0.2.12', undefined],
    [`${clock}@0.2.7`, 'wasi:cli/run@0.2.1', undefined],
    // Newer than anybody knows: its functions are.
    [`${clock}@0.2.99`, 'wasi:cli/run@0.2.99', undefined],
    ...[
      `${clock}@0.3.0`,
      `${clock}@0.2.0-rc-2023-11-10`,
      clock,
      'wasi:filesystem/types@0.3.0',
      'wasi:filesystem/other@0.2.0',
      'wasi:nothing/types@0.2.0',
      'my:own/thing@0.2.0',
      'my:own/thing',
    ].map((name) => [name, 'wasi:cli/run@0.2.0', imports(name)]),
    [`${clock}@0.2.0`, 'wasi:cli/run@0.3.0', 'it does not export wasi:cli/run'],
  ];
  const jobs = rows.map(([from, run], index) => {
    const program = join(directory, `${index}.wat`);
    writeFileSync(program, component(from, run));
    return { program };
  });
  const results = await batch(t, jobs);
  for (const [index, { exit_code, stderr }] of results.entries()) {
    const [from, , why] = rows[index];
    assert.equal(exit_code, why === undefined ? 0 : 126, `${from}: ${stderr}`);
    const said = why === undefined ? '' : `it is not a program for WASI 0.2: ${why}\n`;
    assert.ok(stderr.endsWith(said) && (stderr === '') === (said === ''), `${from}: ${stderr}`);
  }
});
