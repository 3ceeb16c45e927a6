//! A disk in a file of the operating system, locked against a second opener.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::Disk;
use crate::backend::Destination;
use crate::error::{ErrorCode, Result, SetupError};

/// A file that this process has for itself.
pub struct NativeFile {
    file: File,
}

impl NativeFile {
    /// Opens a file, or makes an empty one.
    ///
    /// # Errors
    /// `busy` if another process, or another part of this one, has it open; otherwise what
    /// the system says.
    pub fn open(path: &Path) -> Result<Self, SetupError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(|error| not_opened(path, &error))?;
        locked(path, file.try_lock())?;
        Ok(Self { file })
    }

    /// Opens a file that is there, for reading only. Others may read it at the same time.
    ///
    /// # Errors
    /// As [`NativeFile::open`].
    pub fn open_read_only(path: &Path) -> Result<Self, SetupError> {
        let file = File::open(path).and_then(not_a_directory);
        let file = file.map_err(|error| not_opened(path, &error))?;
        locked(path, file.try_lock_shared())?;
        Ok(Self { file })
    }
}

/// Opening a directory for reading is no error to the system.
fn not_a_directory(file: File) -> io::Result<File> {
    let is_dir = file.metadata()?.is_dir();
    if is_dir { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

fn not_opened(path: &Path, error: &io::Error) -> SetupError {
    let code = match error.kind() {
        io::ErrorKind::NotFound => ErrorCode::NoEntry,
        io::ErrorKind::PermissionDenied => ErrorCode::Access,
        io::ErrorKind::IsADirectory => ErrorCode::IsDirectory,
        io::ErrorKind::ReadOnlyFilesystem => ErrorCode::ReadOnly,
        _ => code(error),
    };
    let message = format!(
        "cannot open the volume '{}': {error}; check the path and its permissions",
        path.display()
    );
    SetupError::new(code, message)
}

fn locked(path: &Path, answer: Result<(), TryLockError>) -> Result<(), SetupError> {
    let shown = path.display();
    answer.map_err(|error| match error {
        TryLockError::WouldBlock => {
            let message = format!(
                "the volume '{shown}' is in use; end the program that has it open, \
                 or wait until it has"
            );
            SetupError::new(ErrorCode::Busy, message)
        }
        TryLockError::Error(error) => {
            let message = format!(
                "cannot lock the volume '{shown}': {error}; \
                 keep it on a file system that has locks"
            );
            SetupError::new(ErrorCode::NoLock, message)
        }
    })
}

fn code(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorCode::InsufficientSpace
        }
        _ => ErrorCode::Io,
    }
}

/// Asks again what a signal interrupted.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer.map_err(|error| code(&error)),
        }
    }
}

#[cfg(unix)]
use std::os::unix::fs::FileExt;
#[cfg(windows)]
use std::os::windows::fs::FileExt;

impl Disk for NativeFile {
    fn read_at(&mut self, into: Destination<'_>, at: u64) -> Result<usize> {
        let Destination::Slice(into) = into;
        #[cfg(unix)]
        return uninterrupted(|| self.file.read_at(into, at));
        #[cfg(windows)]
        return uninterrupted(|| self.file.seek_read(into, at));
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> Result<usize> {
        #[cfg(unix)]
        return uninterrupted(|| self.file.write_at(bytes, at));
        #[cfg(windows)]
        return uninterrupted(|| self.file.seek_write(bytes, at));
    }

    fn len(&mut self) -> Result<u64> {
        self.file.metadata().map(|found| found.len()).map_err(|error| code(&error))
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        #[cfg(all(target_os = "linux", feature = "dir"))]
        {
            use rustix::fs::FallocateFlags;
            let old = self.len()?;
            if len > old {
                // A hole would be a promise that the system does not keep when it is full.
                let grown =
                    rustix::fs::fallocate(&self.file, FallocateFlags::empty(), old, len - old);
                match grown {
                    Ok(()) => return Ok(()),
                    Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
                        return Err(ErrorCode::InsufficientSpace);
                    }
                    // Not every file system can; then a hole is what there is.
                    Err(_) => {}
                }
            }
        }
        uninterrupted(|| self.file.set_len(len))
    }

    fn room(&mut self) -> Option<u64> {
        #[cfg(all(target_os = "linux", feature = "dir"))]
        if let Ok(state) = rustix::fs::fstatvfs(&self.file) {
            return Some(state.f_bavail.saturating_mul(state.f_frsize));
        }
        None
    }

    fn flush(&mut self) -> Result<()> {
        uninterrupted(|| self.file.sync_data())
    }

    fn close(&mut self) {
        // The lock goes with the file; giving it up now lets the next opener in at once.
        let _ = self.file.unlock();
    }
}
