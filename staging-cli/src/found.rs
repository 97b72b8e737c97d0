//! What the list has come upon so far; counted by the walk, read by everyone.

use crate::summary::Trouble;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the list has come upon so far.
#[derive(Default)]
pub(crate) struct Found {
    files: AtomicU64,
    bytes: AtomicU64,
    skipped: AtomicU64,
    complete: AtomicBool,
    troubles: Mutex<Vec<Trouble>>,
}

impl Found {
    /// One more file, and its length where lengths are wanted.
    pub(crate) fn count(&self, bytes: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Something inside a directory that is no regular file.
    pub(crate) fn skip(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// Something that could not be read.
    pub(crate) fn note(&self, trouble: Trouble) {
        self.troubles().push(trouble);
    }

    /// Everything that was named has been walked.
    pub(crate) fn complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    pub(crate) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    pub(crate) fn take_troubles(&self) -> Vec<Trouble> {
        std::mem::take(&mut *self.troubles())
    }

    fn troubles(&self) -> MutexGuard<'_, Vec<Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
