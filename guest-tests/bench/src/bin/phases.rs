//! The phases of `docs/measuring.md`, through `std::fs` alone.
//!
//! `phases TOP`; `phases TOP warm` does less of each, ten times, so that an engine compiles what
//! is called; `phases TOP tiny` does little, to see that all works.

use std::collections::HashSet;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use guest_bench::content::{BLOCK, Item, Random, bytes_of, sources, stamp, stamp_head, verify};
use guest_bench::{measured, part_of_phase, phase, same};

const CALL: usize = 16 * BLOCK;
/// For how long a file is made larger; what there is by then counts for all of it.
const BUDGET: Duration = Duration::from_secs(4);
/// What blocks are that were written again, but for their heads.
const NOISE: u32 = u32::MAX;

/// How much is done.
struct Counts {
    files: u32,
    blocks: u32,
    random: u32,
    tree: u32,
}

const FULL: Counts = Counts { files: 1000, blocks: 16_384, random: 10_000, tree: 2000 };
const WARM: Counts = Counts { files: 500, blocks: 1024, random: 1000, tree: 200 };
const TINY: Counts = Counts { files: 20, blocks: 64, random: 50, tree: 30 };

/// What the phases share.
struct Work {
    top: PathBuf,
    counts: Counts,
    old: Vec<PathBuf>,
    renamed: Vec<PathBuf>,
    big: PathBuf,
    /// How often each block of it was written.
    versions: Vec<u32>,
}

impl Work {
    fn new(top: PathBuf, counts: Counts) -> Result<Self> {
        fs::create_dir(&top)?;
        let names = |prefix| {
            (0..counts.files).map(|number| top.join(format!("{prefix}{number}"))).collect()
        };
        Ok(Self {
            old: names("file"),
            renamed: names("renamed"),
            big: top.join("big"),
            versions: vec![0; counts.blocks as usize],
            top,
            counts,
        })
    }

    fn run(&mut self) -> Result<()> {
        self.small_files()?;
        self.large_file()?;
        fs::remove_file(&self.big)?;
        self.tree()
    }

    fn small_files(&self) -> Result<()> {
        let contents: Vec<_> =
            (0..self.counts.files).map(|number| bytes_of(number, BLOCK)).collect();
        let bytes = contents.len() * BLOCK;
        phase("create", bytes * 2, || {
            for (path, bytes) in self.old.iter().zip(&contents) {
                fs::write(path, bytes)?;
            }
            Ok(())
        })?;
        // Memory that is touched for the first time would cost as much as reading into it.
        drop(black_box(vec![1_u8; 2 * bytes]));
        let found = phase("read", 0, || Ok(each(&self.old, |path| fs::read(path))?))?;
        ensure!(found == contents, "what was read differs");
        let found = phase("stat", 0, || Ok(each(&self.old, |path| fs::metadata(path))?))?;
        for metadata in found {
            same("a size", metadata.len(), BLOCK as u64)?;
        }
        let names = phase("list", 0, || self.list())?;
        same("names", names, of(&self.old))?;
        phase("rename", bytes, || {
            for (old, renamed) in self.old.iter().zip(&self.renamed) {
                fs::rename(old, renamed)?;
            }
            Ok(())
        })?;
        same("names", self.list()?, of(&self.renamed))?;
        let last = self.renamed.last().context("there are files")?;
        verify(last, &fs::read(last)?, self.counts.files - 1, BLOCK)?;
        phase("unlink", self.renamed.len() * 256, || {
            each(&self.renamed, |path| fs::remove_file(path))?;
            Ok(())
        })?;
        same("names", self.list()?, HashSet::new())
    }

    fn list(&self) -> Result<HashSet<PathBuf>> {
        fs::read_dir(&self.top)?.map(|entry| Ok(entry?.path())).collect()
    }

    fn large_file(&mut self) -> Result<()> {
        let mut contents = vec![0; self.versions.len() * BLOCK];
        for (block, bytes) in (0..).zip(contents.chunks_mut(BLOCK)) {
            stamp(bytes, block, 0);
        }
        let all = contents.len() / CALL;
        #[allow(clippy::cast_precision_loss)] // A thousand calls.
        let share = |calls: usize| calls as f64 / all as f64;
        let calls = part_of_phase("seq-write", contents.len(), || {
            let begun = Instant::now();
            let mut file = File::create(&self.big)?;
            let mut done = 0;
            for bytes in contents.chunks(CALL) {
                file.write_all(bytes)?;
                done += 1;
                if begun.elapsed() > BUDGET {
                    break;
                }
            }
            Ok((done, share(done)))
        })?;
        drop(contents);
        self.versions.truncate(calls * CALL / BLOCK);
        self.verify_large_file()?;
        let mut bytes = vec![0; CALL];
        part_of_phase("seq-read", 0, || {
            let mut file = File::open(&self.big)?;
            for call in 0..calls {
                file.read_exact(&mut bytes)?;
                same("a block", first_word(&bytes), u32::try_from(call * CALL / BLOCK)?)?;
            }
            Ok(((), share(calls)))
        })?;
        let blocks = u32::try_from(self.versions.len())?;
        let mut random = Random::new(3);
        let mut block = [0; BLOCK];
        phase("random-read", 0, || {
            let mut file = File::open(&self.big)?;
            for _ in 0..self.counts.random {
                let number = random.below(blocks);
                file.seek(SeekFrom::Start(u64::from(number) * BLOCK as u64))?;
                file.read_exact(&mut block)?;
                same("a block", first_word(&block), number)?;
            }
            Ok(())
        })?;
        let mut random = Random::new(5);
        block.copy_from_slice(&bytes_of(NOISE, BLOCK));
        phase("random-write", self.counts.random as usize * BLOCK, || {
            let mut file = OpenOptions::new().write(true).open(&self.big)?;
            for _ in 0..self.counts.random {
                let number = random.below(blocks);
                let version = &mut self.versions[number as usize];
                *version += 1;
                stamp_head(&mut block, number, *version);
                file.seek(SeekFrom::Start(u64::from(number) * BLOCK as u64))?;
                file.write_all(&block)?;
            }
            Ok(())
        })?;
        self.verify_large_file()
    }

    fn verify_large_file(&self) -> Result<()> {
        let mut file = File::open(&self.big)?;
        let (mut found, mut wanted) = ([0; BLOCK], [0; BLOCK]);
        let mut again = bytes_of(NOISE, BLOCK);
        for (block, version) in (0..).zip(&self.versions) {
            file.read_exact(&mut found)?;
            if *version == 0 {
                stamp(&mut wanted, block, 0);
            } else {
                stamp_head(&mut again, block, *version);
                wanted.copy_from_slice(&again);
            }
            ensure!(found == wanted, "block {block} of {} differs", self.big.display());
        }
        same("bytes after the last block", file.read(&mut found)?, 0)
    }

    fn tree(&self) -> Result<()> {
        let tree = sources(&self.top.join("tree"), self.counts.tree);
        phase("extract", tree.len() * BLOCK * 2, || {
            for Item { path, file } in &tree {
                match file {
                    Some((_, bytes)) => fs::write(path, bytes)?,
                    None => fs::create_dir(path)?,
                }
            }
            Ok(())
        })?;
        let files = || tree.iter().filter_map(|item| Some((&item.path, item.file.as_ref()?)));
        for (path, (number, bytes)) in files().step_by(41) {
            verify(path, &fs::read(path)?, *number, bytes.len())?;
        }
        let found = phase("walk", 0, || walk(&tree[0].path))?;
        let bytes = files().map(|(_, (_, bytes))| bytes.len() as u64).sum();
        same("files and bytes", found, (files().count(), bytes))
    }
}

/// What a call answers for each path.
fn each<T>(
    paths: &[PathBuf],
    call: impl FnMut(&PathBuf) -> std::io::Result<T>,
) -> std::io::Result<Vec<T>> {
    paths.iter().map(call).collect()
}

fn of(paths: &[PathBuf]) -> HashSet<PathBuf> {
    paths.iter().cloned().collect()
}

fn first_word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// How many files there are below a directory, and how large they are together.
fn walk(top: &Path) -> Result<(usize, u64)> {
    let mut pending = vec![top.to_owned()];
    let (mut files, mut bytes) = (0, 0);
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else {
                files += 1;
                bytes += entry.metadata()?.len();
            }
        }
    }
    Ok((files, bytes))
}

fn main() -> Result<()> {
    measured(run)
}

fn run() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let top = PathBuf::from(arguments.next().context("where the files are to be")?);
    let counts = match arguments.next().as_deref() {
        None => FULL,
        Some("tiny") => TINY,
        Some("warm") => {
            for round in 0..10 {
                Work::new(top.join(format!("warm{round}")), WARM)?.run()?;
            }
            return Ok(());
        }
        Some(other) => bail!("'{other}' is neither 'warm' nor 'tiny'"),
    };
    Work::new(top.join("work"), counts)?.run()
}
