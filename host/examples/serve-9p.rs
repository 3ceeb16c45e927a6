//! The smallest server of 9P2000.L: one directory or volume, for one client after the other.
//!
//! Run with `cargo run --release -p wasi-opfs --features p9 --example serve-9p -- dir FOLDER`
//! or `volume FILE`; it says which port it listens at. With the name of one more file, it writes
//! a line there for each message it has answered.

#![allow(clippy::print_stderr)]

use std::fs::File;
use std::io::{LineWriter, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use wasi_opfs::backend::Backend;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::door::p9::{Server, serve};
use wasi_opfs::{FileSystem, MountOptions, MountTable, TraceEvent};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let backend: Arc<dyn Backend> = match words[..] {
        ["dir", folder, ..] => Arc::new(Dir::open(Path::new(folder))?),
        ["volume", file, ..] => Arc::new(Volume::open_file(file, Options::default())?),
        _ => anyhow::bail!("serve-9p (dir FOLDER | volume FILE) [TRACE]"),
    };
    let fs = FileSystem::new(backend);
    let mount = MountOptions { guest: "/".into(), fs, read_only: false };
    let mut server = Server::new(block_on(MountTable::new(vec![mount]))?);
    if let Some(trace) = words.get(2) {
        let trace = Mutex::new(LineWriter::new(File::create(trace)?));
        server = server.trace(Arc::new(move |event: &TraceEvent<'_>| {
            if let Ok(mut trace) = trace.lock()
                && let Err(error) = writeln!(trace, "{event}")
            {
                eprintln!("the trace is not complete: {error}");
            }
        }));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    eprintln!("listening at tcp:{}", listener.local_addr()?);
    for client in listener.incoming() {
        let client = client?;
        client.set_nodelay(true)?;
        // Whoever goes in the middle is no reason to end.
        if let Err(error) = serve(&server, client.try_clone()?, client) {
            eprintln!("a client is gone: {error}");
        }
    }
    Ok(())
}
