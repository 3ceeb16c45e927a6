//! How long a thousand files take on each native backend, called as the core calls it: the
//! volume in memory and in a file, beside a directory; and a million in a volume.
//!
//! Run with `cargo run --release -p wasi-opfs --example volume-phases`; `-- --json` prints
//! lines of JSON.

#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use pollster::block_on;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::disk::Ram;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{Access, Backend, Destination, Fresh, Position, Removal, Source};
use wasi_opfs::path::Name;

const FILES: usize = 1000;
const ROUNDS: usize = 5;
const MANY: usize = 1_000_000;
/// Of so many creations the mean is taken.
const EACH: usize = 100_000;
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

/// A million files in directories of a thousand, in a volume in a file: microseconds of one
/// creation by the hundred thousand, and of one lookup among all.
fn scale(file: &Path) -> anyhow::Result<(Vec<f64>, f64)> {
    let volume = Volume::open_file(file, Options::default())?;
    let root = volume.root();
    let names = names("file")?;
    let mut directories = Vec::new();
    let mut creations = Vec::new();
    for _ in 0..MANY / EACH {
        let begun = Instant::now();
        for _ in 0..EACH / FILES {
            let name = Name::new(format!("directory{}", directories.len()).as_bytes())?;
            let directory = block_on(volume.make_directory(&root, &name, Fresh::DIRECTORY))?;
            for name in &names {
                block_on(volume.create(&directory, name, Fresh::FILE, BOTH))?;
            }
            directories.push(directory);
        }
        creations.push(micros(begun, EACH));
    }
    block_on(volume.sync())?;
    // Far from the order in which they were made, so that no cache knows them.
    let mut at = 1;
    let begun = Instant::now();
    for _ in 0..MANY {
        at = at * 1_103_515_245 % 2_147_483_647;
        let (directory, name) = (&directories[at / FILES % directories.len()], &names[at % FILES]);
        let walk = block_on(volume.walk(directory, std::slice::from_ref(name)))?;
        anyhow::ensure!(walk.walked == 1, "a file was not found");
    }
    Ok((creations, micros(begun, MANY)))
}

#[allow(clippy::cast_precision_loss)] // A million.
fn micros(begun: Instant, calls: usize) -> f64 {
    begun.elapsed().as_secs_f64() * 1e6 / calls as f64
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() -> anyhow::Result<()> {
    let json = std::env::args().any(|argument| argument == "--json");
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("directory");
    std::fs::create_dir(&directory)?;
    let file = folder.path().join("volume");
    let backends: [(&str, Arc<dyn Backend>); 3] = [
        ("volume, RAM", Arc::new(Volume::open(Ram::new(1 << 30), Options::default())?)),
        ("volume, file", Arc::new(Volume::open_file(&file, Options::default())?)),
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
    let (creations, lookup) = scale(&folder.path().join("many"))?;
    if json {
        for (number, phase) in PHASES.iter().enumerate() {
            let cells = backends.iter().zip(&times);
            let cells = cells.map(|((name, _), all)| format!("{name:?}:{}", median(&all[number])));
            println!("{{\"phase\":{phase:?},{}}}", cells.collect::<Vec<_>>().join(","));
        }
        println!(
            "{{\"files\":{MANY},\"create_us\":{creations:?},\"first_create_us\":{},\
             \"last_create_us\":{},\"lookup_us\":{lookup}}}",
            creations[0],
            creations[creations.len() - 1]
        );
        return Ok(());
    }
    println!("{FILES} files of 4 KiB, median of {ROUNDS}, ms (and dir's time by this one)");
    println!("{:14} {}", "", PHASES.map(|phase| format!("{phase:>18}")).concat());
    for ((name, _), all) in backends.iter().zip(&times) {
        let cell = |phase: usize| {
            let time = median(&all[phase]);
            format!("{time:>9.2} ({:>5.1}x)", median(&times[2][phase]) / time)
        };
        println!("{name:14} {}", (0..PHASES.len()).map(cell).collect::<String>());
    }
    println!(
        "{MANY} files: µs of a creation by the {EACH} {creations:.2?}, of a lookup {lookup:.2}"
    );
    Ok(())
}
