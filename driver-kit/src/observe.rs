//! Observers: who wants to see what happens (S7).

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, lock};
use staging_core::{Cause, IoKind, PhaseName};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Something that happened, for those who look on.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Another chunk of a file was brought into memory (G7); told at most once for each chunk.
    Progress {
        /// The file.
        path: Arc<Path>,
        /// Bytes in memory.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A phase of the shutdown began (S1).
    Phase {
        /// Which.
        phase: PhaseName,
        /// Why.
        cause: Cause,
        /// Why, in the words of whoever asked for the shutdown, if he gave any (S8).
        reason: Option<Arc<str>>,
    },
    /// An action under way was given up by the shutdown (S3).
    Abandoned {
        /// The file.
        path: Arc<Path>,
        /// What was being done.
        kind: IoKind,
    },
}

/// Called for each notice, outside every lock; it may call back in.
pub type Observer = Arc<dyn Fn(&Notice) + Send + Sync>;

/// Those who look on. Each hears everything in the order in which it was decided, whichever threads
/// tell it; so `Closed` is the last that is ever heard (S5).
#[derive(Default)]
pub struct Observers {
    list: Mutex<Vec<Observer>>,
    queue: Mutex<Queue>,
    panics: AtomicU32,
}

/// What is still to be told.
#[derive(Default)]
struct Queue {
    notices: VecDeque<Notice>,
    /// Somebody is telling one, and will come for the next.
    telling: bool,
}

impl Observers {
    /// Adds one, for everything from now on.
    pub fn add(&self, observer: Observer) {
        lock(&self.list).push(observer);
    }

    /// How many panics of observers were caught.
    pub fn panics(&self) -> u32 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Keeps a notice to be told. Under the hub's lock, so that the order is the machine's.
    pub(crate) fn keep(&self, notice: Notice) {
        lock(&self.queue).notices.push_back(notice);
    }

    /// Tells what is kept, outside every lock; or leaves it to whoever is telling already, who may
    /// be this very thread, further up.
    pub(crate) fn tell_kept(&self) {
        while let Some(notice) = self.next() {
            self.tell(&notice);
            lock(&self.queue).telling = false;
        }
    }

    fn next(&self) -> Option<Notice> {
        let mut queue = lock(&self.queue);
        if queue.telling {
            return None;
        }
        let notice = queue.notices.pop_front()?;
        queue.telling = true;
        Some(notice)
    }

    /// Tells all of them. A panic in one is recorded, and the others are still told.
    fn tell(&self, notice: &Notice) {
        tracing::debug!(?notice, "notice");
        let list = lock(&self.list).clone();
        for observer in &list {
            if catch_unwind(AssertUnwindSafe(|| observer(notice))).is_err() {
                self.panics.fetch_add(1, Ordering::Relaxed);
                tracing::error!("an observer panicked");
            }
        }
    }
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observers")
            .field("count", &lock(&self.list).len())
            .finish_non_exhaustive()
    }
}
