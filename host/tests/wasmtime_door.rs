//! The wasmtime door from an embedder's side: linking, tracing, and a guest that asks
//! for what no honest one would.

// The command line brings what makes a component of text.
#![cfg(feature = "cli")]

use std::path::Path;
use std::sync::{Arc, Mutex};

use wasi_opfs::backend::volume::Volume;
use wasi_opfs::door::wasmtime::{
    FilesystemCtx, FilesystemCtxView, FilesystemView, add_filesystem_to_linker, add_to_linker,
};
use wasi_opfs::{ErrorCode, FileSystem, MountOptions, MountTable, Ref, TraceEvent};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

struct Data {
    wasi: WasiCtx,
    files: FilesystemCtx,
    table: ResourceTable,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl FilesystemView for Data {
    fn filesystem(&mut self) -> FilesystemCtxView<'_> {
        FilesystemCtxView { ctx: &self.files, table: &mut self.table }
    }
}

/// A guest whose function `run` makes one call of several and gives 0, or 1 and the
/// number of the error code.
const GUEST: &str = r#"(module
  (import "wasi:filesystem/preopens@VERSION" "get-directories" (func $directories (param i32)))
  (import "wasi:filesystem/types@VERSION" "[method]descriptor.open-at"
    (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@VERSION" "[method]descriptor.read"
    (func $read (param i32 i64 i64 i32)))
  (import "wasi:filesystem/types@VERSION" "[method]descriptor.write"
    (func $write (param i32 i32 i32 i64 i32)))
  (import "wasi:filesystem/types@VERSION" "[method]descriptor.set-size"
    (func $set-size (param i32 i64 i32)))
  (import "wasi:filesystem/types@VERSION" "[method]descriptor.set-times"
    (func $set-times (param i32 i32 i64 i32 i32 i64 i32 i32)))
  (import "wasi:filesystem/types@VERSION" "[method]descriptor.write-via-stream"
    (func $write-via-stream (param i32 i64 i32)))
  (import "wasi:io/streams@VERSION" "[method]output-stream.write"
    (func $stream-write (param i32 i32 i32 i32)))
  (memory (export "memory") 16)
  (global $free (mut i32) (i32.const 0x80000))
  (data (i32.const 0x100) "file")
  (data (i32.const 0x110) "a\00b")
  (data (i32.const 0x120) "__proto__")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free)
      (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))
  ;; The answer of a call whose code stands `at` bytes behind the case.
  (func $answer (param $at i32) (result i32)
    (if (result i32) (i32.load8_u (i32.const 0))
      (then (i32.add (i32.const 1) (i32.load8_u (local.get $at))))
      (else (i32.const 0))))
  (func $root (result i32)
    (call $directories (i32.const 0))
    (i32.load (i32.load (i32.const 0))))
  (func $open (param $from i32) (param $length i32) (result i32)
    ;; create; read and write
    (call $open-at (call $root) (i32.const 0) (local.get $from) (local.get $length)
      (i32.const 1) (i32.const 3) (i32.const 0))
    (call $answer (i32.const 4)))
  (func $file (result i32)
    (if (call $open (i32.const 0x100) (i32.const 4)) (then unreachable))
    (i32.load (i32.const 4)))
  (func (export "run") (param $what i32) (result i32)
    block $b7 block $b6 block $b5 block $b4 block $b3 block $b2 block $b1 block $b0
    (br_table $b0 $b1 $b2 $b3 $b4 $b5 $b6 $b7 (local.get $what))
    end
    (return (call $open (i32.const 0x110) (i32.const 3)))
    end
    (call $read (call $file) (i64.const -1) (i64.const -1) (i32.const 0))
    (return (call $answer (i32.const 4)))
    end
    (call $read (call $file) (i64.const -1) (i64.const 0) (i32.const 0))
    (return (call $answer (i32.const 4)))
    end
    (call $write (call $file) (i32.const 0x100) (i32.const 4) (i64.const -1) (i32.const 0))
    (return (call $answer (i32.const 8)))
    end
    (call $set-size (call $file) (i64.const -1) (i32.const 0))
    (return (call $answer (i32.const 1)))
    end
    ;; timestamp; no-change
    (call $set-times (call $file) (i32.const 2) (i64.const -1) (i32.const 0)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0))
    (return (call $answer (i32.const 1)))
    end
    (return (call $open (i32.const 0x120) (i32.const 9)))
    end
    (call $write-via-stream (call $file) (i64.const -1) (i32.const 0))
    (call $stream-write (i32.load (i32.const 4)) (i32.const 0) (local.get $what) (i32.const 0))
    (call $answer (i32.const 4))))"#;

/// As a component that was built with `version` of WASI.
fn guest(version: &str) -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let copy = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(copy.path().join("deps")).expect("a folder");
    for file in [
        "worlds.wit",
        "deps/cli.wit",
        "deps/clocks.wit",
        "deps/filesystem.wit",
        "deps/io.wit",
        "deps/random.wit",
        "deps/sockets.wit",
    ] {
        let text = std::fs::read_to_string(wit.join(file)).expect(file);
        std::fs::write(copy.path().join(file), text.replace("0.2.12", version)).expect(file);
    }
    let mut resolve = Resolve::default();
    resolve.push_dir(copy.path()).expect("the WIT");
    let world = "package test:door; world door {
        include wasi-opfs:worlds/host@0.1.0;
        export run: func(what: u32) -> u32;
    }";
    let package = resolve.push_str("door.wit", world).expect("the world");
    let world = resolve.select_world(&[package], None).expect("the world");
    let mut module = wat::parse_str(GUEST.replace("VERSION", version)).expect("the guest");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("its types");
    let mut encoder = ComponentEncoder::default().module(&module).expect("a module");
    encoder.encode().expect("a component")
}

async fn memory() -> MountTable {
    let fs = FileSystem::new(Ref::new(Volume::in_memory(1 << 30).expect("a volume")));
    let mount = MountOptions { guest: "/".to_owned(), fs, read_only: false };
    MountTable::new(vec![mount]).await.expect("a table")
}

fn data(files: FilesystemCtx) -> Data {
    Data { wasi: WasiCtx::builder().build(), files, table: ResourceTable::new() }
}

/// Calls `run` of a fresh instance.
async fn run(
    linker: &Linker<Data>,
    guest: &Component,
    data: Data,
    what: u32,
) -> wasmtime::Result<u32> {
    let mut store = Store::new(linker.engine(), data);
    let instance = linker.instantiate_async(&mut store, guest).await?;
    let run = instance.get_typed_func::<(u32,), (u32,)>(&mut store, "run")?;
    Ok(run.call_async(&mut store, (what,)).await?.0)
}

fn name(answer: u32) -> &'static str {
    match answer.checked_sub(1) {
        None => "ok",
        Some(code) => ErrorCode::ALL[code as usize].name(),
    }
}

#[test]
fn hostile_values_get_codes() {
    pollster::block_on(async {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).expect("it links");
        // (the call of the guest, its answer)
        let rows = [
            (0, "invalid"),
            (1, "invalid"),
            (2, "ok"),
            (3, "invalid"),
            (4, "invalid"),
            (5, "overflow"),
            (6, "ok"),
        ];
        // A guest finds the interfaces whatever 0.2 it was built with.
        for version in ["0.2.0", "0.2.6", "0.2.12"] {
            let guest = Component::new(&engine, guest(version)).expect("it compiles");
            for (what, wanted) in rows {
                let data = data(FilesystemCtx::new(memory().await));
                let answer = run(&linker, &guest, data, what).await.expect("no trap");
                assert_eq!(name(answer), wanted, "{version}: call {what}");
            }
        }
    });
}

#[test]
fn a_write_beyond_the_permit_ends_the_guest() {
    pollster::block_on(async {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).expect("it links");
        let guest = Component::new(&engine, guest("0.2.12")).expect("it compiles");
        // At an offset that no file has: an error of the stream.
        let files = FilesystemCtx::new(memory().await);
        let answer = run(&linker, &guest, data(files), 65536).await.expect("no trap");
        assert_ne!(answer, 0);
        let files = FilesystemCtx::new(memory().await);
        let trap = run(&linker, &guest, data(files), 65537).await.expect_err("a trap");
        assert!(format!("{trap:?}").contains("check-write"), "{trap:?}");
    });
}

#[test]
fn a_full_table_is_no_memory() {
    pollster::block_on(async {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).expect("it links");
        let guest = Component::new(&engine, guest("0.2.12")).expect("it compiles");
        let mut data = data(FilesystemCtx::new(memory().await));
        // Room for the preopened directory, and for no file.
        data.table.set_max_capacity(1);
        let answer = run(&linker, &guest, data, 6).await.expect("no trap");
        assert_eq!(name(answer), "insufficient-memory");
    });
}

#[test]
fn a_trace_tells_of_each_call() {
    pollster::block_on(async {
        let engine = Engine::default();
        // The file system alone, with what it uses.
        let mut linker = Linker::new(&engine);
        add_filesystem_to_linker(&mut linker).expect("it links");
        wasmtime_wasi_io::add_to_linker_async(&mut linker).expect("it links");
        let guest = Component::new(&engine, guest("0.2.12")).expect("it compiles");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&lines);
        let files =
            FilesystemCtx::new(memory().await).trace(Arc::new(move |event: &TraceEvent<'_>| {
                let line = format!("{} {:?} {}", event.call, event.path, event.answer);
                assert!(event.to_string().starts_with(&format!("{{\"call\":\"{}\"", event.call)));
                listener.lock().expect("a list").push(line);
            }));
        let mut store = Store::new(&engine, data(files));
        let instance = linker.instantiate_async(&mut store, &guest).await.expect("an instance");
        let run = instance.get_typed_func::<(u32,), (u32,)>(&mut store, "run").expect("run");
        run.call_async(&mut store, (1,)).await.expect("no trap");
        drop(store);
        let wanted = [
            "preopens.get-directories None ok",
            "descriptor.open-at Some(\"file\") ok",
            "descriptor.read None invalid",
        ];
        assert_eq!(*lines.lock().expect("a list"), wanted);
    });
}

impl wasmtime_wasi_io::IoView for Data {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}
