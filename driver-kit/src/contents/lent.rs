//! Memory that is out: who hears of it when it comes back.
//!
//! A file that is unstaged gives up its contents, but slices of them may still be held by
//! readers. The budget must not be freed before the memory is, so the file leaves a word with
//! the contents, and the last holder passes it on.

use crate::sync::Mutex;
use std::{
    fmt,
    sync::{Arc, PoisonError},
};

/// Called once with the charged bytes that came back, after they did.
///
/// It runs on whatever thread dropped the last slice, outside every lock of this module.
pub type Notify = Arc<dyn Fn(u64) + Send + Sync>;

/// What is known of the memory behind one contents.
///
/// The last drop and the release may race: the lock decides which came first, and either way
/// exactly one of "returned at once" and "notified later" is what happens.
pub(super) struct Lent {
    charged: u64,
    state: Mutex<State>,
}

enum State {
    /// Somebody has the memory, and nobody asked to be told when it returns.
    Out,
    /// Somebody has the memory; tell this one.
    Watched(Notify),
    /// The memory has returned.
    Back,
}

impl Lent {
    pub(super) fn new(charged: u64) -> Arc<Self> {
        Arc::new(Self {
            charged,
            state: Mutex::new(State::Out),
        })
    }

    pub(super) const fn charged(&self) -> u64 {
        self.charged
    }

    /// Asks to be told when the memory returns; 0 if it has, or if another was asked before.
    pub(super) fn watch(&self, notify: Notify) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Out => {
                *state = State::Watched(notify);
                self.charged
            }
            State::Watched(_) | State::Back => 0,
        }
    }

    fn returned(&self) {
        let before = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *state, State::Back)
        };
        match before {
            State::Watched(notify) => notify(self.charged),
            State::Out | State::Back => {}
        }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("charged", &self.charged)
            .finish_non_exhaustive()
    }
}

/// Says that the memory is back when dropped: the last field of whatever holds the memory, so
/// that the memory has gone back before.
#[derive(Debug)]
pub(super) struct Announce(pub(super) Arc<Lent>);

impl Drop for Announce {
    fn drop(&mut self) {
        self.0.returned();
    }
}
