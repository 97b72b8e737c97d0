//! When the machine wants to be called again, and why.

use crate::id::{FileId, LockId, OpId};
use crate::time::Tick;

/// When to call again at the latest, whatever else happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Wake {
    /// The moment; not later than now if there is something to poll.
    pub at: Tick,
    /// What will be due.
    pub reason: WakeReason,
}

/// Why the machine wants to be called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum WakeReason {
    /// Something is to be told: call [`poll_told`](crate::Machine::poll_told).
    Told,
    /// Work is to be carried out: call [`poll_io`](crate::Machine::poll_io).
    Io,
    /// The deadline of an operation passes: say [`Event::Ticked`](crate::Event::Ticked).
    Deadline(OpId),
    /// A lock that another process has is to be tried again: say [`Event::Ticked`](crate::Event::Ticked).
    Retry(LockId),
    /// A file is to be synced that nobody asked to sync (L3): say
    /// [`Event::Ticked`](crate::Event::Ticked).
    Sync(FileId),
    /// A phase of the shutdown runs out of time: say [`Event::Ticked`](crate::Event::Ticked).
    PhaseEnds,
}
