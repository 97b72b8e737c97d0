//! The fast path's cell: contents that many threads read while one puts them in and takes
//! them out, without a lock.
//!
//! One atomic word decides everything. Its low bits count the readers that are inside, three
//! high bits say what the cell holds:
//!
//! ```text
//!             publish                    withdraw, nobody inside
//!   empty ──► CLAIMED ──► PUBLISHED ──────────────► CLAIMED ──► empty
//!                             │ withdraw, readers inside           ▲
//!                             └────► LEFT ── last reader out ──► CLAIMED
//! ```
//!
//! A reader counts itself in before it looks, and may use what it found only if `PUBLISHED`
//! was set in that very step. Whoever is to take the contents out first wins `CLAIMED` from a
//! word without readers, so they are taken once and never under a reader.

#![expect(unsafe_code, reason = "the word decides who may touch the cell")]

use crate::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use std::fmt;

/// The contents may be read.
const PUBLISHED: usize = 1 << (usize::BITS - 1);
/// The contents were withdrawn under readers; the last one out drops them.
const LEFT: usize = 1 << (usize::BITS - 2);
/// One thread alone puts contents in or takes them out.
const CLAIMED: usize = 1 << (usize::BITS - 3);
const STATE: usize = PUBLISHED | LEFT | CLAIMED;

/// A value that can be read while it is published.
///
/// A reader never waits, and neither does the one who withdraws: what readers are still using
/// then is dropped by the last of them. Who must hear of that drop keeps a clone, as the hub
/// does: it drops what `withdraw` gave, if anything, and then calls
/// [`Contents::release`](super::Contents::release) on its own, which tells when the memory
/// that a reader still has comes back.
pub struct Published<T> {
    word: AtomicUsize,
    cell: shim::UnsafeCell<Option<T>>,
}

// SAFETY: the value is shared by readers on several threads (`Sync`) and dropped by whichever
// leaves last (`Send`); the word allows writing to one thread alone, as the module says.
unsafe impl<T: Send + Sync> Sync for Published<T> {}

impl<T> Published<T> {
    /// An empty cell.
    pub fn new() -> Self {
        Self {
            word: AtomicUsize::new(0),
            cell: shim::UnsafeCell::new(None),
        }
    }

    /// Lets readers see `value`.
    ///
    /// # Errors
    /// The value, if another one is published or readers have not left the last one yet.
    pub fn publish(&self, value: T) -> Result<(), T> {
        let claim = |word| (word & STATE == 0).then_some(word | CLAIMED);
        if self.word.fetch_update(Acquire, Relaxed, claim).is_err() {
            return Err(value);
        }
        // SAFETY: the claim keeps every other writer out, and readers that are counted now saw
        // no `PUBLISHED` when they came and touch nothing.
        self.cell.with_mut(|cell| unsafe { *cell = Some(value) });
        self.word.fetch_xor(CLAIMED | PUBLISHED, Release);
        Ok(())
    }

    /// Calls `read` with what is published, or answers `None`. Takes no lock and never waits.
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let before = self.word.fetch_add(1, Acquire);
        let _inside = Inside(self);
        if before & PUBLISHED == 0 {
            return None;
        }
        // SAFETY: `PUBLISHED` was set as this reader was counted, so the value was complete
        // before, and nobody claims the cell until the count is down again.
        self.cell.with(|cell| unsafe { (*cell).as_ref().map(read) })
    }

    /// Whether a read that begins now would find something.
    pub fn is_published(&self) -> bool {
        self.word.load(Acquire) & PUBLISHED != 0
    }

    /// Ends the publication: no read that begins after this sees the value.
    ///
    /// Gives the value back if no reader is inside. Else, and if nothing was published, gives
    /// `None`; the last reader out then drops the value.
    pub fn withdraw(&self) -> Option<T> {
        let end = |word| match word {
            PUBLISHED => Some(CLAIMED),
            _ if word & PUBLISHED != 0 => Some(word ^ (PUBLISHED | LEFT)),
            _ => None,
        };
        match self.word.fetch_update(AcqRel, Relaxed, end) {
            Ok(PUBLISHED) => self.take_claimed(),
            Ok(_) | Err(_) => None,
        }
    }

    fn leave(&self) {
        if self.word.fetch_sub(1, Release) == LEFT | 1
            && self
                .word
                .compare_exchange(LEFT, CLAIMED, Acquire, Relaxed)
                .is_ok()
        {
            drop(self.take_claimed());
        }
    }

    /// Takes the value out, for the one who holds the claim, and gives the claim up.
    fn take_claimed(&self) -> Option<T> {
        // SAFETY: the claim was won from a word without readers, with acquire, so every reader
        // that used the value has left before; later ones see no `PUBLISHED`.
        let value = self.cell.with_mut(|cell| unsafe { (*cell).take() });
        self.word.fetch_and(!CLAIMED, Release);
        value
    }
}

/// Counts a reader out, also when it panics.
struct Inside<'a, T>(&'a Published<T>);

impl<T> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl<T> Default for Published<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("published", &self.is_published())
            .finish_non_exhaustive()
    }
}

/// Loom's cell watches who touches it; std's is given the same two methods.
mod shim {
    #[cfg(staging_loom)]
    pub(super) use loom::cell::UnsafeCell;

    #[cfg(not(staging_loom))]
    pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    #[cfg(not(staging_loom))]
    impl<T> UnsafeCell<T> {
        pub(super) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        pub(super) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_bit_of_its_own_and_all_below_them_count() {
        assert_eq!([PUBLISHED, LEFT, CLAIMED].map(usize::count_ones), [1; 3]);
        assert_eq!(STATE.leading_ones(), 3);
        assert_eq!(STATE.count_ones(), 3);
    }
}
