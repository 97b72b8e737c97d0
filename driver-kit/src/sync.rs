//! The one place where the kit takes its concurrency primitives from: std in a normal build,
//! loom when the build says `--cfg staging_loom`, shuttle when it says `--cfg staging_shuttle`.
//!
//! `Arc` stays std's in all of them, so that leaks are counted by the tests themselves; no timed
//! wait and no `try_lock` is offered, because a model could not tell whether they hide a lost
//! wake-up.

#[cfg(not(any(staging_loom, staging_shuttle)))]
pub use std::{
    sync::{Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(staging_loom)]
pub use loom::{
    sync::{Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(staging_shuttle)]
pub use shuttle::{
    sync::{Mutex, MutexGuard, atomic},
    thread,
};

use std::sync::PoisonError;

/// Takes a lock. The one poison policy of the kit: go on.
///
/// What is under these locks is changed by code that does not panic; callers' code (observers,
/// handlers, iterators of paths, wakers) runs outside of them, or cannot leave them half changed.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
