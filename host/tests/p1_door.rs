//! Preview1 programs in wasmtime, over the door: text modules that make the calls, and say
//! by their exit code what was wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use wasi_opfs::backend::volume::Volume;
use wasi_opfs::backend::{Destination, Source};
use wasi_opfs::door::p1::{Device, Exit, P1Builder, P1Ctx, P1View, Want, add_to_linker};
use wasi_opfs::{FileSystem, MountOptions, MountTable, Ref, Result};
use wasmtime::{Engine, Linker, Module, Store};

struct Guest(P1Ctx);

impl P1View for Guest {
    fn p1(&mut self) -> &mut P1Ctx {
        &mut self.0
    }
}

/// Keeps what is written; what is read comes in pieces.
#[derive(Default)]
struct Pipe {
    pieces: Mutex<Vec<Vec<u8>>>,
    written: Mutex<Vec<u8>>,
}

#[async_trait]
impl Device for Pipe {
    async fn read(&self, mut into: Destination<'_>) -> Result<usize> {
        let Some(piece) = self.pieces.lock().expect("whole").pop() else { return Ok(0) };
        into.put(0, &piece);
        Ok(piece.len())
    }

    async fn write(&self, from: Source<'_>) -> Result<usize> {
        let mut bytes = vec![0; from.len()];
        from.copy_to(&mut bytes);
        self.written.lock().expect("whole").extend(bytes);
        Ok(from.len())
    }

    async fn ready(&self, want: Want, most: Duration) -> Result<u64> {
        let next = self.pieces.lock().expect("whole").last().map_or(0, Vec::len);
        if want == Want::Read && next == 0 {
            tokio::time::sleep(most).await;
            return Ok(0);
        }
        Ok(next.max(1) as u64)
    }

    fn is_terminal(&self) -> bool {
        true
    }
}

async fn mounts(guests: &[&str]) -> MountTable {
    let mount = |guest: &&str| MountOptions {
        guest: (*guest).to_owned(),
        fs: FileSystem::new(Ref::new(Volume::in_memory(1 << 26).expect("memory"))),
        read_only: false,
    };
    MountTable::new(guests.iter().map(mount).collect()).await.expect("mounts")
}

/// Runs a module whose functions are `body`; how it ended.
fn run(body: &str, build: impl FnOnce(P1Builder) -> P1Builder) -> wasmtime::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker)?;
        let text = format!("(module {IMPORTS} {body})");
        let module = Module::new(&engine, wat::parse_str(text).expect("well formed"))?;
        let ctx = build(P1Builder::new(mounts(&["/", "data"]).await)).build();
        let mut store = Store::new(&engine, Guest(ctx.expect("a guest")));
        let instance = linker.instantiate_async(&mut store, &module).await?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        start.call_async(&mut store, ()).await
    })
}

const IMPORTS: &str = r#"
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_filestat_get" (func $stat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    ;; Ends with `code`, unless the two are the same.
    (func $same (param $one i32) (param $other i32) (param $code i32)
        (if (i32.ne (local.get $one) (local.get $other)) (then (call $exit (local.get $code)))))
"#;

fn exit_code(ended: wasmtime::Result<()>) -> Option<u32> {
    ended.err()?.downcast_ref::<Exit>().map(|exit| exit.0)
}

#[test]
fn a_program_ends_with_its_code() {
    let body = r#"(func (export "_start") (call $exit (i32.const 300)))"#;
    assert_eq!(exit_code(run(body, |guest| guest)), Some(300));
    assert!(run(r#"(func (export "_start"))"#, |guest| guest).is_ok());
}

#[test]
fn mounts_come_from_3_on_and_arguments_as_they_are() {
    let body = r#"(func (export "_start")
        (call $same (call $prestat (i32.const 3) (i32.const 0)) (i32.const 0) (i32.const 1))
        (call $same (i32.load (i32.const 4)) (i32.const 1) (i32.const 2))
        (call $same (call $prestat (i32.const 4) (i32.const 0)) (i32.const 0) (i32.const 3))
        (call $same (i32.load (i32.const 4)) (i32.const 4) (i32.const 4))
        (call $same (call $prestat (i32.const 5) (i32.const 0)) (i32.const 8) (i32.const 5))
        (call $same (call $args_sizes (i32.const 0) (i32.const 4)) (i32.const 0) (i32.const 6))
        (call $same (i32.load (i32.const 0)) (i32.const 2) (i32.const 7))
        (call $same (i32.load (i32.const 4)) (i32.const 6) (i32.const 8))
        (call $same (call $args (i32.const 0) (i32.const 16)) (i32.const 0) (i32.const 9))
        (call $same (i32.load (i32.const 4)) (i32.const 18) (i32.const 10))
        (call $same (i32.load (i32.const 18)) (i32.const 0x006162c3) (i32.const 11)))"#;
    let ended = run(body, |guest| guest.arg("p").arg(&b"\xc3ba"[..]));
    ended.expect("every check holds");
}

#[test]
fn a_pointer_that_leads_outside_traps() {
    for call in [
        "(call $args_sizes (i32.const -1) (i32.const 0))",
        "(call $args_sizes (i32.const 0) (i32.const 65533))",
        "(call $stat (i32.const 3) (i32.const 65473))",
        "(call $read (i32.const 0) (i32.const 65529) (i32.const 1) (i32.const 0))",
        "(call $read (i32.const 0) (i32.const -8) (i32.const 2) (i32.const 0))",
        "(call $poll (i32.const 65500) (i32.const 0) (i32.const 1) (i32.const 0))",
    ] {
        let body = format!(r#"(func (export "_start") (drop {call}))"#);
        let error = run(&body, |guest| guest).expect_err(call);
        let told = format!("{error:?}");
        assert!(told.contains("outside of the program's memory"), "{call}: {told}");
    }
}

#[test]
fn devices_are_read_written_and_waited_for() {
    let pipe = Arc::new(Pipe::default());
    pipe.pieces.lock().expect("whole").push(b"ab".to_vec());
    let body = r#"
        (data (i32.const 0) "\40\00\00\00\10\00\00\00")
        ;; A read of descriptor 0, and a clock that is due after 20 ms.
        (data (i32.const 128) "\07")
        (data (i32.const 136) "\01")
        (data (i32.const 176) "\08")
        (data (i32.const 192) "\01")
        (data (i32.const 200) "\00\2d\31\01")
        (func (export "_start")
            (call $same (call $poll (i32.const 128) (i32.const 256) (i32.const 2) (i32.const 96))
                (i32.const 0) (i32.const 1))
            (call $same (i32.load (i32.const 96)) (i32.const 1) (i32.const 2))
            (call $same (i32.load (i32.const 256)) (i32.const 7) (i32.const 3))
            (call $same (i32.load (i32.const 272)) (i32.const 2) (i32.const 4))
            (call $same (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 96))
                (i32.const 0) (i32.const 5))
            (call $same (i32.load (i32.const 96)) (i32.const 2) (i32.const 6))
            (i32.store (i32.const 4) (i32.const 2))
            (call $same (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 96))
                (i32.const 0) (i32.const 7))
            ;; Nothing is left: the clock comes first.
            (call $same (call $poll (i32.const 128) (i32.const 256) (i32.const 2) (i32.const 96))
                (i32.const 0) (i32.const 8))
            (call $same (i32.load (i32.const 256)) (i32.const 8) (i32.const 9))
            ;; Whoever will not wait is told so.
            (call $same (call $flags (i32.const 0) (i32.const 4)) (i32.const 0) (i32.const 10))
            (call $same (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 96))
                (i32.const 6) (i32.const 11))
            (call $same (call $write (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 96))
                (i32.const 8) (i32.const 12)))"#;
    let ended = run(body, |guest| guest.stdin(pipe.clone()).stdout(pipe.clone()));
    ended.expect("every check holds");
    assert_eq!(*pipe.written.lock().expect("whole"), b"ab");
}

#[test]
fn what_cannot_be_passed_on_is_refused() {
    let build = |what: fn(P1Builder) -> P1Builder| {
        let table = pollster::block_on(mounts(&["/"]));
        what(P1Builder::new(table)).build().err().map(|error| error.to_string())
    };
    assert!(build(|guest| guest.arg("a\0b")).is_some_and(|text| text.contains("NUL")));
    let taken = build(|guest| guest.device(3, Arc::new(Pipe::default())));
    assert!(taken.is_some_and(|text| text.contains("descriptor 3")));
    let large = build(|guest| guest.device(u32::MAX, Arc::new(Pipe::default())));
    assert!(large.is_some());
}
