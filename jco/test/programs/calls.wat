;; Makes single calls as it is told, each with its place for a buffer's description and for an
;; answer. `MEMORY` is its own, or one that it is given.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  MEMORY
  (func $buffer (param $place i32) (param $at i32) (param $length i32)
    (i32.store (local.get $place) (local.get $at))
    (i32.store (i32.add (local.get $place) (i32.const 4)) (local.get $length)))
  ;; These answer with a number of bytes, or the negative number of an error.
  (func (export "read")
    (param $place i32) (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (call $buffer (local.get $place) (local.get $at) (local.get $length))
    (call $answer (local.get $place)
      (call $fd_read (local.get $fd) (local.get $place) (i32.const 1)
        (i32.add (local.get $place) (i32.const 8)))))
  (func (export "write")
    (param $place i32) (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (call $buffer (local.get $place) (local.get $at) (local.get $length))
    (call $answer (local.get $place)
      (call $fd_write (local.get $fd) (local.get $place) (i32.const 1)
        (i32.add (local.get $place) (i32.const 8)))))
  ;; The descriptor of a new file whose name is at `at`.
  (func (export "open")
    (param $place i32) (param $at i32) (param $length i32) (result i32)
    (call $answer (local.get $place)
      (call $path_open (i32.const 3) (i32.const 0) (local.get $at) (local.get $length)
        (i32.const 9) (i64.const 66) (i64.const 0) (i32.const 0)
        (i32.add (local.get $place) (i32.const 8)))))
  (func $answer (param $place i32) (param $error i32) (result i32)
    (if (local.get $error) (then (return (i32.sub (i32.const 0) (local.get $error)))))
    (i32.load (i32.add (local.get $place) (i32.const 8))))
  (func (export "grow") (drop (memory.grow (i32.const 1)))))
