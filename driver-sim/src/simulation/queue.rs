//! What happens next: by time, and at one time in the order in which it was put there.

use staging_core::Tick;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something that happens at its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Due {
    /// The flight at this place ends.
    Flight(u32),
    /// The stranger at this place acts.
    Stranger(u32),
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(Tick, u64, Due)>>,
    pushed: u64,
}

impl Queue {
    pub(super) fn push(&mut self, at: Tick, due: Due) {
        self.heap.push(Reverse((at, self.pushed, due)));
        self.pushed += 1;
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse((at, _, _))| *at)
    }

    pub(super) fn pop(&mut self) -> Option<(Tick, Due)> {
        self.heap.pop().map(|Reverse((at, _, due))| (at, due))
    }
}
