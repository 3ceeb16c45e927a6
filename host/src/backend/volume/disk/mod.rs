//! What a volume is kept on: one run of bytes that can be read, written, resized and
//! flushed. Nothing here knows what the bytes mean.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(all(feature = "tree", target_arch = "wasm32"))]
mod opfs;
mod ram;

#[cfg(not(target_arch = "wasm32"))]
pub use self::native::NativeFile;
#[cfg(all(feature = "tree", target_arch = "wasm32"))]
pub use self::opfs::OpfsFile;
pub use self::ram::Ram;
use crate::backend::Destination;
use crate::error::{ErrorCode, Result};
use crate::shared::Shared;

/// The storage of one volume. Nobody else changes it while it is open.
///
/// Every call may answer `insufficient-space` or `io`. What a failed call leaves of the
/// range it was given is unknown; all else is as it was.
#[allow(clippy::len_without_is_empty)] // Nobody asks whether a disk is empty.
pub trait Disk: Shared {
    /// Reads from `at`; fewer bytes than asked for at the end, or for any other reason,
    /// but none only at the end.
    ///
    /// # Errors
    /// `io`.
    fn read_at(&mut self, into: Destination<'_>, at: u64) -> Result<usize>;

    /// Writes to `at`, and answers how many bytes it took; none if it is full.
    ///
    /// # Errors
    /// `insufficient-space`, `io`.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> Result<usize>;

    /// How many bytes there are.
    ///
    /// # Errors
    /// `io`.
    fn len(&mut self) -> Result<u64>;

    /// Cuts it, or lets it grow by zeros. Where the storage can promise room, writes into
    /// what has grown do not fail for want of it.
    ///
    /// # Errors
    /// `insufficient-space`, `io`.
    fn set_len(&mut self, len: u64) -> Result<()>;

    /// How many bytes it can grow by, as far as that is known without waiting for it.
    fn room(&mut self) -> Option<u64>;

    /// Returns when all that was written will survive a power cut.
    ///
    /// # Errors
    /// `io`.
    fn flush(&mut self) -> Result<()>;

    /// Lets go of it; no call follows.
    fn close(&mut self);
}

/// Fills all of `into`; what lies behind the end is `io`.
pub(super) fn read_all<'a>(
    disk: &mut dyn Disk,
    into: impl Into<Destination<'a>>,
    at: u64,
) -> Result<()> {
    let mut into = into.into();
    let (mut done, all) = (0, into.len());
    while done < all {
        match disk.read_at(into.part(done, all), at + done as u64)? {
            0 => return Err(ErrorCode::Io),
            // A count that cannot be is a storage that is not to be believed.
            count if count > all - done => return Err(ErrorCode::Io),
            count => done += count,
        }
    }
    Ok(())
}

/// Writes all of `bytes`. Full storage is an error in one engine, a short count in another.
pub(super) fn write_all(disk: &mut dyn Disk, bytes: &[u8], at: u64) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match disk.write_at(&bytes[done..], at + done as u64)? {
            0 => return Err(ErrorCode::InsufficientSpace),
            count if count > bytes.len() - done => return Err(ErrorCode::InsufficientSpace),
            count => done += count,
        }
    }
    Ok(())
}
