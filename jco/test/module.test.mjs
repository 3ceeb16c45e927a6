import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { batch, scratch, start, tool } from './support.mjs';

test('a preview1 program is given its calls directly, or by the adapter', async (t) => {
  const mounts = { '/': 'volume:shared' };
  const job = (adapter, ...args) => ({ program: tool('wasm32-wasip1'), adapter, args, mounts });
  const results = await batch(t, [
    job(false, 'exit', '7'),
    job(true, 'exit', '7'),
    job(false, 'count', '/n'),
    job(true, 'count', '/n'),
    job(false, 'count', '/n'),
  ]);
  const ends = results.map(({ exit_code, stdout, stderr }) => [exit_code, stdout, stderr]);
  assert.deepEqual(ends, [[7, '', ''], [7, '', ''], [0, '1\n', ''], [0, '2\n', ''], [0, '3\n', '']]);
});

/** A module in the text format. */
function module(body, name = '_start') {
  return `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\10\\00\\00\\00\\03\\00\\00\\00")
    (data (i32.const 16) "oh\\0a")
    (func $say (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
    (func (export "${name}") ${body}))`;
}

test('a module that is no program is told why', async (t) => {
  const directory = scratch(t);
  const imports = (from, name, kind) =>
    `(module (import "${from}" "${name}" ${kind}) (func (export "_start")))`;
  const preview1 = 'wasi_snapshot_preview1';
  const unknown = (name) => `it imports '${name}', which WASI preview1 does not have`;
  const fault = `(module (import "${preview1}" "clock_res_get" (func $res (param i32 i32) (result i32)))
    (func (export "_start") (drop (call $res (i32.const 0) (i32.const 0)))))`;
  // [module, exit code, standard output, what stands on standard error]
  const rows = [
    ['(module)', 126, '', `neither '_start' nor '_initialize'`],
    [imports('env', 'f', '(func)'), 126, '', unknown('env.f')],
    [imports('env', 'memory', '(memory 1)'), 126, '', unknown('env.memory')],
    [imports(preview1, 'fd_fly', '(func)'), 126, '', unknown(`${preview1}.fd_fly`)],
    [imports(preview1, 'fd_read', '(memory 1)'), 126, '', 'not a program for WASI preview1'],
    [module('(call $say)', '_initialize'), 0, 'oh\n', 'is a reactor'],
    [module('(call $exit (i32.const 7))', '_initialize'), 7, '', ''],
    [module('unreachable', '_initialize'), 134, '', 'unreachable'],
    [module('(call $say)', 'main'), 126, '', `neither '_start' nor '_initialize'`],
    [module('(call $say) unreachable'), 134, 'oh\n', 'unreachable'],
    [module('(call $exit (i32.const 300))'), 44, '', ''],
    // Without a memory there is nothing to answer into.
    [fault, 134, '', 'memory'],
  ];
  const jobs = rows.flatMap(([text], index) => {
    const program = join(directory, `${index}.wat`);
    writeFileSync(program, text);
    // The second time with a mount that waits.
    return ['memory', 'tree:t'].map((mount) => ({ program, mounts: { '/': mount } }));
  });
  const results = await batch(t, jobs);
  for (const [index, { exit_code, stdout, stderr }] of results.entries()) {
    const [text, code, out, said] = rows[index >> 1];
    assert.deepEqual([exit_code, stdout], [code, out], `${text}: ${stderr}`);
    assert.ok(stderr.includes(said) && (stderr === '') === (said === ''), `${text}: ${stderr}`);
  }
});

test('input that comes late is waited for', async (t) => {
  const program = join(scratch(t), 'await.wat');
  // For an hour at most; 99 if that is not why.
  const wait = `(i64.store (i32.const 2000) (i64.const 1))
    (i64.store (i32.const 2024) (i64.const 3600000000000))
    (i32.store (i32.const 2016) (i32.const 1))
    (i64.store (i32.const 2048) (i64.const 2))
    (i32.store8 (i32.const 2056) (i32.const 1))
    (call $check (call $poll (i32.const 2000) (i32.const 3000) (i32.const 2) (i32.const 8)))
    (if (i64.ne (i64.load (i32.const 3000)) (i64.const 2)) (then (call $exit (i32.const 99))))`;
  const echo = `(i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 4096))
    (call $check (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))`;
  writeFileSync(program, module(`(call $say) ${wait} ${echo} (call $say)`));
  for (const mount of ['/=memory', '/=tree:t']) {
    const child = start(['run', program, '--mount', mount]);
    const [first] = await once(child.stdout, 'data');
    assert.equal(String(first), 'oh\n');
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(child.exitCode, null);
    child.stdin.end('late\n');
    const [[second], [code]] = await Promise.all([once(child.stdout, 'data'), once(child, 'close')]);
    assert.deepEqual([String(second), code], ['late\n', 0]);
  }
  const [result] = await batch(t, [{ program }]);
  assert.deepEqual([result.exit_code, result.stdout], [0, 'oh\n'], result.stderr);
});
