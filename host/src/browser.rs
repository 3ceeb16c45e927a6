//! The file systems that a page can mount by name.

#[cfg(feature = "tree")]
use crate::backend::tree::Tree;
use crate::backend::volume::Volume;
use crate::error::{ErrorCode, SetupError};
use crate::mount::FileSystem;
use crate::shared::Ref;

/// Opens what `KIND:NAME` stands for.
///
/// # Errors
/// A kind that is not there, and what the backend says.
#[cfg_attr(not(feature = "tree"), allow(clippy::unused_async))]
pub(crate) async fn open(kind: &str, name: &str) -> Result<FileSystem, SetupError> {
    match kind {
        "memory" => Ok(FileSystem::new(Ref::new(Volume::in_memory(1 << 30)?))),
        #[cfg(feature = "tree")]
        "tree" => Ok(FileSystem::new(Ref::new(Tree::open(name).await?))),
        _ => {
            let message = format!(
                "there is no kind of mount '{kind}' (for '{name}'); use tree:NAME or memory"
            );
            Err(SetupError::new(ErrorCode::Invalid, message))
        }
    }
}
