//! What differs between native code, which has threads, and wasm32, where
//! JavaScript objects stay on one: how things are counted and what traits ask.

#[cfg(not(target_arch = "wasm32"))]
mod per_target {
    /// A counted reference.
    pub type Ref<T> = std::sync::Arc<T>;
    /// A reference that does not keep its target alive.
    pub type WeakRef<T> = std::sync::Weak<T>;
    /// Anything that a [`Ref`] may hold.
    pub type AnyShared = dyn std::any::Any + Send + Sync;
    /// What a backend's types have to be: usable from every thread.
    pub trait Shared: Send + Sync + 'static {}
    impl<T: Send + Sync + 'static + ?Sized> Shared for T {}
}

#[cfg(target_arch = "wasm32")]
mod per_target {
    /// A counted reference.
    pub type Ref<T> = std::rc::Rc<T>;
    /// A reference that does not keep its target alive.
    pub type WeakRef<T> = std::rc::Weak<T>;
    /// Anything that a [`Ref`] may hold.
    pub type AnyShared = dyn std::any::Any;
    /// What a backend's types have to be: nothing but free of borrows.
    pub trait Shared: 'static {}
    impl<T: 'static + ?Sized> Shared for T {}
}

pub use per_target::{AnyShared, Ref, Shared, WeakRef};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, also after a panic in another thread: what the locks of this
/// crate guard is whole between any two statements.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
