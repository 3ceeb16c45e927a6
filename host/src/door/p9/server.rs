//! What is served, to how many, and how much of it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::session::{Late, Session};
use crate::descriptor::Owners;
use crate::mount::MountTable;
use crate::shared::Ref;
use crate::trace::{Trace, Tracer};

/// How much one connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes the longest message has. At least [`Limits::MSIZE_MIN`].
    pub msize: u32,
    /// How many fids there are at once: one for each object that the client knows of.
    pub fids: usize,
    /// How many requests wait for their answers.
    pub outstanding: usize,
}

impl Limits {
    /// Less than this no message may be: a name and all that stands around it has to fit.
    pub const MSIZE_MIN: u32 = 4096;
}

impl Default for Limits {
    fn default() -> Self {
        Self { msize: 1 << 20, fids: 1 << 18, outstanding: 1 << 10 }
    }
}

/// Mounts, served. Clones are the same server.
#[derive(Clone)]
pub struct Server(Ref<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) mounts: MountTable,
    pub(super) owners: Owners,
    pub(super) limits: Limits,
    pub(super) trace: Trace,
}

impl Server {
    /// Serves `mounts`: a client attaches to one of them, or to a directory below, by its
    /// path.
    #[must_use]
    pub fn new(mounts: MountTable) -> Self {
        let (owners, limits) = (Owners::default(), Limits::default());
        Self(Ref::new(Settings { mounts, owners, limits, trace: Trace::default() }))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Ref::unwrap_or_clone(self.0);
        change(&mut settings);
        Self(Ref::new(settings))
    }

    /// Whose the files are.
    #[must_use]
    pub fn owners(self, owners: Owners) -> Self {
        self.with(|settings| settings.owners = owners)
    }

    /// How much one connection may take.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        let msize = limits.msize.max(Limits::MSIZE_MIN);
        self.with(|settings| settings.limits = Limits { msize, ..limits })
    }

    /// Tells `tracer`, in most cases a closure, of each request.
    #[must_use]
    pub fn trace(self, tracer: Ref<dyn Tracer>) -> Self {
        self.with(|settings| settings.trace = Trace(Some(tracer)))
    }

    /// A connection; `late` takes the replies that do not come at once.
    #[must_use]
    pub fn session(&self, late: Ref<dyn Late>) -> Session {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Session::new(self.clone(), NEXT.fetch_add(1, Ordering::Relaxed), late)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0
    }
}
