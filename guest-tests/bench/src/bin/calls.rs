//! What single calls of preview1 cost, in microseconds: the medians of rounds of many calls.
//! `calls`, or `calls tiny` to see that all works; the files are in the first preopen.

use anyhow::Result;

#[cfg(not(target_os = "wasi"))]
fn main() -> Result<()> {
    anyhow::bail!("this makes calls of WASI: build it for wasm32-wasip1")
}

#[cfg(target_os = "wasi")]
fn main() -> Result<()> {
    let tiny = std::env::args().nth(1).is_some_and(|word| word == "tiny");
    measuring::all(if tiny { 2 } else { 40 })
}

#[cfg(target_os = "wasi")]
#[allow(clippy::cast_precision_loss)] // What is counted are thousands.
mod measuring {
    use std::time::Instant;

    use anyhow::Result;
    use guest_bench::{milliseconds, same, say};
    use wasip1::{
        Ciovec, Fd, Iovec, LOOKUPFLAGS_SYMLINK_FOLLOW, OFLAGS_DIRECTORY, Oflags,
        RIGHTS_FD_FILESTAT_GET, RIGHTS_FD_READ, RIGHTS_FD_READDIR, RIGHTS_FD_SEEK, RIGHTS_FD_SYNC,
        RIGHTS_FD_WRITE, Rights,
    };

    const TOP: Fd = 3;
    const FILE: &str = "calls/file";
    const FOLDER: &str = "calls";
    /// The file's size, and what is written between two syncs: as much as a volume gathers.
    const SIZE: usize = 1 << 20;
    const ENTRIES: usize = 1000;
    /// What wasi-libc asks for at a time.
    const LISTED: usize = 4096;
    const PAGE: usize = 4 << 10;
    const PIECE: usize = 64 << 10;

    pub(super) fn all(rounds: usize) -> Result<()> {
        make()?;
        let file = open(FILE, Oflags::default())?;
        let mut bytes = vec![7; PIECE];
        rounds_of("fd_filestat_get", rounds, 1000, |_| same("size", size(file)?, SIZE), || Ok(()))?;
        rounds_of(
            "path_filestat_get",
            rounds,
            1000,
            |_| same("size", size_at()?, SIZE),
            || Ok(()),
        )?;
        let open_and_close = |_| close(open(FILE, Oflags::default())?);
        rounds_of("path_open+fd_close", rounds, 1000, open_and_close, || Ok(()))?;
        for (name, length) in [("fd_pread 4 KiB", PAGE), ("fd_pread 64 KiB", PIECE)] {
            let read = |call| {
                let at = call * length % SIZE;
                same("bytes read", read(file, &mut bytes[..length], at)?, length)
            };
            rounds_of(name, rounds, SIZE / length * 4, read, || Ok(()))?;
        }
        for (name, length) in [("fd_pwrite 4 KiB", PAGE), ("fd_pwrite 64 KiB", PIECE)] {
            let write = |call| {
                let at = call * length % SIZE;
                same("bytes written", write(file, &bytes[..length], at)?, length)
            };
            rounds_of(name, rounds, SIZE / length, write, || sync(file))?;
        }
        close(file)?;
        let folder = open(FOLDER, OFLAGS_DIRECTORY)?;
        let mut found = 0;
        let list = |_| {
            found = entries(folder, &mut bytes[..LISTED])?;
            Ok(())
        };
        let us = rounds_of("", rounds, 1, list, || Ok(()))?;
        // With `.`, `..` and the file.
        same("entries", found, ENTRIES + 3)?;
        tell("fd_readdir, an entry", us / (ENTRIES + 3) as f64);
        close(folder)
    }

    /// The file and the directory that are asked for.
    fn make() -> Result<()> {
        std::fs::create_dir("/calls")?;
        std::fs::write("/calls/file", vec![5; SIZE])?;
        for number in 0..ENTRIES {
            std::fs::write(format!("/calls/entry{number}"), b"")?;
        }
        Ok(())
    }

    /// Microseconds of one of `calls` calls: the median of the rounds after as many that are
    /// not counted. `between` is not timed.
    fn rounds_of(
        name: &str,
        rounds: usize,
        calls: usize,
        mut call: impl FnMut(usize) -> Result<()>,
        mut between: impl FnMut() -> Result<()>,
    ) -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..2 * rounds {
            let begun = Instant::now();
            for number in 0..calls {
                call(number)?;
            }
            times.push(milliseconds(begun.elapsed()) * 1000.0 / calls as f64);
            between()?;
        }
        let counted = &mut times[rounds..];
        counted.sort_by(f64::total_cmp);
        let median = counted[counted.len() / 2];
        if !name.is_empty() {
            tell(name, median);
        }
        Ok(median)
    }

    fn tell(name: &str, us: f64) {
        say(&format!(r#"{{"call":"{name}","us":{us}}}"#));
    }

    fn open(path: &str, how: Oflags) -> Result<Fd> {
        let rights: Rights = RIGHTS_FD_READ
            | RIGHTS_FD_WRITE
            | RIGHTS_FD_SEEK
            | RIGHTS_FD_SYNC
            | RIGHTS_FD_READDIR
            | RIGHTS_FD_FILESTAT_GET;
        let rights = if how == OFLAGS_DIRECTORY { rights & !RIGHTS_FD_WRITE } else { rights };
        // SAFETY: descriptors and flags are numbers; the path is a string.
        Ok(unsafe { wasip1::path_open(TOP, LOOKUPFLAGS_SYMLINK_FOLLOW, path, how, rights, 0, 0) }?)
    }

    fn close(fd: Fd) -> Result<()> {
        // SAFETY: nothing else uses this descriptor.
        Ok(unsafe { wasip1::fd_close(fd) }?)
    }

    fn sync(fd: Fd) -> Result<()> {
        // SAFETY: a descriptor is a number.
        Ok(unsafe { wasip1::fd_sync(fd) }?)
    }

    #[allow(clippy::cast_possible_truncation)] // It is a mebibyte.
    fn size(fd: Fd) -> Result<usize> {
        // SAFETY: a descriptor is a number.
        Ok(unsafe { wasip1::fd_filestat_get(fd) }?.size as usize)
    }

    #[allow(clippy::cast_possible_truncation)] // It is a mebibyte.
    fn size_at() -> Result<usize> {
        // SAFETY: descriptors and flags are numbers; the path is a string.
        let found = unsafe { wasip1::path_filestat_get(TOP, LOOKUPFLAGS_SYMLINK_FOLLOW, FILE) };
        Ok(found?.size as usize)
    }

    fn read(fd: Fd, into: &mut [u8], at: usize) -> Result<usize> {
        let part = Iovec { buf: into.as_mut_ptr(), buf_len: into.len() };
        // SAFETY: the part is what `into` borrows.
        Ok(unsafe { wasip1::fd_pread(fd, &[part], at as u64) }?)
    }

    fn write(fd: Fd, from: &[u8], at: usize) -> Result<usize> {
        let part = Ciovec { buf: from.as_ptr(), buf_len: from.len() };
        // SAFETY: the part is what `from` borrows.
        Ok(unsafe { wasip1::fd_pwrite(fd, &[part], at as u64) }?)
    }

    /// Lists a directory to its end; how many entries there are.
    fn entries(fd: Fd, into: &mut [u8]) -> Result<usize> {
        const HEAD: usize = size_of::<wasip1::Dirent>();
        let (mut cookie, mut found) = (0, 0);
        loop {
            // SAFETY: `into` is borrowed, and as long as is said.
            let used = unsafe { wasip1::fd_readdir(fd, into.as_mut_ptr(), into.len(), cookie) }?;
            let mut rest = &into[..used];
            while let Some((head, names)) = rest.split_at_checked(HEAD) {
                // SAFETY: the host wrote a whole head, of numbers alone; it may lie anywhere.
                let head = unsafe { head.as_ptr().cast::<wasip1::Dirent>().read_unaligned() };
                let Some(after) = names.get(head.d_namlen as usize..) else { break };
                (cookie, rest) = (head.d_next, after);
                found += 1;
            }
            if used < into.len() {
                return Ok(found);
            }
        }
    }
}
