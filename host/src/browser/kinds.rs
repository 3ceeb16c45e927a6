//! The file systems that a page can mount by name. What has a name is one thing in all of
//! this worker: a volume that is mounted twice is opened once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use async_lock::Mutex;

use crate::backend::tree::Tree;
use crate::backend::volume::{Options, Volume};
use crate::error::{ErrorCode, Result, SetupError};
use crate::mount::FileSystem;
use crate::shared::{Ref, WeakRef};

/// How much a `memory` holds, in bytes.
const MEMORY: u64 = 1 << 30;

/// What stands for one mount.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) fs: FileSystem,
    /// The same, if it is a volume.
    pub(super) volume: Option<Ref<Volume>>,
}

impl Opened {
    fn volume(volume: Ref<Volume>) -> Self {
        Self { fs: FileSystem::new(volume.clone()), volume: Some(volume) }
    }
}

/// A volume, if somebody has it open; locked while it is being opened.
type Known = Rc<Mutex<WeakRef<Volume>>>;

thread_local! {
    static VOLUMES: RefCell<HashMap<String, Known>> = RefCell::default();
}

/// Opens what `KIND:NAME` stands for; a volume with these options, unless it is open.
///
/// # Errors
/// A kind that is not there, and what the backend says.
pub(super) async fn open(kind: &str, name: &str, volumes: Options) -> Result<Opened, SetupError> {
    match kind {
        "volume" => volume(name, volumes).await.map(Opened::volume),
        "memory" => Volume::in_memory(MEMORY).map(Ref::new).map(Opened::volume),
        "tree" => {
            let fs = FileSystem::new(Ref::new(Tree::open(name).await?));
            Ok(Opened { fs, volume: None })
        }
        _ => {
            let message = format!(
                "there is no kind of mount '{kind}' (for '{name}'); \
                 use volume:NAME, tree:NAME or memory"
            );
            Err(SetupError::new(ErrorCode::Invalid, message))
        }
    }
}

async fn volume(name: &str, options: Options) -> Result<Ref<Volume>, SetupError> {
    let known = VOLUMES.with_borrow_mut(|volumes| {
        // Nobody has these open, and nobody is about to.
        volumes.retain(|_, known| {
            let idle = Rc::strong_count(known) == 1
                && known.try_lock().is_some_and(|volume| volume.strong_count() == 0);
            !idle
        });
        volumes.entry(name.to_owned()).or_default().clone()
    });
    let mut known = known.lock().await;
    if let Some(volume) = known.upgrade() {
        return Ok(volume);
    }
    let volume = Ref::new(Volume::open_opfs(name, options).await?);
    *known = Ref::downgrade(&volume);
    Ok(volume)
}
