//! What only locks have: who asked for what, and what they go by.

use crate::completion::Key;
use crate::id::{Id, IoId, LockId, OpId};
use crate::intervals::Root;
use crate::lock::{Patience, Scope, Sharing, Span};
use crate::slab::List;

/// Locks that wait for the same one.
pub(in crate::machine) const DEPENDENTS: usize = 0;

/// A lock: it is waited for, held, or on its way back.
#[derive(Clone, Copy)]
pub(in crate::machine) struct Lock {
    pub target: LockTargetId,
    pub span: Span,
    pub sharing: Sharing,
    pub scope: Scope,
    pub patience: Patience,
    pub state: LockState,
    /// Those that met it and came later, each waiting for it as the latest in its way.
    pub dependents: List,
}

/// Where a lock is. In each of these it has its place among those of its target.
#[derive(Clone, Copy)]
pub(in crate::machine) enum LockState {
    /// In `dependents` of one that came before, until that one is gone.
    InLine { op: OpId, behind: Option<LockId> },
    /// The system is asked; before that it rested so long, in nanoseconds.
    Trying { op: OpId, io: IoId, rested: u64 },
    /// Another process is in the way: in `retries`, for so long.
    Resting { op: OpId, rest: u64 },
    /// It is the caller's.
    Held,
    /// Nobody waits for it any more, and the system is still being asked.
    GivenUp,
    /// It is being given back.
    Releasing,
}

/// Marks a [`LockTargetId`].
#[derive(Clone)]
pub(in crate::machine) enum LockTargetKind {}
pub(in crate::machine) type LockTargetId = Id<LockTargetKind>;

/// What locks of one path go by: all of them, by range.
#[derive(Clone)]
pub(in crate::machine) struct LockTarget {
    pub key: Key,
    pub ranges: Root,
}
