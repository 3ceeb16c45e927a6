//! How long a preview1 module takes in wasmtime with wasmtime's own files: what programs on
//! this project's file systems are measured beside.
//!
//! `plain-wasmtime RUNS MODULE FOLDER [ARGUMENT...]` runs it so often on a folder, which it
//! finds at `/`, in the environment that this has, and prints the milliseconds of each run, and then how many bytes it wrote.

#![allow(clippy::print_stdout)]

use std::env;
use std::time::Instant;

use wasmtime::error::Context as _;
use wasmtime::{Engine, Linker, Module, Result, Store, bail, ensure};
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_sync};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtxBuilder};

/// More than any program prints that is measured.
const PRINTED: usize = 64 << 20;

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [runs, program, folder, rest @ ..] = arguments.as_slice() else {
        bail!("plain-wasmtime RUNS MODULE FOLDER [ARGUMENT...]");
    };
    let engine = Engine::default();
    let module = Module::from_file(&engine, program)?;
    let mut linker = Linker::<WasiP1Ctx>::new(&engine);
    add_to_linker_sync(&mut linker, |wasi| wasi)?;
    let ready = linker.instantiate_pre(&module)?;
    for _ in 0..runs.parse::<u32>().context("RUNS is a number")? {
        let printed = MemoryOutputPipe::new(PRINTED);
        let wasi = WasiCtxBuilder::new()
            .arg("program")
            .args(rest)
            .inherit_env()
            .stdout(printed.clone())
            .inherit_stderr()
            .preopened_dir(folder, "/", FsPerms::ReadWrite)?
            // As wasmtime's own command line does: no thread for each call.
            .allow_blocking_current_thread(true)
            .build_p1();
        let mut store = Store::new(&engine, wasi);
        let begun = Instant::now();
        let instance = ready.instantiate(&mut store)?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        let ended = start.call(&mut store, ());
        let ms = begun.elapsed().as_secs_f64() * 1000.0;
        if let Err(error) = ended {
            let code = error.downcast_ref::<I32Exit>().map(|exit| exit.0);
            ensure!(code == Some(0), "it ended with {error:?}");
        }
        println!("{{\"ms\":{ms},\"printed\":{}}}", printed.contents().len());
    }
    Ok(())
}
