//! What single calls of `wasi:filesystem` cost a component, in microseconds, and what they
//! cost it through `std::fs`: the medians of rounds of many calls.
//!
//! `component_calls ROUNDS [NAME]` measures those whose names have NAME in them; all if there
//! is none. The files are in the first preopen.

use anyhow::Result;

#[cfg(not(all(target_os = "wasi", target_env = "p2")))]
fn main() -> Result<()> {
    anyhow::bail!("this makes calls of a component: build it for wasm32-wasip2")
}

#[cfg(all(target_os = "wasi", target_env = "p2"))]
fn main() -> Result<()> {
    let rounds = guest_bench::rounds::Rounds::from_arguments()?;
    guest_bench::measured(|| {
        measuring::make()?;
        measuring::direct(&rounds)?;
        measuring::through_std(&rounds)
    })
}

#[cfg(all(target_os = "wasi", target_env = "p2"))]
mod measuring {
    use std::fs::{self, File, OpenOptions};
    use std::io::{Read, Seek, Write};

    use anyhow::{Context, Result, anyhow};
    use guest_bench::rounds::Rounds;
    use guest_bench::same;
    use guest_tests::{
        DIRECTORY, Descriptor, DescriptorFlags, DescriptorType, ErrorCode, FOLLOW, OpenFlags,
        PLAIN, R, RW, get_directories,
    };

    /// A file, below two directories and beside others.
    const FILE: &str = "calls/of/file";
    const FOLDER: &str = "calls/of";
    const SIZE: usize = 1 << 20;
    /// What is written between two syncs: less than a volume gathers, so that it is the call
    /// that is measured. What storing costs, the phases show.
    const GATHERED: usize = 512 << 10;
    const ENTRIES: usize = 1000;
    const PAGE: usize = 4 << 10;
    const PIECE: usize = 64 << 10;

    /// The file and the directory that are asked for.
    pub(super) fn make() -> Result<()> {
        fs::create_dir_all("/calls/of")?;
        fs::write("/calls/of/file", vec![5; SIZE])?;
        for number in 0..ENTRIES {
            fs::write(format!("/calls/of/entry{number}"), b"")?;
        }
        Ok(())
    }

    /// The WIT's own functions.
    pub(super) fn direct(rounds: &Rounds) -> Result<()> {
        let (top, _) = get_directories().into_iter().next().context("there is a preopen")?;
        let file = open(&top, FILE, PLAIN, RW)?;
        rounds.alone("get-type", |_| {
            same("type", file.get_type().map_err(failed)?, DescriptorType::RegularFile)
        })?;
        rounds.alone("get-flags", |_| {
            // Some hosts add what is for directories alone.
            same("flags", file.get_flags().map_err(failed)?.contains(RW), true)
        })?;
        rounds.alone("stat", |_| same("size", file.stat().map_err(failed)?.size, SIZE as u64))?;
        rounds.alone("stat-at", |_| {
            same("size", top.stat_at(FOLLOW, FILE).map_err(failed)?.size, SIZE as u64)
        })?;
        rounds.alone("open-at+drop", |_| open(&top, FILE, PLAIN, R).map(drop))?;
        for (name, length) in [("read 4 KiB", PAGE), ("read 64 KiB", PIECE)] {
            let read = |call| {
                let at = call * length % SIZE;
                let (bytes, _) = file.read(length as u64, at as u64).map_err(failed)?;
                same("bytes read", bytes.len(), length)
            };
            rounds.each(name, SIZE / length * 4, read, || Ok(()))?;
        }
        let bytes = vec![7; PIECE];
        let sync = || file.sync().map_err(failed);
        for (name, length) in [("write 4 KiB", PAGE), ("write 64 KiB", PIECE)] {
            let write = |call| {
                let at = call * length % SIZE;
                let written = file.write(&bytes[..length], at as u64).map_err(failed)?;
                same("bytes written", written, length as u64)
            };
            rounds.each(name, GATHERED / length, write, sync)?;
        }
        let folder = open(&top, FOLDER, DIRECTORY, R)?;
        let mut list = folder.read_directory().map_err(failed)?;
        let next = |_| {
            if list.read_directory_entry().map_err(failed)?.is_none() {
                list = folder.read_directory().map_err(failed)?;
            }
            Ok(())
        };
        // With the file, and the end.
        rounds.each("read-directory, an entry", ENTRIES + 2, next, || Ok(()))
    }

    /// What a program of the standard library calls.
    pub(super) fn through_std(rounds: &Rounds) -> Result<()> {
        let path = "/calls/of/file";
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        rounds.alone("File::metadata", |_| same("size", file.metadata()?.len(), SIZE as u64))?;
        rounds.alone("metadata(path)", |_| same("size", fs::metadata(path)?.len(), SIZE as u64))?;
        rounds.alone("File::open+close", |_| Ok(drop(File::open(path)?)))?;
        let mut bytes = vec![0; PIECE];
        for (name, length) in [("File::read 4 KiB", PAGE), ("File::read 64 KiB", PIECE)] {
            rounds.each(
                name,
                SIZE / length - 1,
                |_| same("bytes read", (&file).read(&mut bytes[..length])?, length),
                || Ok((&file).rewind()?),
            )?;
        }
        for (name, length) in [("File::write 4 KiB", PAGE), ("File::write 64 KiB", PIECE)] {
            rounds.each(
                name,
                GATHERED / length,
                |_| Ok((&file).write_all(&bytes[..length])?),
                || {
                    file.sync_all()?;
                    Ok((&file).rewind()?)
                },
            )?;
        }
        Ok(())
    }

    fn open(
        top: &Descriptor,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Descriptor> {
        top.open_at(FOLLOW, path, open, flags).map_err(failed)
    }

    fn failed(code: ErrorCode) -> anyhow::Error {
        anyhow!("{code:?}")
    }
}
