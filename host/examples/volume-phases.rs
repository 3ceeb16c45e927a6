//! How long a thousand files take on each native backend, called as the core calls it: the
//! volume in memory and in a file, beside a directory.
//!
//! Run with `cargo run --release -p wasi-opfs --example volume-phases`.

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use pollster::block_on;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{Access, Backend, Destination, Fresh, Position, Removal, Source};
use wasi_opfs::path::Name;

const FILES: usize = 1000;
const ROUNDS: usize = 5;
const PHASES: [&str; 6] = ["create", "read", "stat", "rename", "unlink", "sync"];
const BOTH: Access = Access { read: true, write: true };

fn names(prefix: &str) -> anyhow::Result<Vec<Name>> {
    (0..FILES).map(|number| Ok(Name::new(format!("{prefix}{number}").as_bytes())?)).collect()
}

/// Milliseconds of each phase.
fn run(backend: &dyn Backend) -> anyhow::Result<[f64; PHASES.len()]> {
    let root = backend.root();
    let (old, new) = (names("file")?, names("renamed")?);
    let bytes = [7; 4096];
    let mut found = [0.0; PHASES.len()];
    let mut begun = Instant::now();
    let mut phase = |number: usize| {
        found[number] += begun.elapsed().as_secs_f64() * 1000.0;
        begun = Instant::now();
    };
    for name in &old {
        let (_, file) = block_on(backend.create(&root, name, Fresh::FILE, BOTH))?;
        file.write(Source::Slice(&bytes), Position::At(0))?;
    }
    phase(0);
    block_on(backend.sync())?;
    phase(5);
    let mut into = [0; 4096];
    for name in &old {
        let walk = block_on(backend.walk(&root, std::slice::from_ref(name)))?;
        let file = block_on(backend.open(&walk.node, BOTH))?;
        anyhow::ensure!(file.read(Destination::Slice(&mut into), 0)? == into.len(), "short");
    }
    phase(1);
    for name in &old {
        let walk = block_on(backend.walk(&root, std::slice::from_ref(name)))?;
        anyhow::ensure!(block_on(backend.attributes(&walk.node))?.size == 4096, "size");
    }
    phase(2);
    for (old, new) in old.iter().zip(&new) {
        block_on(backend.rename(&root, old, &root, new))?;
    }
    phase(3);
    for name in &new {
        block_on(backend.remove(&root, name, Removal::File))?;
    }
    phase(4);
    block_on(backend.sync())?;
    phase(5);
    Ok(found)
}

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("directory");
    std::fs::create_dir(&directory)?;
    let file = folder.path().join("volume");
    let backends: [(&str, Arc<dyn Backend>); 3] = [
        ("volume, RAM", Arc::new(Volume::in_memory(1 << 30)?)),
        ("volume, file", Arc::new(Volume::open_file(file, Options::default())?)),
        ("dir", Arc::new(Dir::open(&directory)?)),
    ];
    let mut times = vec![vec![Vec::new(); PHASES.len()]; backends.len()];
    for round in 0..=ROUNDS {
        // In turn, and the first round only warms up.
        for ((_, backend), times) in backends.iter().zip(&mut times) {
            let found = run(&**backend)?;
            if round > 0 {
                times.iter_mut().zip(found).for_each(|(times, time)| times.push(time));
            }
        }
    }
    println!("{FILES} files of 4 KiB, median of {ROUNDS}, ms (and dir's time by this one)");
    println!("{:14} {}", "", PHASES.map(|phase| format!("{phase:>18}")).concat());
    let median = |times: &[f64]| {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    for ((name, _), all) in backends.iter().zip(&times) {
        let cell = |phase: usize| {
            let time = median(&all[phase]);
            format!("{time:>9.2} ({:>5.1}x)", median(&times[2][phase]) / time)
        };
        println!("{name:14} {}", (0..PHASES.len()).map(cell).collect::<String>());
    }
    Ok(())
}
