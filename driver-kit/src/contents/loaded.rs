//! Contents that were loaded: immutable bytes in the arena, handed out without a copy.

use super::{
    Block,
    lent::{Announce, Lent, Notify},
};
use bytes::Bytes;
use std::sync::Arc;

/// Immutable bytes of a file in the arena. Clones and slices share them by a count.
///
/// The memory returns to its pool when the last clone and the last slice are dropped (G1:
/// contents handed out stay valid whatever becomes of the file's staging).
#[derive(Debug, Clone)]
pub struct Loaded {
    bytes: Bytes,
    lent: Arc<Lent>,
}

impl Loaded {
    pub(super) fn new(block: Block, filled: usize) -> Self {
        let lent = Lent::new(block.charged());
        let filled = filled.min(block.len());
        let owner = Owner {
            block,
            filled,
            _back: Announce(Arc::clone(&lent)),
        };
        Self {
            bytes: Bytes::from_owner(owner),
            lent,
        }
    }

    /// All bytes; cloning and slicing them only counts.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What the run behind these bytes costs the budget.
    pub fn charged(&self) -> u64 {
        self.lent.charged()
    }

    /// Gives up this reference, for the file whose contents these were.
    ///
    /// Returns 0 if the memory went back, else the charged bytes that are still out; then
    /// `notify` is called with them once, when the last slice was dropped and the memory is
    /// back. Of several clones one is released, the others are dropped: a second release
    /// answers 0, because the first answers for the memory.
    pub fn release(self, notify: Notify) -> u64 {
        let Self { bytes, lent } = self;
        drop(bytes);
        lent.watch(notify)
    }
}

/// What `Bytes` keeps alive. The fields go in this order: memory first, word of it after.
struct Owner {
    block: Block,
    filled: usize,
    _back: Announce,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.block[..self.filled]
    }
}
