//! What single calls of preview1 cost, in microseconds: the medians of rounds of many calls.
//!
//! `calls ROUNDS [NAME]` measures those whose names have NAME in them; all if there is none.
//! The files are in the first preopen.

use anyhow::Result;

#[cfg(not(all(target_os = "wasi", target_env = "p1")))]
fn main() -> Result<()> {
    anyhow::bail!("this makes calls of preview1: build it for wasm32-wasip1")
}

#[cfg(all(target_os = "wasi", target_env = "p1"))]
fn main() -> Result<()> {
    let rounds = guest_bench::rounds::Rounds::from_arguments()?;
    guest_bench::measured(|| measuring::all(&rounds))
}

#[cfg(all(target_os = "wasi", target_env = "p1"))]
mod measuring {
    use anyhow::{Result, ensure};
    use guest_bench::rounds::Rounds;
    use guest_bench::same;
    use wasip1::{
        Ciovec, Fd, Iovec, LOOKUPFLAGS_SYMLINK_FOLLOW, OFLAGS_DIRECTORY, Oflags,
        RIGHTS_FD_FILESTAT_GET, RIGHTS_FD_READ, RIGHTS_FD_READDIR, RIGHTS_FD_SEEK, RIGHTS_FD_SYNC,
        RIGHTS_FD_WRITE, Rights,
    };

    const TOP: Fd = 3;
    const FILE: &str = "calls/file";
    const FOLDER: &str = "calls";
    const SIZE: usize = 1 << 20;
    /// What is written between two syncs: less than a volume gathers, so that it is the call
    /// that is measured. What storing costs, the phases show.
    const GATHERED: usize = 512 << 10;
    const ENTRIES: usize = 1000;
    /// What wasi-libc asks for at a time.
    const LISTED: usize = 4096;
    const PAGE: usize = 4 << 10;
    const PIECE: usize = 64 << 10;

    pub(super) fn all(rounds: &Rounds) -> Result<()> {
        make()?;
        let file = open(FILE, Oflags::default())?;
        rounds.alone("fd_filestat_get", |_| same("size", size(file)?, SIZE))?;
        rounds.alone("path_filestat_get", |_| same("size", size_at()?, SIZE))?;
        rounds.alone("path_open+fd_close", |_| close(open(FILE, Oflags::default())?))?;
        let mut bytes = vec![7; PIECE];
        for (name, length) in [("fd_pread 4 KiB", PAGE), ("fd_pread 64 KiB", PIECE)] {
            let read = |call| {
                let at = call * length % SIZE;
                same("bytes read", read(file, &mut bytes[..length], at)?, length)
            };
            rounds.each(name, SIZE / length * 4, read, || Ok(()))?;
        }
        for (name, length) in [("fd_pwrite 4 KiB", PAGE), ("fd_pwrite 64 KiB", PIECE)] {
            let write = |call| {
                let at = call * length % SIZE;
                same("bytes written", write(file, &bytes[..length], at)?, length)
            };
            rounds.each(name, GATHERED / length, write, || sync(file))?;
        }
        close(file)?;
        let folder = open(FOLDER, OFLAGS_DIRECTORY)?;
        let mut list = Listing::new(folder, &mut bytes[..LISTED]);
        // With `.`, `..` and the file.
        rounds.each("fd_readdir, an entry", ENTRIES + 3, |_| list.next(), || Ok(()))?;
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

    /// A directory that is listed over and over.
    struct Listing<'a> {
        folder: Fd,
        into: &'a mut [u8],
        /// The part that is filled, and where the next entry begins.
        used: usize,
        at: usize,
        cookie: u64,
    }

    impl<'a> Listing<'a> {
        const HEAD: usize = size_of::<wasip1::Dirent>();

        fn new(folder: Fd, into: &'a mut [u8]) -> Self {
            Self { folder, into, used: 0, at: 0, cookie: 0 }
        }

        /// One more entry; after the last the first.
        fn next(&mut self) -> Result<()> {
            while !self.take() {
                // What is not full was the end.
                if self.used > 0 && self.used < self.into.len() {
                    self.cookie = 0;
                }
                let (to, length) = (self.into.as_mut_ptr(), self.into.len());
                // SAFETY: `into` is borrowed, and as long as is said.
                self.used = unsafe { wasip1::fd_readdir(self.folder, to, length, self.cookie) }?;
                self.at = 0;
                ensure!(self.used > Self::HEAD, "there are entries");
            }
            Ok(())
        }

        /// Whether there was a whole one.
        fn take(&mut self) -> bool {
            let rest = &self.into[self.at..self.used];
            let Some((head, names)) = rest.split_at_checked(Self::HEAD) else { return false };
            // SAFETY: the host wrote a whole head, of numbers alone; it may lie anywhere.
            let head = unsafe { head.as_ptr().cast::<wasip1::Dirent>().read_unaligned() };
            let whole = names.len() >= head.d_namlen as usize;
            if whole {
                self.cookie = head.d_next;
                self.at += Self::HEAD + head.d_namlen as usize;
            }
            whole
        }
    }
}
