//! What `handle` answers at once.

use crate::action::Bound;
use crate::id::{FileId, HandleId, LockId, OpId};
use crate::limit::Limit;

/// The immediate answer to an [`Event`](crate::Event).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use = "it says who owns what was brought along"]
pub enum Reply {
    /// The request was accepted; its outcome will be told under this id.
    Accepted {
        /// The operation.
        op: OpId,
    },
    /// The open was accepted; the handle is reserved, to be used after the outcome `Opened`.
    Opening {
        /// The operation.
        op: OpId,
        /// The handle it will give. The driver needs its path when it is told to open it.
        handle: HandleId,
    },
    /// The lock was accepted, and has a name; it is held after the outcome `Locked`.
    Locking {
        /// The operation.
        op: OpId,
        /// The lock. The driver needs its path when it is told to try it.
        lock: LockId,
    },
    /// The request was refused; nothing changed, and its payload is still the caller's.
    Rejected(Reject),
    /// What the completion brought, a descriptor or contents or both, belongs to this file now.
    Adopted {
        /// The file.
        file: FileId,
    },
    /// What the completion brought is needed by nobody: drop it before saying anything else.
    Surplus,
    /// The event was applied.
    Done,
    /// The event changed nothing: a race that was lost, or a driver's mistake. Counted in
    /// [`Stats::ignored`](crate::Stats::ignored). Whatever it brought is to be dropped.
    Ignored(Ignored),
}

/// Why a request was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Reject {
    /// A limit is reached; [`Tell::Room`](crate::Tell::Room) says once when it is not (R12).
    Full(Bound),
    /// No such handle, or not open yet, or no longer.
    UnknownHandle,
    /// The range ends beyond what 64 bits can count; for a write, beyond what a signed 64-bit
    /// offset can; for a lock, before it begins, or has no bytes.
    BadRange,
    /// The handle was not opened for writing.
    ReadOnly,
    /// A sync of the file failed since the handle was opened: what was written may be lost. Open
    /// the file again, and write it again (R8).
    SyncFailed,
    /// Nothing could be done with such a bound: it must be 1 at least (R12).
    BadLimit(Limit),
    /// A shutdown began, and this would make new work (S2).
    ShuttingDown,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Ignored {
    /// No such operation is waiting: it was answered before.
    UnknownOp,
    /// No such action was handed out, or it was completed before.
    UnknownIo,
    /// No such handle, or it was dropped before; for an interval, one that may not write.
    UnknownHandle,
    /// No such lock is held: it was given back before, or is not held yet.
    UnknownLock,
    /// The action was asked, but ends in another kind of completion.
    WrongKind,
    /// More was read, loaded or returned than there was.
    Impossible,
    /// The machine is closed.
    Closed,
}
