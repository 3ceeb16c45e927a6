//! A native directory. On Linux descriptors of the system are the nodes, through
//! rustix, so that everything the contract can say is there; elsewhere cap-std
//! does what it can. No path ever leads out: a call gets validated names, and no
//! symbolic link is followed.

mod errno;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), feature = "testing"))]
mod portable;

#[cfg(target_os = "linux")]
pub use self::linux::Dir;
#[cfg(not(target_os = "linux"))]
pub use self::portable::Dir;
/// What [`Dir`] is on other systems, so that the behaviour suite reaches it here.
#[cfg(all(target_os = "linux", feature = "testing"))]
pub use self::portable::Dir as PortableDir;

use std::io;
use std::path::Path;

use crate::error::{ErrorCode, SetupError};

/// Opens the directory that is to be mounted, with the embedder's own rights.
fn open_ambient(path: &Path) -> Result<cap_std::fs::Dir, SetupError> {
    cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority())
        .map_err(|error| not_opened(path, &error))
}

fn not_opened(path: &Path, error: &io::Error) -> SetupError {
    let code = errno::from_io(error);
    let hint = match code {
        ErrorCode::NoEntry => "create it first, or give the path of one that exists",
        ErrorCode::NotDirectory => "give the path of a directory",
        ErrorCode::Access | ErrorCode::NotPermitted => {
            "run as a user who may read it, or change its permissions"
        }
        _ => "check that it can be listed from a shell",
    };
    SetupError::new(
        code,
        format!("cannot open the directory '{}': {error}; {hint}", path.display()),
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
